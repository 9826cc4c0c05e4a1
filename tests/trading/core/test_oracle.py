"""MACD-V and RSI against another implementation: TA-Lib's RSI, and its EMA and ATR composed.

TA-Lib leaves the first true range out of the seed of its ATR, so the two agree once the seed has
faded: after 700 bars it weighs less than 1e-11.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.trading.core.made import candle
from trading.core.averages import FloatArray
from trading.core.indicators import IndicatorSeries
from trading.core.macd_v import ATR, FAST, SIGNAL, SLOW, macd_v
from trading.core.rsi import RSI, rsi

BARS, FADED = 1_000, 700


class Series(NamedTuple):
    """High, low and close of a random walk that never stands still."""

    high: FloatArray
    low: FloatArray
    close: FloatArray


def walk(seed: int, volatility: float) -> Series:
    chance = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(chance.normal(0.0, volatility, BARS)))
    spread = close * volatility * chance.uniform(0.1, 1.0, (2, BARS))
    return Series(close + spread[0], close - spread[1], close)


def composed(series: Series) -> tuple[FloatArray, FloatArray, FloatArray]:
    """MACD-V, its signal line, and RSI, as TA-Lib gives their parts."""
    distance = talib.EMA(series.close, FAST) - talib.EMA(series.close, SLOW)
    value = distance / talib.ATR(series.high, series.low, series.close, ATR) * 100.0
    signal = np.full(BARS, np.nan)
    known = ~np.isnan(value)
    signal[known] = talib.EMA(value[known], SIGNAL)
    return value, signal, talib.RSI(series.close, RSI)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), volatility=st.floats(1e-4, 0.05))
def test_both_speeds_agree_with_talib_once_its_seed_has_faded(seed: int, volatility: float) -> None:
    series = walk(seed, volatility)
    expected = composed(series)
    ours = macd_v(*series)
    incremental = IndicatorSeries()
    points = [
        incremental.append(replace(candle(i, close), high=high, low=low))
        for i, (high, low, close) in enumerate(zip(*(x.tolist() for x in series), strict=True))
    ]
    single = np.array(
        [(point.macd_v, point.signal, point.gauges["rsi"]) for point in points], dtype=np.float64
    ).T
    for theirs, batch, one_by_one in zip(
        expected, (ours.macd_v, ours.signal, rsi(series.close)), single, strict=True
    ):
        np.testing.assert_allclose(batch[FADED:], theirs[FADED:], rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(one_by_one[FADED:], theirs[FADED:], rtol=1e-7, atol=1e-7)
