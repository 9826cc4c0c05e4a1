"""Importing a watchlist: what a file would change, and then exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control import client
from control.protocol import Origin
from control.symbols import approvals, importing
from control.symbols.exporting import export
from control.symbols.importing import ImportOutdated, NotInPreview
from control.symbols.listings import ListingUnknown, listing
from control.symbols.parsing import FileRefused, Format
from control.symbols.previews import Preview, State
from settings_app import services
from settings_app.models import User
from settings_app.schema.markets import MOST_SYMBOLS
from tests.control.conftest import trader
from tests.control.recording import recorded
from tests.control.running import running_worker, status_when
from tests.settings_app.calling import row
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

ORIGIN = Origin(who="anna", via="command line")
MINE = [
    {"symbol": "BTC-USD", "exchange": "coinbase", "enabled": True, "categories": ["core"]},
    {"symbol": "ETH-USD", "exchange": "coinbase", "enabled": False, "categories": []},
]


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader(document={"watchlist": MINE})


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD")


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def mended(simulator: Simulator) -> Iterator[Simulator]:
    """The exchange, whose troubles end with the test."""
    yield simulator
    simulator.inject(faults.Accept())


def watchlist_of(user: User) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = services.read(user.pk).document.to_document()["watchlist"]
    return rows


def outcomes(shown: Preview) -> list[str]:
    return [str(row.outcome) for row in shown.rows]


def apply(user: User, shown: Preview, **more: Any) -> importing.Applied:
    return importing.apply(user, shown, by=user, origin=ORIGIN, wait=None, **more)


def others(count: int) -> list[str]:
    """Symbols that can be watched beside BTC-USD."""
    instruments = listing("coinbase").instruments.items()
    found = [symbol for symbol, one in instruments if one.streamable and symbol != "BTC-USD"]
    return found[:count]


# ------------------------------------------------------------------ telling
def test_a_preview_tells_what_becomes_of_each_row_and_changes_nothing(anna: User) -> None:
    before = row(anna)
    file = (
        "SOL-USD,,,fast|layer 1\nBTC-USD\nETH-USD\nSOL-USD\nBTCC-USD\nno symbol\n"
        "BTC-USD,kucoin\nLTC-USD,coinbase,false\n"
    )
    steps: list[tuple[int, int]] = []
    shown = importing.preview(anna, file, moved=lambda done, of: steps.append((done, of)))
    assert outcomes(shown) == [
        *("added", "already-there", "re-enabled", "twice", "unknown", "malformed"),
        *("exchange-not-enabled", "added"),
    ]
    sol, btc, eth, _, near, malformed, _, ltc = shown.rows
    assert (sol.before, sol.after) == (None, State(enabled=True, categories=("fast", "layer 1")))
    assert (btc.before, btc.after) == (State(enabled=True, categories=("core",)), None)
    assert (eth.after, eth.detail) == (State(enabled=True, categories=()), "turned on")
    assert near.nearest[0] == "BTC-USD"
    assert near.detail.startswith("Coinbase does not list it; did you mean BTC-USD")
    assert malformed.detail.startswith("line 6, column 1: the symbol must be")
    assert (ltc.after, ltc.detail) == (State(enabled=False, categories=()), "turned off")
    assert (shown.changes, sum(shown.counts.values()), shown.notes) == (3, 8, ())
    assert steps == [(number, 8) for number in range(1, 9)]
    assert row(anna) == before


@pytest.mark.parametrize(
    ("text", "outcome", "after"),
    [
        ("symbol,categories\nBTC-USD,core", "already-there", None),
        ("symbol,categories\nBTC-USD,core|old", "changed", State(True, ("core", "old"))),
        ("symbol,categories\nBTC-USD,", "changed", State(True, ())),
        ("symbol,enabled\nBTC-USD,no", "changed", State(False, ("core",))),
        ("symbol,enabled\nETH-USD,no", "already-there", None),
        ("symbol,categories\nETH-USD,core", "re-enabled", State(True, ("core",))),
    ],
)
def test_a_row_that_is_there_keeps_what_the_file_does_not_say(
    anna: User, text: str, outcome: str, after: State | None
) -> None:
    [told] = importing.preview(anna, text).rows
    assert (told.outcome, told.after) == (outcome, after)


@pytest.mark.parametrize("form", Format)
def test_ones_own_export_changes_nothing_and_asks_no_exchange(
    anna: User, form: Format, settings: Configuration
) -> None:
    settings.EXCHANGES = {}  # nobody could be asked
    shown = importing.preview(anna, export(anna, form))
    assert outcomes(shown) == ["already-there"] * 2
    assert apply(anna, shown).edited.changed is False


def test_what_is_beyond_a_watchlists_room_is_told(bela: User) -> None:
    full = [
        {"symbol": f"A{number}-USD", "exchange": "coinbase"} for number in range(MOST_SYMBOLS - 1)
    ]
    services.set_value(bela.pk, "/watchlist", full, by=bela)
    shown = importing.preview(bela, "BTC-USD\nETH-USD\nA7-USD")
    assert outcomes(shown) == ["added", "no-room", "already-there"]
    assert apply(bela, shown).added == 1


def test_a_file_that_is_none_is_refused(anna: User) -> None:
    with pytest.raises(FileRefused, match="must be JSON"):
        importing.preview(anna, "BTC-USD", Format.JSON)


# ------------------------------------------------------------------ the exchange
@pytest.mark.parametrize("how", ["throttled", "malformed", "bad_gateway"])
def test_an_exchange_that_does_not_tell_ends_the_preview(
    anna: User, mended: Simulator, how: Trouble
) -> None:
    before = row(anna)
    mended.inject(faults.Fail(how=how, requests=1_000_000))
    with pytest.raises(ListingUnknown, match="Coinbase did not tell what it lists"):
        importing.preview(anna, "SOL-USD")
    assert row(anna) == before


def test_an_exchange_that_cannot_be_reached_ends_the_preview(
    anna: User, settings: Configuration
) -> None:
    nowhere = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
    settings.EXCHANGES = {"coinbase": nowhere}
    before = row(anna)
    with pytest.raises(ListingUnknown, match="nothing was changed"):
        importing.preview(anna, "SOL-USD")
    assert row(anna) == before


# ------------------------------------------------------------------ applying
def test_what_was_shown_is_applied_in_the_order_of_the_file(anna: User) -> None:
    shown = importing.preview(anna, "SOL-USD,,,fast\nETH-USD\nLTC-USD,coinbase,off\nNONE-USD")
    done = apply(anna, shown)
    assert (done.added, done.changed, done.already) == (2, 1, 0)
    assert done.message.startswith("2 added, 1 changed; ")
    assert watchlist_of(anna) == [
        MINE[0],
        {**MINE[1], "enabled": True},
        {"symbol": "SOL-USD", "exchange": "coinbase", "enabled": True, "categories": ["fast"]},
        {"symbol": "LTC-USD", "exchange": "coinbase", "enabled": False, "categories": []},
    ]
    assert done.edited.revision == shown.revision + 1


def test_only_the_rows_that_are_chosen_are_applied(anna: User) -> None:
    shown = importing.preview(anna, "SOL-USD\nETH-USD\nLTC-USD")
    assert apply(anna, shown, only=[3]).added == 1
    assert [entry["symbol"] for entry in watchlist_of(anna)] == ["BTC-USD", "ETH-USD", "LTC-USD"]
    for strange in ([4], [0], [1, -1]):
        with pytest.raises(NotInPreview):
            apply(anna, shown, only=strange)
    assert apply(anna, shown, only=[]).edited.changed is False


@pytest.mark.parametrize(
    "meanwhile",
    [
        [MINE[0]],  # ETH-USD, which was to be turned on, is gone
        [MINE[0], {**MINE[1], "categories": ["other"]}],
        [*MINE, {"symbol": "SOL-USD", "exchange": "coinbase", "enabled": False}],
    ],
)
def test_an_import_under_which_the_watchlist_moved_changes_nothing(
    anna: User, meanwhile: list[dict[str, Any]]
) -> None:
    shown = importing.preview(anna, "SOL-USD\nETH-USD\nLTC-USD")
    services.set_value(anna.pk, "/watchlist", meanwhile, by=anna)
    before = row(anna)
    with pytest.raises(ImportOutdated, match="Nothing was changed") as refused:
        apply(anna, shown)
    assert len(refused.value.rows) == 1
    assert row(anna) == before


def test_a_change_elsewhere_is_no_hindrance_and_stays(anna: User) -> None:
    shown = importing.preview(anna, "SOL-USD\nETH-USD")
    sol = {"symbol": "SOL-USD", "exchange": "coinbase", "enabled": True, "categories": []}
    services.set_value(anna.pk, "/watchlist", [MINE[1], sol], by=anna)
    services.set_value(anna.pk, "/scanner/top_n", 20, by=anna)
    done = apply(anna, shown)
    assert (done.added, done.changed, done.already) == (0, 1, 1)
    assert watchlist_of(anna) == [{**MINE[1], "enabled": True}, sol]
    assert services.read(anna.pk).document.scanner.top_n == 20


def test_new_symbols_of_an_exchange_that_was_turned_off_since_are_refused(anna: User) -> None:
    shown = importing.preview(anna, "SOL-USD\nETH-USD")
    changes = {
        "exchanges": {"coinbase": {"enabled": False}, "binance": {"enabled": True}},
        "perseus_profile": {"primary_exchange": "binance"},
        "scanner": {"exchange": "binance"},
    }
    services.patch(anna.pk, changes, by=anna)
    before = row(anna)
    with pytest.raises(ImportOutdated, match="SOL-USD of coinbase"):
        apply(anna, shown)
    assert row(anna) == before


# ------------------------------------------------------------------ approving
def test_an_approval_is_its_users_alone_and_good_once(anna: User, bela: User) -> None:
    shown = importing.preview(anna, "SOL-USD\nBTC-USD\nno symbol")
    approval = approvals.keep(anna, shown)
    kept = approvals.kept(anna, approval)
    assert kept is not None
    assert (kept.revision, kept.rows) == (shown.revision, shown.rows[:1])
    assert approvals.kept(bela, approval) is None
    assert approvals.take(bela, approval) is False
    assert [approvals.take(anna, approval) for _ in range(2)] == [True, False]
    assert approvals.kept(anna, approval) is None


@pytest.mark.parametrize("approval", ["", "*", "a" * 22, "\ud800" * 22, "../" * 9, "a" * 10_000])
def test_what_is_no_approval_is_not_kept(anna: User, approval: str) -> None:
    assert approvals.kept(anna, approval) is None


def test_what_is_imported_for_one_touches_no_name_of_the_other(
    anna: User, bela: User, redis_url: str
) -> None:
    before = row(bela)
    with recorded(redis_url) as done:
        shown = importing.preview(anna, "SOL-USD\nETH-USD")
        approval = approvals.keep(anna, shown)
        approvals.take(anna, approval)
        apply(anna, shown)
    names = {name for each in done for name in each.touched}
    assert f"livermore:import:{anna.sub}:{approval}" in names
    assert [name for name in names if bela.sub in name] == []
    shared = {"livermore:listing:coinbase", "livermore:listing-trouble:coinbase"}
    assert {name for name in names if anna.sub not in name and not name.endswith(":lock")} <= shared
    assert row(bela) == before


# ------------------------------------------------------------------ the runtime
@pytest.mark.django_db(transaction=True)
def test_a_worker_answers_the_one_reload_of_an_import(
    bela: User, endpoints: dict[str, Endpoints]
) -> None:
    anna = trader("BTC-USD", is_paused=False)
    with running_worker(endpoints):
        status_when(anna, lambda status: bool(status.symbols))
        symbols = others(5)
        shown = importing.preview(anna, "\n".join(symbols))
        done = importing.apply(anna, shown, by=anna, origin=ORIGIN, wait=20)
        assert done.edited.applied, done.message
        assert done.added == len(symbols)
        watched = status_when(
            anna, lambda status: len(status.symbols) == 6 and not status.counts.warming
        )
        assert {entry.symbol for entry in watched.symbols} == {"BTC-USD", *symbols}
    lines = client.history(anna).entries
    assert [(line.command, line.who, line.via) for line in lines] == [
        ("reload-settings", "anna", "command line")
    ]
