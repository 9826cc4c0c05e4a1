"""Taking commands from the users' streams, for the consumer group.

Rule 1: the stream is the truth: whatever is in it is delivered, in order, and once by one worker.
Rule 2: what another consumer took is taken from it only by who calls, which knows of the lease.
Rule 3: whoever calls holds :attr:`Received.reading`, tries again and says what failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import ResponseError

from control import delivery
from control.delivery import Delivery
from control.protocol import CONSUMER_GROUP, Posted, commands_of
from control.received import Received

log = structlog.get_logger(__name__)

READ_COUNT = 100

Receive = Callable[[Delivery], None]


class Streams:
    """One worker's reading.

    Args:
        client: The connection.
        worker: The name of the consumer.
        receive: Takes what is delivered. Never waits.
    """

    def __init__(self, client: redis.asyncio.Redis, *, worker: str, receive: Receive) -> None:
        self._client = client
        self._worker = worker
        self._receive = receive

    async def claim(self, received: Received, *, idle_ms: int) -> None:
        """Deliver what another worker took and has not settled for so long.

        Raises:
            redis.RedisError: If Redis is away, or there is something else in the stream's place.
        """
        start = "0-0"
        while True:
            try:
                answer = await self._xautoclaim(self._client, received, idle_ms, start)
            except ResponseError as exc:
                if "NOGROUP" not in str(exc):
                    raise
                await self._make_group(received)
                return  # nobody has taken anything
            start = self._deliver_claimed(received, answer)
            if start == "0-0":
                break
        if received.has_gaps:
            await self._settle_gaps(received)

    async def read(self, received: Received) -> None:
        """Take everything new.

        Raises:
            redis.RedisError: If Redis is away, or there is something else in the stream's place.
        """
        while True:
            try:
                answer = await self._xreadgroup(self._client, received)
            except ResponseError as exc:
                if "NOGROUP" not in str(exc):
                    raise
                log.warning("mailbox.group_recreated", sub=received.sub)
                await self._make_group(received)
                continue
            if self._deliver_read(received, answer) < READ_COUNT:
                return

    async def read_many(
        self, many: Sequence[Received], *, reclaim_idle_ms: int | None
    ) -> list[Received]:
        """Take what is new from many streams in one trip; those that need a reading of their own.

        Here nobody need hold a lock: those that are free are taken.

        Args:
            reclaim_idle_ms: Claim as well what was taken so long ago; None: do not.

        Raises:
            redis.RedisError: If Redis is away.
        """
        free = [received for received in many if not received.reading.locked()]
        async with AsyncExitStack() as locks:
            for received in free:
                await locks.enter_async_context(received.reading)
            async with self._client.pipeline(transaction=False) as pipe:
                for received in free:
                    if reclaim_idle_ms is not None:
                        self._xautoclaim(pipe, received, reclaim_idle_ms)
                    self._xreadgroup(pipe, received)
                answers = iter(await pipe.execute(raise_on_error=False))
            each = 1 if reclaim_idle_ms is None else 2
            return [
                received
                for received in free
                if not self._took_all(received, [next(answers) for _ in range(each)])
            ]

    async def look(self, received: Received) -> None:
        """Deliver everything new, and take nothing.

        Raises:
            redis.RedisError: If Redis is away, or there is something else in the stream's place.
        """
        if received.newest is None:
            return  # where to begin, the first reading tells
        entries: Any = await self._client.xrange(
            commands_of(received.sub), min=f"({received.newest}", count=READ_COUNT
        )
        for entry_id, fields in entries:
            self._deliver_newer(received, entry_id, fields)

    def deliver_posted(self, received: Received, posted: Posted) -> bool:
        """Deliver what a sender tells of its entries, if nothing before them is unknown.

        Nothing is taken, as by :meth:`look`.
        """
        if received.newest != posted.before:
            return False
        for entry_id, text in posted.entries:
            fields = {"command": text, "origin": posted.origin}
            self._deliver_newer(received, entry_id, fields)
        return True

    async def leave(self, subs: Sequence[str]) -> None:
        """Take this consumer's name out of the groups, unless it has left something unsettled.

        Raises:
            redis.RedisError: If Redis is away.
        """
        async with self._client.pipeline(transaction=False) as pipe:
            for sub in subs:
                pipe.xpending_range(
                    commands_of(sub),
                    CONSUMER_GROUP,
                    min="-",
                    max="+",
                    count=1,
                    consumername=self._worker,
                )
            pending = await pipe.execute(raise_on_error=False)
        async with self._client.pipeline(transaction=False) as pipe:
            for sub, left in zip(subs, pending, strict=True):
                if left == []:  # else the next worker could never claim it, or there is no group
                    pipe.xgroup_delconsumer(commands_of(sub), CONSUMER_GROUP, self._worker)
            await pipe.execute(raise_on_error=False)

    # -- within

    def _xautoclaim(
        self, client: redis.asyncio.Redis, received: Received, idle_ms: int, start: str = "0-0"
    ) -> Any:
        return client.xautoclaim(
            commands_of(received.sub),
            CONSUMER_GROUP,
            self._worker,
            min_idle_time=idle_ms,
            start_id=start,
            count=READ_COUNT,
        )

    def _xreadgroup(self, client: redis.asyncio.Redis, received: Received) -> Any:
        streams: Any = {commands_of(received.sub): ">"}
        return client.xreadgroup(CONSUMER_GROUP, self._worker, streams, count=READ_COUNT)

    async def _make_group(self, received: Received) -> None:
        # Only where there is none: a full Redis refuses this even for a group that exists.
        received.newest = None  # Redis may have come back empty, with another clock
        stream = commands_of(received.sub)
        try:
            await self._client.xgroup_create(stream, CONSUMER_GROUP, "0", mkstream=True)
        except ResponseError as exc:
            if "BUSYGROUP" not in str(exc):
                raise

    async def _settle_gaps(self, received: Received) -> None:
        """Settle what was trimmed away before it was; Redis 6.2 keeps it pending for ever."""
        stream, after = commands_of(received.sub), "-"
        while True:
            pending: Any = await self._client.xpending_range(
                stream, CONSUMER_GROUP, min=after, max="+", count=READ_COUNT
            )
            ids = [one["message_id"] for one in pending]
            async with self._client.pipeline(transaction=False) as pipe:
                for entry_id in ids:
                    pipe.xrange(stream, min=entry_id, max=entry_id)
                found = await pipe.execute()
            if gone := [entry_id for entry_id, entry in zip(ids, found, strict=True) if not entry]:
                log.warning("mailbox.trimmed", sub=received.sub, entries=len(gone))
                await self._client.xack(stream, CONSUMER_GROUP, *gone)
            if len(ids) < READ_COUNT:
                break
            after = f"({ids[-1]}"
        received.has_gaps = False

    def _took_all(self, received: Received, answers: list[Any]) -> bool:
        """Deliver what one trip has brought of a user; whether that was all there is."""
        if any(isinstance(answer, Exception) for answer in answers):
            return False
        *claimed, read = answers
        starts = [self._deliver_claimed(received, answer) for answer in claimed]
        is_all = self._deliver_read(received, read) < READ_COUNT
        return is_all and not received.has_gaps and all(start == "0-0" for start in starts)

    def _deliver_claimed(self, received: Received, answer: Any) -> str:
        """Deliver what claiming has brought; where to go on."""
        start, entries, *_ = answer
        for entry_id, fields in entries:
            if entry_id is None:  # trimmed away while it was pending: so Redis 6.2 tells it
                received.has_gaps = True
            else:
                self._deliver(received, entry_id, fields)
        return str(start)

    def _deliver_read(self, received: Received, answer: Any) -> int:
        """Deliver what reading for the group has brought; how many entries."""
        entries = answer[0][1] if answer else []
        for entry_id, fields in entries:
            self._deliver_newer(received, entry_id, fields)
        return len(entries)

    def _deliver_newer(self, received: Received, entry_id: str, fields: dict[str, str]) -> None:
        if received.is_newer(entry_id):
            self._deliver(received, entry_id, fields)

    def _deliver(self, received: Received, entry_id: str, fields: dict[str, str]) -> None:
        if entry_id in received.held:
            return  # it waits here already
        received.held.add(entry_id)
        text = fields.get("command", "")
        body = delivery.read_json(text)
        if ids := delivery.ids_in(body):
            received.remember(ids)
        else:
            received.remember_text(text)
        self._receive(
            Delivery(
                sub=received.sub,
                body=body,
                entry_id=entry_id,
                arrived_ms=int(entry_id.partition("-")[0]),
                origin=delivery.origin_of(fields.get("origin")),
            )
        )
