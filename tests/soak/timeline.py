"""When something was broken, in simulated time: what the verdict explains a difference by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """Simulated unix seconds, both ends included."""

    since: float
    until: float
    what: str
    symbol: str | None = None  # None: every market

    def touches(self, symbol: str, start: float, end: float) -> bool:
        """Whether it concerns a market at any time between two moments."""
        return self.symbol in {None, symbol} and self.since <= end and start <= self.until


@dataclass(slots=True)
class Timeline:
    """What was broken when.

    Attributes:
        outages: Nothing of any market could reach a worker.
        troubles: From a fault until everything was told again: whatever closed here may be late.
        amendments: From the minute that was told otherwise until it was mended.
    """

    outages: list[Span] = field(default_factory=list)
    troubles: list[Span] = field(default_factory=list)
    amendments: list[Span] = field(default_factory=list)

    def outage_at(self, moment: float, *, within: float) -> Span | None:
        """The outage that holds a moment, with so much time on both sides of it."""
        return next(
            (s for s in self.outages if s.since + within <= moment <= s.until - within), None
        )

    def trouble(self, symbol: str, start: float, end: float) -> Span | None:
        """What was wrong with a market at any time between two moments."""
        return next((s for s in self.troubles if s.touches(symbol, start, end)), None)

    def amendment(self, symbol: str, start: float, end: float) -> Span | None:
        """What of a market was told otherwise at first, at any time between two moments."""
        return next((s for s in self.amendments if s.touches(symbol, start, end)), None)
