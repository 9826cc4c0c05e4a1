"""One market, from its trades to the indicators of every timeframe: the one pipeline there is.

Rule 1: live data, a repair and a replay go through the same methods, so they cannot disagree.
Rule 2: no clock and no I/O. What is missing is reported by :meth:`MarketSeries.hole`; whoever
    holds a connection fetches it and hands it back to :meth:`MarketSeries.repair`.
Rule 3: after an amendment the bars from there on are told again; whoever keeps them replaces them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import structs

from trading.core.candles import Hole, fill
from trading.core.indicators import IndicatorPoint, IndicatorSeries
from trading.core.macd_v import Reading
from trading.core.market import Candle, Market, Timeframe, Trade
from trading.core.minutes import MinuteBuilder, Settled
from trading.core.rollup import KEPT_CANDLES, Rollup
from trading.core.silence import Silence

WARM_UP_BARS = 300
"""Bars of each timeframe that seed the indicators; older ones change MACD-V by less than 0.002."""


class Closed(msgspec.Struct, frozen=True, gc=False):
    """One closed bar of any timeframe, with the indicators after it.

    Args:
        candle: The bar. One with the same ``opened_at`` as an earlier bar replaces it.
        point: The indicators at its close.
        previous: Those of the bar before; None for the first bar ever.
        late: It closed while the link was away, or was repaired long after: a signal of it is
            recorded as missed, never told as if new.
    """

    candle: Candle
    point: IndicatorPoint
    previous: IndicatorPoint | None
    late: bool


class MarketSeries:
    """Everything that is computed for one market, whoever watches it.

    The order of calls: trades and server times may come at once and are kept; :meth:`warm_up`
    says where history ends; from then on :meth:`closed` and :meth:`hole` are asked after each
    batch of events. While :attr:`needs_warm_up`, both stay silent.
    """

    def __init__(
        self, market: Market, *, grace_seconds: float = 2.0, believes_silence: bool = True
    ) -> None:
        """Make one.

        Args:
            grace_seconds: How long a minute waits for its last trades.
            believes_silence: Not to report minutes as a hole that are strangely silent: where there
                is no exchange to ask.
        """
        self.market = market
        self.trades = 0
        """Trades taken since the beginning, each id once."""
        self._silence = None if believes_silence else Silence()
        self._builder = MinuteBuilder(market, grace_seconds=grace_seconds, silence=self._silence)
        self._rollup = Rollup()
        self._tracks: dict[Timeframe, _Track] = {}
        self._last_minute = 0
        # What is closed and not told: minutes, their bars on the way to a bank, and whole ones.
        self._settled: list[Settled] = []
        self.closing: list[Candle] = []
        self.moving: list[IndicatorSeries] = []
        self._concluded: list[Closed] = []

    @property
    def needs_warm_up(self) -> bool:
        """Whether history is missing: at the beginning, and after a hole too long to repair."""
        return self._builder.needs_start

    @property
    def is_warm(self) -> bool:
        """Whether bars close here."""
        return not self._builder.needs_start

    @property
    def is_due(self) -> bool:
        """Whether :meth:`closed` may have something to tell without the clock's moving on."""
        return self._builder.is_due

    @property
    def server_time_us(self) -> int:
        """The exchange's clock as far as this market has seen it, unix microseconds; 0: never."""
        return self._builder.server_time_us

    @property
    def last_trade_us(self) -> int:
        """Time of the newest trade taken, unix microseconds; 0 before the first."""
        return self._builder.last_trade_us

    @property
    def is_deaf(self) -> bool:
        """Whether the market has traded since the last trade that was heard: its feed is silent."""
        return self._builder.is_deaf

    @property
    def given_up_since(self) -> int | None:
        """Since when what was told may be wrong, unix seconds, while a new history is awaited."""
        return self._builder.given_up_since

    def is_long_past(self, closes_at: int) -> bool:
        """Whether the exchange's clock has left this close (unix seconds) well behind."""
        return self._builder.is_long_past(closes_at)

    def forming(self) -> Candle | None:
        """The minute that trades fall into now, as far as it has come."""
        return self._builder.forming()

    def renewed(self) -> None:
        """Hear that a deaf market is subscribed anew; see :meth:`MinuteBuilder.renewed`."""
        self._builder.renewed()

    def warm_up(
        self, history: Mapping[Timeframe, Sequence[Candle]], cut: int
    ) -> Mapping[Timeframe, Sequence[Candle]]:
        """Begin, or begin anew, where ``history`` ends.

        No bar of the history is told by :meth:`closed`: a restart replays nothing.

        Args:
            history: Closed candles by timeframe, oldest first, as the exchange has them (empty
                buckets may be absent). An empty sequence says that nothing was traded; an absent
                timeframe that nothing is known, and then its first bar here is the first whole one.
                What does not close by ``cut``, or is older than 300 bars, is left out.
            cut: Unix seconds, on a minute. Minutes opened from here on are built from trades, or
                reported as a hole where the trades were not all seen.

        Returns:
            The bars it begins with, without gaps.

        Raises:
            ValueError: If ``cut`` is not on a minute.
        """
        if cut % Timeframe.M1.seconds:
            raise ValueError(f"cut must be on a minute, was {cut}")
        bars = {
            timeframe: closed_bars(candles, timeframe, cut, self.market)
            for timeframe, candles in history.items()
        }
        self._tracks = {timeframe: _Track(timeframe) for timeframe in Timeframe}
        for timeframe, candles in bars.items():
            self._tracks[timeframe].warm_up(candles)
        for minute in bars.get(Timeframe.M1, ()):
            self._look_at(minute)
        self._rollup = Rollup()
        self._rollup.seed(bars, cut)
        self._last_minute = cut - Timeframe.M1.seconds
        self._settled, self._concluded = [], []
        self._builder.start(cut, _last_close(history, cut))
        return bars

    def recompute(
        self, history: Mapping[Timeframe, Sequence[Candle]], cut: int, asked_at_us: int
    ) -> Mapping[Timeframe, Sequence[Candle]]:
        """Compute every indicator anew from a history, while bars go on closing.

        What closed since the history was asked is kept as it was told, and nothing is told again
        but the minutes that the exchange has otherwise: those are amended.

        Args:
            history: As for :meth:`warm_up`, of every timeframe.
            cut: Where it ends, unix seconds, on a minute.
            asked_at_us: The exchange's clock when it was asked, unix microseconds.

        Returns:
            The bars that the indicators stand on now, without gaps.
        """
        end = self._last_minute + Timeframe.M1.seconds
        bars = {}
        for timeframe, candles in history.items():
            before = [candle for candle in candles if candle.closes_at <= cut]
            since = self._rollup.since(timeframe, timeframe.bucket(cut))
            bars[timeframe] = closed_bars([*before, *since], timeframe, end, self.market)
        self._tracks = {timeframe: _Track(timeframe) for timeframe in Timeframe}
        for timeframe, candles in bars.items():
            # An amendment may reach back behind this moment.
            self._tracks[timeframe].warm_up(candles, redone=KEPT_CANDLES[timeframe])
        # The bars that the minutes of this history begin amid are folded of older ones, too.
        older = self._rollup.since(Timeframe.M1, 0)[: -len(bars[Timeframe.M1]) or None]
        self._rollup = Rollup()
        self._rollup.seed(bars | {Timeframe.M1: [*older, *bars[Timeframe.M1]]}, end)
        self._builder.correct(history[Timeframe.M1], cut, asked_at_us)
        return bars

    def add(self, trade: Trade) -> None:
        """Take one trade; one that was taken before changes nothing."""
        if self._builder.add(trade):
            self.trades += 1

    def take(self, bar: Candle) -> list[Closed]:
        """Take a closed bar instead of its trades: of a recording that holds only such.

        What is finer than the bar is not told. Buckets since the one before were empty.

        Args:
            bar: Always of one timeframe, from where :meth:`warm_up` says that history ends.

        Returns:
            What closed, as :meth:`closed` tells it.

        Raises:
            ValueError: If it opens before the last one closed.
        """
        last = self._tracks[bar.timeframe].last
        start = bar.opened_at if last is None else last.closes_at
        if bar.opened_at < start:
            raise ValueError(f"bar must open at {start} or later, was {bar.opened_at}")
        close = None if last is None else last.close
        bars = fill([bar], start, bar.closes_at, close, market=self.market, timeframe=bar.timeframe)
        return [closed for one in bars for closed in self._take(one, late=False)]

    def advance(self, server_time_us: int) -> None:
        """Hear the exchange's clock, unix microseconds, on the connection that carries this market.

        Call it only with frames that prove the subscription alive: silence must not close a bar.
        """
        self._builder.advance(server_time_us)

    def doubt(self, since_us: int | None = None, until_us: int | None = None) -> None:
        """Say that trades may have been lost; see :meth:`MinuteBuilder.doubt`."""
        self._builder.doubt(since_us, until_us)

    def hole(self) -> Hole | None:
        """The earliest minutes that only the exchange's history can tell, once they are over."""
        return self._builder.hole()

    def repair(self, candles: Sequence[Candle], hole: Hole) -> None:
        """Install the exchange's own 1m candles of ``hole``; absent ones had no trade."""
        self._builder.repair(candles, hole)

    def closed(self) -> list[Closed]:
        """Bars closed or amended since the last call, in order; each minute before its parents."""
        settled = [*self._settled, *self._builder.closed()]
        # Between the two nobody may have been there to be told, for as long as a pause takes.
        told = [
            structs.replace(one, late=True)
            if self._builder.is_long_past(one.candle.closes_at)
            else one
            for one in self._concluded
        ]
        self._settled, self._concluded = [], []
        amended: list[Candle] = []
        for minute in settled:
            if minute.candle.opened_at <= self._last_minute:
                amended.append(minute.candle)
                continue
            told += self._redo(amended)
            amended = []
            self._look_at(minute.candle)
            told += self._take(minute.candle, late=minute.late)
        told += self._redo(amended)
        return told

    def begin_closing(self) -> bool:
        """Close in the plain way, where it is the same moment for many markets.

        Returns:
            Whether it did: :attr:`closing` are the bars that close with the one minute that is
            over, :attr:`moving` the indicators that each of them will move, and :meth:`conclude`
            has to follow before anything else does. Else :meth:`closed` sees to it.
        """
        self._settled += self._builder.closed()
        if len(self._settled) != 1 or self._settled[0].candle.opened_at <= self._last_minute:
            return False
        minute = self._settled[0].candle
        self._look_at(minute)
        self._last_minute = minute.opened_at
        self.closing = [minute, *self._rollup.add(minute)]
        self.moving = [self._tracks[bar.timeframe].prepare(bar.opened_at) for bar in self.closing]
        return True

    def conclude(self, readings: Iterable[Iterator[Reading]]) -> None:
        """Close what :meth:`begin_closing` began; the next of each are MACD-V after its bars."""
        late = self._settled.pop().late
        for bar, series, reading in zip(self.closing, self.moving, readings, strict=False):
            previous = series.last
            self._concluded.append(Closed(bar, series.append(bar, next(reading)), previous, late))
        self.closing, self.moving = [], []

    def points(self) -> Mapping[Timeframe, IndicatorPoint]:
        """Where the indicators of each timeframe stand now."""
        return {
            timeframe: track.last
            for timeframe, track in self._tracks.items()
            if track.last is not None
        }

    def _look_at(self, minute: Candle) -> None:
        if self._silence is not None:
            self._silence.add(synthetic=minute.synthetic)

    def _take(self, bar: Candle, *, late: bool) -> Iterator[Closed]:
        self._last_minute = bar.closes_at - Timeframe.M1.seconds
        for candle in (bar, *self._rollup.add(bar)):
            track = self._tracks[candle.timeframe]
            previous = track.last
            yield Closed(candle, track.append(candle), previous, late)

    def _redo(self, amended: Sequence[Candle]) -> Iterator[Closed]:
        if not amended:
            return
        changed = [*amended, *self._rollup.amend(amended)]
        for timeframe, track in self._tracks.items():
            since = min((c.opened_at for c in changed if c.timeframe is timeframe), default=None)
            if since is None:
                continue
            for candle in self._rollup.since(timeframe, track.rewind(since)):
                previous = track.last
                point = track.append(candle)
                if candle.opened_at >= since:
                    late = self._builder.is_long_past(candle.closes_at)
                    yield Closed(candle, point, previous, late)


class _Track:
    """The indicators of one timeframe, and enough of their past to redo an amended bar."""

    __slots__ = ("_checkpoints", "_series", "_spacing", "_until_checkpoint")

    def __init__(self, timeframe: Timeframe) -> None:
        self._series = IndicatorSeries()
        self._spacing = KEPT_CANDLES[timeframe] // 4 + 1
        self._until_checkpoint = 0
        self._checkpoints: deque[tuple[int, IndicatorSeries]] = deque(maxlen=6)

    @property
    def last(self) -> IndicatorPoint | None:
        return self._series.last

    def warm_up(self, candles: Sequence[Candle], *, redone: int = 0) -> None:
        """Begin with these; the last ``redone`` of them may be redone later."""
        seed = max(0, len(candles) - redone)
        for candle in candles[:seed]:
            self._series.append(candle)
        for candle in candles[seed:]:
            self.append(candle)

    def append(self, candle: Candle) -> IndicatorPoint:
        return self.prepare(candle.opened_at).append(candle)

    def prepare(self, opened_at: int) -> IndicatorSeries:
        """The indicators, about to be moved by the bar that opened then."""
        if self._until_checkpoint == 0:
            self._checkpoints.append((opened_at, self._series.copy()))
            self._until_checkpoint = self._spacing
        self._until_checkpoint -= 1
        return self._series

    def rewind(self, opened_at: int) -> int:
        """Go back to before ``opened_at``; the bars from the answer on are to be appended again."""
        while len(self._checkpoints) > 1 and self._checkpoints[-1][0] > opened_at:
            self._checkpoints.pop()
        at, self._series = self._checkpoints.pop()
        self._until_checkpoint = 0
        return min(at, opened_at)


def closed_bars(
    candles: Sequence[Candle], timeframe: Timeframe, cut: int, market: Market
) -> list[Candle]:
    """The last bars before the cut without gaps, as many as a warm-up needs."""
    end = timeframe.bucket(cut)
    earliest = end - WARM_UP_BARS * timeframe.seconds
    closed = [candle for candle in candles if candle.closes_at <= end]
    before = [candle for candle in closed if candle.opened_at < earliest]
    within = closed[len(before) :]
    return fill(
        within,
        earliest if before else (within[0].opened_at if within else end),
        end,
        before[-1].close if before else None,
        market=market,
        timeframe=timeframe,
    )


def _last_close(history: Mapping[Timeframe, Sequence[Candle]], cut: int) -> float | None:
    """The newest close before the cut, by whichever timeframe saw it."""
    last = [
        max((c for c in candles if c.closes_at <= cut), key=_closes_at, default=None)
        for candles in history.values()
    ]
    newest = max((candle for candle in last if candle is not None), key=_closes_at, default=None)
    return None if newest is None else newest.close


def _closes_at(candle: Candle) -> int:
    return candle.closes_at
