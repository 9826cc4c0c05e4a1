"""The changes of a watchlist that people ask for: one save each, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings as Configuration

from control import wire
from control.protocol import Origin, listing_of
from control.symbols import changes
from control.symbols.admitting import NotAdmitted
from control.symbols.changed import Changed
from control.symbols.listings import ListingUnknown, listing
from control.symbols.previews import Outcome as Admission
from control.symbols.watchlist import Outcome, Tagging
from settings_app import services
from settings_app.errors import SettingsInvalid
from settings_app.models import User
from tests.control.api.symbols.test_reading import grow_old
from tests.control.conftest import trader
from tests.control.running import eventually
from tests.settings_app.calling import row
from trading.core.market import Market
from trading.models import Position
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

BTC, ETH, SOL, LTC, NOPE = (
    Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH", "SOL", "LTC", "SOLL")
)
AWAY = {"coinbase": Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")}
ORIGIN = Origin(who="anna", via="shell")


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD", is_paused=False)


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("BTC-USD", is_paused=False)


def done(user: User, act: Callable[..., Changed], *what: Any, **more: Any) -> Changed:
    """A change by the user, of which no runtime has said anything yet."""
    return act(user, *what, by=user, origin=ORIGIN, wait=None, **more)


def rows_of(user: User) -> list[tuple[str, bool, tuple[str, ...]]]:
    document = services.read(user.pk).document
    return [(one.symbol, one.enabled, one.categories) for one in document.watchlist]


def symbols_of(user: User) -> list[str]:
    return [symbol for symbol, *_ in rows_of(user)]


def hold(user: User, market: Market) -> None:
    Position.objects.create(
        user=user, exchange=market.exchange, symbol=market.symbol, quantity=Decimal(1)
    )


# ------------------------------------------------------------------ adding
def test_several_are_added_by_one_save(anna: User) -> None:
    before = services.read(anna.pk).revision
    added = done(anna, changes.add, {SOL: ("fast",), BTC: None, LTC: None})
    assert rows_of(anna)[2:] == [("SOL-USD", True, ("fast",)), ("LTC-USD", True, ())]
    assert services.read(anna.pk).revision == added.edited.revision == before + 1
    assert added.outcomes[BTC] is Outcome.ALREADY_SO
    assert added.message.startswith("2 added, 1 as wanted already; saved; ")
    assert not added.applied


def test_what_is_off_is_turned_on_by_adding_it(anna: User) -> None:
    done(anna, changes.disable, [BTC])
    done(anna, changes.add, {BTC: None})
    assert rows_of(anna)[0] == ("BTC-USD", True, ())


def test_if_one_is_refused_none_is_added_and_each_refusal_is_told(anna: User) -> None:
    before = row(anna)
    future = next(
        one.market for one in listing("coinbase").instruments.values() if not one.streamable
    )
    elsewhere = Market("kucoin", "BTC-USDT")
    with pytest.raises(NotAdmitted) as refused:
        done(anna, changes.add, dict.fromkeys([SOL, NOPE, future, elsewhere]))
    assert row(anna) == before
    unknown, closed, off = refused.value.refusals
    assert (unknown.market, unknown.why) == (NOPE, Admission.UNKNOWN)
    assert "SOL-USD" in unknown.nearest
    assert (closed.market, closed.why) == (future, Admission.DISABLED)
    assert (off.market, off.why) == (elsewhere, Admission.EXCHANGE_NOT_ENABLED)
    assert str(refused.value).endswith("Nothing was changed.")


@pytest.mark.parametrize("how", ["bad_gateway", "malformed", "throttled"])
def test_an_exchange_in_trouble_changes_nothing(
    anna: User, simulator: Simulator, how: Trouble
) -> None:
    before = row(anna)
    simulator.inject(faults.Fail(how=how, requests=1_000_000))
    try:
        with pytest.raises(ListingUnknown, match="nothing was changed"):
            done(anna, changes.add, {SOL: None})
        done(anna, changes.add, {BTC: None})  # is there: nobody need be asked
    finally:
        simulator.inject(faults.Accept())
    assert row(anna) == before


def test_what_was_read_before_admits_and_refuses_while_the_exchange_is_away(
    anna: User, settings: Configuration
) -> None:
    listing("coinbase")
    grow_old(minutes=10)
    settings.EXCHANGES = AWAY
    assert done(anna, changes.add, {SOL: None}).outcomes == {SOL: Outcome.DONE}
    with pytest.raises(NotAdmitted, match=r"\? Coinbase did not answer .* 10 min old\. Nothing"):
        done(anna, changes.add, {NOPE: None})
    assert symbols_of(anna)[2:] == ["SOL-USD"]


def test_categories_that_break_a_rule_save_nothing(anna: User) -> None:
    before = row(anna)
    with pytest.raises(SettingsInvalid):
        done(anna, changes.categorise, [BTC], ["UPPER"])
    assert row(anna) == before


# ------------------------------------------------------------------ the others
def test_rows_are_switched_tagged_moved_and_taken_off(anna: User) -> None:
    done(anna, changes.disable, [BTC])
    done(anna, changes.categorise, [BTC, ETH], ["fast"])
    done(anna, changes.categorise, [ETH], ["fast"], Tagging.REMOVE)
    done(anna, changes.move, ETH, BTC)
    assert rows_of(anna) == [("ETH-USD", True, ()), ("BTC-USD", False, ("fast",))]
    done(anna, changes.move, ETH, 1)
    done(anna, changes.enable, [BTC])
    assert rows_of(anna) == [("BTC-USD", True, ("fast",)), ("ETH-USD", True, ())]
    done(anna, changes.remove, [BTC, ETH])
    assert rows_of(anna) == []


def test_one_row_is_altered_by_one_save(anna: User) -> None:
    before = services.read(anna.pk).revision
    altered = done(anna, changes.alter, ETH, enabled=False, categories=("slow",), position=0)
    assert rows_of(anna) == [("ETH-USD", False, ("slow",)), ("BTC-USD", True, ())]
    assert altered.edited.revision == before + 1
    assert done(anna, changes.alter, ETH, position=0).outcomes == {ETH: Outcome.ALREADY_SO}
    missing = done(anna, changes.alter, SOL, enabled=True, position=0)
    assert missing.outcomes == {SOL: Outcome.NOT_ON_THE_LIST}


def test_what_changes_nothing_saves_nothing_and_is_no_error(anna: User) -> None:
    before = row(anna)
    nothing = done(anna, changes.remove, [SOL])
    assert nothing.message == "1 not on the watchlist; nothing changed"
    assert done(anna, changes.enable, [BTC]).applied
    assert row(anna) == before


# ------------------------------------------------------------------ what it leads to
def test_removing_tells_what_stops(anna: User) -> None:
    removed = done(anna, changes.remove, [BTC])
    assert removed.consequences.stopped == (BTC,)
    assert "watched no more: BTC-USD of coinbase" in removed.message


def test_a_position_keeps_its_symbol_watched_and_that_is_told(bela: User) -> None:
    anna = trader("BTC-USD", "ETH-USD", runtime_mode="position-monitor", is_paused=False)
    hold(anna, BTC)
    removed = done(anna, changes.remove, [BTC, ETH])
    assert removed.consequences.staying == (BTC,)
    assert removed.consequences.stopped == ()  # ETH-USD was not watched in this mode
    assert "watched still, for it is held: BTC-USD of coinbase" in removed.message


def test_what_the_mode_does_not_watch_is_told_when_it_is_added(bela: User) -> None:
    anna = trader("BTC-USD", runtime_mode="position-monitor", is_paused=True)
    added = done(anna, changes.add, {SOL: None})
    assert added.consequences.idle == (SOL,)
    assert "mode position-monitor does not watch the watchlist: SOL-USD" in added.message
    assert "takes it over on resume" in added.message


def test_what_one_changes_leaves_the_list_of_another_alone(anna: User, bela: User) -> None:
    theirs = row(bela)
    done(anna, changes.add, {SOL: None})
    done(anna, changes.remove, [BTC])
    assert row(bela) == theirs


# ------------------------------------------------------------------ at the same time
@pytest.mark.django_db(transaction=True)
def test_what_is_taken_off_while_the_exchange_is_asked_is_not_put_back_unseen(
    redis_url: str, simulator: Simulator
) -> None:
    anna = trader("BTC-USD", "ETH-USD")

    def add() -> Changed:
        try:
            return done(anna, changes.add, {SOL: None, BTC: None})
        finally:
            connections.close_all()

    simulator.inject(faults.Slow(delay=3.0, seconds=60.0, scope="rest"))
    try:
        with ThreadPoolExecutor(max_workers=1) as others:
            adding = others.submit(add)
            eventually(lambda: wire.shared().exists(f"{listing_of('coinbase')}:lock"))
            done(anna, changes.remove, [BTC])
            with pytest.raises(NotAdmitted, match="BTC-USD of coinbase: it was taken off"):
                adding.result()
    finally:
        simulator.inject(faults.Accept())
    assert symbols_of(anna) == ["ETH-USD"]
