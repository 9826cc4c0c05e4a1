"""Signals fire on the transition, and only then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import MARKET, NOON, candle
from trading.core.indicators import IndicatorPoint, IndicatorSeries
from trading.core.market import Timeframe
from trading.core.modes import SignalKind, SignalRules
from trading.core.signals import Direction, Signal, signals
from trading.core.stages import stage

LEVELS = SignalRules(kinds=frozenset({SignalKind.LEVEL}))
CROSSOVERS = SignalRules(kinds=frozenset({SignalKind.CROSSOVER}))
REVERSALS = SignalRules(kinds=frozenset({SignalKind.REVERSAL}))
SHIFTS = SignalRules(kinds=frozenset({SignalKind.MOMENTUM_SHIFT}))


def point(
    macd_v: float | None,
    signal: float | None = None,
    *,
    bars: int = 300,
    at: int = NOON,
    since: int | None = None,
    has_reversed: bool = False,
    trend: int = 0,
) -> IndicatorPoint:
    return IndicatorPoint(
        opened_at=at,
        closes_at=at + 60,
        close=99.5,
        macd_v=macd_v,
        signal=signal,
        histogram=None if macd_v is None or signal is None else macd_v - signal,
        gauges={"rsi": 50.0},
        atr=1.0,
        stage=stage(macd_v, signal, 0),
        bars=bars,
        excursion_since=since,
        has_reversed=has_reversed,
        trend=trend,
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
    fired = found(point(before), point(now), LEVELS)

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
    fired = found(point(*before), point(*now), CROSSOVERS)

    assert [one.direction for one in fired] == ([] if direction is None else [direction])
    if direction is not None:
        side = "above" if direction is Direction.UP else "below"
        assert fired[0].kind is SignalKind.CROSSOVER
        assert fired[0].detail == f"{side} signal line"
        assert fired[0].level is None


def test_signal_carries_the_values_that_made_it_fire() -> None:
    before, now = point(149.0), point(151.0, at=NOON + 60)

    (fired,) = found(before, now, LEVELS)

    assert fired.market == MARKET
    assert (fired.opened_at, fired.closed_at) == (NOON + 60, NOON + 120)
    assert (fired.price, fired.value) == (99.5, 151.0)
    assert (fired.previous, fired.point) == (before, now)


def test_one_bar_may_fire_several_kinds() -> None:
    fired = found(point(140.0, 145.0), point(160.0, 150.0))

    assert [one.kind for one in fired] == [
        SignalKind.LEVEL,
        SignalKind.CROSSOVER,
        SignalKind.MOMENTUM_SHIFT,
    ]


@pytest.mark.parametrize(
    ("before", "now", "direction"),
    [
        (point(-160.0, since=60), point(-160.0, since=60, has_reversed=True), Direction.UP),
        (point(160.0, since=60), point(160.0, since=60, has_reversed=True), Direction.DOWN),
        (point(-149.0), point(-160.0, since=60, has_reversed=True), Direction.UP),
        (
            point(160.0, since=60, has_reversed=True),
            point(-160.0, since=120, has_reversed=True),
            Direction.UP,
        ),
        (
            point(-160.0, since=60, has_reversed=True),
            point(-170.0, since=60, has_reversed=True),
            None,
        ),
        (point(-160.0, since=60), point(-160.0, since=60), None),
        (point(-160.0, since=60, has_reversed=True), point(-149.0), None),
    ],
)
def test_reversal_is_told_once_in_its_excursion(
    before: IndicatorPoint, now: IndicatorPoint, direction: Direction | None
) -> None:
    fired = found(before, now, REVERSALS)

    assert [one.direction for one in fired] == ([] if direction is None else [direction])
    if direction is not None:
        up = direction is Direction.UP
        assert fired[0].kind is SignalKind.REVERSAL
        assert fired[0].detail == ("turning up below -150" if up else "turning down above +150")
        assert fired[0].once_since == now.excursion_since


@pytest.mark.parametrize(
    ("before", "now", "detail"),
    [
        (-150.0, -151.0, "zone below -150"),
        (-151.0, -150.0, "zone -150 to -50"),
        (-50.0, -51.0, "zone -150 to -50"),
        (-51.0, -50.0, "zone -50 to +50"),
        (51.0, 50.0, "zone -50 to +50"),
        (50.0, 51.0, "zone +50 to +150"),
        (151.0, 150.0, "zone +50 to +150"),
        (150.0, 151.0, "zone above +150"),
        (-400.0, 400.0, "zone above +150"),
        (-50.0, 50.0, None),
        (151.0, 900.0, None),
    ],
)
def test_momentum_shifts_with_its_zone(before: float, now: float, detail: str | None) -> None:
    fired = found(point(before), point(now), SHIFTS)

    assert [one.detail for one in fired] == ([] if detail is None else [detail])
    if detail is not None:
        assert fired[0].kind is SignalKind.MOMENTUM_SHIFT
        assert fired[0].direction is (Direction.UP if now > before else Direction.DOWN)


@pytest.mark.parametrize(
    ("before", "now", "detail"),
    [
        (point(60.0, trend=-1), point(61.0, trend=1), "histogram turns up"),
        (point(60.0, trend=1), point(61.0, trend=-1), "histogram turns down"),
        (point(-50.0, trend=-1), point(-50.0, trend=1), "histogram turns up"),
        (point(49.0, trend=-1), point(49.0, trend=1), None),
        (point(-50.0, trend=-1), point(-49.0, trend=1), None),
        (point(50.0, trend=-1), point(60.0, trend=1), "zone +50 to +150"),
        (point(60.0, trend=0), point(61.0, trend=1), None),
        (point(60.0, trend=1), point(61.0, trend=1), None),
    ],
)
def test_momentum_shifts_with_the_trend_of_its_histogram_far_from_zero(
    before: IndicatorPoint, now: IndicatorPoint, detail: str | None
) -> None:
    fired = found(before, now, SHIFTS)

    assert [one.detail for one in fired] == ([] if detail is None else [detail])


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

    assert [one.level for one in found(before, now, levels_only)] == [150.0]
    assert [one.kind for one in found(before, now, CROSSOVERS)] == [SignalKind.CROSSOVER]
    assert found(before, now, REVERSALS) == []


values = st.floats(-600, 600) | st.sampled_from([-150.0, -50.0, 50.0, 150.0])


@given(values, values, st.booleans(), st.sampled_from([-1, 0, 1]))
def test_a_state_that_lasts_fires_nothing(
    value: float, signal: float, has_reversed: bool, trend: int
) -> None:
    since = 60 if abs(value) > 150.0 else None
    lasting = point(value, signal, since=since, has_reversed=has_reversed, trend=trend)

    assert found(lasting, lasting) == []


def reversals(points: Sequence[IndicatorPoint]) -> list[Signal]:
    return [one for before, now in pairwise(points) for one in found(before, now, REVERSALS)]


def test_restart_neither_repeats_nor_loses_a_reversal() -> None:
    """A restart knows 300 bars; the swings of this market take 120, an excursion some 30."""
    walk = [candle(i, 1_000.0 + 100 * math.sin(i * math.tau / 120)) for i in range(480)]
    series = IndicatorSeries()
    always = reversals([series.append(one) for one in walk])

    assert len(always) > 3
    for restart in range(300, 480):
        series = IndicatorSeries()
        points = [series.append(one) for one in walk[restart - 300 :]]
        told = reversals(points[299:])
        assert [(one.opened_at, one.direction) for one in told] == [
            (one.opened_at, one.direction)
            for one in always
            if one.opened_at >= walk[restart].opened_at
        ]


closes = st.lists(st.integers(-300, 300), min_size=140, max_size=260).map(
    lambda steps: [1_000.0 + step / 10 for step in accumulate(steps)]
)


@given(closes)
def test_every_excursion_of_a_market_reverses_once_at_most(walk: list[float]) -> None:
    series = IndicatorSeries()
    points = [series.append(candle(i, close)) for i, close in enumerate(walk)]
    fired = [
        one
        for before, now in pairwise(points)
        for one in found(before, now, replace(REVERSALS, minimum_bars=1))
    ]

    assert len({one.once_since for one in fired}) == len(fired)
    assert all(abs(one.value) > 150.0 for one in fired)
    reversed_ones = {one.excursion_since for one in points if one.has_reversed}
    assert {one.once_since for one in fired} == reversed_ones


@given(values, values, values, values)
def test_signals_mirror(a: float, b: float, c: float, d: float) -> None:
    fired = found(point(a, b), point(c, d))
    mirrored = found(point(-a, -b), point(-c, -d))

    assert [(one.kind, one.level and -one.level) for one in fired] == [
        (one.kind, one.level) for one in mirrored
    ]
    assert all(one.direction is not two.direction for one, two in zip(fired, mirrored, strict=True))
