"""Token buckets: how often somebody may ask.

Rule 1: time comes in as an argument, in real seconds: a limit does not run faster with the world.
"""

from __future__ import annotations


class TokenBucket:
    """``rate`` tokens a second, at most ``burst`` saved up; a rate of 0 means no limit.

    Where no burst is given it is a second's worth, and one at least: else nobody ever had one.
    """

    def __init__(self, *, rate: float, burst: float | None = None) -> None:
        self.rate = rate
        self._burst = max(rate, 1.0) if burst is None else burst
        self._tokens = self._burst
        self._at = 0.0

    def take(self, at: float) -> bool:
        """Whether there is a token at the second ``at``; takes it."""
        if not self.rate:
            return True
        self._tokens = min(self._burst, self._tokens + (at - self._at) * self.rate)
        self._at = at
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
