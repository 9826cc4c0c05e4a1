"""History over REST: what is asked, in which order, and what a failure costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import running
from trading.core.candles import Hole
from trading.core.errors import ExchangeError, Rejected, Unreachable
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe
from trading.core.series import closed_bars
from trading.market.backfill import (
    Backfill,
    HistoryJob,
    Urgency,
    chunks,
    cut_before,
    hole_spans,
    warm_up_spans,
)
from trading.market.shelf import NOTHING_KEPT, Span
from trading.net.http import ExchangeHttp
from trading.ports import Owner, Shelf
from trading.simulator.faults import Accept, Refuse
from trading.simulator.server import Simulator

BTC = Market("coinbase", "BTC-USD")
NOON = running.BEGAN_AT_NS // 10**9


class Outcomes:
    """Jobs that ended, in order."""

    def __init__(self) -> None:
        self.ended: list[tuple[HistoryJob, ExchangeError | None]] = []
        self._changed = asyncio.Event()

    def done(self, job: HistoryJob, error: ExchangeError | None) -> None:
        self.ended.append((job, error))
        self._changed.set()

    async def count(self, number: int) -> None:
        async with asyncio.timeout(20.0):
            while len(self.ended) < number:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def backfilling(simulator: Simulator, shelf: Shelf = NOTHING_KEPT) -> AsyncIterator[Backfill]:
    """A backfill at work."""
    async with ExchangeHttp(running.COINBASE, simulator.rest) as http:
        backfill = Backfill(running.COINBASE, http, shelf=shelf)
        task = asyncio.create_task(backfill.run(), name="backfill under test")
        try:
            yield backfill
        finally:
            task.cancel()
            await asyncio.wait([task])


def job(outcomes: Outcomes, *, urgency: Urgency, symbol: str = "BTC-USD") -> HistoryJob:
    """A warm-up or the repair of ten minutes, both before noon."""
    hole = Hole(NOON - 600, NOON, NOON * MICROSECONDS)
    repair = urgency is Urgency.REPAIR
    return HistoryJob(
        symbol=symbol,
        urgency=urgency,
        cut=NOON,
        left=hole_spans(hole) if repair else warm_up_spans(NOON),
        done=outcomes.done,
    )


async def test_a_warm_up_is_300_closed_bars_of_each_timeframe() -> None:
    outcomes = Outcomes()
    async with running.serving() as simulator, backfilling(simulator) as backfill:
        backfill.submit(job(outcomes, urgency=Urgency.WARM_UP))
        await outcomes.count(1)
    ended, error = outcomes.ended[0]
    assert error is None
    assert not ended.left
    assert set(ended.candles) == set(Timeframe)
    for timeframe, candles in ended.candles.items():
        opened = [candle.opened_at for candle in candles]
        assert opened == sorted(opened)
        assert 250 <= len(candles) <= 300
        assert candles[-1].closes_at <= NOON < candles[-1].closes_at + 2 * timeframe.seconds


class Kept:
    """A shelf that holds what one warm-up gave."""

    def __init__(self, job: HistoryJob) -> None:
        self._bars = {
            timeframe: closed_bars(candles, timeframe, job.cut, BTC)
            for timeframe, candles in job.candles.items()
        }

    async def kept(
        self, market: Market, owners: Collection[Owner] = ()
    ) -> dict[Timeframe, list[Candle]]:
        return self._bars if market == BTC else {}

    def lose(self, timeframe: Timeframe, number: int) -> None:
        """Lose one candle of it."""
        del self._bars[timeframe][number]


async def warm_up(backfill: Backfill, cut: int, *, doubted_since: int | None = None) -> HistoryJob:
    outcomes = Outcomes()
    wanted = job(outcomes, urgency=Urgency.WARM_UP)
    wanted.cut, wanted.left, wanted.doubted_since = cut, warm_up_spans(cut), doubted_since
    backfill.submit(wanted)
    await outcomes.count(1)
    [(ended, error)] = outcomes.ended
    assert error is None
    return ended


def bars(ended: HistoryJob) -> dict[Timeframe, list[Candle]]:
    return {t: closed_bars(candles, t, ended.cut, BTC) for t, candles in ended.candles.items()}


async def test_a_warm_up_asks_only_for_what_was_not_kept() -> None:
    async with running.serving() as simulator:
        async with backfilling(simulator) as backfill:
            shelf = Kept(await warm_up(backfill, NOON - 180))
            expected = await warm_up(backfill, NOON)
        rest = running.Rest(simulator)
        async with backfilling(simulator, shelf) as backfill:
            ended = await warm_up(backfill, NOON)
    assert bars(ended) == bars(expected)
    asked = {ask.first("granularity"): ask.first("start") for ask in rest.asked}
    # The three minutes since, and the one before, which may have been amended; of the longer bars
    # the one that closed at noon, where one did.
    spans = {
        "ONE_MINUTE": 240,
        "FIVE_MINUTE": 300,
        "FIFTEEN_MINUTE": 900,
        "ONE_HOUR": 3_600,
        "FOUR_HOUR": 14_400,
    }
    assert asked == {granularity: str(NOON - seconds) for granularity, seconds in spans.items()}
    assert len(rest.asked) == len(asked)


async def test_what_is_in_doubt_is_not_settled_by_what_was_kept_of_it() -> None:
    async with running.serving() as simulator:
        async with backfilling(simulator) as backfill:
            shelf = Kept(await warm_up(backfill, NOON))
        rest = running.Rest(simulator)
        async with backfilling(simulator, shelf) as backfill:
            await warm_up(backfill, NOON, doubted_since=NOON - 5_400)
    asked = {ask.first("granularity"): ask.first("start") for ask in rest.asked}
    assert asked["ONE_MINUTE"] == str(NOON - 5_400)
    assert asked["ONE_HOUR"] == str(NOON - 7_200)  # the hour that the doubt begins in


async def test_a_kept_history_with_a_gap_is_asked_for_the_gap() -> None:
    async with running.serving() as simulator:
        async with backfilling(simulator) as backfill:
            expected = await warm_up(backfill, NOON)
        shelf = Kept(expected)
        shelf.lose(Timeframe.M5, 100)
        rest = running.Rest(simulator)
        async with backfilling(simulator, shelf) as backfill:
            ended = await warm_up(backfill, NOON)
    assert bars(ended) == bars(expected)
    lost = NOON - 200 * 300
    fives = [ask.first("start") for ask in rest.asked if ask.first("granularity") == "FIVE_MINUTE"]
    assert str(lost) in fives


async def test_repairs_go_before_warm_ups() -> None:
    outcomes = Outcomes()
    async with (
        running.serving() as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
    ):
        backfill = Backfill(running.COINBASE, http)
        for _ in range(30):
            backfill.submit(job(outcomes, urgency=Urgency.WARM_UP))
        backfill.submit(job(outcomes, urgency=Urgency.REPAIR, symbol="ETH-USD"))
        assert backfill.waiting == 31
        task = asyncio.create_task(backfill.run(), name="backfill under test")
        await outcomes.count(1)
        task.cancel()
        await asyncio.wait([task])
    assert outcomes.ended[0][0].symbol == "ETH-USD"


async def test_what_is_hastened_goes_before_what_waits_and_once() -> None:
    outcomes = Outcomes()
    async with (
        running.serving() as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
    ):
        rest = running.Rest(simulator)
        backfill = Backfill(running.COINBASE, http)
        for _ in range(30):
            backfill.submit(job(outcomes, urgency=Urgency.WARM_UP))
        held = job(outcomes, urgency=Urgency.WARM_UP, symbol="ETH-USD")
        backfill.submit(held)
        backfill.hasten(held, Urgency.WARM_UP_OF_POSITION)
        backfill.hasten(held, Urgency.WARM_UP)  # nobody is put back
        assert (backfill.waiting, held.urgency) == (31, Urgency.WARM_UP_OF_POSITION)
        task = asyncio.create_task(backfill.run(), name="backfill under test")
        await outcomes.count(31)
        task.cancel()
        await asyncio.wait([task])
    assert [ended.symbol for ended, _ in outcomes.ended].count("ETH-USD") == 1
    assert backfill.waiting == 0
    asked = [ask.path.split("/")[-2] for ask in rest.asked]
    # Several ask at once; whose turn came first is what counts.
    assert list(dict.fromkeys(asked)) == ["ETH-USD", "BTC-USD"]


async def test_a_job_that_failed_is_not_asked_again_by_being_hastened() -> None:
    outcomes = Outcomes()
    async with running.serving() as simulator, backfilling(simulator) as backfill:
        unknown = job(outcomes, urgency=Urgency.WARM_UP, symbol="NOBODY-USD")
        backfill.submit(unknown)
        await outcomes.count(1)
        backfill.hasten(unknown, Urgency.WARM_UP_OF_POSITION)
        assert backfill.waiting == 0
        backfill.submit(unknown)
        await outcomes.count(2)
    assert len(outcomes.ended) == 2


async def test_what_is_ordered_waits_for_everything_else() -> None:
    outcomes = Outcomes()
    async with (
        running.serving() as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
    ):
        rest = running.Rest(simulator)
        backfill = Backfill(running.COINBASE, http)
        chunk = Span(Timeframe.M1, NOON - 600, NOON)
        ordering = asyncio.create_task(backfill.ordered("SOL-USD", chunk), name="ordered")
        await running.until(lambda: backfill.waiting == 1, "the order in the queue")
        backfill.submit(job(outcomes, urgency=Urgency.WARM_UP))
        backfill.submit(job(outcomes, urgency=Urgency.REPAIR, symbol="ETH-USD"))
        task = asyncio.create_task(backfill.run(), name="backfill under test")
        candles = await ordering
        task.cancel()
        await asyncio.wait([task])
    assert candles
    assert all(chunk.start <= candle.opened_at < chunk.end for candle in candles)
    asked = [ask.path.split("/")[-2] for ask in rest.asked]
    # Several ask at once; whose turn came first is what counts.
    assert list(dict.fromkeys(asked)) == ["ETH-USD", "BTC-USD", "SOL-USD"]


async def test_an_order_whose_caller_is_cancelled_is_asked_no_more() -> None:
    outcomes = Outcomes()
    async with running.serving() as simulator, backfilling(simulator) as backfill:
        rest = running.Rest(simulator)
        rest.throttled_next = 1  # so that it would be asked again
        rest.hold()
        chunk = Span(Timeframe.M1, NOON - 600, NOON)
        ordering = asyncio.create_task(backfill.ordered("SOL-USD", chunk), name="ordered")
        await running.until(lambda: rest.asked, "the first attempt")
        ordering.cancel()
        await asyncio.wait([ordering])
        rest.release()
        backfill.submit(job(outcomes, urgency=Urgency.WARM_UP))
        await outcomes.count(1)
        assert outcomes.ended[0][1] is None
    assert ordering.cancelled()
    assert rest.candles_of(running.SOL) == 1


async def test_a_withdrawn_job_is_never_begun() -> None:
    outcomes = Outcomes()
    async with (
        running.serving() as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
    ):
        rest = running.Rest(simulator)
        backfill = Backfill(running.COINBASE, http)
        withdrawn = job(outcomes, urgency=Urgency.REPAIR, symbol="ETH-USD")
        backfill.submit(withdrawn)
        backfill.withdraw(withdrawn)
        backfill.submit(job(outcomes, urgency=Urgency.REPAIR))
        task = asyncio.create_task(backfill.run(), name="backfill under test")
        await outcomes.count(1)
        task.cancel()
        await asyncio.wait([task])
    assert [ended.symbol for ended, _ in outcomes.ended] == ["BTC-USD"]
    assert rest.candles_of(running.ETH) == 0


async def test_a_failed_job_keeps_its_answers_and_may_be_submitted_again() -> None:
    outcomes = Outcomes()
    async with running.serving() as simulator, backfilling(simulator) as backfill:
        wanted = job(outcomes, urgency=Urgency.WARM_UP)
        first = wanted.left.popleft()
        wanted.candles[first.timeframe] = []
        simulator.inject(Refuse(seconds=600.0, scope="rest"))
        backfill.submit(wanted)
        await outcomes.count(1)
        assert isinstance(outcomes.ended[0][1], Unreachable)
        assert len(wanted.left) == 5
        simulator.inject(Accept())
        backfill.submit(wanted)
        await outcomes.count(2)
    assert outcomes.ended[1][1] is None
    assert wanted.candles[first.timeframe] == [], "not asked twice"
    assert len(wanted.candles) == 6


async def test_symbol_nobody_knows_is_rejected() -> None:
    outcomes = Outcomes()
    async with running.serving() as simulator, backfilling(simulator) as backfill:
        backfill.submit(job(outcomes, urgency=Urgency.REPAIR, symbol="NOPE-USD"))
        await outcomes.count(1)
    assert isinstance(outcomes.ended[0][1], Rejected)


def test_a_hole_is_asked_in_minutes() -> None:
    assert list(hole_spans(Hole(600, 900, 0))) == [Span(Timeframe.M1, 600, 900)]


@given(
    st.sampled_from(list(Timeframe)),
    st.integers(min_value=0, max_value=10_000),
    st.integers(min_value=1, max_value=2_000),
    st.integers(min_value=1, max_value=350),
)
def test_chunks_cover_the_span_once_and_hold_no_more_than_allowed(
    timeframe: Timeframe, first: int, count: int, allowed: int
) -> None:
    start, end = first * timeframe.seconds, (first + count) * timeframe.seconds
    parts = chunks(Span(timeframe, start, end), allowed)
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert (parts[0].start, parts[-1].end) == (start, end)
    assert all(0 < part.end - part.start <= allowed * timeframe.seconds for part in parts)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(120.0, 60), (121.9, 60), (122.0, 120), (179.0, 120)]
)
def test_the_newest_minute_is_cut_off_until_it_is_settled(seconds: float, expected: int) -> None:
    assert cut_before(round(seconds * MICROSECONDS), 2.0) == expected
