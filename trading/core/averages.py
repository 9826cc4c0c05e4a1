"""The recursive means that indicators are made of: one definition, two speeds.

Rule 1: what moves with each value and what runs over a whole array are the same mean; tests hold
    them equal.
Rule 2: seeded with the SMA of the first values, as Wilder and Spiroglou have it.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Mean(msgspec.Struct, gc=False):
    """A recursive mean: the SMA of the first ``period`` values, then a step towards each.

    With ``alpha = 2 / (period + 1)`` this is the EMA, with ``1 / period`` Wilder's average.
    """

    period: int
    alpha: float
    left: int
    total: float = 0.0
    value: float | None = None

    def add(self, x: float) -> float | None:
        """Take one value; the mean after it, or None while it is being seeded."""
        value = self.value
        if value is not None:
            self.value = value = value + self.alpha * (x - value)
            return value
        self.total += x
        self.left -= 1
        if self.left == 0:
            self.value = self.total / self.period
        return self.value

    def copy(self) -> Mean:
        """An independent twin."""
        return Mean(self.period, self.alpha, self.left, self.total, self.value)


def ema_step(period: int) -> float:
    """How far an EMA goes towards each value."""
    return 2.0 / (period + 1)


def wilder_step(period: int) -> float:
    """How far Wilder's average goes towards each value."""
    return 1.0 / period


def moving_ema(period: int) -> Mean:
    """The EMA as it moves with each value; :func:`ema` is the same over an array."""
    return Mean(period, ema_step(period), period)


def moving_wilder(period: int) -> Mean:
    """Wilder's average as it moves with each value; :func:`wilder` is the same over an array."""
    return Mean(period, wilder_step(period), period)


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
    return _recursive_mean(values, _checked(period), ema_step(period))


def wilder(values: FloatArray, period: int) -> FloatArray:
    """Wilder's average: like :func:`ema`, with ``alpha = 1 / period``.

    Raises:
        ValueError: If ``period`` is less than 1.
    """
    return _recursive_mean(values, _checked(period), wilder_step(period))


def _checked(period: int) -> int:
    if period < 1:
        raise ValueError(f"period must be at least 1, was {period}")
    return period


def _recursive_mean(values: FloatArray, period: int, alpha: float) -> FloatArray:
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
