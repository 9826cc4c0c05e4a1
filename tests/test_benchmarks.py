"""When a benchmark says that a budget is broken. How quick anything is, no test asks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from tests.benchmarks.measuring import (
    Contest,
    Figure,
    Measured,
    Side,
    Spread,
    Verdict,
    judge,
    measure,
)

QUICK = Spread(1.0, 1.0, 1.0)
SLOW = Spread(9.0, 9.0, 9.0)
KEPT, UNSURE, BROKEN = Verdict.KEPT, Verdict.UNSURE, Verdict.BROKEN


def figure(**budgets: Any) -> Figure:
    contest = Contest(Side(int), Side(int))
    return Figure(name="a", title="a thing", contest=lambda: nullcontext(contest), **budgets)


def measured(**spreads: Spread) -> Measured:
    quick = dict.fromkeys(("ours_ms", "bare_ms", "times", "tail_ms"), QUICK)
    return Measured(**{**quick, **spreads})


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        (Spread(1.0, 2.5, 9.0), KEPT),
        (Spread(2.4, 2.6, 2.8), UNSURE),
        (Spread(2.5, 2.6, 2.8), UNSURE),
        (Spread(2.6, 2.7, 2.8), BROKEN),
    ],
)
@pytest.mark.parametrize(
    ("budget", "of"),
    [
        ({"most_times": 2.5}, "times"),
        ({"most_ms": 2.5}, "ours_ms"),
        ({"most_tail_ms": 2.5}, "tail_ms"),
        ({"most_tail": 2.5}, "tail_ms"),  # our median is 1 ms
    ],
)
def test_a_budget_is_broken_when_nine_of_ten_break_it(
    budget: dict[str, float], of: str, spread: Spread, verdict: Verdict
) -> None:
    assert judge(figure(**budget), measured(**{of: spread})) is verdict
    assert judge(figure(), measured(**{of: spread})) is KEPT
    others = {"ours_ms", "times", "tail_ms"} - {of}
    assert judge(figure(**budget), measured(**dict.fromkeys(others, Spread(2, 2, 2)))) is KEPT


def test_a_tail_is_held_against_our_own_median() -> None:
    slow_and_even = measured(ours_ms=SLOW, tail_ms=Spread(18.0, 18.0, 18.0))
    assert judge(figure(most_tail=2.0), slow_and_even) is KEPT
    assert judge(figure(most_tail=1.9), slow_and_even) is BROKEN


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (Spread(1.0, 1.5, 3.0), KEPT),  # as slow as the slowest of the bare way
        (Spread(1.4, 1.6, 3.0), UNSURE),
        (Spread(1.6, 1.7, 3.0), BROKEN),
    ],
)
def test_noise_is_what_the_bare_way_shows_of_it(ours: Spread, verdict: Verdict) -> None:
    noisy = measured(ours_ms=ours, bare_ms=Spread(0.9, 1.0, 1.5))
    assert judge(figure(within_noise=True), noisy) is verdict


def test_of_two_budgets_the_worse_counts() -> None:
    both = figure(most_times=2.5, most_ms=5.0)
    assert judge(both, measured(ours_ms=SLOW)) is BROKEN
    assert judge(both, measured(times=SLOW)) is BROKEN


def test_eight_of_ten_values_lie_within_the_spread() -> None:
    assert Spread.of([float(value) for value in range(101)]) == Spread(10.0, 50.0, 90.0)


def test_sides_take_turns_and_each_call_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.benchmarks.measuring.WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr("tests.benchmarks.measuring.ROUND_MS", 0.0)  # one call is a round
    done: list[str] = []

    def side(name: str) -> Side:
        return Side(
            call=lambda: done.append(f"{name} call"),
            settle=lambda: done.append(f"{name} settle"),
            before=lambda: done.append(f"{name} before"),
        )

    measure(Contest(side("ours"), side("bare")), seconds=0.0)
    ours, bare = ([f"{name} {step}" for step in STEPS] for name in ("ours", "bare"))
    assert done == [*ours, *bare, *(bare + ours + ours + bare) * 2, *bare, *ours]


STEPS = ("before", "call", "settle")
