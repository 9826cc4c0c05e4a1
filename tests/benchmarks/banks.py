"""What the arithmetic of a boundary costs: MACD-V of 6,000 series, moved by a bar each.

Ours is one step of the bank over rows that lie side by side, as at midnight. Bare is once TA-Lib
computing the same anew over the last 300 bars of each, as most programs do; and once a compiled
loop over the same columns. How the bars come into arrays, and the readings out of them, is part of
the whole boundary (:mod:`tests.benchmarks.boundaries`) and not of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import talib
from numba import njit

from tests.benchmarks.measuring import Contest, Figure, Side
from trading.core.averages import FloatArray
from trading.core.bank import Columns
from trading.core.macd_v import ATR, ATR_STEP, FAST, FAST_STEP, SIGNAL, SIGNAL_STEP, SLOW, SLOW_STEP
from trading.core.series import WARM_UP_BARS

Bar = tuple[FloatArray, FloatArray, FloatArray]
Loop = Callable[[FloatArray, Bar, FloatArray], FloatArray]

SERIES = 6_000
CLOSE = 100.0 + np.sin(np.arange(WARM_UP_BARS) / 9.0)
HIGH, LOW = CLOSE + 1.5, CLOSE - 1.5
SEEDS = np.column_stack([np.full(SERIES, value) for value in (100.0, 100.0, 0.0, 3.0, 100.0)])
BAR = [np.linspace(99.0, 101.0, SERIES) + reach for reach in (1.5, -1.5, 0.0)]
REAL = np.ones(SERIES)


def _step_of_the_bank() -> Side:
    columns = Columns(SERIES)
    columns.write(columns.take(SERIES), SEEDS.tolist())
    high, low, close = BAR
    rows = slice(0, SERIES)
    return Side(lambda: columns.step(rows, high=high, low=low, close=close, real=REAL))


def _recompute() -> None:
    for _ in range(SERIES):
        distance = talib.EMA(CLOSE, FAST) - talib.EMA(CLOSE, SLOW)
        value = distance / talib.ATR(HIGH, LOW, CLOSE, ATR) * 100.0
        talib.EMA(value[ATR:], SIGNAL)


def _loop(columns: FloatArray, bar: Bar, real: FloatArray) -> FloatArray:
    fast, slow, signal, atr, previous = columns
    high, low, close = bar
    reading = np.empty((3, close.size))
    for row in range(close.size):
        price, before = close[row], previous[row]
        if real[row] == 1.0:
            reach = max(high[row], before) - min(low[row], before)
            atr[row] += ATR_STEP * (reach - atr[row])
        fast[row] += FAST_STEP * (price - fast[row])
        slow[row] += SLOW_STEP * (price - slow[row])
        previous[row] = price
        value = (fast[row] - slow[row]) / atr[row] * 100.0
        signal[row] += SIGNAL_STEP * (value - signal[row])
        reading[0, row], reading[1, row], reading[2, row] = value, signal[row], value - signal[row]
    return reading


def _compiled() -> Side:
    columns = np.ascontiguousarray(SEEDS.T)
    high, low, close = BAR
    loop = cast("Loop", njit(_loop))
    return Side(lambda: loop(columns, (high, low, close), REAL))


@contextmanager
def recomputed() -> Iterator[Contest]:
    """A step, and the windows of all series computed anew."""
    yield Contest(_step_of_the_bank(), Side(_recompute))


@contextmanager
def compiled() -> Iterator[Contest]:
    """A step, and a compiled loop."""
    yield Contest(_step_of_the_bank(), _compiled())


FIGURES = (
    Figure(
        name="bank-recomputed",
        title=f"MACD-V of {SERIES:,} series moved by a bar, and TA-Lib over {WARM_UP_BARS} of each",
        contest=recomputed,
        most_times=1 / 1_000,
    ),
    Figure(
        name="bank-compiled",
        title=f"MACD-V of {SERIES:,} series moved by a bar, and a compiled loop over the same",
        contest=compiled,
        most_times=4.0,
    ),
)
