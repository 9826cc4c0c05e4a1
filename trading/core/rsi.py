"""Wilder's relative strength index: :class:`MovingRsi` bar by bar, :func:`rsi` over an array.

Rule 1: a series that has been flat throughout has none: None, or NaN in an array.

Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
import numpy as np
from msgspec import field

from trading.core.averages import FloatArray, Mean, moving_wilder, wilder, wilder_step
from trading.core.market import Candle

RSI = 14
STEP = wilder_step(RSI)


def _seeds() -> tuple[Mean, Mean]:
    return moving_wilder(RSI), moving_wilder(RSI)


class MovingRsi(msgspec.Struct, gc=False):
    """RSI of one market and timeframe, moved by each closed bar.

    A synthetic bar changes nothing: it shrinks both means alike.
    """

    name: ClassVar[str] = "rsi"
    label: ClassVar[str] = "RSI"

    _gain: float = 0.0
    _loss: float = 0.0
    _seeds: tuple[Mean, Mean] | None = field(default_factory=_seeds)

    def append(self, candle: Candle, previous_close: float | None) -> float | None:
        """Take the next closed bar; 0 to 100, None before 14 changes and while nothing changed."""
        if previous_close is None:
            return None
        change = candle.close - previous_close
        if self._seeds is not None:
            return self._seed(self._seeds, change)
        gain, loss = self._gain, self._loss
        if change > 0.0:
            self._gain = gain = gain + STEP * (change - gain)
            self._loss = loss = loss - STEP * loss
        else:
            self._gain = gain = gain - STEP * gain
            self._loss = loss = loss + STEP * (-change - loss)
        moved = gain + loss
        return 100.0 * gain / moved if moved else None

    def copy(self) -> MovingRsi:
        """An independent twin."""
        seeds = self._seeds
        copied = None if seeds is None else (seeds[0].copy(), seeds[1].copy())
        return MovingRsi(self._gain, self._loss, copied)

    def _seed(self, seeds: tuple[Mean, Mean], change: float) -> float | None:
        gain = seeds[0].add(max(change, 0.0))
        loss = seeds[1].add(max(-change, 0.0))
        if gain is None or loss is None:
            return None
        self._gain, self._loss, self._seeds = gain, loss, None
        return 100.0 * gain / (gain + loss) if gain + loss else None


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
