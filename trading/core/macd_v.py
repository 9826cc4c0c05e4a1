"""MACD-V: momentum in units of a market's own volatility. Stages and signals are made of it.

Rule 1: :class:`MovingMacdV` moves with each closed bar, :func:`macd_v` computes whole arrays for
    charts and oracles; tests hold them equal.
Rule 2: no value is None (NaN in an array), never zero.

Source: Spiroglou, "MACD-V: Volatility Normalised Momentum" (2022); Wilder, "New Concepts in
Technical Trading Systems" (1978) for ATR.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import field

from trading.core.averages import (
    BoolArray,
    FloatArray,
    Mean,
    ema,
    moving_ema,
    moving_wilder,
    wilder,
)
from trading.core.market import Candle

FAST = 12
SLOW = 26
SIGNAL = 9
ATR = 26

Reading = tuple[float | None, float | None, float | None, float | None]
"""MACD-V, its signal line, the difference of both, and the ATR it is measured in."""


class MovingMacdV(msgspec.Struct, gc=False):
    """MACD-V of one market and timeframe, moved by each closed bar.

    A synthetic bar (no trade; the close carried forward) moves the averages of the close, so that
    the grid of time stays regular. It does not enter ATR, not even its seed: a range of zero is no
    measurement of volatility, and a quiet night would let ATR collapse and MACD-V explode. So on a
    synthetic bar MACD-V is the difference of the averages over the ATR of the last real bar: it
    drifts towards zero.
    """

    name: ClassVar[str] = "macdv"
    label: ClassVar[str] = "MACD-V"

    _fast: Mean = field(default_factory=partial(moving_ema, FAST))
    _slow: Mean = field(default_factory=partial(moving_ema, SLOW))
    _signal: Mean = field(default_factory=partial(moving_ema, SIGNAL))
    _atr: Mean = field(default_factory=partial(moving_wilder, ATR))

    def append(self, candle: Candle, previous_close: float | None) -> Reading:
        """Take the next closed bar; where it stands after it."""
        close = candle.close
        if not candle.synthetic:
            self._atr.add(_true_range(candle, previous_close))
        fast, slow, atr = self._fast.add(close), self._slow.add(close), self._atr.value
        if fast is None or slow is None or not atr:
            return None, None, None, atr
        value = (fast - slow) / atr * 100.0
        signal = self._signal.add(value)
        return value, signal, None if signal is None else value - signal, atr

    def copy(self) -> MovingMacdV:
        """An independent twin."""
        return MovingMacdV(
            self._fast.copy(), self._slow.copy(), self._signal.copy(), self._atr.copy()
        )


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
        return wilder(ranges, period)
    real = np.flatnonzero(~synthetic)
    averages = np.concatenate([[np.nan], wilder(ranges[real], period)])
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
        synthetic: True where no trade happened; see :class:`MovingMacdV`.
    """
    volatility = atr(high, low, close, synthetic)
    moved = np.where(volatility == 0.0, np.nan, volatility)
    value = (ema(close, FAST) - ema(close, SLOW)) / moved * 100.0
    signal = ema(value, SIGNAL)
    return MacdV(value, signal, value - signal, volatility)
