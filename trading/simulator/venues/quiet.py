"""What most venues do about pings and before they go away: nothing.

Rule 1: no state.
"""

from __future__ import annotations

from trading.simulator.venues.ports import Frame, Moment


class Quiet:
    """A session that sends no pings, counts none, and goes without a word."""

    def pinged(self, at: Moment) -> None:
        """Nothing follows from it."""

    def ponged(self, at: Moment) -> None:
        """Nothing: no ping is sent."""

    def ping_due(self, at: Moment) -> bytes | None:
        """None ever."""
        del at
        return None

    def farewell(self, at: Moment) -> list[Frame]:
        """Nothing: it just goes."""
        del at
        return []
