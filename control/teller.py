"""Telling the world how each runtime is: on change at most five times a second, and each heartbeat.

Rule 1: whoever reads an answer finds the status that goes with it.
Rule 2: the heartbeats of many users are spread over the two seconds, and the loop turns between
    them: telling a thousand holds up no pause.
Rule 3: nothing is told of a runtime that may be another worker's by now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from control.hosting import Hosted, Hosting
from control.mailbox import Mailbox
from control.protocol import (
    HEARTBEAT_SECONDS,
    STATUS_TTL_SECONDS,
    RuntimeStatus,
    now_ms,
    status_of,
    worker_of,
)
from control.replies import Telling

TELL_SECONDS = 0.2  # at most five statuses a second for one user
YIELDS_EVERY = 25  # users told between two turns of the loop


def heartbeat_of(user_id: int, at_ms: int) -> int:
    """Which heartbeat of a user a moment belongs to; users with neighbouring ids take turns."""
    return int(at_ms + user_id * TELL_SECONDS * 1_000) // int(HEARTBEAT_SECONDS * 1_000)


class Teller:
    """The statuses of all that a worker hosts.

    Args:
        worker: The worker's name.
        may_speak: Whether this worker speaks for a user, as far as it can know.
    """

    def __init__(
        self,
        *,
        worker: str,
        mailbox: Mailbox,
        hosting: Hosting,
        may_speak: Callable[[str], bool],
    ) -> None:
        self._worker = worker
        self._mailbox = mailbox
        self._hosting = hosting
        self._may_speak = may_speak

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            for number, hosted in enumerate(self._hosting, start=1):
                await self._tell(hosted, now_ms())
                if number % YIELDS_EVERY == 0:
                    await asyncio.sleep(0)
            await self._mailbox.keep(worker_of(self._worker), str(now_ms()), STATUS_TTL_SECONDS)
            await asyncio.sleep(TELL_SECONDS)

    def with_answer(self, sub: str) -> Telling | None:
        """The status that goes with an answer; None where this worker must not speak.

        It is kept always, and published only if its turn has come, for those have a rate.
        """
        at, hosted = now_ms(), self._hosting.of(sub)
        if hosted is None or not self._may_speak(sub):
            return None
        runtime = hosted.runtime
        if at - hosted.told_at_ms < TELL_SECONDS * 1_000:
            return Telling(text=runtime.reports.status(at).to_json(), publishes=False)
        runtime.reports.watch_links()
        shape, now = self._numbered(hosted, at)
        told = partial(hosted.told, shape, now.state_version, at)
        return Telling(text=now.to_json(), publishes=True, told=told)

    def _numbered(self, hosted: Hosted, at_ms: int) -> tuple[int, RuntimeStatus]:
        """Shape and status now. A change that has no version of its own is given the next, unless
        that is promised to what is being decided.
        """
        runtime = hosted.runtime
        seen = runtime.reports.seen()
        shape = seen.shape()
        has_its_own = runtime.life.version != hosted.told_version
        if not (runtime.is_deciding or has_its_own or shape == hosted.told_shape):
            runtime.life = runtime.life.touched()
            seen = runtime.reports.seen()
            shape = seen.shape()
        return shape, seen.status(at_ms)

    async def _tell(self, hosted: Hosted, at_ms: int) -> None:
        runtime = hosted.runtime
        if not self._hosting.has(hosted) or not self._may_speak(runtime.owner.sub):
            return
        runtime.reports.watch_links()
        user_id = runtime.owner.user_id
        due = heartbeat_of(user_id, at_ms) > heartbeat_of(user_id, hosted.told_at_ms)
        has_changed = runtime.reports.shape() != hosted.told_shape
        if due:
            runtime.reports.beat()
        elif not has_changed or runtime.is_deciding:
            return
        shape, now = self._numbered(hosted, at_ms)
        told = await self._mailbox.publish(
            status_of(runtime.owner.sub), now.to_json(), keep_seconds=STATUS_TTL_SECONDS
        )
        if told:
            hosted.told(shape, now.state_version, at_ms)
