"""An outbox over readers that live in this process, for as long as a condition does not hold."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from control import tasks
from control.database import Database
from control.deliveries.outbox import Illustrate, Outbox, Prepared
from control.deliveries.queue import Claimed, Lane
from tests.control.running import eventually
from trading.alerts.ports import Channel, Delivered, Digest, Message, Notice, Outcome, Refused
from trading.models import Delivery

State = Delivery.State


class Reader:
    """Whoever reads what one channel brings, and how that channel answers."""

    most = 5

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = deque(answers)
        self.messages: list[list[int]] = []
        self.digests: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def send(self, message: Message) -> Outcome:
        digest = isinstance(message, Digest)
        notices: Sequence[Notice] = message.notices if isinstance(message, Digest) else message
        (self.digests if digest else self.messages).append([one.alert_id for one in notices])
        await self.may_answer.wait()
        answer = self.answers.popleft() if self.answers else Delivered()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def read(self) -> list[int]:
        return [one for message in (*self.messages, *self.digests) for one in message]


class Post:
    """An outbox over readers by lane, and what pages were told."""

    def __init__(self, readers: dict[tuple[int, str], Reader], worker: str = "one") -> None:
        self.readers = readers
        self.refusals: dict[tuple[int, str], Refused] = {}
        self.told: list[tuple[str, dict[str, object]]] = []
        self.prepared = 0
        self.compose: Callable[[Claimed, bool], Message] = told_whole
        self.illustrate: Illustrate | None = None
        self.database = Database(threads=4)
        self.outbox = Outbox(
            self.database,
            self._prepare,
            worker=worker,
            publish=self._publish,
            jitter=lambda low, high: min(high, 0.01),
        )

    def _prepare(self, lane: Lane) -> Prepared:
        self.prepared += 1
        key = (lane.user_id, str(lane.channel))
        channel: Channel | Refused = self.refusals.get(key) or self.readers[key]
        return Prepared(
            channel=channel,
            more_than=10,
            within_seconds=60.0,
            message=self.compose,
            illustrate=self.illustrate,
        )

    async def _publish(self, channel: str, text: str) -> bool:
        self.told.append((channel, json.loads(text)))
        return True


def told_whole(claimed: Claimed, is_digest: bool) -> Message:
    notices = [notice(alert.pk) for alert in claimed.alerts]
    return Digest(title="many", notices=notices) if is_digest else notices


def notice(alert_id: int) -> Notice:
    at = datetime.now().astimezone()
    return Notice(alert_id=alert_id, title="t", summary="s", tone="up", at=at, at_local="now")


def deliver(post: Post, until: Callable[[], bool]) -> None:
    """Have the outbox work until a condition holds, and end it as a worker does."""

    async def work() -> None:
        running = asyncio.create_task(post.outbox.run())
        try:
            await post.database.run(eventually, until)
        finally:
            await post.outbox.leave()
            await tasks.end(running)

    try:
        asyncio.run(work())
    finally:
        post.database.close()


def settled(*states: State) -> Callable[[], bool]:
    """Whether every delivery is in one of these states."""
    return lambda: not Delivery.objects.exclude(state__in=states).exists()
