"""When a benchmark says that a budget is broken. How quick anything is, no test asks."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.benchmarks.measuring import Contest, Figure, Measured, Side, Spread, Verdict, judge

QUICK = Spread(1.0, 1.0, 1.0)
KEPT, UNSURE, BROKEN = Verdict.KEPT, Verdict.UNSURE, Verdict.BROKEN


def figure(*, most_times: float | None = None, most_ms: float | None = None) -> Figure:
    return Figure(
        name="a",
        title="a thing",
        contest=lambda: nullcontext(Contest(Side(int), Side(int))),
        most_times=most_times,
        most_ms=most_ms,
    )


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        (Spread(1.0, 2.5, 9.0), KEPT),
        (Spread(2.4, 2.6, 2.8), UNSURE),
        (Spread(2.5, 2.6, 2.8), UNSURE),
        (Spread(2.6, 2.7, 2.8), BROKEN),
    ],
)
def test_a_budget_is_broken_when_nine_of_ten_break_it(spread: Spread, verdict: Verdict) -> None:
    as_times = Measured(ours_ms=QUICK, bare_ms=QUICK, times=spread)
    as_ms = Measured(ours_ms=spread, bare_ms=QUICK, times=QUICK)
    assert judge(figure(most_times=2.5), as_times) is verdict
    assert judge(figure(most_ms=2.5), as_ms) is verdict
    assert judge(figure(most_times=2.5), as_ms) is KEPT


def test_of_two_budgets_the_worse_counts() -> None:
    slow = Spread(9.0, 9.0, 9.0)
    both = figure(most_times=2.5, most_ms=5.0)
    assert judge(both, Measured(ours_ms=slow, bare_ms=QUICK, times=QUICK)) is BROKEN
    assert judge(both, Measured(ours_ms=QUICK, bare_ms=QUICK, times=slow)) is BROKEN
    assert judge(figure(), Measured(ours_ms=slow, bare_ms=QUICK, times=slow)) is KEPT


def test_eight_of_ten_values_lie_within_the_spread() -> None:
    assert Spread.of([float(value) for value in range(101)]) == Spread(10.0, 50.0, 90.0)
