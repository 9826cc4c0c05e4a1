"""Excursions reverse once, and a trend takes two steps."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.turns import Turns, leans_back

Bar = tuple[float | None, float | None]

extremes = st.floats(-300, 300) | st.sampled_from([-150.0, 150.0, -151.0, 151.0])
bars = st.tuples(st.none() | extremes, st.none() | st.integers(-20, 20).map(float))
runs = st.lists(bars, max_size=60)


def after_each(run: list[Bar]) -> list[tuple[int | None, bool, int]]:
    """The states after each bar; the ``i``-th opened at ``i``."""
    turns, states = Turns(), []
    for opened_at, bar in enumerate(run):
        turns.add(opened_at, *bar)
        states.append((turns.excursion_since, turns.has_reversed, turns.trend))
    return states


def side(macd_v: float | None) -> int:
    """Beyond which extreme a value is."""
    return 0 if macd_v is None else (macd_v > 150.0) - (macd_v < -150.0)


def step(before: float | None, now: float | None) -> int:
    """Which way a histogram went."""
    return 0 if before is None or now is None else (now > before) - (now < before)


@pytest.mark.parametrize(
    ("macd_v", "histogram", "back"),
    [
        (-200.0, 10.1, True),
        (-200.0, 10.0, False),
        (-200.0, -50.0, False),
        (-150.0, 100.0, False),
        (200.0, -6.1, True),
        (200.0, -6.0, False),
        (200.0, 50.0, False),
        (150.0, -100.0, False),
        (0.0, 100.0, False),
    ],
)
def test_a_histogram_leans_back_beyond_its_share(
    macd_v: float, histogram: float, back: bool
) -> None:
    assert leans_back(macd_v, histogram) is back


def test_an_excursion_begins_anew_beyond_the_other_extreme() -> None:
    states = after_each(
        [(160.0, -20.0), (170.0, 0.0), (-160.0, 0.0), (-170.0, 20.0), (-150.0, 9.0)]
    )
    assert [state[:2] for state in states] == [
        (0, True),
        (0, True),
        (2, False),
        (2, True),
        (None, False),
    ]


@pytest.mark.parametrize(
    ("histograms", "trends"),
    [
        ([0, 1, 2, 3], [0, 0, 1, 1]),
        ([3, 2, 1, 2, 1, 0], [0, 0, -1, -1, -1, -1]),
        ([3, 2, 1, 2, 3], [0, 0, -1, -1, 1]),
        ([3, 2, 1, 2, 2, 3, 4], [0, 0, -1, -1, -1, -1, 1]),
        ([1, 2, None, 3, 4, 5], [0, 0, 0, 0, 0, 1]),
    ],
)
def test_a_trend_takes_two_steps_one_after_the_other(
    histograms: list[float | None], trends: list[int]
) -> None:
    assert [state[2] for state in after_each([(0.0, one) for one in histograms])] == trends


@given(runs)
def test_an_excursion_is_a_run_beyond_one_extreme(run: list[Bar]) -> None:
    expected: list[tuple[int | None, bool]] = []
    for beyond, group in groupby(enumerate(run), key=lambda one: side(one[1][0])):
        members = list(group)
        turned = False
        for _, (macd_v, histogram) in members:
            if beyond and macd_v is not None and histogram is not None:
                share = histogram / macd_v  # negative where it points back
                turned = turned or share < (-0.03 if beyond > 0 else -0.05)
            expected.append((members[0][0] if beyond else None, turned))
    assert [state[:2] for state in after_each(run)] == expected


@given(runs)
def test_a_trend_is_that_of_the_last_two_equal_steps(run: list[Bar]) -> None:
    steps = [0, *(step(before[1], now[1]) for before, now in pairwise(run))][: len(run)]
    expected, trend = [], 0
    for one, two in zip([0, *steps], steps, strict=False):
        trend = two if one == two != 0 else trend
        expected.append(trend)
    assert [state[2] for state in after_each(run)] == expected
