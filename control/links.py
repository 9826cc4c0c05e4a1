"""What is remembered of a runtime's links to its exchanges, look by look.

Rule 1: pure: facts in, what is new out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from trading.ports import FeedFacts

LATENCY_SAMPLES = 40
LOST = frozenset({"stale", "unreachable"})


class Links:
    """The links of one user."""

    def __init__(self) -> None:
        self._latency: dict[str, deque[float]] = {}
        self._states: dict[str, str] = {}

    @property
    def latency(self) -> dict[str, tuple[float, ...]]:
        """The last samples of each link in milliseconds, for the line that the panel draws."""
        return {name: tuple(line) for name, line in self._latency.items()}

    def lost(self, feeds: Iterable[FeedFacts]) -> list[FeedFacts]:
        """Those that were lost since the last look: each loss is told once."""
        lost = []
        for feed in feeds:
            was, self._states[feed.exchange] = self._states.get(feed.exchange), feed.state
            if feed.state in LOST and was not in LOST:
                lost.append(feed)
        return lost

    def sample(self, feeds: Iterable[FeedFacts]) -> None:
        """Take one sample of each link's latency."""
        for feed in feeds:
            if feed.latency_ms is not None:
                line = self._latency.setdefault(feed.exchange, deque(maxlen=LATENCY_SAMPLES))
                line.append(round(feed.latency_ms, 2))
