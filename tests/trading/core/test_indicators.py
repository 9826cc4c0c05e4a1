"""MACD-V and RSI: the vector, the null rules, and both speeds alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from typing import ClassVar, Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.core.made import candle
from trading.core import indicators
from trading.core.averages import ema
from trading.core.indicators import GAUGES, INDICATORS, IndicatorPoint, IndicatorSeries
from trading.core.macd_v import MacdV, atr, macd_v
from trading.core.market import Candle
from trading.core.rsi import rsi
from trading.core.stages import RANGING_BARS, Stage


def wave(count: int) -> list[Candle]:
    """The test vector of the design: a sine on a slope, one unit up and down."""
    return [candle(i, 100 + 10 * math.sin(i / 9) + 0.1 * i) for i in range(count)]


def points_of(candles: Sequence[Candle]) -> list[IndicatorPoint]:
    series = IndicatorSeries()
    return [series.append(one) for one in candles]


def arrays_of(candles: Sequence[Candle]) -> tuple[MacdV, np.ndarray]:
    high, low, close = (
        np.array([getattr(one, name) for one in candles]) for name in ("high", "low", "close")
    )
    synthetic = np.array([one.synthetic for one in candles])
    return macd_v(high, low, close, synthetic), rsi(close)


def same(value: float | None, element: float) -> bool:
    if value is None:
        return math.isnan(element)
    return math.isclose(value, element, rel_tol=1e-7, abs_tol=1e-7)


def test_vector_holds_bar_by_bar() -> None:
    points = points_of(wave(80))

    assert points[25].macd_v == pytest.approx(22.326387, abs=5e-7)
    assert points[33].signal == pytest.approx(-40.484542, abs=5e-7)
    assert points[60].macd_v == pytest.approx(108.701781, abs=5e-7)
    assert points[79].histogram == pytest.approx(-35.728250, abs=5e-7)
    assert points[79].atr == pytest.approx(2.029453, abs=5e-7)
    assert points[79].gauges["rsi"] == pytest.approx(61.625795, abs=5e-7)


def test_vector_holds_as_arrays() -> None:
    moved, strength = arrays_of(wave(80))

    assert moved.macd_v[25] == pytest.approx(22.326387, abs=5e-7)
    assert moved.signal[33] == pytest.approx(-40.484542, abs=5e-7)
    assert moved.macd_v[60] == pytest.approx(108.701781, abs=5e-7)
    assert moved.histogram[79] == pytest.approx(-35.728250, abs=5e-7)
    assert moved.atr[79] == pytest.approx(2.029453, abs=5e-7)
    assert strength[79] == pytest.approx(61.625795, abs=5e-7)


def test_values_begin_with_their_seeds() -> None:
    points = points_of(wave(40))

    assert [p.macd_v is None for p in points] == [True] * 25 + [False] * 15
    assert [p.signal is None for p in points] == [True] * 33 + [False] * 7
    assert [p.histogram is None for p in points] == [True] * 33 + [False] * 7
    assert [p.gauges["rsi"] is None for p in points] == [True] * 14 + [False] * 26
    assert points[32].stage is Stage.WARMING_UP
    assert points[33].stage is not Stage.WARMING_UP


def test_flat_market_has_neither_rsi_nor_macd_v() -> None:
    point = points_of([candle(i, spread=0.0) for i in range(60)])[-1]

    assert point.gauges["rsi"] is None
    assert point.macd_v is None
    assert point.atr == 0.0
    assert point.stage is Stage.WARMING_UP


def test_only_rises_are_an_rsi_of_one_hundred() -> None:
    assert points_of([candle(i, 100.0 + i) for i in range(20)])[-1].gauges["rsi"] == 100.0


def test_synthetic_bars_leave_atr_alone_and_let_macd_v_drift_to_zero() -> None:
    real = wave(60)
    quiet = [candle(60 + i, real[-1].close, synthetic=True) for i in range(200)]

    points = points_of([*real, *quiet])

    assert points[-1].atr == points[59].atr
    assert points[-1].bars == points[59].bars == 60
    assert points[-1].macd_v == pytest.approx(0.0, abs=0.01)
    assert points[-1].gauges["rsi"] == pytest.approx(points[59].gauges["rsi"])
    assert points[-1].stage is Stage.RANGING


def test_synthetic_bars_do_not_seed_atr() -> None:
    bars = [candle(i, synthetic=i % 2 == 1) for i in range(52)]

    points = points_of(bars)

    assert points[49].atr is None
    assert points[50].atr == 2.0
    assert points[51].macd_v == 0.0


def test_ranging_begins_with_the_twentieth_bar_inside_the_band() -> None:
    points = points_of([candle(i, 100.0 + i % 2) for i in range(60)])

    first = next(i for i, p in enumerate(points) if p.stage is Stage.RANGING)
    assert first == 25 + RANGING_BARS - 1


def test_every_indicator_has_its_name_and_every_gauge_a_value_in_each_point() -> None:
    assert INDICATORS == {"macdv": "MACD-V", "rsi": "RSI"}
    assert set(points_of(wave(1))[0].gauges) == {gauge.name for gauge in GAUGES}


class Ups:
    """An indicator that nobody has enabled yet: how many bars closed above the one before."""

    name: ClassVar = "ups"
    label: ClassVar = "Ups"

    def __init__(self) -> None:
        self.count = 0.0

    def append(self, candle: Candle, previous_close: float | None) -> float | None:
        if previous_close is None:
            return None
        self.count += candle.close > previous_close
        return self.count

    def copy(self) -> Self:
        return copy(self)


def test_a_new_indicator_is_one_class_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicators, "GAUGES", (*GAUGES, Ups))
    series = IndicatorSeries()
    points = [series.append(one) for one in wave(30)]
    twin = series.copy()
    twin.append(candle(30, 1e6))
    assert [point.gauges["ups"] for point in points[:3]] == [None, 1.0, 2.0]
    assert points[29].gauges["rsi"] == points_of(wave(30))[29].gauges["rsi"]
    assert series.append(candle(30, 0.0)).gauges["ups"] == points[29].gauges["ups"]


def test_copy_is_independent() -> None:
    bars = wave(80)
    series = IndicatorSeries()
    for one in bars[:40]:
        series.append(one)

    twin = series.copy()
    for one in bars[40:]:
        series.append(one)
    told = [twin.append(one) for one in bars[40:]]

    assert told[-1] == series.last == points_of(bars)[-1]


@pytest.mark.parametrize("period", [0, -1])
def test_period_must_be_positive(period: int) -> None:
    with pytest.raises(ValueError, match="period"):
        ema(np.ones(3), period)


def test_arrays_may_be_shorter_than_the_period() -> None:
    ones = np.ones(3)

    assert np.isnan(ema(ones, 12)).all()
    assert np.isnan(atr(ones, ones, ones)).all()
    assert rsi(np.ones(0)).shape == (0,)
    assert rsi(ones).shape == (3,)


def test_atr_without_a_mask_counts_every_bar() -> None:
    close = np.full(30, 100.0)

    assert atr(close + 1, close - 1, close)[25] == 2.0


bars = st.lists(
    st.tuples(st.integers(-500, 500), st.integers(0, 300), st.booleans()),
    min_size=1,
    max_size=160,
)


@given(bars)
@settings(max_examples=60, deadline=None)
def test_arrays_equal_bar_by_bar_with_gaps(steps: list[tuple[int, int, bool]]) -> None:
    close, candles = 1_000.0, []
    for index, (step, spread, gap) in enumerate(steps):
        synthetic = gap and index > 0
        close = close if synthetic else close + step / 100
        candles.append(candle(index, close, spread=spread / 100, synthetic=synthetic))

    moved, strength = arrays_of(candles)

    for index, point in enumerate(points_of(candles)):
        assert same(point.atr, moved.atr[index])
        assert same(point.gauges["rsi"], strength[index])
        # Where nothing ever moved, the average of equal closes may err in its last digit, and
        # what is divided by it is noise: only prices that do move are compared.
        if point.atr is None or point.atr > 1e-6:
            assert same(point.macd_v, moved.macd_v[index])
            assert same(point.signal, moved.signal[index])
            assert same(point.histogram, moved.histogram[index])
