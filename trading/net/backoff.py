"""How long to wait before trying again.

Rule 1: figures only; whoever retries does the sleeping.
"""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
HEALTHY_SECONDS = 60.0

Jitter = Callable[[float, float], float]

uniform: Jitter = SystemRandom().uniform


class Backoff:
    """Growing delays with full jitter: anything between nothing and a doubling ceiling.

    Full jitter spreads a thousand clients of one outage evenly, where a fixed ladder lets them
    all come back in the same instant.

    Args:
        first: Ceiling of the first delay, seconds.
        longest: No ceiling grows beyond this, seconds.
        healthy_after: What held for this many seconds was a success: the ladder begins anew.
        jitter: Draws from ``[0, ceiling]``.
    """

    def __init__(
        self,
        *,
        first: float = FIRST_SECONDS,
        longest: float = LONGEST_SECONDS,
        healthy_after: float = HEALTHY_SECONDS,
        jitter: Jitter = uniform,
    ) -> None:
        self._first = first
        self._longest = longest
        self._healthy_after = healthy_after
        self._jitter = jitter
        self.failures = 0

    def next_delay(self, *, lasted: float = 0.0) -> float:
        """Seconds to wait after an attempt that held for ``lasted`` seconds and then failed."""
        if lasted >= self._healthy_after:
            self.failures = 0
        # The exponent is bounded: an outage of days must not overflow a float.
        ceiling = min(self._longest, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return self._jitter(0.0, ceiling)

    def reset(self) -> None:
        """The last attempt succeeded."""
        self.failures = 0
