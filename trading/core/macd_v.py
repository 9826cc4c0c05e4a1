"""MACD-V: momentum in units of a market's own volatility. Stages and signals are made of it.

Rule 1: :class:`MovingMacdV` moves with each closed bar, :func:`macd_v` computes whole arrays for
    charts and oracles; tests hold them equal.
Rule 2: no value is None (NaN in an array), never zero.

Source: Spiroglou, "MACD-V: Volatility Normalised Momentum" (2022); Wilder, "New Concepts in
Technical Trading Systems" (1978) for ATR.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, NamedTuple, Protocol

import msgspec
import numpy as np
from msgspec import field

from trading.core.averages import (
    BoolArray,
    FloatArray,
    Mean,
    ema,
    ema_step,
    moving_ema,
    moving_wilder,
    wilder,
    wilder_step,
)
from trading.core.market import Candle

FAST = 12
SLOW = 26
SIGNAL = 9
ATR = 26

FAST_STEP = ema_step(FAST)
SLOW_STEP = ema_step(SLOW)
SIGNAL_STEP = ema_step(SIGNAL)
ATR_STEP = wilder_step(ATR)

FAINT = 1e-15
"""Of the close: what is left of an ATR when nothing has moved for longer than a float remembers. It
measures no more than zero does, and what is divided by it is noise without bounds.
"""

Reading = tuple[float | None, float | None, float | None, float | None]
"""MACD-V, its signal line, the difference of both, and the ATR it is measured in."""


Means = tuple[float, float, float, float]
"""What moves: the fast and the slow average of the close, the signal line, and the ATR."""


NO_MEANS: Means = (0.0, 0.0, 0.0, 0.0)


class Columns(Protocol):
    """Where the means of many series may be: :class:`trading.core.bank.Columns`."""

    def means(self, row: int) -> Means:
        """The means in one row."""


class MovingMacdV:
    """MACD-V of one market and timeframe, moved by each closed bar.

    A synthetic bar (no trade; the close carried forward) moves the averages of the close, so that
    the grid of time stays regular. It does not enter ATR, not even its seed: a range of zero is no
    measurement of volatility, and a quiet night would let ATR collapse and MACD-V explode. So on a
    synthetic bar MACD-V is the difference of the averages over the ATR of the last real bar: it
    drifts towards zero.

    Once all four means are seeded they are a tuple of plain floats: no call is left between a bar
    and its value, which makes it as fast as a compiled one, and a copy of it free.
    """

    __slots__ = ("_aside", "_means", "home", "row")

    name: ClassVar[str] = "macdv"
    label: ClassVar[str] = "MACD-V"

    def __init__(self, begins: Means | _Seeds | None = None) -> None:
        """Make one, without a past unless it begins with somebody's."""
        self._means: Means = begins if isinstance(begins, tuple) else NO_MEANS
        # Who has the means, if they are not here.
        self._aside: _Seeds | Columns | None = None
        if not isinstance(begins, tuple):
            self._aside = begins or _Seeds()
        self.home: Columns | None = None
        """Columns in which a row is kept for it, whether the means are there or here."""
        self.row = 0
        """Which one."""

    @property
    def is_seeded(self) -> bool:
        """Whether every mean has had all of its first values."""
        return not isinstance(self._aside, _Seeds)

    def append(self, candle: Candle, previous_close: float | None) -> Reading:
        """Take the next closed bar; where it stands after it."""
        if self._aside is not None:
            return self._append_aside(candle, previous_close)
        fast, slow, signal, atr = self._means
        close = candle.close
        if not candle.synthetic:
            top, bottom = candle.high, candle.low
            # There is one by now: the first bar of a series finds it being seeded.
            if previous_close > top:  # type: ignore[operator]
                top = previous_close  # type: ignore[assignment]
            elif previous_close < bottom:  # type: ignore[operator]
                bottom = previous_close  # type: ignore[assignment]
            atr += ATR_STEP * (top - bottom - atr)
        fast += FAST_STEP * (close - fast)
        slow += SLOW_STEP * (close - slow)
        if atr <= FAINT * close:
            self._means = fast, slow, signal, atr
            return None, None, None, atr
        value = (fast - slow) / atr * 100.0
        signal += SIGNAL_STEP * (value - signal)
        self._means = fast, slow, signal, atr
        return value, signal, value - signal, atr

    def copy(self) -> MovingMacdV:
        """An independent twin."""
        aside = self._aside
        return MovingMacdV(aside.copy() if isinstance(aside, _Seeds) else self.means)

    def is_in(self, columns: Columns) -> bool:
        """Whether the means are there."""
        return self._aside is columns

    def move_into(self, columns: Columns) -> None:
        """Have the means in these columns from now on; whoever moves them has read them before."""
        self._aside = columns

    @property
    def means(self) -> Means:
        """What moves, wherever it is; zeros while it is being seeded."""
        aside = self._aside
        return self._means if aside is None or isinstance(aside, _Seeds) else aside.means(self.row)

    def _append_aside(self, candle: Candle, previous_close: float | None) -> Reading:
        seeds = self._aside
        if not isinstance(seeds, _Seeds):
            self._means, self._aside = self.means, None
            return self.append(candle, previous_close)
        reading = seeds.append(candle, previous_close)
        if (whole := seeds.values()) is not None:
            self._means, self._aside = whole, None
        return reading


class _Seeds(msgspec.Struct, gc=False):
    """The four means while one of them has not had all of its first values."""

    fast: Mean = field(default_factory=partial(moving_ema, FAST))
    slow: Mean = field(default_factory=partial(moving_ema, SLOW))
    signal: Mean = field(default_factory=partial(moving_ema, SIGNAL))
    atr: Mean = field(default_factory=partial(moving_wilder, ATR))

    def append(self, candle: Candle, previous_close: float | None) -> Reading:
        """Take the next closed bar; where MACD-V stands after it."""
        if not candle.synthetic:
            self.atr.add(_true_range(candle, previous_close))
        fast, slow = self.fast.add(candle.close), self.slow.add(candle.close)
        atr = self.atr.value
        if fast is None or slow is None or atr is None or atr <= FAINT * candle.close:
            return None, None, None, atr
        value = (fast - slow) / atr * 100.0
        signal = self.signal.add(value)
        return value, signal, None if signal is None else value - signal, atr

    def values(self) -> Means | None:
        """The means, fast, slow, signal and ATR; None while one of them is being seeded."""
        fast, slow = self.fast.value, self.slow.value
        signal, atr = self.signal.value, self.atr.value
        if fast is None or slow is None or signal is None or atr is None:
            return None
        return fast, slow, signal, atr

    def copy(self) -> _Seeds:
        """An independent twin."""
        return _Seeds(self.fast.copy(), self.slow.copy(), self.signal.copy(), self.atr.copy())


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
    moved = np.where(volatility <= FAINT * close, np.nan, volatility)
    value = (ema(close, FAST) - ema(close, SLOW)) / moved * 100.0
    signal = ema(value, SIGNAL)
    return MacdV(value, signal, value - signal, volatility)
