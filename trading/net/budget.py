"""How often an exchange lets itself be asked.

Rule 1: one budget for each kind of act (requests, frames, connections) and exchange, shared by
    everything in the process that does it: the exchange counts by address, not by user.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from weakref import WeakValueDictionary


class TokenBucket:
    """At most ``rate`` acts a second in the long run, ``burst`` at once; first come, first served.

    Several threads may share one.

    A token is reserved before its time has come, so nobody overtakes; whoever is cancelled while
    waiting leaves a token unused, which errs on the side of the exchange. A rest that is ordered
    meanwhile holds up those who wait already, too: their turn comes anew behind it.

    Args:
        rate: Acts per second.
        burst: Acts that may come at once after a rest.
        clock: Seconds, rising.
    """

    def __init__(
        self, rate: float, *, burst: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if rate <= 0.0:
            raise ValueError(f"rate must be positive, was {rate}")
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._as_of = clock()
        self._rests = 0
        self._lock = threading.Lock()

    def reserve(self, weight: int = 1) -> float:
        """Take a token, or what a heavier act weighs; the seconds to wait until it may be used."""
        with self._lock:
            now = self._clock()
            self._refill(now)
            self._tokens -= weight
            return max(0.0, self._as_of - now) + max(0.0, -self._tokens / self._rate)

    async def take(self, weight: int = 1) -> None:
        """Wait for a token, or for what a heavier act weighs."""
        rests = -1
        while rests != self._rests:
            rests = self._rests
            if (delay := self.reserve(weight)) > 0.0:
                await asyncio.sleep(delay)

    def rest(self, seconds: float) -> None:
        """Nobody acts for this long: the exchange said that it was too much.

        Behind it the pace begins anew, with one: whoever waited meanwhile would else act in the
        same instant, and hear the same again.
        """
        with self._lock:
            now = self._clock()
            self._refill(now)
            if now + seconds > self._as_of:
                # What is reserved and was not used yet will be reserved anew.
                self._tokens = min(self._burst, 1.0)
                self._as_of = now + seconds
                self._rests += 1

    def _refill(self, now: float) -> None:
        """Reckon up to now; in a rest nothing comes."""
        if now > self._as_of:
            self._tokens = min(self._burst, self._tokens + (now - self._as_of) * self._rate)
            self._as_of = now


_shared: WeakValueDictionary[tuple[str, float], TokenBucket] = WeakValueDictionary()
_sharing = threading.Lock()


def shared_budget(address: str, rate: float) -> TokenBucket:
    """The one budget of requests to an address, for as long as somebody in the process has it."""
    with _sharing:
        budget = _shared.get((address, rate))
        if budget is None:
            budget = _shared[address, rate] = TokenBucket(rate)
        return budget
