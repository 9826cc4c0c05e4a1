"""Every pair of values has one stage, boundaries included."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.stages import RANGING_BARS, Stage, is_inside_band, stage

ABOVE_150 = math.nextafter(150.0, math.inf)
BELOW_150 = math.nextafter(-150.0, -math.inf)
BELOW_50 = math.nextafter(50.0, -math.inf)
BELOW_MINUS_50 = math.nextafter(-50.0, -math.inf)


@pytest.mark.parametrize(
    ("macd_v", "signal", "expected"),
    [
        (ABOVE_150, 0.0, Stage.RISK_OVERBOUGHT),
        (ABOVE_150, 400.0, Stage.RISK_OVERBOUGHT),
        (BELOW_150, 0.0, Stage.RISK_OVERSOLD),
        (BELOW_150, -400.0, Stage.RISK_OVERSOLD),
        (150.0, 149.0, Stage.RALLYING),
        (150.0, 151.0, Stage.RETRACING),
        (50.0, 50.0, Stage.RALLYING),
        (50.0, 51.0, Stage.RETRACING),
        (BELOW_50, 0.0, Stage.REBOUNDING),
        (BELOW_50, 60.0, Stage.RETRACING),
        (0.0, 0.0, Stage.REBOUNDING),
        (-50.0, -60.0, Stage.REBOUNDING),
        (-50.0, -40.0, Stage.RETRACING),
        (BELOW_MINUS_50, -60.0, Stage.REBOUNDING),
        (BELOW_MINUS_50, -40.0, Stage.REVERSING),
        (-150.0, -150.0, Stage.REBOUNDING),
        (-150.0, -149.0, Stage.REVERSING),
    ],
)
def test_stage_by_value_and_signal_line(macd_v: float, signal: float, expected: Stage) -> None:
    assert stage(macd_v, signal, ranging_bars=0) is expected


@pytest.mark.parametrize(
    ("macd_v", "bars", "expected"),
    [
        (0.0, RANGING_BARS - 1, Stage.REBOUNDING),
        (0.0, RANGING_BARS, Stage.RANGING),
        (BELOW_50, RANGING_BARS, Stage.RANGING),
        (50.0, RANGING_BARS, Stage.RALLYING),
        (-50.0, RANGING_BARS, Stage.RETRACING),
        (ABOVE_150, RANGING_BARS, Stage.RISK_OVERBOUGHT),
    ],
)
def test_ranging_needs_twenty_bars_inside_the_band(
    macd_v: float, bars: int, expected: Stage
) -> None:
    assert stage(macd_v, 0.0, bars) is expected


@pytest.mark.parametrize(("macd_v", "signal"), [(None, None), (200.0, None), (0.0, None)])
def test_without_a_signal_line_the_market_is_warming_up(
    macd_v: float | None, signal: float | None
) -> None:
    assert stage(macd_v, signal, ranging_bars=99) is Stage.WARMING_UP


@given(st.floats(-500, 500), st.floats(-500, 500), st.integers(0, 40))
def test_every_pair_of_values_has_a_stage_beyond_warming_up(
    macd_v: float, signal: float, bars: int
) -> None:
    found = stage(macd_v, signal, bars)

    assert found is not Stage.WARMING_UP
    assert (found is Stage.RANGING) == (bars >= RANGING_BARS and is_inside_band(macd_v))
