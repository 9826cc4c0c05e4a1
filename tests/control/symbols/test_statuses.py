"""The one word for each symbol: by what a runtime and a listing say of it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from control import wire
from control.candles import candle_entry
from control.protocol import (
    Cell,
    DataPlane,
    Fault,
    RuntimeStatus,
    State,
    SymbolStatus,
    SymbolWarmUp,
    candles_of,
    listing_of,
    now_ms,
    status_of,
)
from control.symbols.statuses import SymbolReport, SymbolState, Why, symbols_of
from settings_app import services
from settings_app.errors import SettingsTooNew
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.recording import queries, recorded
from tests.control.statuses import a_status
from tests.control.test_isolation import ANNA, BELA, is_astray, whose
from tests.control.test_plan import overwrite
from trading.core.candles import carry_forward
from trading.core.market import Instrument, InstrumentKind, Market, Timeframe
from trading.listings import Listed
from trading.models import Position

BTC = Market("coinbase", "BTC-USD")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", is_paused=False)


def a_symbol(live: Any = "receiving", symbol: str = "BTC-USD", **more: Any) -> SymbolStatus:
    cells = more.pop("tf", {"1m": Cell(v=10.0, s=4.0, h=6.0, stage="ranging", g={"rsi": 51.0})})
    return SymbolStatus(symbol=symbol, exchange="coinbase", live=live, tf=cells, **more)


def tell(user: User, *symbols: SymbolStatus, **changes: Any) -> RuntimeStatus:
    """A runtime of the user has said this."""
    status = a_status(user.sub, symbols=list(symbols), **changes)
    with wire.connect() as redis:
        redis.set(status_of(user.sub), status.to_json())
    return status


def list_(*symbols: str, **of_all: Any) -> None:
    """The exchange listed these a while ago, and these alone."""
    instruments = tuple(
        Instrument(
            market=Market("coinbase", symbol),
            base=symbol.split("-")[0],
            quote="USD",
            price_increment="0.01",
            base_increment="0.01",
            **{"streamable": True, **of_all},
        )
        for symbol in symbols
    )
    listed = Listed(
        exchange="coinbase", instruments=instruments, tickers=(), read_at=time.time() - 7_200
    )
    with wire.connect() as redis:
        redis.set(listing_of("coinbase"), msgspec.json.encode(listed).decode())


def the_one(user: User) -> SymbolReport:
    [report] = symbols_of(user)
    return report


@pytest.mark.parametrize(
    ("symbol", "changes", "state"),
    [
        (a_symbol(), {}, SymbolState.RECEIVING),
        (a_symbol(tf={"1m": Cell(v=1.0, liquidity="medium")}), {}, SymbolState.RECEIVING),
        (a_symbol(tf={"1m": Cell(v=1.0, liquidity="low")}), {}, SymbolState.LOW_ACTIVITY),
        (a_symbol(tf={"5m": Cell(liquidity="low")}), {"timeframes": ["1h"]}, SymbolState.RECEIVING),
        (a_symbol("warming"), {}, SymbolState.WARMING_UP),
        (a_symbol("warming"), {"state": State.STARTING}, SymbolState.WARMING_UP),
        (a_symbol("stale"), {}, SymbolState.STALE),
        (a_symbol("paused"), {"state": State.PAUSED}, SymbolState.PAUSED),
        (
            a_symbol(),
            {"data_plane": DataPlane(state="hangs", beat_age_ms=9_000)},
            SymbolState.STALE,
        ),
        (a_symbol(), {"state": State.FAULTED}, SymbolState.STALE),
        (a_symbol(), {"at": now_ms() - 5_000}, SymbolState.OFFLINE),
    ],
)
def test_the_word_is_what_the_runtime_says(
    anna: User, symbol: SymbolStatus, changes: dict[str, Any], state: SymbolState
) -> None:
    tell(anna, symbol, **changes)
    assert the_one(anna).state is state


def test_without_a_runtime_a_symbol_is_offline_and_has_no_values(anna: User) -> None:
    report = the_one(anna)
    assert (report.state, report.why, report.cells) == (SymbolState.OFFLINE, Why.WATCHLIST, {})
    assert report.detail == "No runtime has spoken for two heartbeats."


def test_a_mode_of_a_newer_worker_gives_no_reason_and_no_error(anna: User) -> None:
    tell(anna, a_symbol(), mode="of tomorrow", timeframes=["3m"])
    report = the_one(anna)
    assert (report.state, report.why) == (SymbolState.RECEIVING, None)


def test_a_symbol_that_warms_up_says_how_far_it_is(anna: User) -> None:
    tell(anna, a_symbol("warming", warm_up=SymbolWarmUp(bars=600, wanted=1_800, ready=["1d"])))
    progress = the_one(anna).progress
    assert progress is not None
    assert (progress.bars, progress.total) == (600, 1_800)
    tell(anna, a_symbol("warming"))  # it waits for its turn
    progress = the_one(anna).progress
    assert progress is not None
    assert progress.bars == 0


def test_a_stale_symbol_says_why(anna: User) -> None:
    fault = Fault(error="no memory", where="data plane", since=1, retry_at=2, attempt=1)
    tell(anna, a_symbol(), state=State.FAULTED, fault=fault)
    assert the_one(anna).detail == "The runtime does not run: no memory"
    tell(anna, a_symbol(), data_plane=DataPlane(state="hangs", beat_age_ms=9_000))
    assert the_one(anna).detail == "The data plane of the worker hangs."
    tell(anna, a_symbol("stale"))
    assert the_one(anna).detail == "Nothing is heard of it now."


@pytest.mark.parametrize(
    ("listed", "state", "words"),
    [
        ({"symbols": ("ETH-USD",)}, SymbolState.UNKNOWN_THERE, "lists no such symbol"),
        (
            {"symbols": ("BTC-USD",), "streamable": False, "status": "trading is off"},
            SymbolState.DISABLED_THERE,
            "Coinbase says: trading is off",
        ),
        (
            {"symbols": ("BTC-USD",), "kind": InstrumentKind.FUTURE},
            SymbolState.DISABLED_THERE,
            "no spot market",
        ),
    ],
)
def test_what_an_exchange_does_not_offer_is_said_with_its_age_unless_it_is_heard(
    anna: User, listed: dict[str, Any], state: SymbolState, words: str
) -> None:
    list_(*listed.pop("symbols"), **listed)
    report = the_one(anna)
    assert report.state is state
    assert words in report.detail
    assert report.detail.endswith("as it said 2 h ago.")
    tell(anna, a_symbol("stale"))
    assert the_one(anna).state is state
    tell(anna, a_symbol("receiving"))
    assert the_one(anna).state is SymbolState.RECEIVING


def test_a_row_that_is_off_is_disabled_whoever_runs(anna: User) -> None:
    rows = [{"symbol": "BTC-USD", "exchange": "coinbase", "enabled": False, "categories": ["core"]}]
    services.patch(anna.pk, {"watchlist": rows}, by=anna)
    list_("BTC-USD")
    assert the_one(anna).state is SymbolState.DISABLED
    tell(anna)
    report = the_one(anna)
    assert (report.state, report.enabled, report.why) == (SymbolState.DISABLED, False, None)
    assert report.categories == ("core",)


def test_what_the_mode_does_not_watch_says_what_it_watches(anna: User) -> None:
    tell(anna, mode="position-monitor")
    report = the_one(anna)
    assert report.state is SymbolState.NOT_WATCHED
    assert report.detail == "The runtime has not taken the settings over yet."
    User.objects.filter(pk=anna.pk).update(runtime_mode="position-monitor")
    assert the_one(anna).detail == "The mode position-monitor watches what is held."
    services.patch(anna.pk, {"exchanges": {"coinbase": {"enabled": False}}}, by=anna)
    assert the_one(anna).detail == "Its exchange is off in the settings."


def test_the_watchlist_comes_in_its_order_then_what_is_held(anna: User) -> None:
    rows = [{"symbol": symbol, "exchange": "coinbase"} for symbol in ("ETH-USD", "BTC-USD")]
    services.patch(anna.pk, {"watchlist": rows}, by=anna)
    for symbol in ("SOL-USD", "BTC-USD"):
        Position.objects.create(user=anna, exchange="coinbase", symbol=symbol, quantity=1)
    tell(anna, a_symbol(symbol="ETH-USD"), a_symbol(symbol="BTC-USD"))
    reports = symbols_of(anna)
    assert [(one.market.symbol, one.row, one.held) for one in reports] == [
        ("ETH-USD", 0, False),
        ("BTC-USD", 1, True),
        ("SOL-USD", None, True),
    ]
    assert reports[-1].state is SymbolState.NOT_WATCHED
    tell(anna, a_symbol(symbol="SOL-USD"), mode="position-monitor")
    assert symbols_of(anna)[-1].why is Why.POSITION


def test_the_last_candle_is_that_of_its_newest_kept_minute(anna: User) -> None:
    assert the_one(anna).last_candle_at is None
    candle = carry_forward(BTC, Timeframe.M1, 1_800_000_000, 5.0)
    with wire.connect() as redis:
        redis.zadd(candles_of(*BTC, "1m"), {candle_entry(candle): candle.opened_at})
    last = the_one(anna).last_candle_at
    assert last is not None
    assert last.timestamp() == 1_800_000_060
    with wire.connect() as redis:
        redis.set(candles_of(*BTC, "1m"), "something else")
    assert the_one(anna).last_candle_at is None


def test_two_users_see_their_own_symbols_and_what_their_own_runtime_says(anna: User) -> None:
    bela = trader("BTC-USD", "SOL-USD", is_paused=False)
    tell(anna, a_symbol())
    assert [one.state for one in symbols_of(anna)] == [SymbolState.RECEIVING]
    assert [one.state for one in symbols_of(bela)] == [SymbolState.OFFLINE] * 2


def test_looking_at_ones_own_symbols_touches_nothing_of_anybody_else(redis_url: str) -> None:
    anna = trader("BTC-USD", is_paused=False, pk=ANNA)
    bela = trader("BTC-USD", is_paused=False, pk=BELA)
    for user in (anna, bela):
        tell(user, a_symbol())
    with recorded(redis_url) as done, queries() as asked:
        symbols_of(anna)
    assert [each for each in done if is_astray(each, {anna.sub})] == []
    people = {anna.pk: anna.sub, bela.pk: bela.sub}
    assert [query for query in asked if whose(query, people) != {anna.pk}] == []
    assert asked
    reading = {"GET", "GETRANGE", "MGET", "STRLEN", "ZRANGE"}
    written = {each.name for each in done if each.touched} - reading
    assert not written


def test_settings_of_a_newer_program_are_no_empty_watchlist(anna: User) -> None:
    overwrite(anna, '{"version": 99}', 99)
    with pytest.raises(SettingsTooNew):
        symbols_of(anna)
