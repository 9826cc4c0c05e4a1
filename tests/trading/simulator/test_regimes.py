"""Quiet, trending and violent stretches follow each other: every kind of signal occurs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trading.simulator.worlds import LIQUID, NOW, NOW_US, world
from trading.simulator.tape import Bar

HOURS = 6
Floats = NDArray[np.float64]


def ema(values: Floats, period: int) -> Floats:
    """Seeded with the mean of the first values; NaN before."""
    out = np.full(len(values), np.nan)
    out[period - 1] = values[:period].mean()
    for at in range(period, len(values)):
        out[at] = out[at - 1] + (values[at] - out[at - 1]) * 2 / (period + 1)
    return out


def macd_v(bars: list[Bar]) -> tuple[Floats, Floats]:
    """MACD-V and its signal line, from the first bar that has both. A one-off on purpose: the
    world is judged by a definition of its own, not by the program's."""
    high, low, close = (np.array([float(bar[n]) for bar in bars]) for n in (2, 3, 4))
    before = np.concatenate([close[:1], close[:-1]])
    ranges = np.maximum(high, before) - np.minimum(low, before)
    atr = np.full(len(close), np.nan)
    atr[25] = ranges[:26].mean()
    for at in range(26, len(close)):
        atr[at] = (atr[at - 1] * 25 + ranges[at]) / 26
    line = ((ema(close, 12) - ema(close, 26)) / atr * 100)[25:]
    return line[8:], ema(line, 9)[8:]


def crossings(line: Floats, level: float) -> int:
    """How often the line passes the level upwards."""
    return int(np.sum((line[:-1] <= level) & (line[1:] > level)))


@pytest.fixture(scope="module")
def lines() -> list[tuple[Floats, Floats]]:
    """MACD-V and signal of a dozen one-minute charts."""
    start = NOW - (HOURS * 60 + 34) * 60
    return [macd_v(world().candles(name, 60, start, NOW, NOW_US)) for name in LIQUID]


@pytest.mark.parametrize(("level", "least"), [(150, 30), (200, 20), (300, 8), (400, 3)])
def test_a_dozen_charts_pass_every_level_outwards(
    lines: list[tuple[Floats, Floats]], level: float, least: int
) -> None:
    up = sum(crossings(line, level) for line, _ in lines)
    down = sum(crossings(-line, level) for line, _ in lines)
    assert min(up, down) > 0
    assert up + down >= least


def test_every_chart_crosses_its_signal_line(lines: list[tuple[Floats, Floats]]) -> None:
    for line, signal in lines:
        assert crossings(line - signal, 0.0) >= HOURS // 2
        assert crossings(signal - line, 0.0) >= HOURS // 2


def test_an_extreme_turns_back(lines: list[tuple[Floats, Floats]]) -> None:
    """Reversals: the histogram turns against an extreme while it lasts."""
    turned = sum(
        int(np.sum((line < -150) & (line - signal > 0.05 * np.abs(line)))) > 0
        for line, signal in lines
    )
    assert turned >= 6


def test_quiet_and_violent_stretches_differ() -> None:
    for name in LIQUID:
        bars = world().candles(name, 60, NOW - 24 * 3_600, NOW, NOW_US)
        ranges = np.sort([bar.high - bar.low for bar in bars])
        assert ranges[len(ranges) * 9 // 10] > 3 * ranges[len(ranges) // 10]
