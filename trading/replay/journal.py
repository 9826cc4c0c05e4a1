"""What is said of a replay beside its outcome: what could not be read, and a summary.

Rule 1: each unreadable line is named; of what is merely noteworthy, the first few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from trading.core.market import Candle, Timeframe
from trading.ports import FiredSignal, IndicatorUpdate
from trading.replay.audience import Fact
from trading.replay.errors import Unreadable

MOST_NOTES = 20


class Journal:
    """Counts, and tells a person.

    Args:
        write: Takes one line of text.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self.read = 0
        """Lines that could be read."""
        self._write = write
        self._unreadable = 0
        self._notes = 0
        self._candles: Counter[Timeframe] = Counter()
        self._moves = 0
        self._signals: Counter[str] = Counter()
        self._span: tuple[int, int] | None = None

    def note(self, text: str) -> None:
        """Tell what a reader of the outcome should know."""
        self._notes += 1
        if self._notes <= MOST_NOTES:
            self._write(text)

    def unreadable(self, number: int, reason: Unreadable) -> None:
        """Tell that a line was left out."""
        self._unreadable += 1
        self._write(f"line {number}: {reason}")

    def count(self, fact: Fact) -> None:
        """Count something that was found."""
        if isinstance(fact, Candle):
            self._candles[fact.timeframe] += 1
            first, last = self._span or (fact.opened_at, fact.closes_at)
            self._span = min(first, fact.opened_at), max(last, fact.closes_at)
        elif isinstance(fact, IndicatorUpdate):
            self._moves += 1
        else:
            self._signals[_name(fact)] += 1

    def summarise(self) -> None:
        """Tell what came of it."""
        if self._notes > MOST_NOTES:
            self._write(f"… and {self._notes - MOST_NOTES} notes more")
        self._write(f"{self.read} lines read, {self._unreadable} unreadable")
        if self._span is None:
            self._write("no candle closed")
            return
        candles = ", ".join(f"{self._candles[t]} {t}" for t in Timeframe if self._candles[t])
        begin, end = map(_utc, self._span)
        self._write(f"{candles} candles from {begin} to {end}; {self._moves} moves of indicators")
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self._signals.items()))
        self._write(f"{self._signals.total()} signals{f': {kinds}' if kinds else ''}")


def _name(fired: FiredSignal) -> str:
    return f"{fired.signal.kind}{' (missed)' if fired.missed else ''}"


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
