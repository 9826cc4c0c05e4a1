"""MACD-V and RSI of one market and timeframe.

Rule 1: one definition, two speeds: :class:`IndicatorSeries` moves with each closed candle, the
    functions below it compute whole arrays for charts and oracles; tests hold them equal.
Rule 2: plain floats in slots for a single close: there they beat arrays by a factor of 40.
Rule 3: no value is None (NaN in an array), never zero: see :class:`IndicatorPoint`.

Source: Spiroglou, "MACD-V: Volatility Normalised Momentum" (2022); Wilder, "New Concepts in
Technical Trading Systems" (1978) for ATR and RSI.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.core.liquidity import Activity, Liquidity
from trading.core.market import Candle
from trading.core.stages import Stage, is_inside_band, stage
from trading.core.turns import Turns

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FAST = 12
SLOW = 26
SIGNAL = 9
ATR = 26
RSI = 14


class IndicatorPoint(NamedTuple):
    """The indicators of one closed bar (a tuple: thousands are made at a minute boundary).

    Args:
        opened_at: Start of the bar, unix seconds UTC.
        closes_at: First unix second behind it.
        close: Quote currency.
        macd_v: Percent of ATR; None before 26 bars and 26 true ranges, and while the market has
            never moved (an ATR of zero measures nothing).
        signal: EMA 9 of ``macd_v``; None before nine values of it.
        histogram: ``macd_v - signal``; None without a signal line.
        rsi: 0 to 100; None before 14 changes, and while the series has been flat throughout.
        atr: Quote currency; None before 26 true ranges.
        stage: Where the market is in its cycle.
        bars: Real (not synthetic) bars so far, this one included.
        excursion_since: When the excursion began that the bar is part of, unix seconds; None
            within the extremes. This and what follows is of :class:`trading.core.turns.Turns`.
        has_reversed: Whether that excursion has reversed by now.
        trend: Where the histogram tends: 1 up, -1 down, 0 while that is unknown.
        liquidity: How much of the last warm-up window was traded.
    """

    opened_at: int
    closes_at: int
    close: float
    macd_v: float | None
    signal: float | None
    histogram: float | None
    rsi: float | None
    atr: float | None
    stage: Stage
    bars: int
    excursion_since: int | None = None
    has_reversed: bool = False
    trend: int = 0
    liquidity: Liquidity = Liquidity.HIGH


class _Mean:
    """A recursive mean: the SMA of the first ``period`` values, then a step towards each.

    With ``alpha = 2 / (period + 1)`` this is the EMA, with ``1 / period`` Wilder's average.
    """

    __slots__ = ("_alpha", "_left", "_period", "_total", "value")

    def __init__(self, period: int, alpha: float) -> None:
        self._period = period
        self._alpha = alpha
        self._left = period
        self._total = 0.0
        self.value: float | None = None

    def add(self, x: float) -> float | None:
        """Take one value; the mean after it, or None while it is being seeded."""
        value = self.value
        if value is not None:
            self.value = value = value + self._alpha * (x - value)
            return value
        self._total += x
        self._left -= 1
        if self._left == 0:
            self.value = self._total / self._period
        return self.value


def _ema(period: int) -> _Mean:
    return _Mean(period, 2.0 / (period + 1))


def _wilder(period: int) -> _Mean:
    return _Mean(period, 1.0 / period)


class IndicatorSeries:
    """The indicators of one market and timeframe, moved by each closed candle.

    A synthetic bar (no trade; the close carried forward) moves the averages of the close, so that
    the grid of time stays regular, and RSI, whose two means it shrinks alike. It does not enter
    ATR, not even its seed: a range of zero is no measurement of volatility, and a quiet night
    would let ATR collapse and MACD-V explode. So on a synthetic bar MACD-V is the difference of
    the averages over the ATR of the last real bar: it drifts towards zero.
    """

    __slots__ = (
        "_activity",
        "_atr",
        "_bars",
        "_fast",
        "_gain",
        "_loss",
        "_previous_close",
        "_ranging_bars",
        "_signal",
        "_slow",
        "_turns",
        "last",
    )

    def __init__(self) -> None:
        self._fast = _ema(FAST)
        self._slow = _ema(SLOW)
        self._signal = _ema(SIGNAL)
        self._atr = _wilder(ATR)
        self._gain = _wilder(RSI)
        self._loss = _wilder(RSI)
        self._previous_close: float | None = None
        self._bars = 0
        self._ranging_bars = 0
        self._turns = Turns()
        self._activity = Activity()
        self.last: IndicatorPoint | None = None

    def append(self, candle: Candle) -> IndicatorPoint:
        """Take the next closed candle and say where the indicators stand after it."""
        close = candle.close
        previous = self._previous_close
        self._previous_close = close
        if not candle.synthetic:
            self._bars += 1
            self._atr.add(_true_range(candle, previous))
        rsi = None if previous is None else self._relative_strength(close - previous)
        fast, slow, atr = self._fast.add(close), self._slow.add(close), self._atr.value
        macd_v = signal = histogram = None
        if fast is not None and slow is not None and atr:
            macd_v = (fast - slow) / atr * 100.0
            signal = self._signal.add(macd_v)
            histogram = None if signal is None else macd_v - signal
        inside = macd_v is not None and is_inside_band(macd_v)
        self._ranging_bars = self._ranging_bars + 1 if inside else 0
        turns = self._turns
        turns.add(candle.opened_at, macd_v, histogram)
        self.last = point = IndicatorPoint(
            candle.opened_at,
            candle.closes_at,
            close,
            macd_v,
            signal,
            histogram,
            rsi,
            atr,
            stage(macd_v, signal, self._ranging_bars),
            self._bars,
            turns.excursion_since,
            turns.has_reversed,
            turns.trend,
            self._activity.add(synthetic=candle.synthetic),
        )
        return point

    def copy(self) -> IndicatorSeries:
        """An independent twin: what is appended to one does not move the other."""
        twin = copy.copy(self)
        own = ("_fast", "_slow", "_signal", "_atr", "_gain", "_loss", "_turns", "_activity")
        for name in own:
            setattr(twin, name, copy.copy(getattr(self, name)))
        return twin

    def _relative_strength(self, change: float) -> float | None:
        gain = self._gain.add(change if change > 0.0 else 0.0)
        loss = self._loss.add(-change if change < 0.0 else 0.0)
        if gain is None or loss is None or gain + loss == 0.0:
            return None
        return 100.0 * gain / (gain + loss)


def _true_range(candle: Candle, previous_close: float | None) -> float:
    if previous_close is None:
        return candle.high - candle.low
    return max(candle.high, previous_close) - min(candle.low, previous_close)


class MacdV(NamedTuple):
    """MACD-V of a whole series; arrays of shape ``(n,)``, NaN where there is no value."""

    macd_v: FloatArray
    signal: FloatArray
    histogram: FloatArray
    atr: FloatArray


def ema(values: FloatArray, period: int) -> FloatArray:
    """Exponential moving average, seeded with the SMA of the first ``period`` values.

    Args:
        values: Oldest first, shape ``(n,)``. NaN is no value: it is skipped and answered by NaN.
        period: Bars; ``alpha = 2 / (period + 1)``.

    Returns:
        Shape ``(n,)``; NaN before ``period`` values.

    Raises:
        ValueError: If ``period`` is less than 1.
    """
    return _recursive_mean(values, period)


def atr(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    synthetic: BoolArray | None = None,
    period: int = ATR,
) -> FloatArray:
    """Wilder's average true range, seeded with the SMA of the first ``period`` true ranges.

    Args:
        high: Quote currency, oldest first, shape ``(n,)``.
        low: Like ``high``.
        close: Like ``high``.
        synthetic: True where no trade happened: such a bar has no range and repeats the last ATR.
        period: Bars.

    Returns:
        Shape ``(n,)``; NaN before ``period`` real bars.
    """
    previous = np.concatenate([close[:1], close[:-1]])
    ranges = np.maximum(high, previous) - np.minimum(low, previous)
    ranges[:1] = high[:1] - low[:1]
    if synthetic is None:
        return _recursive_mean(ranges, period, wilder=True)
    real = np.flatnonzero(~synthetic)
    averages = np.concatenate([[np.nan], _recursive_mean(ranges[real], period, wilder=True)])
    latest: FloatArray = averages[np.cumsum(~synthetic)]
    return latest


def macd_v(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    synthetic: BoolArray | None = None,
) -> MacdV:
    """``(EMA12 - EMA26) / ATR26 * 100`` of closes, its EMA9 and the difference of both.

    Args:
        high: Quote currency, oldest first, shape ``(n,)``.
        low: Like ``high``.
        close: Like ``high``.
        synthetic: True where no trade happened; see :class:`IndicatorSeries`.
    """
    volatility = atr(high, low, close, synthetic)
    moved = np.where(volatility == 0.0, np.nan, volatility)
    value = (ema(close, FAST) - ema(close, SLOW)) / moved * 100.0
    signal = ema(value, SIGNAL)
    return MacdV(value, signal, value - signal, volatility)


def rsi(close: FloatArray, period: int = RSI) -> FloatArray:
    """Wilder's relative strength index, 0 to 100.

    Args:
        close: Quote currency, oldest first, shape ``(n,)``.
        period: Changes that seed it.

    Returns:
        Shape ``(n,)``; NaN before ``period`` changes and while nothing has changed at all.
    """
    change = np.diff(close)
    gain = _recursive_mean(np.maximum(change, 0.0), period, wilder=True)
    loss = _recursive_mean(np.maximum(-change, 0.0), period, wilder=True)
    moved = np.where(gain + loss == 0.0, np.nan, gain + loss)
    strength: FloatArray = 100.0 * gain / moved
    return np.concatenate([np.full(min(1, close.size), np.nan), strength])


def _recursive_mean(values: FloatArray, period: int, *, wilder: bool = False) -> FloatArray:
    if period < 1:
        raise ValueError(f"period must be at least 1, was {period}")
    alpha = 1.0 / period if wilder else 2.0 / (period + 1)
    result = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    if known.size < period:
        return result
    mean = float(values[known[:period]].mean())
    means = [mean]
    for value in values[known[period:]].tolist():
        mean += alpha * (value - mean)
        means.append(mean)
    result[known[period - 1 :]] = means
    return result
