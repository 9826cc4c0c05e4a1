"""The word for each symbol while a worker really runs, from adding it to removing it again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control import client
from control.protocol import Cell, Command
from control.symbols.charts import indicators
from control.symbols.statuses import SymbolReport, SymbolState, symbols_of
from settings_app import services
from settings_app.models import User
from tests.control.conftest import SPEED, trader
from tests.control.positions.conftest import Exchange
from tests.control.running import (
    PATIENCE_SECONDS,
    RunningWorker,
    eventually,
    running_worker,
    status_when,
)
from tests.trading.simulator.worlds import THIN
from trading.core.market import Market, Timeframe
from trading.simulator.faults import Accept, Freeze, Slow, Thaw
from trading.simulator.server import serve

BTC = Market("coinbase", "BTC-USD")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def everything() -> Iterator[Exchange]:
    """An exchange that lists everything, also what is hardly traded, and can be troubled."""
    started = threading.Event()
    running: list[Any] = []

    async def host() -> None:
        stop = asyncio.Event()
        async with serve(seed=7, speed=SPEED) as simulator:
            running.extend([simulator, asyncio.get_running_loop(), stop])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(host(),), name="everything", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_SECONDS)
    simulator, loop, stop = running
    yield Exchange(simulator, loop)
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_SECONDS)


@pytest.fixture
def exchange(everything: Exchange, settings: Configuration) -> Iterator[Exchange]:
    settings.EXCHANGES = everything.endpoints
    yield everything
    everything.inject(Accept())
    everything.inject(Thaw())


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    return trader("BTC-USD", is_paused=False)


@pytest.fixture
def worker(anna: User, exchange: Exchange) -> Iterator[RunningWorker]:
    with running_worker(exchange.endpoints) as worker:
        yield worker


def report_when(user: User, symbol: str, holds: Callable[[SymbolReport], bool]) -> SymbolReport:
    """The first report of a symbol for which ``holds``."""

    def look() -> SymbolReport | None:
        found = [one for one in symbols_of(user) if one.market.symbol == symbol and holds(one)]
        return found[0] if found else None

    report = eventually(look)
    assert report is not None
    return report


def is_(state: SymbolState) -> Callable[[SymbolReport], bool]:
    return lambda report: report.state is state


def test_a_symbol_is_added_warms_up_receives_is_switched_off_and_removed(
    anna: User, worker: RunningWorker, exchange: Exchange
) -> None:
    report_when(anna, "BTC-USD", is_(SymbolState.RECEIVING))
    exchange.inject(Slow(delay=1.0, seconds=60.0, scope="rest"))
    assert client.send(anna, Command.ADD_SYMBOL, {"symbol": "ETH-USD"}).applied
    warming = report_when(
        anna,
        "ETH-USD",
        lambda one: one.progress is not None and 0 < one.progress.bars < one.progress.total,
    )
    assert warming.state is SymbolState.WARMING_UP
    exchange.inject(Accept())
    receiving = report_when(anna, "ETH-USD", is_(SymbolState.RECEIVING))
    assert (receiving.row, receiving.progress) == (1, None)
    assert receiving.cells["1h"].stage
    report_when(anna, "ETH-USD", lambda one: one.last_candle_at is not None)

    rows = [
        {"symbol": "BTC-USD", "exchange": "coinbase"},
        {"symbol": "ETH-USD", "exchange": "coinbase", "enabled": False},
    ]
    saved = services.patch(anna.pk, {"watchlist": rows}, by=anna)
    assert client.send(anna, Command.RELOAD_SETTINGS, {"revision": saved.revision}).applied
    assert report_when(anna, "ETH-USD", is_(SymbolState.DISABLED)).row == 1
    assert client.send(anna, Command.REMOVE_SYMBOL, {"symbol": "ETH-USD"}).applied
    eventually(lambda: [one.market.symbol for one in symbols_of(anna)] == ["BTC-USD"])


def test_a_pause_is_paused_and_a_worker_that_is_gone_is_offline(
    anna: User, worker: RunningWorker
) -> None:
    report_when(anna, "BTC-USD", is_(SymbolState.RECEIVING))
    assert client.send(anna, Command.PAUSE).applied
    report_when(anna, "BTC-USD", is_(SymbolState.PAUSED))
    worker.stop()
    report_when(anna, "BTC-USD", is_(SymbolState.OFFLINE))


def test_a_frozen_market_is_stale_and_only_that_one(
    anna: User, worker: RunningWorker, exchange: Exchange
) -> None:
    assert client.send(anna, Command.ADD_SYMBOL, {"symbol": "ETH-USD"}).applied
    for symbol in ("BTC-USD", "ETH-USD"):
        report_when(anna, symbol, is_(SymbolState.RECEIVING))
    exchange.inject(Freeze(product_id="BTC-USD"))
    stale = report_when(anna, "BTC-USD", is_(SymbolState.STALE))
    assert stale.detail.startswith("Coinbase sends no trades of BTC-USD")
    report_when(anna, "ETH-USD", is_(SymbolState.RECEIVING))


def test_a_market_that_is_hardly_traded_says_so(anna: User, worker: RunningWorker) -> None:
    status_when(anna, lambda status: status.state == "running")
    assert client.send(anna, Command.ADD_SYMBOL, {"symbol": THIN}).applied
    thin = report_when(anna, THIN, is_(SymbolState.LOW_ACTIVITY))
    assert "nothing was traded" in thin.detail


def test_what_one_removes_another_goes_on_receiving(anna: User, worker: RunningWorker) -> None:
    bela = trader("BTC-USD", is_paused=False)
    for user in (anna, bela):
        report_when(user, "BTC-USD", is_(SymbolState.RECEIVING))
    assert client.send(anna, Command.REMOVE_SYMBOL, {"symbol": "BTC-USD"}).applied
    eventually(lambda: not symbols_of(anna))
    [theirs] = symbols_of(bela)
    assert theirs.state is SymbolState.RECEIVING


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5, Timeframe.H1])
def test_the_newest_kept_candle_has_the_values_of_the_status(
    anna: User, worker: RunningWorker, timeframe: Timeframe
) -> None:
    report_when(anna, "BTC-USD", is_(SymbolState.RECEIVING))
    first = indicators(BTC, timeframe, limit=1)

    def agrees() -> bool:
        """Whether the status and what is kept are of the same bar, and say the same of it."""
        [report] = symbols_of(anna)
        chart = indicators(BTC, timeframe, limit=1)
        return bool(chart.cells) and is_like(chart.cells[0], report.cells[str(timeframe)])

    eventually(agrees)
    if timeframe is Timeframe.M1:  # and so it goes on, far from where both began
        eventually(lambda: indicators(BTC, timeframe, limit=1).candles != first.candles)
        eventually(agrees)


def is_like(one: Cell, other: Cell) -> bool:
    """Whether they say the same, but for what the bars before the kept ones still weigh."""
    pairs = [(one.v, other.v), (one.s, other.s), (one.h, other.h)]
    pairs += [((one.g or {}).get(name), value) for name, value in (other.g or {}).items()]
    return one.stage == other.stage and all(
        mine is not None and theirs is not None and abs(mine - theirs) < 0.02
        for mine, theirs in pairs
    )
