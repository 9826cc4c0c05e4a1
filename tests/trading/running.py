"""A data plane against a simulated exchange, both real, and what it told.

Rule 1: tests wait for what they want to see, within a bound; they never sleep and hope.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from trading.core.market import MICROSECONDS, Candle, Market, Timeframe
from trading.core.modes import SignalRules
from trading.exchanges.coinbase import Coinbase
from trading.market.shelf import NOTHING_KEPT
from trading.net.endpoints import Endpoints
from trading.net.http import ExchangeHttp
from trading.plane import DataPlane
from trading.ports import (
    DeskFacts,
    DeskPlan,
    FiredSignal,
    Gate,
    IndicatorUpdate,
    Owner,
    Replacement,
    Shelf,
)
from trading.simulator.clock import SimulatedClock
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.ports import Answer, Ask, Moment


class SwiftCoinbase(Coinbase):
    """Coinbase at :data:`SPEED`: more may be asked in a real second, and silence is shorter."""

    requests_per_second = 100.0
    messages_per_second = 100.0
    silence_seconds = 3.0


COINBASE = SwiftCoinbase()
BTC = Market("coinbase", "BTC-USD")
ETH = Market("coinbase", "ETH-USD")
SOL = Market("coinbase", "SOL-USD")
XRP = Market("coinbase", "XRP-USD")
SPEED = 60.0
"""Simulated seconds in a real one: a minute each second."""

BEGAN_AT_NS = 1_790_769_600 * 10**9  # 2026-09-30 12:00:00 UTC: every run sees the same world
PRODUCTS = 40
EAGER = SignalRules(
    levels=tuple(float(level) for level in range(1, 400)), cooldown_seconds=0, minimum_bars=30
)
"""Rules by which almost every bar that moves away from zero is a signal."""

PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.02


class Recorder:
    """Sinks that keep everything, in the order in which it came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._signals: list[FiredSignal] = []
        self._updates: list[IndicatorUpdate] = []
        self._candles: list[Candle] = []
        self.history: list[Candle] = []
        self.replacements: list[Replacement] = []

    def signal_fired(self, fired: FiredSignal) -> None:
        with self._lock:
            self._signals.append(fired)

    def indicator_moved(self, update: IndicatorUpdate) -> None:
        with self._lock:
            self._updates.append(update)

    def candles_closed(self, candles: Sequence[Candle]) -> None:
        with self._lock:
            self._candles.extend(candles)

    def history_read(self, candles: Sequence[Candle]) -> None:
        with self._lock:
            self.history.extend(candles)

    def history_replaced(self, replacement: Replacement) -> None:
        with self._lock:
            self.replacements.append(replacement)

    @property
    def signals(self) -> list[FiredSignal]:
        with self._lock:
            return list(self._signals)

    @property
    def updates(self) -> list[IndicatorUpdate]:
        with self._lock:
            return list(self._updates)

    @property
    def candles(self) -> list[Candle]:
        with self._lock:
            return list(self._candles)

    async def kept(
        self, market: Market, owners: Collection[Owner] = ()
    ) -> dict[Timeframe, list[Candle]]:
        """What was told of a market, as whoever keeps it gives it to the next process."""
        bars: dict[Timeframe, dict[int, Candle]] = {timeframe: {} for timeframe in Timeframe}
        with self._lock:
            for candle in (*self.history, *self._candles):
                if candle.market == market:
                    bars[candle.timeframe][candle.opened_at] = candle
        return {t: [of_t[at] for at in sorted(of_t)] for t, of_t in bars.items()}

    def minutes(self, market: Market) -> list[Candle]:
        """The 1m candles of one market, each bucket as told last, oldest first."""
        last = {c.opened_at: c for c in self.candles if c.market == market and c.timeframe == "1m"}
        return [last[opened_at] for opened_at in sorted(last)]


class Rest:
    """The REST side of a simulator, listened to: what it is asked, and what it answers to that.

    Only what reaches it counts: a request that a fault cuts does not.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._venue = simulator._venue
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._in_flight = 0
        self.asked: list[Ask] = []
        self.most_at_once = 0
        """How many requests for candles were under way at the same time, at most."""
        self.throttled_next = 0
        """How many of the next requests are answered 429."""
        self.empty: frozenset[str] = frozenset()
        """Granularities of which it claims to have no candles."""
        simulator._venue = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def hold(self) -> None:
        """Leave whoever asks for candles from now on without an answer."""
        self._free.clear()

    def release(self) -> None:
        """Answer them."""
        self._free.set()

    def candles_of(self, market: Market) -> int:
        """How many requests for candles of a market there were."""
        return sum(market.symbol in ask.path for ask in list(self.asked))

    def answer(self, ask: Ask, at: Moment) -> Answer:
        is_candles = ask.path.endswith("/candles")
        with self._lock:
            self.asked.append(ask)
            self._in_flight += is_candles
            self.most_at_once = max(self.most_at_once, self._in_flight)
            is_throttled = self.throttled_next > 0
            self.throttled_next -= is_throttled
        try:
            if is_candles:
                assert self._free.wait(PATIENCE_SECONDS)
            if is_throttled:
                return self._venue.throttled()
            if is_candles and ask.first("granularity") in self.empty:
                return Answer(status=200, body=b'{"candles":[]}')
            return self._venue.answer(ask, at)
        finally:
            with self._lock:
                self._in_flight -= is_candles


def owner(sub: str = "ann", *, fence: int = 1) -> Owner:
    """Somebody with a lease."""
    return Owner(user_id=sum(map(ord, sub)), sub=sub, fence=fence)


def plan(*markets: Market, rules: SignalRules | None = None) -> DeskPlan:
    """A plan for these markets on every timeframe."""
    return DeskPlan(
        mode="scalper-macdv",
        markets=markets,
        timeframes=tuple(Timeframe),
        rules=SignalRules() if rules is None else rules,
    )


def endpoints(simulator: Simulator) -> dict[str, Endpoints]:
    """Where the simulated exchange is, as the settings have it."""
    return {"coinbase": Endpoints(rest=simulator.rest, websocket=simulator.websocket)}


@asynccontextmanager
async def serving(speed: float = SPEED) -> AsyncIterator[Simulator]:
    """A simulated exchange in its own world and time."""
    clock = SimulatedClock(speed=speed, anchor_ns=BEGAN_AT_NS)
    async with serve(products=PRODUCTS, clock=clock) as simulator:
        yield simulator


@asynccontextmanager
async def turning(
    simulator: Simulator,
    recorder: Recorder,
    shelf: Shelf = NOTHING_KEPT,
    exchange: Coinbase = COINBASE,
) -> AsyncIterator[DataPlane]:
    """A data plane on a simulator; its thread has ended afterwards."""
    plane = DataPlane(
        endpoints=endpoints(simulator),
        sinks=recorder,
        exchanges={"coinbase": exchange},
        shelf=shelf,
    )
    plane.start()
    try:
        yield plane
    finally:
        assert await asyncio.to_thread(plane.stop), "the data plane did not stop in time"


def install(
    plane: DataPlane,
    sub: str,
    *markets: Market,
    rules: SignalRules | None = None,
    since: int | None = None,
) -> Gate:
    """A user's open desk."""
    gate = Gate(is_open=True)
    plane.install(owner(sub), replace(plan(*markets, rules=rules), since=since), gate)
    return gate


async def until(seen: Callable[[], object], what: str) -> None:
    """Wait until something can be seen."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not seen():  # noqa: ASYNC110 - another thread's doings wake no event of ours
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not seen within {PATIENCE_SECONDS:g} s: {what}") from None


async def facts_until(
    plane: DataPlane, sub: str, holds: Callable[[DeskFacts], object], what: str
) -> DeskFacts:
    """Wait until the facts of a user's desk say something; those facts."""
    seen: list[DeskFacts] = []

    def look() -> bool:
        facts = plane.facts(sub)
        if facts is None or not holds(facts):
            return False
        seen.append(facts)
        return True

    await until(look, what)
    return seen[-1]


async def warm(plane: DataPlane, sub: str) -> DeskFacts:
    """Wait until every market of a desk receives and has its indicators."""
    return await facts_until(
        plane,
        sub,
        lambda facts: facts.markets and all(m.live == "receiving" for m in facts.markets),
        "every market receiving",
    )


async def minutes_told(recorder: Recorder, market: Market, count: int) -> list[Candle]:
    """Wait for this many 1m candles of a market."""
    await until(lambda: len(recorder.minutes(market)) >= count, f"{count} minutes of {market}")
    return recorder.minutes(market)


def fired_between(recorder: Recorder, since: int, until: int) -> list[FiredSignal]:
    """Signals of bars that closed between two unix seconds of the exchange."""
    return [fired for fired in recorder.signals if since < fired.signal.closed_at < until]


def assert_missed(recorder: Recorder, since: int, until: int) -> None:
    """Signals of an outage are marked missed.

    Not all of them: what a new connection's snapshot of trades reaches back to was not missed.
    """
    assert any(fired.missed for fired in fired_between(recorder, since, until))


async def truth(simulator: Simulator, market: Market, start: int, end: int) -> dict[int, Candle]:
    """The exchange's own 1m candles opened in ``[start, end)``, by opening time."""
    found: dict[int, Candle] = {}
    async with ExchangeHttp(COINBASE, simulator.rest) as http:
        for first in range(start, end, 300 * 60):
            last = min(first + 300 * 60, end) - 60
            request = COINBASE.candles_request(market.symbol, Timeframe.M1, first, last)
            candles = await http.ask(
                request, lambda response: COINBASE.candles(response, market.symbol, Timeframe.M1)
            )
            found |= {candle.opened_at: candle for candle in candles}
    return found


async def ends_equal_to_truth(simulator: Simulator, recorder: Recorder, market: Market) -> None:
    """The 1m candles told so far have no gap, and are what the exchange says.

    An exchange as fast as :data:`SPEED` may tell the end of a minute after its clock has left it
    by more than the grace; such a minute is told again, so the last word is what counts.
    """
    minutes = recorder.minutes(market)
    start, end = minutes[0].opened_at, minutes[-1].closes_at
    assert [c.opened_at for c in minutes] == list(range(start, end, 60))
    told = await truth(simulator, market, start, end)

    def wrong() -> list[Candle]:
        known = [c for c in recorder.minutes(market) if c.opened_at < end]
        return [c for c in known if (None if c.synthetic else c) != told.get(c.opened_at)]

    await until(lambda: not wrong(), f"the exchange's candles instead of {wrong()}")


async def passed(simulator: Simulator, seconds: float) -> None:
    """Wait until the exchange's clock has moved on by so much."""
    end_us = simulator.clock.now_us() + seconds * MICROSECONDS
    await until(lambda: simulator.clock.now_us() >= end_us, f"{seconds:g} s of the exchange")
