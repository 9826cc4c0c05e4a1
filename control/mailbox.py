"""Redis in and out of the worker: commands arrive here, answers, status and events leave here.

Rule 1: the stream is the truth; a pub/sub message only wakes the reader of that one stream. A body
    that is not in the stream came from a foreign program and is a command in its own right.
Rule 2: nothing is acknowledged to the stream before its effect and receipt are committed; that is
    the caller's word to give, through :meth:`Mailbox.settle`.
Rule 3: a message makes the reader look at its stream without taking from it, for taking is a write
    that Redis puts on disk first. What was looked at is taken by the next sweep; until then it is
    in the stream all the same, for whoever comes after us.
Rule 4: a Redis that is away is waited for with jittered backoff; no caller sees it fail.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import RedisError, ResponseError

from control import delivery, wire
from control.delivery import Delivery
from control.protocol import (
    CONSUMER_GROUP,
    HISTORY_LENGTH,
    RESULT_TTL_SECONDS,
    STATUS_TTL_SECONDS,
    CommandAck,
    CommandResult,
    HistoryEntry,
    commands_of,
    history_of,
    now_ms,
    responses_of,
    result_of,
    status_of,
)

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
READ_COUNT = 100
REMEMBERED_IDS = 4_096
BACKOFF_SECONDS = (0.1, 5.0)
QUIET_SECONDS = 5.0
RECLAIM_SWEEPS = 5
RECLAIM_IDLE_MS = 5_000


Receive = Callable[[Delivery], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A status that goes with answers: kept for who asks, and published if its turn has come."""

    text: str
    publishes: bool


def _nothing() -> None:
    """No status goes with the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said of one command.

    Args:
        result: None where nobody can be answered, or there is no answer yet.
        history: Its line in the history.
        entry_id: The entry that is done with; None while a batch still has commands waiting.
    """

    ack: CommandAck | None = None
    result: CommandResult | None = None
    history: HistoryEntry | None = None
    entry_id: str | None = None


class Mailbox:
    """The worker's side of the wire for all the users it hosts."""

    def __init__(self, *, worker: str, receive: Receive) -> None:
        self._worker = worker
        self._receive = receive
        self._subs: set[str] = set()
        self._client = wire.connect_async()
        self._listener = wire.connect_async()
        self._pubsub = self._listener.pubsub()
        self._subscribing = asyncio.Lock()
        self._held: set[tuple[str, str]] = set()  # entries delivered and not settled
        self._newest: dict[str, str] = {}  # by sub, the last entry that was delivered
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._reading: dict[str, asyncio.Lock] = {}
        self._has_subscriptions = asyncio.Event()
        self.connected = True
        self.clock_offset_ms = 0  # Redis' clock minus this host's

    # -- what the worker hosts

    async def open(self, sub: str) -> None:
        """Begin to receive for a user, first of all what an earlier worker left unanswered."""
        self._subs.add(sub)
        lock = self._reading.setdefault(sub, asyncio.Lock())
        async with lock:  # nothing newer may be delivered before what is claimed
            await self._patiently(lambda: self._subscribe(sub), "mailbox.open", sub=sub)
            await self._patiently(lambda: self._claim(sub, idle_ms=0), "mailbox.claim", sub=sub)
        await self.read(sub)

    async def close(self, sub: str) -> None:
        """Stop receiving for a user."""
        self._subs.discard(sub)
        lock = self._reading.pop(sub, None)
        self._newest.pop(sub, None)
        self._held = {held for held in self._held if held[0] != sub}
        try:
            await self._pubsub.unsubscribe(commands_of(sub))
        except RedisError as exc:
            log.warning("mailbox.unsubscribe", sub=sub, reason=str(exc))
        if lock is not None:
            async with lock:  # a read under way would make anew what the caller removes next
                pass
        if not self._subs:
            self._has_subscriptions.clear()

    async def close_all(self) -> None:
        """Stop receiving for everybody: one message to Redis, however many there are."""
        locks = tuple(self._reading.values())
        for kept in (self._subs, self._reading, self._newest, self._held):
            kept.clear()
        self._has_subscriptions.clear()
        try:
            await self._pubsub.unsubscribe()
        except (RedisError, OSError) as exc:
            log.warning("mailbox.unsubscribe", reason=str(exc))
        for lock in locks:
            async with lock:  # as above
                pass

    # -- in

    async def listen(self) -> None:
        """Hear the channels until cancelled, and read the stream a message points at."""
        asked = False
        while True:
            try:
                await self._has_subscriptions.wait()
                message = await self._pubsub.get_message(timeout=QUIET_SECONDS)
                if message is None and asked:
                    raise TimeoutError("Redis does not answer on the connection that listens")
                if asked := message is None:
                    # A half-open connection would stay quiet for ever.
                    await self._pubsub.ping()
            except (RedisError, OSError) as exc:
                asked = False
                await self._reconnect(str(exc))
                continue
            if message is not None and message["type"] == "message":
                await self._heard(message["channel"].rpartition(":")[2], message["data"])

    async def sweep(self) -> None:
        """Read every stream each second until cancelled: the net under a lost message."""
        sweeps = 0
        while True:
            await self._compare_clocks()
            await asyncio.sleep(SWEEP_SECONDS)
            sweeps += 1
            for sub in tuple(self._subs):
                await self.read(sub, reclaim=sweeps % RECLAIM_SWEEPS == 0)

    async def read(self, sub: str, *, reclaim: bool = False) -> None:
        """Take everything new from one user's stream.

        Args:
            reclaim: Take as well what another consumer has held for long: one that was fenced
                off after it had read.
        """
        lock = self._reading.get(sub)
        if lock is None:
            return
        async with lock:
            if sub not in self._subs:
                return  # closed meanwhile
            try:
                if reclaim:
                    await self._claim(sub, idle_ms=RECLAIM_IDLE_MS)
                await self._read_new(sub)
                self.connected = True
            except (RedisError, OSError) as exc:
                self.connected = False
                log.warning("mailbox.read", sub=sub, reason=str(exc))

    async def _look(self, sub: str) -> None:
        """Deliver everything new in one user's stream, and take nothing from it."""
        lock = self._reading.get(sub)
        if lock is None:
            return
        async with lock:
            if (newest := self._newest.get(sub)) is None:
                return  # where to begin, the first reading tells
            try:
                entries: Any = await self._client.xrange(
                    commands_of(sub), min=f"({newest}", count=READ_COUNT
                )
            except (RedisError, OSError) as exc:
                log.warning("mailbox.look", sub=sub, reason=str(exc))  # the reading comes next
                return
            for entry_id, fields in entries:
                self._deliver_newer(sub, entry_id, fields)

    # -- out

    async def answer(
        self, sub: str, replies: Sequence[Reply], status: Callable[[], Telling | None] = _nothing
    ) -> None:
        """Say what is to be said, and take what is done with off the stream: one transaction.

        Repeated until Redis takes it.

        Args:
            status: Composes the status that is to be there when the answers come.
        """

        async def attempt() -> None:
            async with self._client.pipeline(transaction=True) as pipe:
                if (telling := status()) is not None:
                    pipe.set(status_of(sub), telling.text, px=int(STATUS_TTL_SECONDS * 1_000))
                    if telling.publishes:
                        pipe.publish(status_of(sub), telling.text)
                for reply in replies:
                    _queue(pipe, sub, reply)
                await pipe.execute()

        await self._patiently(attempt, "mailbox.answer", sub=sub)
        self._held.difference_update(
            (sub, reply.entry_id) for reply in replies if reply.entry_id is not None
        )

    async def publish(self, channel: str, text: str, *, keep_seconds: float | None = None) -> bool:
        """Publish, and keep under the same name for a while if asked. False: Redis is away."""
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                if keep_seconds is not None:
                    pipe.set(channel, text, px=int(keep_seconds * 1_000))
                pipe.publish(channel, text)
                await pipe.execute()
        except (RedisError, OSError):
            self.connected = False
            return False
        self.connected = True
        return True

    async def keep(self, key: str, text: str, seconds: float) -> None:
        """Set a key that vanishes by itself; a Redis that is away is not an error here."""
        try:
            await self._client.set(key, text, px=int(seconds * 1_000))
        except (RedisError, OSError) as exc:
            log.warning("mailbox.keep", key=key, reason=str(exc))

    async def forget(self, *keys: str) -> None:
        """Remove keys of a runtime that stopped."""
        try:
            await self._client.unlink(*keys)
        except (RedisError, OSError) as exc:
            log.warning("mailbox.forget", reason=str(exc))

    async def aclose(self) -> None:
        """Close both connections."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it bare
        await self._listener.aclose()
        await self._client.aclose()

    # -- within

    async def _subscribe(self, sub: str) -> None:
        # One at a time: each of several first subscriptions would take a connection of its own,
        # and only the last of those is listened to.
        async with self._subscribing:
            await self._pubsub.subscribe(commands_of(sub))
        self._has_subscriptions.set()

    async def _claim(self, sub: str, *, idle_ms: int) -> None:
        """Deliver what another worker took and never settled. The lease says it is ours now."""
        await self._ensure_group(sub)
        start = "0-0"
        while True:
            start, entries, *_ = await self._client.xautoclaim(
                commands_of(sub),
                CONSUMER_GROUP,
                self._worker,
                min_idle_time=idle_ms,
                start_id=start,
                count=READ_COUNT,
            )
            for entry_id, fields in entries:
                self._deliver(sub, entry_id, fields)
            if start in ("0-0", b"0-0"):
                return

    async def _ensure_group(self, sub: str) -> None:
        try:
            await self._client.xgroup_create(commands_of(sub), CONSUMER_GROUP, "0", mkstream=True)
        except ResponseError as exc:
            if "BUSYGROUP" not in str(exc):
                raise

    async def _read_new(self, sub: str) -> None:
        while True:
            try:
                answer: Any = await self._client.xreadgroup(
                    CONSUMER_GROUP, self._worker, {commands_of(sub): ">"}, count=READ_COUNT
                )
            except ResponseError as exc:
                if "NOGROUP" not in str(exc):
                    raise
                log.warning("mailbox.group_recreated", sub=sub)  # Redis came back empty
                self._newest.pop(sub, None)  # its clock may be another one too
                await self._ensure_group(sub)
                continue
            entries = answer[0][1] if answer else []
            for entry_id, fields in entries:
                self._deliver_newer(sub, entry_id, fields)
            if len(entries) < READ_COUNT:
                return

    async def _compare_clocks(self) -> None:
        try:
            seconds, microseconds = await self._client.time()
        except (RedisError, OSError):
            return  # the reader reports it
        self.clock_offset_ms = seconds * 1_000 + microseconds // 1_000 - now_ms()

    def _deliver_newer(self, sub: str, entry_id: str, fields: dict[str, str]) -> None:
        newest = self._newest.get(sub)
        if newest is not None and _place(entry_id) <= _place(newest):
            return  # it was looked at; it may be settled since
        self._newest[sub] = entry_id
        self._deliver(sub, entry_id, fields)

    def _deliver(self, sub: str, entry_id: str, fields: dict[str, str]) -> None:
        if (sub, entry_id) in self._held:
            return  # it waits here already
        self._held.add((sub, entry_id))
        body = delivery.read_json(fields.get("command", ""))
        for command_id in delivery.ids_in(body):
            self._remember(sub, command_id)
        self._receive(
            Delivery(
                sub=sub,
                body=body,
                entry_id=entry_id,
                arrived_ms=int(entry_id.partition("-")[0]),
                origin=delivery.origin_of(fields.get("origin")),
            )
        )

    async def _heard(self, sub: str, text: str) -> None:
        if sub not in self._subs:
            return
        body = delivery.read_json(text)
        ids = delivery.ids_in(body)
        await self._look(sub)
        if self._has_seen(sub, ids):
            return
        await self.read(sub)
        if self._has_seen(sub, ids):
            return  # it was in the stream
        for command_id in ids:
            self._remember(sub, command_id)
        self._receive(Delivery(sub=sub, body=body, entry_id=None, arrived_ms=None))

    def _has_seen(self, sub: str, ids: list[str]) -> bool:
        return bool(ids) and all((sub, command_id) in self._seen for command_id in ids)

    def _remember(self, sub: str, command_id: str) -> None:
        self._seen[sub, command_id] = None
        while len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)

    async def _reconnect(self, reason: str) -> None:
        """Subscribe anew to everything, as long as it takes, then read what was missed."""
        self.connected = False
        log.warning("mailbox.redis_away", reason=reason)

        async def attempt() -> None:
            async with self._subscribing:
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py: bare
                self._pubsub = self._listener.pubsub()
                if self._subs:
                    await self._pubsub.subscribe(*(commands_of(sub) for sub in self._subs))

        await self._patiently(attempt, "mailbox.reconnect")
        self.connected = True
        log.info("mailbox.redis_back")
        for sub in tuple(self._subs):
            await self.read(sub)

    async def _patiently(
        self, attempt: Callable[[], Awaitable[None]], event: str, **context: Any
    ) -> None:
        low, high = BACKOFF_SECONDS
        limit = low
        while True:
            try:
                return await attempt()
            except (RedisError, OSError) as exc:
                self.connected = False
                log.warning(event, reason=str(exc), **context)
                await asyncio.sleep(random.uniform(0, limit))  # noqa: S311  # jitter, not a secret
                limit = min(high, limit * 2)


def _queue(pipe: redis.asyncio.client.Pipeline, sub: str, reply: Reply) -> None:
    for answer in (reply.ack, reply.result):
        if answer is None:
            continue
        text, is_final = answer.to_json(), answer is reply.result
        # The acknowledgement of a repeated command must not hide its result.
        pipe.set(result_of(sub, answer.command_id), text, ex=RESULT_TTL_SECONDS, nx=not is_final)
        pipe.publish(responses_of(sub), text)
    if reply.history is not None:
        line = reply.history.to_json()
        pipe.xadd(history_of(sub), {"entry": line}, maxlen=HISTORY_LENGTH, approximate=True)
    if reply.entry_id is not None:
        pipe.xack(commands_of(sub), CONSUMER_GROUP, reply.entry_id)
        pipe.xdel(commands_of(sub), reply.entry_id)


def _place(entry_id: str) -> tuple[int, int]:
    """Entries in order: milliseconds and a number within them."""
    at, _, number = entry_id.partition("-")
    return int(at), int(number)
