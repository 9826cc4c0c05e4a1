"""This host's clock against an exchange's.

Rule 1: measured and shown, never applied: candles close by the exchange's own times, so the skew
    is corrected for by not using this host's clock at all.
Rule 2: no time of an exchange is taken that cannot have come yet: one wrong digit would close all
    the minutes up to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LEAP_US = 3_600 * 1_000_000
"""An exchange's clock is never further ahead of what was heard of it."""

FASTEST = 1_000
"""A simulated exchange's clock may run so many times as fast as ours."""


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the exchange's clock is ahead of this host's.

    Args:
        ms: Milliseconds; negative when the exchange is behind.
        uncertainty_ms: Half the round trip of the question: the truth lies within.
    """

    ms: float
    uncertainty_ms: float


def measure(asked_at_us: int, answered_at_us: int, server_time_us: int) -> Skew:
    """The skew by one question and answer.

    Args:
        asked_at_us: This host's clock before the question, unix microseconds.
        answered_at_us: And after the answer.
        server_time_us: What the exchange said, taken to hold in the middle of the two.

    Source: Cristian, "Probabilistic clock synchronization" (1989).
    """
    middle = (asked_at_us + answered_at_us) / 2
    return Skew(
        ms=(server_time_us - middle) / 1_000,
        uncertainty_ms=(answered_at_us - asked_at_us) / 2_000,
    )


def _elapsed_clocks() -> tuple[float, float]:
    # The one stands still while the machine sleeps, the other may be set back.
    return time.monotonic(), time.time()


class Horizon:
    """How late it can be by an exchange's clock, after what was heard of it.

    Args:
        clocks: Clocks of this host, seconds; what has passed is what any of them says.
    """

    def __init__(self, clocks: Callable[[], tuple[float, ...]] = _elapsed_clocks) -> None:
        self._clocks = clocks
        self._heard_us = 0
        self._heard_at = clocks()
        self._refused_us: int | None = None

    @property
    def latest_us(self) -> int | None:
        """The latest that it can be now, unix microseconds; None: nothing was heard."""
        if not self._heard_us:
            return None
        now = self._clocks()
        seconds = max(0.0, *(a - b for a, b in zip(now, self._heard_at, strict=True)))
        return self._heard_us + round(seconds * FASTEST * 1_000_000) + LEAP_US

    def hear(self, time_us: int) -> None:
        """Take the exchange's time, as its own REST interface or an admitted frame says it."""
        self._heard_us, self._heard_at = time_us, self._clocks()

    def admits(self, time_us: int) -> bool:
        """Whether a frame's time can be true.

        Where the next connection says the same, it was we who were wrong: this host's clocks stood
        still.
        """
        latest = self.latest_us
        refused, self._refused_us = self._refused_us, None
        if latest is None or time_us <= latest:
            return True
        if refused is not None and abs(time_us - refused) <= LEAP_US:
            self.hear(time_us)
            return True
        self._refused_us = time_us
        return False
