"""Waiting until a fault has struck and is over: every market concerned told up to now, and mended.

Rule 1: it looks from outside, at what is kept and at what the status says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tests.soak.certainty import Certainty
from tests.soak.exchanges import QuickExchanges
from tests.soak.kept import KeptCandles
from tests.soak.timeline import Place
from trading.core.market import Market

STRIKE_SECONDS = 1.0  # four ticks of an exchange
SETTLE_SECONDS = 90.0
LOOK_SECONDS = 0.1
MINUTE = 60.0

Certain = Callable[[float], Certainty]  # a watch since a moment of the exchanges


class Settling:
    """What was not settled in time is kept in :attr:`unsettled`."""

    def __init__(self, exchanges: QuickExchanges, kept: KeptCandles, certain: Certain) -> None:
        self._exchanges = exchanges
        self._kept = kept
        self._certain = certain
        self.unsettled: list[str] = []

    @property
    def markets(self) -> list[Market]:
        """All that are watched."""
        return self._kept.markets

    def settle(self, what: str, places: Sequence[Place], heard: Sequence[Place] = ()) -> None:
        """Wait until a fault has struck, and then until every market there is told and mended.

        Args:
            heard: Where markets must have traded again, for only then they show what they lack.
        """
        struck = self._exchanges.now + STRIKE_SECONDS * self._exchanges.speed
        deadline = time.monotonic() + SETTLE_SECONDS
        if traded := self._within(heard):
            _wait_while(lambda: self._kept.untraded(traded, struck), deadline)
            struck = self._exchanges.now
        concerned, certain = set(self._within(places)), self._certain(struck)
        if left := _wait_while(lambda: [m for m in certain.left() if m in concerned], deadline):
            text = f"{SETTLE_SECONDS:g} s after {what}, {left} are not told or not certain"
            self.unsettled.append(text)

    def wait_until_told(self, moment: float, markets: Sequence[Market]) -> None:
        """Wait until each of these is told up to a moment."""
        _wait_while(
            lambda: [market for market in self._kept.behind(moment) if market in markets],
            time.monotonic() + SETTLE_SECONDS,
        )

    def _within(self, places: Sequence[Place]) -> list[Market]:
        return [m for m in self._kept.markets if any(place.holds(m) for place in places)]


def _wait_while(left: Callable[[], list[Market]], deadline: float) -> list[Market]:
    """Wait until no market is left; those that are at the deadline."""
    while (markets := left()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return markets
