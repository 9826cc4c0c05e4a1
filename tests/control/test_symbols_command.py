"""``manage.py symbols``: what it prints, what it does, how it exits."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings as Configuration

from control import client
from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import running_worker, status_when
from tests.control.symbols.test_equivalents import AWAY, keep
from tests.trading.core.test_equivalents import listed
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD", username="anna")


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD", username="bela")


class Said:
    """What a call printed, and how it ended."""

    def __init__(self, *words: str) -> None:
        out, err = StringIO(), StringIO()
        self.status = 0
        try:
            call_command("symbols", *words, stdout=out, stderr=err)
        except SystemExit as exc:
            self.status = int(exc.code or 0)
        self.lines, self.notes = out.getvalue().splitlines(), err.getvalue().splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, without its head."""
        return [line.split() for line in self.lines[1:]]


def watched(user: User) -> list[str]:
    return [row.symbol for row in services.read(user.pk).document.watchlist]


def test_markets_are_found_the_best_first_with_what_they_did_in_a_day(anna: User) -> None:
    said = Said("search", "bitcoin", "--quote", "USD")
    assert said.lines[0].split()[:3] == ["symbol", "name", "price"]
    assert said.rows[0][:2] == ["BTC-USD", "Bitcoin"]
    assert said.rows[0][-4:] == ["spot", "on", "the", "watchlist"]
    assert said.notes == []


def test_what_cannot_be_watched_says_why(anna: User) -> None:
    assert any("only spot markets are watched" in line for line in Said("search", "perp").lines)


def test_json_is_a_line_for_each_market_as_http_tells_it(anna: User) -> None:
    lines = [json.loads(line) for line in Said("search", "btc", "--limit", "2", "--json").lines]
    assert [line["symbol"] for line in lines] == ["BTC-USD", "BTC-USDC"]
    assert (lines[0]["onWatchlist"], lines[1]["aliasOf"]) == (True, "BTC-USD")


def test_one_market_is_shown_with_its_figures_of_now(anna: User) -> None:
    said = Said("show", "SOL-USD")
    assert said.lines[0] == "SOL-USD of coinbase: Solana in USD"
    assert [line.split()[0] for line in said.lines[1:4]] == ["price", "24", "volume"]


def test_related_markets_stand_beneath_and_in_the_list(anna: User, settings: Configuration) -> None:
    settings.EXCHANGES = {**settings.EXCHANGES, "binance": AWAY, "kucoin": AWAY}
    keep("binance", listed("binance", "BTC", "USDT", native="BTCUSDT"))
    lines = Said("show", "BTC-USD").lines
    beneath = lines[lines.index("Related, not equal:") + 1 :]
    assert beneath[0].split()[:2] == ["symbol", "exchange"]
    told = ["BTC-USDT", "binance", "BTCUSDT", "61.5", "quoted", "in", "USDT,", "pegged", "to"]
    assert [*told, "USD", "trading"] in [line.split() for line in beneath]
    unknown = "What KuCoin lists has not been read yet: its related markets are unknown."
    assert beneath[-1] == unknown
    said = Said("list")
    assert [row[-1] for row in said.rows] == ["binance", "–"]
    assert said.notes == [unknown]
    line = json.loads(Said("list", "--json").lines[0])
    assert "binance" in [one["exchange"] for one in line["equivalents"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "BTCC-USD"), "Did you mean BTC-USD"),
        (("show", "BTC-USD", "--exchange", "nowhere"), "no such exchange; it knows coinbase"),
        (("search", "btc", "--limit", "0"), "--limit must be from 1 to 100"),
        (("import", "/nowhere/at/all.csv"), "/nowhere/at/all.csv: No such file or directory"),
    ],
)
def test_what_cannot_be_done_says_why(anna: User, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        Said(*words)


def test_an_exchange_that_answers_nothing_is_said_and_nothing_is_changed(
    anna: User, simulator: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "symbols.csv"
    file.write_text("SOL-USD\n")
    simulator.inject(faults.Fail(how="bad_gateway", requests=1_000_000))
    try:
        for words in (("search", "btc"), ("show", "BTC-USD"), ("import", str(file), "--yes")):
            with pytest.raises(CommandError, match="Coinbase did not tell what it lists"):
                Said(*words)
    finally:
        simulator.inject(faults.Accept())
    assert watched(anna) == ["BTC-USD", "ETH-USD"]


def test_the_list_shows_what_is_asked_for_and_of_nobody_else(anna: User, bela: User) -> None:
    said = Said("list", "--user", "anna")
    assert [row[:3] for row in said.rows] == [
        ["BTC-USD", "coinbase", "offline"],
        ["ETH-USD", "coinbase", "offline"],
    ]
    assert Said("list", "--user", "bela", "--state", "receiving").notes == [
        "bela watches nothing like that."
    ]


def test_rows_are_changed_and_it_is_said_what_becomes_of_each(anna: User) -> None:
    at_once = ("--wait", "0.1")
    said = Said("add", "SOL-USD", "XRP-USD", "--category", "fast", *at_once)
    assert (said.status, said.lines[0].split(";")[0]) == (1, "2 added"), "no worker has said so"
    Said("tag", "BTC-USD", "SOL-USD", "--add", "core", *at_once)
    Said("disable", "ETH-USD", *at_once)
    Said("move", "XRP-USD", "--before", "BTC-USD", *at_once)
    Said("remove", "SOL-USD", *at_once)
    rows = services.read(anna.pk).document.watchlist
    assert [(row.symbol, row.enabled, row.categories) for row in rows] == [
        ("XRP-USD", True, ("fast",)),
        ("BTC-USD", True, ("core",)),
        ("ETH-USD", False, ()),
    ]


def test_what_is_not_on_the_list_cannot_be_switched_and_exits_with_1(anna: User) -> None:
    said = Said("enable", "SOL-USD")
    assert (said.status, said.lines) == (1, ["1 not on the watchlist; nothing changed"])
    with pytest.raises(CommandError, match="does not list it; did you mean BTC-USD"):
        Said("add", "BTCC-USD", "SOL-USD")
    assert watched(anna) == ["BTC-USD", "ETH-USD"]


@pytest.mark.django_db(transaction=True)
def test_a_running_worker_adds_and_removes_one_symbol_and_that_can_be_undone(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna = trader("BTC-USD", is_paused=False)
    with running_worker(endpoints):
        status_when(anna, lambda status: status.counts.watched == 1)
        assert Said("add", "SOL-USD").lines == ["SOL-USD of coinbase added; watching 2 symbols"]
        assert Said("list").rows[1][0] == "SOL-USD"
        assert Said("remove", "BTC-USD").lines == ["BTC-USD of coinbase removed; watching 1 symbol"]
        client.send(anna, "undo")
        with pytest.raises(CommandError, match="does not list BTCC-USD; did you mean"):
            Said("add", "BTCC-USD")
    assert watched(anna) == ["BTC-USD", "SOL-USD"]


def test_a_preview_changes_nothing_and_names_what_is_left_out(anna: User, tmp_path: Path) -> None:
    file = tmp_path / "symbols.csv"
    file.write_text("symbol,categories\nSOL-USD,fast\nBTC-USD,\nBTCC-USD,\n!,\n")
    said = Said("import", str(file), "--preview")
    assert said.rows[0] == ["2:1", "SOL-USD", "coinbase", "added"]
    assert "did you mean BTC-USD" in said.lines[2]
    assert said.lines[2].endswith("left out")
    assert "malformed" in said.lines[3]
    assert said.notes == ["1 added, 1 already-there, 1 unknown, 1 malformed"]
    assert watched(anna) == ["BTC-USD", "ETH-USD"]


@pytest.mark.django_db(transaction=True)
def test_what_is_exported_can_be_imported_again_and_a_worker_applies_it(
    redis_url: str, endpoints: dict[str, Endpoints], tmp_path: Path
) -> None:
    anna = trader("BTC-USD", is_paused=False)
    file = tmp_path / "symbols.json"
    assert Said("export", str(file), "--format", "json").status == 0
    assert Said("import", str(file)).notes == ["1 already-there"]
    file.write_text(json.dumps([{"symbol": "SOL-USD", "categories": ["fast"]}]))
    with running_worker(endpoints):
        status_when(anna, lambda status: status.counts.watched == 1)
        said = Said("import", str(file), "--yes")
        status_when(anna, lambda status: status.counts.watched == 2)
    assert said.status == 0
    assert said.notes[-1].startswith("1 added, 0 changed; settings revision")
    assert Said("export").lines[-1] == "SOL-USD,coinbase,true,fast"


def test_what_no_worker_has_applied_is_saved_and_exits_with_1(anna: User, tmp_path: Path) -> None:
    file = tmp_path / "symbols.csv"
    file.write_text("SOL-USD\n")
    said = Said("import", str(file), "--yes", "--wait", "0.1")
    assert said.status == 1
    assert "saved; no runtime has answered yet" in said.notes[-1]
    assert watched(anna) == ["BTC-USD", "ETH-USD", "SOL-USD"]


def test_a_scan_is_shown_and_what_is_selected_of_it_is_approved(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"top_n": 10}}, by=anna)
    with pytest.raises(CommandError, match="There is no scan yet"):
        Said("approve")
    said = Said("scan")
    assert [row[0] for row in said.rows[:10]] == [str(rank) for rank in range(1, 11)]
    assert "to add, 0 to remove" in said.notes[0]
    assert said.notes[1].startswith("Nothing was changed; `symbols approve")
    new = next(row[1] for row in said.rows if row[2] == "add")
    assert watched(anna) == ["BTC-USD", "ETH-USD"]
    done = Said("approve", "--add", new, "--wait", "0.1")
    assert (done.status, done.lines[0].split(";")[0]) == (1, "1 added, 0 removed")
    assert watched(anna) == ["BTC-USD", "ETH-USD", new]
    assert json.loads(Said("scan", "--last", "--json").lines[0])["state"] == "approved"
    with pytest.raises(CommandError, match="was approved already"):
        Said("approve")
