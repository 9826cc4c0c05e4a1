"""The data plane's health: noticed, shown in every status, and healed with backoff.

Rule 1: a plane that died is restarted; one that hangs is told of and left alone: what it hangs on
    would hang its successor, and commands work all the same.
Rule 2: a resume that finds it dead does not wait for the backoff.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from control import status
from control.protocol import Fault, now_ms
from control.runtime import Runtime
from trading.life import PlaneFailure
from trading.plane import DataPlane

WATCH_SECONDS = 0.2
BACKOFF_SECONDS = (1.0, 60.0)
SOONEST_SECONDS = 1.0  # after its death, however urgent: all users of a worker share it
HEALTHY_SECONDS = 60.0


class PlaneWatch:
    """Looks at the data plane five times a second.

    Args:
        runtimes: Everybody who works on it.
        looked: Called at each look.
    """

    def __init__(
        self,
        plane: DataPlane,
        *,
        runtimes: Callable[[], Iterable[Runtime]],
        looked: Callable[[], object],
    ) -> None:
        self._plane = plane
        self._runtimes = runtimes
        self._looked = looked
        self._fault: Fault | None = None
        self._attempt = 0

    @property
    def fault(self) -> Fault | None:
        """Why the data plane does not turn; None while it does."""
        failure = self._plane.failure
        if failure is None or self._fault is not None:
            return self._fault
        # Just now; when it will be restarted is decided with the next look.
        at = failure.at_ms
        return Fault(error=failure.error, where=failure.where, since=at, retry_at=at, attempt=1)

    def hurry(self) -> None:
        """Restart a data plane that has died soon, whatever its backoff. Never waits."""
        if self._fault is None:
            return
        soonest = self._fault.since + int(SOONEST_SECONDS * 1_000)
        retry_at = min(self._fault.retry_at, max(now_ms(), soonest))
        self._fault = self._fault.model_copy(update={"retry_at": retry_at})

    async def run(self) -> None:
        """Watch until cancelled."""
        hung = False
        healthy_since = now_ms()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self._looked()
            at = now_ms()
            if (failure := self._plane.failure) is not None:
                healthy_since = at
                self._nurse(failure, at)
                continue
            if at - healthy_since > HEALTHY_SECONDS * 1_000:
                self._attempt = 0
            hangs = self._plane.beat_age_ms > status.HANGS_AFTER_MS
            if hangs and not hung:
                for runtime in self._runtimes():
                    text = "The data plane hangs; commands still work."
                    runtime.reports.complain("data plane", "error", text)
            hung = hangs

    def _nurse(self, failure: PlaneFailure, at_ms: int) -> None:
        """The data plane has died: say so, and restart it when its backoff has passed."""
        if self._fault is None:
            self._attempt += 1
            low, high = BACKOFF_SECONDS
            limit = min(high, low * 2 ** (self._attempt - 1))
            pause = random.uniform(low, max(low, limit))  # noqa: S311  # jitter, not a secret
            self._fault = Fault(
                error=failure.error,
                where=failure.where,
                since=failure.at_ms,
                retry_at=at_ms + int(pause * 1_000),
                attempt=self._attempt,
            )
            for runtime in self._runtimes():
                runtime.reports.complain(failure.where, "error", failure.error)
                runtime.plane_changed()
        if at_ms < self._fault.retry_at:
            return
        self._plane.restart()
        self._fault = None
        for runtime in self._runtimes():
            runtime.plane_changed()
