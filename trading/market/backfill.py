"""History over REST: what seeds the indicators, and what fills a hole.

Rule 1: repairs first, for a trader waits behind each; warm-ups in the order of the watchlist.
Rule 2: a market is warmed up with all its timeframes at once, from one cut: a bar that grows out
    of history and trades must have both from the same moment.
Rule 3: nothing is asked twice: a job that failed keeps the answers it has.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from trading.core.candles import Hole
from trading.core.errors import ExchangeError
from trading.core.market import MICROSECONDS, Candle, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.exchanges.ports import Exchange
from trading.net.http import ExchangeHttp


class Urgency(IntEnum):
    """Who goes first; lower is sooner."""

    REPAIR = 0
    WARM_UP = 1


class Span(NamedTuple):
    """Buckets of one timeframe opened in ``[start, end)``, unix seconds."""

    timeframe: Timeframe
    start: int
    end: int


@dataclass(slots=True, eq=False, kw_only=True)
class HistoryJob:
    """Candles that one market needs.

    Args:
        symbol: Canonical symbol.
        urgency: Before or behind whom.
        cut: Where the history is to end, unix seconds.
        left: Spans not asked for yet, in order; shrinks as answers come.
        done: Told the outcome: None, or the error that ended the attempt.
        candles: The answers so far, oldest first.
    """

    symbol: str
    urgency: Urgency
    cut: int
    left: deque[Span]
    done: Callable[[HistoryJob, ExchangeError | None], None]
    candles: dict[Timeframe, list[Candle]] = field(default_factory=dict)


def warm_up_spans(cut: int) -> deque[Span]:
    """What seeds the indicators of every timeframe, finest first: 300 closed bars each."""
    spans = deque[Span]()
    for timeframe in Timeframe:
        end = timeframe.bucket(cut)
        spans.append(Span(timeframe, end - WARM_UP_BARS * timeframe.seconds, end))
    return spans


def hole_spans(hole: Hole) -> deque[Span]:
    """What fills a hole: its minutes."""
    return deque([Span(Timeframe.M1, hole.start, hole.end)])


def chunks(span: Span, candles_per_request: int) -> list[Span]:
    """The span in requests that the exchange allows, oldest first."""
    step = candles_per_request * span.timeframe.seconds
    return [
        Span(span.timeframe, start, min(start + step, span.end))
        for start in range(span.start, span.end, step)
    ]


class Backfill:
    """The history requests of one exchange, a few at a time, the most urgent first."""

    def __init__(self, exchange: Exchange, http: ExchangeHttp) -> None:
        self._exchange = exchange
        self._http = http
        self._queue: asyncio.PriorityQueue[tuple[int, int, HistoryJob]] = asyncio.PriorityQueue()
        self._submitted = 0

    @property
    def waiting(self) -> int:
        """Jobs that nobody has begun."""
        return self._queue.qsize()

    def submit(self, job: HistoryJob) -> None:
        """Take a job; its ``done`` is called once, on this loop."""
        self._submitted += 1
        self._queue.put_nowait((job.urgency, self._submitted, job))

    async def run(self) -> None:
        """Work until cancelled. The budget sets the pace; this many only hide the round trips."""
        workers = max(2, math.ceil(self._exchange.requests_per_second))
        async with asyncio.TaskGroup() as tasks:
            for number in range(workers):
                tasks.create_task(self._work(), name=f"backfill {self._exchange.name} {number}")

    async def _work(self) -> None:
        while True:
            _, _, job = await self._queue.get()
            try:
                await self._fetch(job)
            except ExchangeError as exc:
                job.done(job, exc)
            else:
                job.done(job, None)

    async def _fetch(self, job: HistoryJob) -> None:
        while job.left:
            span = job.left[0]
            found: list[Candle] = []
            for chunk in chunks(span, self._exchange.candles_per_request):
                found += await self._candles(job.symbol, chunk)
            job.candles[span.timeframe] = found
            job.left.popleft()

    async def _candles(self, symbol: str, span: Span) -> list[Candle]:
        exchange, timeframe = self._exchange, span.timeframe
        request = exchange.candles_request(
            symbol, timeframe, span.start, span.end - timeframe.seconds
        )
        candles = await self._http.ask(
            request, lambda response: exchange.candles(response, symbol, timeframe)
        )
        return [candle for candle in candles if span.start <= candle.opened_at < span.end]


def cut_before(server_time_us: int, grace_seconds: float) -> int:
    """The newest minute boundary behind which history does not change any more, unix seconds."""
    return Timeframe.M1.bucket(int(server_time_us / MICROSECONDS - grace_seconds))
