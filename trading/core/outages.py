"""When the exchange's clock was not heard, and what closed meanwhile.

Rule 1: a minute that closed in an outage was no news to anybody when it was told; that every trade
    of it was learnt afterwards changes nothing.
"""

from __future__ import annotations

from collections import deque

REMEMBERED_OUTAGES = 16


class Outages:
    """The outages of one market, in unix microseconds of the exchange's clock.

    It begins in one: nothing was heard before the first time.

    Args:
        grace_us: How long after its end a minute closes.
    """

    def __init__(self, grace_us: int) -> None:
        self._grace_us = grace_us
        self._since_us: int | None = 0
        self._past: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_OUTAGES)

    def begin(self, since_us: int) -> None:
        """Nothing is heard from this moment on."""
        known = self._since_us
        self._since_us = since_us if known is None else min(known, since_us)

    def end(self, at_us: int) -> None:
        """The clock is heard."""
        if self._since_us is not None:
            self._past.append((self._since_us, at_us))
            self._since_us = None

    def hold(self, ended_at_us: int) -> bool:
        """Whether a minute that ended at a moment closed in one of them."""
        closed_us = ended_at_us + self._grace_us
        if self._since_us is not None and closed_us > self._since_us:
            return True
        return any(since < closed_us <= until for since, until in self._past)
