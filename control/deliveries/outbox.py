"""Sending what waits: a side task of the worker.

Rule 1: one message of a lane (a channel of a user) is on its way at a time; lanes do not wait for
    each other, and nothing waits for them.
Rule 2: what became of a message is written as long as this process lives: a PostgreSQL that is away
    for a minute must not make a delivered message uncertain.
Rule 3: a failure has a name: it is in the row, on the trader's page, and in the log with the sub.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import structlog
from django.db import Error as DatabaseError

from control.database import AWAY, Database
from control.deliveries import queue, trouble
from control.deliveries.pacing import Hold, Send, SendDigest, next_step
from control.deliveries.queue import Claimed, Lane, Moved
from control.protocol import AlertEvent, Wire, events_of
from control.selfwatch import Publish
from trading.alerts.ports import (
    Channel,
    Delivered,
    Digest,
    Later,
    Message,
    Notice,
    Outcome,
    Refused,
    Uncertain,
)
from trading.models import Delivery, DeliveryChannel
from trading.net.backoff import Jitter, uniform

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
"""How often the queue is looked at for what other processes have put into it."""

EXPIRE_SECONDS = 10.0
SEND_SECONDS = 30.0
"""Every channel has a shorter limit of its own; this one is for those that have a bug."""

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 600.0
GIVE_UP_SECONDS = 24 * 3_600.0
FEWEST_ATTEMPTS = 5
"""What is given up was tried so often: it may be old because no worker ran, or be sent again."""

DEAD_SECONDS = 60.0
"""How long a channel that takes nothing any more is left alone before the next message tries it.

A test tries it at once."""

MOST_AT_ONCE = 16  # of each channel: where all webhooks hang, letters go on
MOST_REFUSED = 500  # of a channel that there is not: nothing is sent, so they need not take turns
LEAVE_SECONDS = 3.0


Illustrate = Callable[[Claimed, Sequence[Notice]], Awaitable[Sequence[Notice]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """How to send in one lane, as the settings have it now.

    Args:
        channel: Or why there is none.
        more_than: Signals within the window that are told one by one.
        within_seconds: The window.
        message: What is said of claimed alerts; whether as a digest.
        illustrate: Puts pictures to it, in its own time limit; None: none are wanted.
    """

    channel: Channel | Refused
    more_than: int
    within_seconds: float
    message: Callable[[Claimed, bool], Message]
    illustrate: Illustrate | None = None


Prepare = Callable[[Lane], Prepared]
"""Looks up how to send in a lane; synchronous, for a database thread."""


class Outbox:
    """Sends what waits, of all users or of some.

    Args:
        database: For the queue.
        prepare: See :data:`Prepare`.
        worker: Who claims.
        publish: Puts a text on a Redis channel, for open pages.
        only: Names of the users it sends for; none: everybody.
        only_troubles: Whether it sends only what Livermore says of itself, and only where there is
            a channel: for a process that is no worker.
        jitter: Draws the delay of a retry.
    """

    def __init__(
        self,
        database: Database,
        prepare: Prepare,
        *,
        worker: str,
        publish: Publish,
        only: Collection[str] = (),
        only_troubles: bool = False,
        jitter: Jitter = uniform,
    ) -> None:
        self._database = database
        self._prepare = prepare
        self._worker = worker
        self._publish = publish
        self._only = only
        self._only_troubles = only_troubles
        self._jitter = jitter
        self._new = asyncio.Event()
        self._at_work: dict[Lane, asyncio.Task[None]] = {}
        self._not_before: dict[Lane, float] = {}
        self._signals_not_before: dict[Lane, float] = {}
        self._dead: set[Lane] = set()  # of those that rest
        self._channel_not_before: dict[DeliveryChannel, float] = {}
        self._expire_at = 0.0
        self._is_leaving = False

    def look(self) -> None:
        """Look at the queue now: there is something new. From the worker's loop."""
        self._new.set()

    async def run(self) -> None:
        """Send, until cancelled; what is on its way then is uncertain, in a while."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._new.wait()
                self._new.clear()
                try:
                    await self._look()
                except DatabaseError as exc:
                    log.warning("outbox.queue_away", reason=str(exc).strip())
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in list(self._at_work.values()):
                task.cancel()

    async def leave(self) -> None:
        """Begin no more, and give what is on its way a moment to arrive."""
        self._is_leaving = True
        if self._at_work:
            await asyncio.wait(list(self._at_work.values()), timeout=LEAVE_SECONDS)

    async def _look(self) -> None:
        now = time.monotonic()
        if now >= self._expire_at:
            self._expire_at = now + EXPIRE_SECONDS
            await self._tell(await self._database.run(queue.expire))
            for sub, event in await self._database.run(trouble.forget_turned_off, self._only):
                await self._publish(events_of(sub), event.to_json())
        self._not_before = _later_than(now, self._not_before)
        self._signals_not_before = _later_than(now, self._signals_not_before)
        lanes = await self._database.run(queue.lanes, self._only)
        for lane, has_troubles in lanes.items():
            if self._is_leaving:
                break
            if lane in self._signals_not_before and not has_troubles:
                continue
            if await self._is_dead_and_tried(lane):
                del self._not_before[lane]
                self._dead.discard(lane)  # what the other side asks for next is obeyed
            if lane not in self._at_work and self._may_send(lane, now):
                task = asyncio.create_task(self.serve(lane), name=f"deliver {lane.channel}")
                self._at_work[lane] = task
                task.add_done_callback(partial(self._done, lane))

    async def _is_dead_and_tried(self, lane: Lane) -> bool:
        """Whether a dead channel has a test to send: whoever mended it waits for that."""
        self._dead &= self._not_before.keys()
        return lane in self._dead and await self._database.run(queue.is_tried, lane)

    def _may_send(self, lane: Lane, now: float) -> bool:
        if sum(lane.channel == other.channel for other in self._at_work) >= MOST_AT_ONCE:
            return False
        not_before = self._not_before.get(lane, 0.0)
        return now >= max(not_before, self._channel_not_before.get(lane.channel, 0.0))

    def _done(self, lane: Lane, _task: asyncio.Task[None]) -> None:
        del self._at_work[lane]
        self._new.set()  # there may be more in it

    # -- one message

    async def serve(self, lane: Lane) -> None:
        """Send one message of a lane, if it is its time."""
        try:
            prepared = await self._database.run(self._prepare, lane)
            claimed, is_digest = await self._claim(lane, prepared)
            if claimed is None:
                return
            outcome = await self._send(claimed, prepared, is_digest=is_digest)
            await self._settle(claimed, outcome)
        except AWAY as exc:
            log.warning("outbox.waits", sub=lane.sub, channel=lane.channel, reason=str(exc).strip())
            self._rest(lane, LOOK_SECONDS)
        except Exception:  # the boundary: one lane's bug must not stop the others
            log.exception("outbox.failed", sub=lane.sub, channel=lane.channel)
            self._rest(lane, DEAD_SECONDS)

    async def _claim(self, lane: Lane, prepared: Prepared) -> tuple[Claimed | None, bool]:
        waiting = await self._database.run(queue.waiting, lane, prepared.within_seconds)
        refused = isinstance(prepared.channel, Refused)
        if self._only_troubles and (refused or not waiting.troubles):
            return None, False
        most = MOST_REFUSED if isinstance(prepared.channel, Refused) else prepared.channel.most
        is_digest = False
        if not waiting.troubles and not refused:
            if not waiting.signals:
                return None, False
            step = next_step(
                waiting.signals,
                waiting.sent_ago,
                most=most,
                more_than=prepared.more_than,
                within_seconds=prepared.within_seconds,
            )
            match step:
                case Hold(seconds):
                    self._signals_not_before[lane] = time.monotonic() + seconds
                    return None, False
                case Send(notices):
                    most = notices
                case SendDigest(notices):
                    most, is_digest = notices, True
        system = bool(waiting.troubles)
        claimed = await self._database.run(
            queue.claim, lane, self._worker, uuid4(), most=most, system=system
        )
        return claimed, is_digest

    async def _send(self, claimed: Claimed, prepared: Prepared, *, is_digest: bool) -> Outcome:
        channel = prepared.channel
        if isinstance(channel, Refused):
            return channel
        try:
            message = await self._composed(claimed, prepared, is_digest=is_digest)
        except AWAY as exc:
            return Later(f"the database was away ({type(exc).__name__})")
        except Exception:  # nothing was sent, and that is known: not a case for uncertain
            lane = claimed.lane
            log.exception("outbox.not_composed", sub=lane.sub, channel=lane.channel)
            return Refused("Livermore could not put it into words; see the worker's log")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await channel.send(message)
        except TimeoutError:
            return Uncertain(f"no answer came within {SEND_SECONDS:g} s")
        except Exception:  # a channel that has a bug; the message may be there
            lane = claimed.lane
            log.exception("outbox.channel_failed", sub=lane.sub, channel=lane.channel)
            return Uncertain("the channel failed in Livermore itself; see the worker's log")

    async def _composed(self, claimed: Claimed, prepared: Prepared, *, is_digest: bool) -> Message:
        message = await self._database.run(prepared.message, claimed, is_digest)
        if prepared.illustrate is None or isinstance(message, Digest):
            return message
        try:
            return await prepared.illustrate(claimed, message)
        except Exception:  # a picture is worth less than the words that are there
            lane = claimed.lane
            log.exception("outbox.without_pictures", sub=lane.sub, channel=lane.channel)
            return message

    async def _settle(self, claimed: Claimed, outcome: Outcome) -> None:
        state, reason, again = self._state_of(claimed, outcome)
        write = partial(
            trouble.settle, claimed, state, reason, again_seconds=again, outcome=outcome
        )
        limit = LOOK_SECONDS
        while True:
            try:
                moved, event = await self._database.run(write)
                break
            except AWAY as exc:
                log.warning("outbox.settles_later", sub=claimed.lane.sub, reason=str(exc).strip())
                await asyncio.sleep(self._jitter(limit / 2, limit))
                limit = min(limit * 2, 5.0)
        lane = claimed.lane
        if state is not Delivery.State.DELIVERED:
            log.warning(
                "outbox.not_delivered",
                sub=lane.sub,
                channel=lane.channel,
                alerts=len(claimed.alerts),
                state=state,
                reason=reason,
            )
        await self._tell(moved)
        if event is not None:
            await self._publish(events_of(lane.sub), event.to_json())

    def _state_of(self, claimed: Claimed, outcome: Outcome) -> tuple[Delivery.State, str, float]:
        """What becomes of the rows, why, and in how many seconds they are sent again."""
        lane = claimed.lane
        match outcome:
            case Delivered(next_after_seconds):
                self._rest(lane, next_after_seconds or 0.0)
                return Delivery.State.DELIVERED, "", 0.0
            case Uncertain(reason):
                return Delivery.State.UNCERTAIN, reason, 0.0
            case Refused(reason, is_dead):
                if is_dead:
                    self._rest(lane, DEAD_SECONDS)
                    self._dead.add(lane)
                return Delivery.State.FAILED, reason, 0.0
            case Later(reason, after_seconds, is_global):
                is_old = claimed.age_seconds > GIVE_UP_SECONDS
                if is_old and claimed.attempts >= FEWEST_ATTEMPTS:
                    text = f"given up after {claimed.attempts} attempts: {reason}"
                    return Delivery.State.FAILED, text, 0.0
                again = self._again_after(claimed, after_seconds)
                if is_global:
                    self._channel_not_before[lane.channel] = time.monotonic() + again
                self._rest(lane, again)
                return Delivery.State.WAITING, reason, again

    def _again_after(self, claimed: Claimed, after_seconds: float | None) -> float:
        if after_seconds is not None:
            return after_seconds
        doubled = FIRST_RETRY_SECONDS * 2.0 ** min(claimed.attempts - 1, 32)
        return self._jitter(0.0, min(LONGEST_RETRY_SECONDS, doubled))

    def _rest(self, lane: Lane, seconds: float) -> None:
        """Leave a lane alone for a while."""
        if seconds > 0.0:
            self._not_before[lane] = time.monotonic() + seconds

    async def _tell(self, moved: Collection[Moved]) -> None:
        for alert_id, sub, state in moved:
            event: Wire = AlertEvent(id=alert_id, state=state)
            await self._publish(events_of(sub), event.to_json())


def _later_than(now: float, moments: Mapping[Lane, float]) -> dict[Lane, float]:
    return {lane: at for lane, at in moments.items() if at > now}
