"""``python -m tests.benchmarks [NAME …]``: measure the figures, all or those named.

Exits 1 if a budget is clearly broken, 2 if there is no such figure.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

from tests.benchmarks.measuring import Figure, Measured, Spread, Verdict, judge, measure
from tests.benchmarks.servers import own_servers

# Each has FIGURES. They are imported late: they need Django's models.
MODULES = (
    "tests.benchmarks.settings_documents",
    "tests.benchmarks.pauses",
    "tests.benchmarks.broadcasts",
    "tests.benchmarks.ingest",
    "tests.benchmarks.banks",
    "tests.benchmarks.boundaries",
    "tests.benchmarks.alerts",
    "tests.benchmarks.deliveries",
    "tests.benchmarks.cold_starts",
    "tests.benchmarks.closes",
    "tests.benchmarks.pages",
)


def main(names: Sequence[str]) -> int:
    """Measure, and print as it comes."""
    with own_servers():
        figures = {
            figure.name: figure
            for module in MODULES
            for figure in importlib.import_module(module).FIGURES
        }
        for name in names:
            if name not in figures:
                [near] = difflib.get_close_matches(name, figures, n=1, cutoff=0.0)
                tell(f"There is no figure {name}; the nearest is {near}.")
                return 2
        verdicts = [run(figures[name]) for name in names or figures]
    return 1 if Verdict.BROKEN in verdicts else 0


def run(figure: Figure) -> Verdict:
    """Measure one figure and tell what came of it."""
    with figure.contest() as contest:
        measured = measure(contest, seconds=figure.seconds)
        note = contest.note()
    verdict = judge(figure, measured)
    tell(f"{verdict.value} {figure.name}: {figure.title}")
    for line in [*lines(figure, measured), *filter(None, [note])]:
        tell(f"    {line}")
    return verdict


def lines(figure: Figure, measured: Measured) -> list[str]:
    """The figures of one contest."""
    noise = measured.bare_ms.p90 if figure.within_noise else None
    shown = [
        f"ours   {text(measured.ours_ms, 'ms')}{budget(figure.most_ms or noise, 'ms')}",
        f"bare   {text(measured.bare_ms, 'ms')}",
        f"ratio  {text(measured.times, '× ')}{budget(figure.most_times, '×')}",
    ]
    if figure.most_tail_ms is not None:
        shown.append(f"p99    {text(measured.tail_ms, 'ms')}{budget(figure.most_tail_ms, 'ms')}")
    if figure.most_tail is not None:
        shown.append(
            f"p99    {text(measured.tail, '× ')}{budget(figure.most_tail, '× our median')}"
        )
    return shown


def budget(most: float | None, unit: str) -> str:
    """What was promised, if anything."""
    return "" if most is None else f"   budget {most:.3g} {unit}"


def text(spread: Spread, unit: str) -> str:
    """The middle, and between what eight of ten lie."""
    digits = 3 if spread.median >= 0.1 else 5
    return (
        f"{spread.median:7.{digits}f} {unit}   "
        f"p10–p90 {spread.p10:.{digits}f}–{spread.p90:.{digits}f}"
    )


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
