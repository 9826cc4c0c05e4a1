"""History over REST: what seeds the indicators, and what fills a hole.

Rule 1: repairs first, for a trader waits behind each; then warm-ups, of what somebody holds before
    the rest, each in the order of the watchlist; what a trader has ordered comes last, one request
    at a time.
Rule 2: a market is warmed up with all its timeframes at once, from one cut: a bar that grows out
    of history and trades must have both from the same moment.
Rule 3: nothing is asked twice: a job that failed keeps the answers it has, and a warm-up begins
    with what was kept from before.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from trading.core.candles import Hole
from trading.core.errors import ExchangeError
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.exchanges.ports import Exchange
from trading.market.names import Names
from trading.market.shelf import NOTHING_KEPT, Span, missing, usable
from trading.net.http import MAX_CONNECTIONS, ExchangeHttp
from trading.ports import Owner, Shelf, WarmUp

GRACE_SECONDS = 2.0
"""An exchange may still correct a candle this long after its end."""


class Urgency(IntEnum):
    """Who goes first; lower is sooner."""

    REPAIR = 0
    WARM_UP_OF_POSITION = 1
    WARM_UP = 2
    ORDERED = 3

    @property
    def is_warm_up(self) -> bool:
        """Whether it seeds a market, which may begin with what was kept from before."""
        return self in {Urgency.WARM_UP_OF_POSITION, Urgency.WARM_UP}


@dataclass(slots=True, eq=False, kw_only=True)
class HistoryJob:
    """Candles that one market needs.

    Args:
        symbol: Canonical symbol.
        urgency: Before or behind whom.
        cut: Where the history is to end, unix seconds.
        left: Spans not asked for yet, in order; shrinks as answers come.
        done: Told the outcome: None, or the error that ended the attempt.
        candles: What is known so far, oldest first: kept, or answered.
        kept: The candles among them that were kept from before; None: nobody has looked.
        resume_seconds: How long before the cut a kept history may end for the cut to move there:
            what closed since is then a hole like any other, and is told.
        is_resumed: Whether it did.
        owners: Who is told first what closed since, if the cut moves.
        doubted_since: What was kept and closed behind this moment, unix seconds, is not trusted:
            it may be just what is in doubt. None: all of it is.
    """

    symbol: str
    urgency: Urgency
    cut: int
    left: deque[Span]
    done: Callable[[HistoryJob, ExchangeError | None], None]
    candles: dict[Timeframe, list[Candle]] = field(default_factory=dict)
    kept: Mapping[Timeframe, Sequence[Candle]] | None = None
    resume_seconds: int = 0
    is_resumed: bool = False
    owners: tuple[Owner, ...] = ()
    doubted_since: int | None = None
    is_withdrawn: bool = False


def warm_up_of(job: HistoryJob) -> WarmUp:
    """How far a warm-up has come."""
    missing_bars = sum((span.end - span.start) // span.timeframe.seconds for span in job.left)
    open_ones = {span.timeframe for span in job.left}
    return WarmUp(
        bars=len(Timeframe) * WARM_UP_BARS - missing_bars,
        ready=tuple(timeframe for timeframe in Timeframe if timeframe not in open_ones),
    )


def warm_up_spans(cut: int, timeframes: Iterable[Timeframe] = Timeframe) -> deque[Span]:
    """What seeds the indicators of each timeframe, in their order: 300 closed bars each."""
    spans = deque[Span]()
    for timeframe in timeframes:
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

    def __init__(
        self,
        exchange: Exchange,
        http: ExchangeHttp,
        *,
        shelf: Shelf = NOTHING_KEPT,
        names: Names | None = None,
    ) -> None:
        self._exchange = exchange
        self._http = http
        self._names = Names(exchange) if names is None else names
        self._shelf = shelf
        self._queue: asyncio.PriorityQueue[tuple[int, int, HistoryJob]] = asyncio.PriorityQueue()
        self._waiting: set[HistoryJob] = set()
        self._submitted = 0
        self._at_work: dict[HistoryJob, asyncio.Task[None]] = {}

    @property
    def waiting(self) -> int:
        """Jobs that nobody has begun."""
        return len(self._waiting)

    def submit(self, job: HistoryJob) -> None:
        """Take a job; its ``done`` is called once, on this loop."""
        self._waiting.add(job)
        self._line_up(job)

    def hasten(self, job: HistoryJob, urgency: Urgency) -> None:
        """Let a job go by a sooner urgency from now on, wherever in the queue it waits."""
        if urgency >= job.urgency:
            return
        job.urgency = urgency
        if job in self._waiting:
            self._line_up(job)  # the place that it had is passed over

    def withdraw(self, job: HistoryJob) -> None:
        """Ask nothing more for a job, and never call its ``done``; harmless when it is over."""
        job.is_withdrawn = True
        self._waiting.discard(job)
        if (fetching := self._at_work.get(job)) is not None:
            fetching.cancel()

    async def ordered(self, symbol: str, chunk: Span) -> list[Candle]:
        """The answer to one request that may wait for everything else.

        Cancelling the caller withdraws it.

        Raises:
            ExchangeError: If the exchange did not answer it.
        """
        answered: asyncio.Future[list[Candle]] = asyncio.get_running_loop().create_future()

        def done(job: HistoryJob, error: ExchangeError | None) -> None:
            if answered.cancelled():
                return  # the caller was cancelled in the very turn in which the answer came
            if error is None:
                answered.set_result(job.candles[chunk.timeframe])
            else:
                answered.set_exception(error)

        job = HistoryJob(
            symbol=symbol, urgency=Urgency.ORDERED, cut=chunk.end, left=deque([chunk]), done=done
        )
        self.submit(job)
        try:
            return await answered
        finally:
            self.withdraw(job)

    async def run(self) -> None:
        """Work until cancelled. The budget sets the pace; this many only hide the round trips."""
        workers = min(MAX_CONNECTIONS, max(2, math.ceil(self._exchange.requests_per_second)))
        async with asyncio.TaskGroup() as tasks:
            for number in range(workers):
                name = f"backfill {self._exchange.name} {number}"
                tasks.create_task(self._work(tasks), name=name)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            urgency, _, job = await self._queue.get()
            if job not in self._waiting or urgency != job.urgency:
                continue  # withdrawn, or hastened and so in the queue twice
            self._waiting.remove(job)
            fetching = tasks.create_task(self._attempt(job), name=f"history of {job.symbol}")
            self._at_work[job] = fetching
            await asyncio.wait([fetching])
            del self._at_work[job]

    def _line_up(self, job: HistoryJob) -> None:
        self._submitted += 1
        self._queue.put_nowait((job.urgency, self._submitted, job))

    async def _attempt(self, job: HistoryJob) -> None:
        try:
            await self._fetch(job)
        except ExchangeError as exc:
            job.done(job, exc)
        else:
            job.done(job, None)

    async def _fetch(self, job: HistoryJob) -> None:
        if job.urgency.is_warm_up and job.kept is None:
            await self._look_at_shelf(job)
        while job.left:
            span = job.left[0]
            found = job.candles.get(span.timeframe, [])
            for chunk in chunks(span, self._exchange.candles_per_request):
                found = found + await self.candles(job.symbol, chunk)
            # Only a whole span is noted: what failed halfway is asked for again.
            job.candles[span.timeframe] = sorted(found, key=lambda candle: candle.opened_at)
            job.left.popleft()

    async def _look_at_shelf(self, job: HistoryJob) -> None:
        """Leave to be asked what was not kept from before."""
        market = Market(self._exchange.name, job.symbol)
        known = usable(await self._shelf.kept(market, job.owners))
        if (since := job.doubted_since) is not None:
            known = {t: [c for c in kept if c.closes_at <= since] for t, kept in known.items()}
        if minutes := known.get(Timeframe.M1):
            end = minutes[-1].closes_at
            if 0 <= job.cut - end <= job.resume_seconds:
                job.cut, job.left, job.is_resumed = end, warm_up_spans(end), True
        wanted, job.left, job.kept = tuple(job.left), deque(), known
        for span in wanted:
            job.candles[span.timeframe] = list(known.get(span.timeframe, ()))
            job.left += missing(span, job.candles[span.timeframe])

    async def candles(self, symbol: str, span: Span) -> list[Candle]:
        """The candles of a span that fits one request, oldest first, now.

        Raises:
            ExchangeError: If the exchange did not answer it.
        """
        exchange, timeframe = self._exchange, span.timeframe
        native = await self._names.native(symbol, self._http)
        request = exchange.candles_request(
            native, timeframe, span.start, span.end - timeframe.seconds
        )
        candles = await self._http.ask(
            request, lambda response: exchange.candles(response, symbol, timeframe)
        )
        return [candle for candle in candles if span.start <= candle.opened_at < span.end]


def cut_before(server_time_us: int, grace_seconds: float) -> int:
    """The newest minute boundary behind which history does not change any more, unix seconds."""
    return Timeframe.M1.bucket(int(server_time_us / MICROSECONDS - grace_seconds))
