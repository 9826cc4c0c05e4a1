"""Two ways to do one thing, timed in turns, and what a budget says of it.

Rule 1: both sides are timed in the same run, in short rounds that take turns: whatever else the
    machine does meets both.
Rule 2: a budget is broken only if nine of ten break it; a noisy minute fails nobody.
Rule 3: nothing here knows what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from itertools import count
from statistics import median, quantiles
from time import perf_counter

WARM_UP_SECONDS = 1.0
ROUND_MS = 100.0  # of one side
FEWEST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared: each side does in one call what its caller waits for.

    Args:
        settle: Waits for what our call has left to others to do; it is not timed, for a caller does
            not wait for it, and the next call must not pay for it either.
    """

    ours: Callable[[], object]
    bare: Callable[[], object]
    settle: Callable[[], object] = int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that must be quick.

    Args:
        name: What is typed to select it.
        title: What is printed of it.
        contest: Prepares the contest, and cleans up behind it.
        most_times: The budget as a multiple of the bare way; None is no such budget.
        most_ms: The budget in milliseconds; None likewise.
        seconds: How long to measure.
    """

    name: str
    title: str
    contest: Callable[[], AbstractContextManager[Contest]]
    most_times: float | None = None
    most_ms: float | None = None
    seconds: float = 8.0


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of many values, and between which two eight of ten lie."""

    p10: float
    median: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of two values or more."""
        tenths = quantiles(values, n=10, method="inclusive")
        return cls(tenths[0], median(values), tenths[-1])


class Verdict(Enum):
    """What became of a budget; the value is its mark."""

    KEPT = "✓"
    UNSURE = "?"  # more than the budget, but not clearly
    BROKEN = "✗"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a contest came to.

    Args:
        ours_ms: Milliseconds of one call.
        bare_ms: The same the bare way.
        times: Ours as a multiple of the bare way, of each round.
    """

    ours_ms: Spread
    bare_ms: Spread
    times: Spread


def measure(contest: Contest, *, seconds: float) -> Measured:
    """Let both sides take turns for a while.

    Args:
        seconds: Of measuring; warming up comes before, and a round that has begun is finished.
    """
    calls = (_calls(contest.ours, contest.settle), _calls(contest.bare))
    ours: list[float] = []
    bare: list[float] = []
    times: list[float] = []
    until = perf_counter() + seconds
    for turn in count():
        if turn >= FEWEST_ROUNDS and perf_counter() >= until:
            break
        if turn % 2:  # neither side always meets what the other leaves behind
            second = _round(contest.bare, calls[1])
            first = _round(contest.ours, calls[0], contest.settle)
        else:
            first = _round(contest.ours, calls[0], contest.settle)
            second = _round(contest.bare, calls[1])
        ours += first
        bare += second
        times.append(median(first) / median(second))
    return Measured(ours_ms=Spread.of(ours), bare_ms=Spread.of(bare), times=Spread.of(times))


def judge(figure: Figure, measured: Measured) -> Verdict:
    """What the figure's budgets say; the worse of two counts."""
    budgets = ((figure.most_times, measured.times), (figure.most_ms, measured.ours_ms))
    verdicts = [_judge(most, spread) for most, spread in budgets if most is not None]
    worst_first = (Verdict.BROKEN, Verdict.UNSURE, Verdict.KEPT)
    return next(verdict for verdict in worst_first if verdict in (*verdicts, Verdict.KEPT))


def _judge(most: float, spread: Spread) -> Verdict:
    if spread.median <= most:
        return Verdict.KEPT
    return Verdict.BROKEN if spread.p10 > most else Verdict.UNSURE


def _calls(side: Callable[[], object], settle: Callable[[], object] = int) -> int:
    """How many calls make a round; finding that out also warms up."""
    until = perf_counter() + WARM_UP_SECONDS
    taken = _round(side, 1, settle)
    while perf_counter() < until:
        taken = _round(side, 5, settle)
    return max(1, round(ROUND_MS / median(taken)))


def _round(
    side: Callable[[], object], calls: int, settle: Callable[[], object] = int
) -> list[float]:
    """How many milliseconds each of some calls took."""
    taken = []
    for _ in range(calls):
        started = perf_counter()
        side()
        taken.append((perf_counter() - started) * 1_000)
        settle()
    return taken
