"""MACD-V of very many series at once: when a minute ends, it ends in every market.

Rule 1: value for value what :meth:`MovingMacdV.append` says, to the last bit: the same operations
    on columns instead of on floats. Tests hold them equal.
Rule 2: the means of a series are either in it or in a bank, never in both. A series that is moved
    alone takes its own back, and comes in again with the next moment that many share.
Rule 3: only what is seeded comes in; and a few are moved one by one, for there an array is slower.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from trading.core.averages import BoolArray, FloatArray
from trading.core.indicators import IndicatorSeries
from trading.core.macd_v import (
    ATR_STEP,
    FAINT,
    FAST_STEP,
    SIGNAL_STEP,
    SLOW_STEP,
    Means,
    Reading,
)
from trading.core.market import Candle
from trading.core.series import MarketSeries

MANY = 64
"""Fewer series are moved one by one: an array takes about as long for one as for this many."""

FIRST_ROWS = 1_024

Rows = slice | NDArray[np.intp]


def close_together(markets: Sequence[MarketSeries], bank: MacdVBank) -> Iterator[MarketSeries]:
    """Close what is over in many markets, and give back each of them when it can tell that."""
    closing = [market for market in markets if market.begin_closing()]
    depths = max((len(market.closing) for market in closing), default=0)
    # Timeframe by timeframe, the finest first: so the rows of what closes together lie together.
    moved = [m.moving[depth] for depth in range(depths) for m in closing if depth < len(m.moving)]
    bars = [m.closing[depth] for depth in range(depths) for m in closing if depth < len(m.moving)]
    readings = iter(bank.append(moved, bars))
    counts = [sum(depth < len(m.moving) for m in closing) for depth in range(depths)]
    by_depth = [iter(list(islice(readings, count))) for count in counts]
    for market in markets:
        if market.closing:
            market.conclude(by_depth)
        yield market


class MacdVBank:
    """The means of many series in columns, a row for each."""

    def __init__(self) -> None:
        self._columns = Columns(FIRST_ROWS)

    def append(self, series: Sequence[IndicatorSeries], bars: Sequence[Candle]) -> list[Reading]:
        """Move each series by its next closed bar; where MACD-V of each stands after it.

        The other indicators of the series are not moved: hand it the reading with the bar.

        Args:
            series: Each once.
            bars: One for each of them.
        """
        seeded = [number for number, one in enumerate(series) if one.macd_v.is_seeded]
        if len(seeded) < MANY:
            return [_alone(one, bar) for one, bar in zip(series, bars, strict=True)]
        if len(seeded) == len(series):
            return self._move(series, bars)
        moved = self._move([series[n] for n in seeded], [bars[n] for n in seeded])
        readings = dict(zip(seeded, moved, strict=True))
        return [
            readings[number] if number in readings else _alone(one, bar)
            for number, (one, bar) in enumerate(zip(series, bars, strict=True))
        ]

    def _move(self, series: Sequence[IndicatorSeries], bars: Sequence[Candle]) -> list[Reading]:
        self._admit(series)
        rows = _side_by_side(np.array([one.macd_v.row for one in series]))
        value, signal, histogram, atr = self._columns.step(
            rows,
            high=np.array([bar.high for bar in bars]),
            low=np.array([bar.low for bar in bars]),
            close=np.array([bar.close for bar in bars]),
            real=np.array([0.0 if bar.synthetic else 1.0 for bar in bars]),
        )
        readings: list[Reading] = list(
            zip(value.tolist(), signal.tolist(), histogram.tolist(), atr.tolist(), strict=True)
        )
        for number in np.flatnonzero(np.isnan(value)).tolist():
            readings[number] = None, None, None, readings[number][3]
        return readings

    def _admit(self, series: Sequence[IndicatorSeries]) -> None:
        """Give a row to whoever has none, and take in the means of whoever has them."""
        without = [one.macd_v for one in series if one.macd_v.home is not self._columns]
        if not self._columns.has_room(len(without)):
            # Some rows are of series that are no more. Who comes again has a row in new columns.
            without = [one.macd_v for one in series]
            self._columns = Columns(max(FIRST_ROWS, 2 * len(without)))
        came = [one for one in series if not one.macd_v.is_in(self._columns)]
        # Read while each still has the row that they may be in, in the columns before these.
        given = [(*one.macd_v.means, one.previous_close) for one in came]
        for macd_v, row in zip(without, self._columns.take(len(without)), strict=True):
            macd_v.home, macd_v.row = self._columns, row
        if came:
            for one in came:
                one.macd_v.move_into(self._columns)
            self._columns.write([one.macd_v.row for one in came], given)


class Columns:
    """Fast and slow average, signal line, ATR and close of each row; rows are given away once.

    Who has a row here and finds the bank gone on to other columns still has it.
    """

    def __init__(self, rows: int) -> None:
        self._values = np.zeros((5, rows))
        self._taken = 0

    def has_room(self, rows: int) -> bool:
        """Whether so many rows are left."""
        return self._taken + rows <= self._values.shape[1]

    def take(self, rows: int) -> range:
        """The next rows, for whoever has none."""
        self._taken += rows
        return range(self._taken - rows, self._taken)

    def write(self, rows: Sequence[int], values: Sequence[Sequence[float | None]]) -> None:
        """Set all columns of some rows."""
        self._values[:, rows] = np.array(values).T

    def means(self, row: int) -> Means:
        """The means in one row."""
        fast, slow, signal, atr, _ = self._values[:, row].tolist()
        return fast, slow, signal, atr

    def step(
        self, rows: Rows, *, high: FloatArray, low: FloatArray, close: FloatArray, real: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Move rows by a bar each: MACD-V, its signal line, the histogram, and the ATR.

        Args:
            rows: Which, ``n`` of them; where they lie side by side a slice, and nothing is copied.
            high: Quote currency, of each row's bar, shape ``(n,)``.
            low: Like ``high``.
            close: Like ``high``.
            real: 1 where a trade happened, 0 where the bar is synthetic.

        Returns:
            Each of shape ``(n,)``, to be read before the next step. MACD-V is NaN where the market
            does not move, and its signal line stays as it was.
        """
        if isinstance(rows, slice):
            return _step(self._values[:, rows], high, low, close, real)
        columns = self._values[:, rows]
        reading = _step(columns, high, low, close, real)
        self._values[:, rows] = columns
        return reading


_STEPS = np.array([[FAST_STEP], [SLOW_STEP]])


def _alone(one: IndicatorSeries, bar: Candle) -> Reading:
    return one.macd_v.append(bar, one.previous_close)


def _step(
    columns: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, real: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Move columns in place; see :meth:`Columns.step`."""
    means, (signal, atr, previous) = columns[:2], columns[2:]
    moved = close - means
    moved *= _STEPS
    means += moved
    reach = np.maximum(high, previous)
    reach -= np.minimum(low, previous)
    reach -= atr
    reach *= ATR_STEP
    reach *= real
    atr += reach
    previous[:] = close
    value = means[0] - means[1]
    still = atr <= FAINT * close
    if still.any():
        return _still(value, signal, atr, still)
    value /= atr
    value *= 100.0
    histogram = value - signal
    histogram *= SIGNAL_STEP
    signal += histogram
    np.subtract(value, signal, out=histogram)
    return value, signal, histogram, atr


def _still(
    distance: FloatArray, signal: FloatArray, atr: FloatArray, still: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Where markets are among them that do not move: those have no value."""
    value = distance / np.where(still, np.nan, atr) * 100.0
    signal += np.where(still, 0.0, SIGNAL_STEP * (value - signal))
    return value, signal, value - signal, atr


def _side_by_side(rows: NDArray[np.intp]) -> Rows:
    first, last = int(rows[0]), int(rows[-1])
    if last - first + 1 == rows.size and bool((np.diff(rows) == 1).all()):
        return slice(first, last + 1)
    return rows
