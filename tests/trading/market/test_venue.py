"""An exchange contradicts itself, and no market pays for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.trading.core.made import NOON, candle, trade, us
from tests.trading.running import BTC, COINBASE, Recorder, owner, plan
from trading.backfills import OrderedBackfills
from trading.core.market import Timeframe
from trading.desk import Desk, Seat
from trading.exchanges.ports import Event, ServerTime, Subscriptions
from trading.market.rotation import Successor
from trading.market.venue import Venue
from trading.net.endpoints import Endpoints
from trading.net.feed import Feed
from trading.ports import Gate

NOWHERE = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
DAY = 86_400


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[Venue, Feed]]:
    """A venue with one market that is warm, and the feed that carries it."""
    sinks = Recorder()
    venue = Venue(COINBASE, NOWHERE, sinks, resume_at={}, backfills=OrderedBackfills(), life=1)
    desk = Desk(Seat(owner=owner(), plan=plan(BTC), gate=Gate(is_open=True)), sinks)
    venue.want({BTC.symbol: (desk,)}, [])
    async with asyncio.TaskGroup() as tasks:
        feed = venue._open(tasks, 0)
        feed.want(frozenset({BTC.symbol}))
        feed.acknowledged = feed.wanted
        venue._tracks[BTC.symbol].series.warm_up({Timeframe.M1: []}, NOON)
        venue.feed_heard(feed, [ServerTime(us(1))])
        venue.feed_heard(feed, [trade(1, 1), ServerTime(us(2))])
        yield venue, feed
        for line in venue._lines.values():
            line.task.cancel()
            with suppress(asyncio.CancelledError):
                await line.task


async def test_trade_of_the_far_future_is_left_out_and_told_once() -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        for number in range(2, 5):
            venue.feed_heard(feed, [trade(number, number * DAY), ServerTime(us(number))])
        assert series.trades == 1
        assert series.server_time_us == us(4)
        [failure] = venue.view.failures([BTC.symbol])
        assert failure.message.startswith("Coinbase told a trade of BTC-USD 172798 s ahead")
        assert venue._lines[feed].refused == 3
        venue.feed_heard(feed, [trade(5, 5)])
        assert series.trades == 2


async def test_leap_of_the_clock_closes_nothing_until_it_lasts() -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        venue.feed_heard(feed, [ServerTime(us(DAY))])
        assert series.server_time_us == us(2)
        venue.feed_heard(feed, [ServerTime(us(DAY + 1))])
        assert series.server_time_us == us(DAY + 1)


async def test_new_connection_may_be_hours_later() -> None:
    async with watching() as (venue, feed):
        venue.feed_lost(feed)
        venue.feed_heard(feed, [ServerTime(us(DAY))])
        venue.feed_heard(feed, [trade(9, DAY), ServerTime(us(DAY + 1))])
        assert venue.view.failures([BTC.symbol]) == []
        assert venue._tracks[BTC.symbol].series.trades == 2


async def test_clock_that_nothing_is_believed_of_yet_ends_no_doubt_and_no_outage() -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        for minute in range(3):
            at = 60 * minute + 3
            venue.feed_heard(feed, [trade(minute + 2, at), ServerTime(us(at))])
        first = series.hole()
        assert first is not None
        series.repair([], first)
        venue.feed_lost(feed)
        feed.acknowledged = feed.wanted  # confirmed within the tenth of a second it was told in
        venue.feed_heard(feed, [ServerTime(us(900))])
        assert series.hole() is None  # the outage goes on
        for second in (901, 910):
            venue.feed_heard(feed, [ServerTime(us(second))])
        hole = series.hole()
        assert hole is not None
        assert hole.start >= NOON + 60
        assert hole.end <= NOON + 900


@pytest.mark.parametrize("is_seamless", [True, False])
async def test_successor_of_what_fell_silent_too_soon_leaves_a_hole(is_seamless: bool) -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        venue.feed_heard(feed, [trade(2, 63), ServerTime(us(63))])
        first = series.hole()
        assert first is not None
        series.repair([], first)
        async with asyncio.TaskGroup() as tasks:
            following, task = venue._dial(tasks, venue)
            following.want(feed.wanted)
            following.acknowledged = feed.wanted
            # Whatever was traded between the two was told by neither.
            heard: list[Event] = [
                Subscriptions(feed.wanted),
                ServerTime(us(75)),
                ServerTime(us(76)),
            ]
            venue._succeed(feed, Successor(following, task, heard, is_seamless))
            venue.feed_heard(following, [ServerTime(us(130))])
            hole = series.hole()
            task.cancel()
        assert (hole is None) == is_seamless


async def test_market_that_is_halted_for_half_an_hour_was_not_heard_meanwhile() -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        # It is traded in one minute of twenty: its silence alone is believed.
        seldom = [candle(index, 100.0) for index in range(-300, 0, 20)]
        series.warm_up({Timeframe.M1: seldom}, NOON)
        venue.feed_heard(feed, [ServerTime(us(130))])
        while hole := series.hole():
            series.repair([], hole)
        venue.feed_heard(feed, [ServerTime(us(131))])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(venue.listing, "may_stream", lambda _: False)
            venue._spread(asyncio.TaskGroup())
            assert feed.wanted == frozenset()
            feed.acknowledged = frozenset()
            venue.feed_heard(feed, [ServerTime(us(2_000))])
        venue._spread(asyncio.TaskGroup())
        feed.acknowledged = feed.wanted
        for second in (2_001, 2_010):
            venue.feed_heard(feed, [ServerTime(us(second))])
        hole = series.hole()
        assert hole is not None
        assert hole.end >= NOON + 1_980


async def test_market_that_an_acknowledgement_leaves_out_is_not_heard_of_until_it_is_back() -> None:
    async with watching() as (venue, feed):
        series = venue._tracks[BTC.symbol].series
        for minute in range(3):
            at = 60 * minute + 3
            venue.feed_heard(feed, [trade(minute + 2, at), ServerTime(us(at))])
        first = series.hole()
        assert first is not None
        series.repair([], first)
        venue.feed_heard(feed, [Subscriptions(frozenset({BTC.symbol}))])
        assert series.hole() is None
        feed.acknowledged = frozenset()
        venue.feed_heard(feed, [Subscriptions(frozenset()), ServerTime(us(200))])
        feed.acknowledged = feed.wanted
        venue.feed_heard(feed, [Subscriptions(feed.wanted), ServerTime(us(400))])
        venue.feed_heard(feed, [ServerTime(us(410))])
        hole = series.hole()
        assert hole is not None
        assert (hole.start, hole.end) == (NOON + 120, NOON + 360)
