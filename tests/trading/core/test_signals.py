"""Signals fire on the transition, and only then."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import MARKET, NOON
from trading.core.indicators import IndicatorPoint
from trading.core.market import Timeframe
from trading.core.modes import SignalKind, SignalRules
from trading.core.signals import Direction, Signal, signals
from trading.core.stages import stage


def point(
    macd_v: float | None, signal: float | None = None, *, bars: int = 300, at: int = NOON
) -> IndicatorPoint:
    return IndicatorPoint(
        opened_at=at,
        closes_at=at + 60,
        close=99.5,
        macd_v=macd_v,
        signal=signal,
        histogram=None if macd_v is None or signal is None else macd_v - signal,
        rsi=50.0,
        atr=1.0,
        stage=stage(macd_v, signal, 0),
        bars=bars,
    )


def found(
    before: IndicatorPoint | None, now: IndicatorPoint, rules: SignalRules | None = None
) -> list[Signal]:
    return signals(before, now, market=MARKET, timeframe=Timeframe.M1, rules=rules or SignalRules())


ABOVE = math.nextafter(150.0, math.inf)


@pytest.mark.parametrize(
    ("before", "now", "level"),
    [
        (149.0, 151.0, 150.0),
        (150.0, ABOVE, 150.0),
        (149.0, 150.0, None),
        (ABOVE, 199.0, None),
        (151.0, 149.0, None),
        (100.0, 260.0, 250.0),
        (100.0, 1_000.0, 400.0),
        (410.0, 500.0, None),
        (-300.0, 160.0, 150.0),
        (-149.0, -151.0, -150.0),
        (-150.0, -ABOVE, -150.0),
        (-149.0, -150.0, None),
        (-151.0, -149.0, None),
        (-100.0, -260.0, -250.0),
        (300.0, -160.0, -150.0),
        (0.0, 0.0, None),
    ],
)
def test_level_is_the_furthest_crossed_outward(
    before: float, now: float, level: float | None
) -> None:
    fired = found(point(before), point(now))

    assert [one.level for one in fired] == ([] if level is None else [level])
    if level is not None:
        assert fired[0].kind is SignalKind.LEVEL
        assert fired[0].direction is (Direction.UP if level > 0 else Direction.DOWN)
        assert fired[0].detail == f"through {level:+.0f}"


@pytest.mark.parametrize(
    ("before", "now", "direction"),
    [
        ((10.0, 11.0), (12.0, 11.0), Direction.UP),
        ((11.0, 11.0), (12.0, 11.0), Direction.UP),
        ((10.0, 11.0), (11.0, 11.0), None),
        ((12.0, 11.0), (13.0, 11.0), None),
        ((12.0, 11.0), (10.0, 11.0), Direction.DOWN),
        ((11.0, 11.0), (10.0, 11.0), Direction.DOWN),
        ((12.0, 11.0), (11.0, 11.0), None),
        ((10.0, None), (12.0, 11.0), None),
        ((10.0, 11.0), (12.0, None), None),
    ],
)
def test_crossover_is_told_once_on_its_side(
    before: tuple[float, float | None],
    now: tuple[float, float | None],
    direction: Direction | None,
) -> None:
    fired = found(point(*before), point(*now))

    assert [one.direction for one in fired] == ([] if direction is None else [direction])
    if direction is not None:
        side = "above" if direction is Direction.UP else "below"
        assert fired[0].kind is SignalKind.CROSSOVER
        assert fired[0].detail == f"{side} signal line"
        assert fired[0].level is None


def test_signal_carries_the_values_that_made_it_fire() -> None:
    before, now = point(149.0), point(151.0, at=NOON + 60)

    (fired,) = found(before, now)

    assert fired.market == MARKET
    assert (fired.opened_at, fired.closed_at) == (NOON + 60, NOON + 120)
    assert (fired.price, fired.value) == (99.5, 151.0)
    assert (fired.previous, fired.point) == (before, now)


def test_one_bar_may_fire_both_kinds() -> None:
    fired = found(point(140.0, 145.0), point(160.0, 150.0))

    assert [one.kind for one in fired] == [SignalKind.LEVEL, SignalKind.CROSSOVER]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, point(200.0)),
        (point(None), point(200.0)),
        (point(100.0), point(None)),
        (point(100.0), point(200.0, bars=99)),
    ],
)
def test_nothing_fires_without_two_values_and_enough_bars(
    before: IndicatorPoint | None, now: IndicatorPoint
) -> None:
    assert found(before, now) == []


def test_hundredth_real_bar_may_fire() -> None:
    assert found(point(100.0), point(200.0, bars=100))


def test_rules_say_which_kinds_and_levels_count() -> None:
    before, now = point(140.0, 145.0), point(260.0, 150.0)
    levels_only = SignalRules(kinds=frozenset({SignalKind.LEVEL}), levels=(150.0,))
    crossings_only = SignalRules(kinds=frozenset({SignalKind.CROSSOVER}))

    assert [one.level for one in found(before, now, levels_only)] == [150.0]
    assert [one.kind for one in found(before, now, crossings_only)] == [SignalKind.CROSSOVER]
    assert found(before, now, SignalRules(kinds=frozenset({SignalKind.REVERSAL}))) == []


values = st.floats(-600, 600)


@given(values, values)
def test_a_state_that_lasts_fires_nothing(value: float, signal: float) -> None:
    lasting = point(value, signal)

    assert found(lasting, lasting) == []


@given(values, values, values, values)
def test_signals_mirror(a: float, b: float, c: float, d: float) -> None:
    fired = found(point(a, b), point(c, d))
    mirrored = found(point(-a, -b), point(-c, -d))

    assert [(one.kind, one.level and -one.level) for one in fired] == [
        (one.kind, one.level) for one in mirrored
    ]
    assert all(one.direction is not two.direction for one, two in zip(fired, mirrored, strict=True))
