"""Wilder's relative strength index: :class:`MovingRsi` bar by bar, :func:`rsi` over an array.

Rule 1: a series that has been flat throughout has none: None, or NaN in an array.

Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import msgspec
import numpy as np
from msgspec import field

from trading.core.averages import FloatArray, Mean, moving_wilder, wilder
from trading.core.market import Candle

RSI = 14


class MovingRsi(msgspec.Struct, gc=False):
    """RSI of one market and timeframe, moved by each closed bar.

    A synthetic bar changes nothing: it shrinks both means alike.
    """

    name: ClassVar[str] = "rsi"
    label: ClassVar[str] = "RSI"

    _gain: Mean = field(default_factory=partial(moving_wilder, RSI))
    _loss: Mean = field(default_factory=partial(moving_wilder, RSI))

    def append(self, candle: Candle, previous_close: float | None) -> float | None:
        """Take the next closed bar; 0 to 100, None before 14 changes and while nothing changed."""
        if previous_close is None:
            return None
        change = candle.close - previous_close
        gain = self._gain.add(change if change > 0.0 else 0.0)
        loss = self._loss.add(-change if change < 0.0 else 0.0)
        if gain is None or loss is None or gain + loss == 0.0:
            return None
        return 100.0 * gain / (gain + loss)

    def copy(self) -> MovingRsi:
        """An independent twin."""
        return MovingRsi(self._gain.copy(), self._loss.copy())


def rsi(close: FloatArray, period: int = RSI) -> FloatArray:
    """Wilder's relative strength index, 0 to 100.

    Args:
        close: Quote currency, oldest first, shape ``(n,)``.
        period: Changes that seed it.

    Returns:
        Shape ``(n,)``; NaN before ``period`` changes and while nothing has changed at all.
    """
    change = np.diff(close)
    gain = wilder(np.maximum(change, 0.0), period)
    loss = wilder(np.maximum(-change, 0.0), period)
    moved = np.where(gain + loss == 0.0, np.nan, gain + loss)
    strength: FloatArray = 100.0 * gain / moved
    return np.concatenate([np.full(min(1, close.size), np.nan), strength])
