"""What a single close costs: one bar into MACD-V, and into the same out of compiled parts.

Bare are nautilus_trader's EMA 12, 26 and 9 and ATR 26, which are compiled, put together to the same
four values by the same rules: a synthetic bar has no range, and nothing is divided by none. It is
large and no other use is made of it, so it is no dependency: there is this figure where it is
installed (1.221 in November 2026, with pandas before 3).
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
from trading.core.macd_v import ATR, FAINT, FAST, SIGNAL, SLOW, MovingMacdV, Reading
from trading.core.market import Candle, Market, Timeframe

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
        Side(_taking(MovingMacdV().append)),
        Side(_taking(_compiled(importlib.import_module("nautilus_trader.indicators")))),
    )


Take = Callable[[Candle, float | None], object]
"""Takes a bar, and the close before it."""


def _taking(take: Take) -> Callable[[], None]:
    bars = cycle(BARS_WITH_A_RANGE)
    previous: float | None = None

    def call() -> None:
        nonlocal previous
        before = previous
        for _ in range(BARS):
            bar = next(bars)
            take(bar, before)
            before = bar.close
        previous = before

    return call


def _compiled(nautilus: Any) -> Take:
    average, wilder = nautilus.ExponentialMovingAverage, nautilus.MovingAverageType.WILDER
    fast, slow, signal = average(FAST), average(SLOW), average(SIGNAL)
    atr = nautilus.AverageTrueRange(ATR, wilder)

    def take(bar: Candle, _before: float | None) -> Reading:
        close = bar.close
        fast.update_raw(close)
        slow.update_raw(close)
        if not bar.synthetic:
            atr.update_raw(bar.high, bar.low, close)
        reach = atr.value
        if reach <= FAINT * close:
            return None, None, None, reach
        value = (fast.value - slow.value) / reach * 100.0
        signal.update_raw(value)
        line = signal.value
        return value, line, value - line, reach

    return take


FIGURES = (
    (
        Figure(
            name="close",
            title=f"{BARS:,} bars into MACD-V, one by one, and into nautilus_trader's averages",
            contest=close,
            most_times=1.0,
        ),
    )
    if find_spec("nautilus_trader")
    else ()
)
