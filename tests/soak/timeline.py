"""When something was broken, in simulated time: what the verdict explains a difference by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from trading.core.market import Market


class Place(NamedTuple):
    """Where something is broken; what is None means every one."""

    exchange: str | None = None
    symbol: str | None = None

    def holds(self, market: Market) -> bool:
        """Whether a market is concerned."""
        return self.exchange in {None, market.exchange} and self.symbol in {None, market.symbol}


EVERYWHERE = Place()


class Span(NamedTuple):
    """Simulated unix seconds, both ends included."""

    since: float
    until: float
    what: str
    place: Place = EVERYWHERE

    def touches(self, market: Market, start: float, end: float) -> bool:
        """Whether it concerns a market at any time between two moments."""
        return self.place.holds(market) and self.since <= end and start <= self.until


@dataclass(slots=True)
class Timeline:
    """What was broken when.

    Attributes:
        outages: Nothing of any market there could reach a worker.
        troubles: From a fault until everything was told again: whatever closed here may be late.
        amendments: From the minute that was told otherwise until it was mended.
    """

    outages: list[Span] = field(default_factory=list)
    troubles: list[Span] = field(default_factory=list)
    amendments: list[Span] = field(default_factory=list)

    def outage_at(self, market: Market, moment: float, *, within: float) -> Span | None:
        """The outage that holds a moment, with so much time on both sides of it."""
        outages = (s for s in self.outages if s.place.holds(market))
        return next((s for s in outages if s.since + within <= moment <= s.until - within), None)

    def trouble(self, market: Market, start: float, end: float) -> Span | None:
        """What was wrong with a market at any time between two moments."""
        return next((s for s in self.troubles if s.touches(market, start, end)), None)

    def amendment(self, market: Market, start: float, end: float) -> Span | None:
        """What of a market was told otherwise at first, at any time between two moments."""
        return next((s for s in self.amendments if s.touches(market, start, end)), None)
