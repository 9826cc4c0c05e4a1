"""What a single close costs: one bar into the indicators, and into compiled ones.

Ours is all that a desk is told of a bar: MACD-V, signal line, RSI, stage, turns, liquidity. Bare is
nautilus_trader's EMA 12, 26 and 9, ATR 26 and RSI 14, which are compiled. It is large and no other
use is made of it, so it is no dependency: there is this figure where it is installed (1.221 in
November 2026, with pandas before 3).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import cycle
from math import sin
from typing import Any

from tests.benchmarks.measuring import Contest, Figure, Side
from trading.core.indicators import IndicatorSeries
from trading.core.macd_v import ATR, FAST, SIGNAL, SLOW
from trading.core.market import Candle, Market, Timeframe
from trading.core.rsi import RSI

BARS = 1_000  # of one call
BARS_WITH_A_RANGE = tuple(
    Candle(
        market=Market("coinbase", "BTC-USD"),
        timeframe=Timeframe.M1,
        opened_at=number * Timeframe.M1.seconds,
        open=100.0,
        high=101.5 + 10.0 * sin(number / 9),
        low=98.5 + 10.0 * sin(number / 9),
        close=100.0 + 10.0 * sin(number / 9),
        volume=1.0,
    )
    for number in range(BARS)
)


@contextmanager
def close() -> Iterator[Contest]:
    """The same bars, again and again."""
    yield Contest(
        Side(_taking(IndicatorSeries().append)),
        Side(_taking(_compiled(importlib.import_module("nautilus_trader.indicators")))),
    )


def _taking(take: Callable[[Candle], object]) -> Callable[[], None]:
    bars = cycle(BARS_WITH_A_RANGE)

    def call() -> None:
        for _ in range(BARS):
            take(next(bars))

    return call


def _compiled(nautilus: Any) -> Callable[[Candle], object]:
    average, wilder = nautilus.ExponentialMovingAverage, nautilus.MovingAverageType.WILDER
    fast, slow, signal = average(FAST), average(SLOW), average(SIGNAL)
    atr, rsi = nautilus.AverageTrueRange(ATR, wilder), nautilus.RelativeStrengthIndex(RSI, wilder)

    def take(bar: Candle) -> tuple[float, ...]:
        close = bar.close
        fast.update_raw(close)
        slow.update_raw(close)
        atr.update_raw(bar.high, bar.low, close)
        value = (fast.value - slow.value) / atr.value * 100.0
        signal.update_raw(value)
        rsi.update_raw(close)
        return value, signal.value, value - signal.value, rsi.value, atr.value

    return take


FIGURES = (
    (
        Figure(
            name="close",
            title=f"{BARS:,} bars into the indicators, one by one, and into nautilus_trader's",
            contest=close,
            most_times=1.0,
        ),
    )
    if find_spec("nautilus_trader")
    else ()
)
