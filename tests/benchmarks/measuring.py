"""Two ways to do one thing, timed in turns, and what a budget says of it.

Rule 1: both sides are timed in the same run, in short rounds that take turns: whatever else the
    machine does meets both.
Rule 2: a budget is broken only if nine of ten break it; a noisy minute fails nobody.
Rule 3: nothing here knows what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from itertools import count
from statistics import median, quantiles
from time import perf_counter

WARM_UP_SECONDS = 1.0
ROUND_MS = 100.0  # of one side
FEWEST_ROUNDS = 5
PARTS = 10  # of a run, to see how its tail varies


@dataclass(frozen=True, slots=True)
class Side:
    """One way to do a thing.

    Args:
        call: Does what its caller waits for.
        settle: Undoes a call, or waits for what it has left to others to do; it is not timed, for
            a caller does not wait for it, and the next call must not pay for it either.
        before: Prepares a round; it is not timed.
    """

    call: Callable[[], object]
    settle: Callable[[], object] = int
    before: Callable[[], object] = int

    def calls_of_a_round(self) -> int:
        """How many calls make a round; finding that out also warms up."""
        until = perf_counter() + WARM_UP_SECONDS
        taken = self.round(1)
        while perf_counter() < until:
            taken = self.round(5)
        return max(1, round(ROUND_MS / median(taken)))

    def round(self, calls: int) -> list[float]:
        """How many milliseconds each of some calls took."""
        self.before()
        taken = []
        for _ in range(calls):
            started = perf_counter()
            self.call()
            taken.append((perf_counter() - started) * 1_000)
            self.settle()
        return taken


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared.

    Args:
        note: What else is to be said of the run, asked at its end.
    """

    ours: Side
    bare: Side
    note: Callable[[], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that must be quick.

    Args:
        name: What is typed to select it.
        title: What is printed of it.
        contest: Prepares the contest, and cleans up behind it.
        most_times: The budget as a multiple of the bare way; None is no such budget.
        most_ms: The budget in milliseconds; None likewise.
        most_tail: What 99 of 100 of our calls must not exceed, as a multiple of their own median.
        most_tail_ms: The same in milliseconds.
        within_noise: Our median must not exceed nine of ten of the bare way.
        seconds: How long to measure.
    """

    name: str
    title: str
    contest: Callable[[], AbstractContextManager[Contest]]
    most_times: float | None = None
    most_ms: float | None = None
    most_tail: float | None = None
    most_tail_ms: float | None = None
    within_noise: bool = False
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

    def over(self, divisor: float) -> Spread:
        """The same as multiples of something."""
        return Spread(self.p10 / divisor, self.median / divisor, self.p90 / divisor)


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
        tail_ms: What 99 of 100 of our calls do not exceed: of the whole run in the middle, and of
            its parts around it.
    """

    ours_ms: Spread
    bare_ms: Spread
    times: Spread
    tail_ms: Spread

    @property
    def tail(self) -> Spread:
        """The tail as a multiple of our own median."""
        return self.tail_ms.over(self.ours_ms.median)


def measure(contest: Contest, *, seconds: float) -> Measured:
    """Let both sides take turns for a while.

    Args:
        seconds: Of measuring; warming up comes before, and a round that has begun is finished.
    """
    turns: tuple[tuple[Side, list[list[float]]], ...]
    turns = ((contest.ours, []), (contest.bare, []))
    calls = {side: side.calls_of_a_round() for side, _ in turns}
    times: list[float] = []
    until = perf_counter() + seconds
    for turn in count():
        if turn >= FEWEST_ROUNDS and perf_counter() >= until:
            break
        # Neither side always meets what the other leaves behind.
        for side, taken in turns if turn % 2 else reversed(turns):
            taken.append(side.round(calls[side]))
        times.append(median(turns[0][1][-1]) / median(turns[1][1][-1]))
    ours, bare = ([one for taken in rounds for one in taken] for _, rounds in turns)
    return Measured(
        ours_ms=Spread.of(ours),
        bare_ms=Spread.of(bare),
        times=Spread.of(times),
        tail_ms=_tail(ours),
    )


def judge(figure: Figure, measured: Measured) -> Verdict:
    """What the figure's budgets say; the worst counts."""
    verdicts = {_judge(most, spread) for most, spread in _budgets(figure, measured)}
    worst_first = (Verdict.BROKEN, Verdict.UNSURE, Verdict.KEPT)
    return next(verdict for verdict in worst_first if verdict in {*verdicts, Verdict.KEPT})


def _budgets(figure: Figure, measured: Measured) -> Iterator[tuple[float, Spread]]:
    pairs = (
        (figure.most_times, measured.times),
        (figure.most_ms, measured.ours_ms),
        (figure.most_tail, measured.tail),
        (figure.most_tail_ms, measured.tail_ms),
        (measured.bare_ms.p90 if figure.within_noise else None, measured.ours_ms),
    )
    return ((most, spread) for most, spread in pairs if most is not None)


def _judge(most: float, spread: Spread) -> Verdict:
    if spread.median <= most:
        return Verdict.KEPT
    return Verdict.BROKEN if spread.p10 > most else Verdict.UNSURE


def _tail(taken: Sequence[float]) -> Spread:
    size = max(2, len(taken) // PARTS)
    parts = [_p99(taken[start : start + size]) for start in range(0, len(taken) - 1, size)]
    around = Spread.of([*parts, parts[-1]])
    return Spread(around.p10, _p99(taken), around.p90)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[-1]
