"""Connections that are replaced before they end, in the simulated Binance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.trading.market.test_exchanges import theirs, turning
from tests.trading.running import Recorder, Rest, install, minutes_told, until, warm
from trading.core.market import MICROSECONDS, Market
from trading.exchanges.binance import Binance
from trading.exchanges.ports import ServerTime, Subscriptions
from trading.market.rotation import OVERLAP_SECONDS, Rotation, Successor
from trading.net.budget import TokenBucket
from trading.net.feed import Feed, Listener
from trading.plane import DataPlane
from trading.simulator.faults import Close, Farewell
from trading.simulator.server import Simulator

BINANCE = Binance()
BTC, ETH = Market("binance", "BTC-USDT"), Market("binance", "ETH-USDT")


class Brief(Binance):
    """Binance, if its connections grew old within seconds."""

    connection_seconds = 2.0


def repairs(rest: Rest, since: int) -> int:
    """How often a minute was asked for that began at this second or later."""
    asked = [ask for ask in rest.asked if ask.first("interval") == "1m"]
    return sum(int(ask.first("endTime") or 0) >= since * 1_000 for ask in asked)


def now(simulator: Simulator) -> int:
    return simulator.clock.now_us() // MICROSECONDS


async def assert_whole(simulator: Simulator, recorder: Recorder, market: Market) -> None:
    """All minutes that were told are those of the exchange."""
    told = recorder.minutes(market)
    made = await theirs(BINANCE, simulator, market.symbol, told[0].opened_at, told[-1].opened_at)
    assert [one for one in told if not one.synthetic] == made
    assert len({one.opened_at for one in told}) == len(told)


async def begun(plane: DataPlane, recorder: Recorder) -> None:
    install(plane, "ann", BTC, ETH)
    await warm(plane, "ann")
    await minutes_told(recorder, BTC, 2)


async def test_connection_is_replaced_by_age_with_no_hole_and_no_double() -> None:
    recorder = Recorder()
    async with turning(Brief(), recorder) as (simulator, plane):
        rest = Rest(simulator)
        await begun(plane, recorder)
        since = now(simulator)
        await until(lambda: simulator.connections == 2, "the next connection")
        await until(lambda: simulator.connections == 1, "the end of the first")
        await until(lambda: simulator.connections == 2, "the one behind it")
        await minutes_told(recorder, BTC, len(recorder.minutes(BTC)) + 3)
        assert repairs(rest, since) == 0
        for market in (BTC, ETH):
            await assert_whole(simulator, recorder, market)
        facts = plane.facts("ann")
        assert facts is not None
        assert facts.feeds[0].reconnects == 0


async def test_connection_that_says_farewell_is_succeeded_when_it_ends() -> None:
    recorder = Recorder()
    async with turning(BINANCE, recorder) as (simulator, plane):
        rest = Rest(simulator)
        await begun(plane, recorder)
        since = now(simulator)
        simulator.inject(Farewell(seconds=4.0))  # sooner than the two would part
        await until(lambda: simulator.connections == 2, "the next connection")
        await until(lambda: simulator.connections == 1, "the end of the first")
        await minutes_told(recorder, BTC, len(recorder.minutes(BTC)) + 3)
        assert repairs(rest, since) == 0
        for market in (BTC, ETH):
            await assert_whole(simulator, recorder, market)


async def test_connection_that_just_ends_is_repaired_as_ever() -> None:
    recorder = Recorder()
    async with turning(BINANCE, recorder) as (simulator, plane):
        rest = Rest(simulator)
        await begun(plane, recorder)
        since = now(simulator) - 60
        simulator.inject(Close(code=1006))
        await until(lambda: repairs(rest, since), "a repair")


class Pair:
    """A connection that is old, and the next one, which has carried all for a while."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self.successors: list[Successor] = []
        self.rotation = Rotation(
            BINANCE, replace=lambda _, next_one: self.successors.append(next_one)
        )
        self.old, _ = self._open(self)
        self.old._opened_at = time.monotonic() - BINANCE.connection_seconds
        self.hear(self.old)
        self.look()
        self.next = self.rotation._pairs[self.old].feed
        self.hear(self.next)
        self.look()
        self.ready_at = time.monotonic() - OVERLAP_SECONDS - 1.0
        self.rotation._pairs[self.old].understudy.ready_at = self.ready_at

    def feed_heard(self, feed: Feed, events: object) -> None:
        """Nothing of it matters here."""

    def feed_lost(self, feed: Feed) -> None:
        """Nor of this."""

    def hear(self, feed: Feed) -> None:
        feed._is_up, feed.acknowledged = True, feed.wanted

    def look(self) -> None:
        self.rotation._look([self.old], self._open)

    def _open(self, listener: Listener) -> tuple[Feed, asyncio.Task[None]]:
        bucket = TokenBucket(1.0)
        feed = Feed(
            BINANCE,
            "ws://127.0.0.1:9",
            listener,
            new_protocol=BINANCE.new_protocol,
            dials=bucket,
            messages=bucket,
        )
        feed.want(frozenset({BTC.symbol}))
        return feed, self._tasks.create_task(asyncio.sleep(0.0))


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    async with asyncio.TaskGroup() as tasks:
        yield Pair(tasks)


async def test_two_that_were_both_heard_for_a_while_part_without_a_seam() -> None:
    async with pair() as two:
        two.old._heard_at = two.ready_at + OVERLAP_SECONDS
        two.look()
        assert [(one.feed, one.is_seamless) for one in two.successors] == [(two.next, True)]


@pytest.mark.parametrize("heard_later", [-1.0, OVERLAP_SECONDS - 0.1])
async def test_connection_that_fell_silent_is_not_replaced_by_age(heard_later: float) -> None:
    async with pair() as two:
        two.old._heard_at = two.ready_at + heard_later
        two.look()
        assert two.successors == []


@pytest.mark.parametrize("heard_later", [-0.1, 0.1])
async def test_what_fell_silent_before_the_next_one_carried_all_is_lost(heard_later: float) -> None:
    async with pair() as two:
        two.old._heard_at = two.ready_at + heard_later
        assert two.rotation.succeeds(two.old)
        assert [one.is_seamless for one in two.successors] == [heard_later > 0.0]


async def test_what_does_not_carry_all_keeps_nothing_that_the_other_has_told() -> None:
    async with pair() as two:
        understudy = two.rotation._pairs[two.old].understudy
        some = Subscriptions(frozenset({BTC.symbol}))
        understudy.feed_heard(two.next, [some, *(ServerTime(second) for second in range(1_000))])
        two.next.acknowledged = frozenset()
        two.look()
        assert understudy.heard() == [some]

        two.next.acknowledged = two.next.wanted
        two.look()
        understudy.feed_heard(two.next, [ServerTime(1_000)])
        two.look()
        assert understudy.heard() == [some, ServerTime(1_000)]
