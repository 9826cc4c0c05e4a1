"""Redis in and out of the worker: commands arrive here, answers, status and events leave here.

Rule 1: the stream is the truth; a pub/sub message only wakes the reader of that one stream. A body
    that is not in the stream came from a foreign program and is a command in its own right.
Rule 2: nothing is acknowledged to the stream before its effect and receipt are committed; that is
    the caller's word to give, with an answer.
Rule 3: a message makes the reader look at its stream without taking from it, for taking is a write
    that Redis puts on disk first. What was looked at is taken by the next sweep; until then it is
    in the stream all the same, for whoever comes after us. Where the sender told which entries it
    has put there, and they follow what was delivered, there is nothing to look at.
Rule 4: a Redis that is away is waited for with jittered backoff; no caller sees it fail.
Rule 5: one user's stream that cannot be read is that user's alone: nobody holds a lock while they
    wait, and whoever is not open yet is passed over.
Rule 6: a Redis without room still passes messages on. Answers are not held back for long by what it
    cannot keep: the stream drains, and senders hear.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from redis.exceptions import OutOfMemoryError, RedisError

from control import delivery, posting, replies, wire
from control.delivery import Delivery
from control.patience import patiently
from control.protocol import commands_of, entries_of, now_ms
from control.received import Received
from control.replies import Reply, Telling
from control.streams import Receive, Streams

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
SWEPT_AT_ONCE = 100
BACKOFF_SECONDS = (0.1, 5.0)
QUIET_SECONDS = 5.0
RECLAIM_SWEEPS = 5
RECLAIM_IDLE_MS = 5_000
FULL_SECONDS = 2.0


def _channels_of(sub: str) -> tuple[str, str]:
    return entries_of(sub), commands_of(sub)


def _nothing() -> None:
    """No status goes with the answers."""


class Mailbox:
    """The worker's side of the wire for all the users it hosts."""

    def __init__(self, *, worker: str, receive: Receive) -> None:
        self._receive = receive
        self._received: dict[str, Received] = {}
        self._open: set[str] = set()  # whose stream is known to be readable
        self._client = wire.connect_async()
        self._saying = self._client.register_script(replies.SAY)
        self._streams = Streams(self._client, worker=worker, receive=receive)
        self._listener = wire.connect_async()
        self._pubsub = self._listener.pubsub()
        self._subscribing = asyncio.Lock()
        self._has_subscriptions = asyncio.Event()
        self._full_since: float | None = None
        self.connected = True
        self.clock_offset_ms = 0  # Redis' clock minus this host's

    # -- what the worker hosts

    async def open(self, sub: str) -> None:
        """Begin to receive for a user, first of all what an earlier worker left unanswered."""
        received = self._received.setdefault(sub, Received(sub=sub))

        async def claim() -> None:
            async with received.reading:  # nothing newer may be delivered before what is claimed
                await self._streams.claim(received, idle_ms=0)
            self._open.add(sub)

        await self._patiently(lambda: self._subscribe(sub), "mailbox.open", sub=sub)
        await self._patiently(claim, "mailbox.claim", sub=sub)
        await self.read(sub)
        while received.early:
            await self._heard(sub, received.early.popleft())

    async def close(self, sub: str) -> None:
        """Stop receiving for a user."""
        received = self._received.pop(sub, None)
        self._open.discard(sub)
        if not self._received:
            self._has_subscriptions.clear()
        try:
            await self._pubsub.unsubscribe(*_channels_of(sub))
        except RedisError as exc:
            log.warning("mailbox.unsubscribe", sub=sub, reason=str(exc))
        if received is not None:
            async with received.reading:  # a read under way would make anew what goes next
                await self._leave([sub])

    async def close_all(self) -> None:
        """Stop receiving for everybody: one message to Redis, however many there are."""
        received = tuple(self._received.values())
        self._received.clear()
        self._open.clear()
        self._has_subscriptions.clear()
        try:
            await self._pubsub.unsubscribe()
        except (RedisError, OSError) as exc:
            log.warning("mailbox.unsubscribe", reason=str(exc))
        for each in received:
            async with each.reading:  # as above
                pass
        await self._leave([each.sub for each in received])

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
                await self._message(message["channel"], message["data"])

    async def sweep(self) -> None:
        """Read every stream each second until cancelled: the net under a lost message."""
        sweeps = 0
        while True:
            await self._compare_clocks()
            await asyncio.sleep(SWEEP_SECONDS)
            sweeps += 1
            await self._read_all(reclaim=sweeps % RECLAIM_SWEEPS == 0)

    async def read(self, sub: str, *, reclaim: bool = False) -> None:
        """Take everything new from one user's stream.

        Args:
            reclaim: Take as well what another consumer has held for long: one that was fenced
                off after it had read.
        """
        received = self._received.get(sub)
        if received is None or sub not in self._open:
            return
        async with received.reading:
            if self._received.get(sub) is not received:
                return  # closed meanwhile
            try:
                if reclaim:
                    await self._streams.claim(received, idle_ms=RECLAIM_IDLE_MS)
                await self._streams.read(received)
                self.connected = True
            except (RedisError, OSError) as exc:
                self.connected = False
                log.warning("mailbox.read", sub=sub, reason=str(exc))

    async def _read_all(self, *, reclaim: bool = False) -> None:
        """Take everything new from every stream, many in one trip."""
        subs, idle_ms = tuple(self._open), RECLAIM_IDLE_MS if reclaim else None
        for start in range(0, len(subs), SWEPT_AT_ONCE):
            some = subs[start : start + SWEPT_AT_ONCE]
            many = [received for sub in some if (received := self._received.get(sub)) is not None]
            try:
                again = await self._streams.read_many(many, reclaim_idle_ms=idle_ms)
                self.connected = True
            except (RedisError, OSError) as exc:
                self.connected = False
                log.warning("mailbox.sweep", reason=str(exc))
                continue
            for received in again:
                await self.read(received.sub, reclaim=reclaim)

    # -- out

    async def answer(
        self, sub: str, said: Sequence[Reply], status: Callable[[], Telling | None] = _nothing
    ) -> None:
        """Say what is to be said, and take what is done with off the stream: one transaction.

        Repeated until Redis takes it. One that stays full gets what it need not keep.

        Args:
            status: Composes the status that is to be there when the answers come.
        """

        async def attempt() -> None:
            telling = status()
            try:
                await self._say(replies.words_of(sub, said, telling))
                self._full_since = None
            except OutOfMemoryError:
                if not self._stays_full():
                    raise
                log.warning("mailbox.full", sub=sub, not_kept=len(said))
                await self._say(replies.words_of(sub, said, telling, keeps=False))
            if telling is not None:
                telling.told()

        await self._patiently(attempt, "mailbox.answer", sub=sub)
        if (received := self._received.get(sub)) is not None:
            received.held.difference_update(reply.entry_id for reply in said if reply.entry_id)

    async def _say(self, words: Sequence[str]) -> None:
        with wire.no_room_in_plain_words():
            await self._saying(args=words)

    def _stays_full(self) -> bool:
        """Whether Redis has had no room for so long that nobody waits for it any more."""
        at = time.monotonic()
        if self._full_since is None:
            self._full_since = at
        return at - self._full_since >= FULL_SECONDS

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

    async def forget(self, *names: str) -> None:
        """Remove names of runtimes that stopped."""
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for name in names:  # each on its own: no command holds the names of two users
                    pipe.unlink(name)
                await pipe.execute()
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
            await self._pubsub.subscribe(*_channels_of(sub))
        self._has_subscriptions.set()

    async def _leave(self, subs: Sequence[str]) -> None:
        try:
            await self._streams.leave(subs)
        except (RedisError, OSError) as exc:
            log.warning("mailbox.leave", reason=str(exc))  # it stays in the groups' lists

    async def _compare_clocks(self) -> None:
        try:
            seconds, microseconds = await self._client.time()
        except (RedisError, OSError):
            return  # the reader reports it
        self.clock_offset_ms = seconds * 1_000 + microseconds // 1_000 - now_ms()

    async def _look(self, received: Received) -> None:
        async with received.reading:
            try:
                await self._streams.look(received)
            except (RedisError, OSError) as exc:
                # The reading comes next.
                log.warning("mailbox.look", sub=received.sub, reason=str(exc))

    async def _message(self, channel: str, text: str) -> None:
        sub = channel.rpartition(":")[2]
        if channel == entries_of(sub):
            self._told(sub, text)
            await asyncio.sleep(0)  # the deciding begins before the next message is looked at
        else:
            await self._heard(sub, text)

    def _told(self, sub: str, text: str) -> None:
        """Take a sender's word of its entries; what does not fit is found by the message itself."""
        received, posted = self._received.get(sub), delivery.posted_in(text)
        if received is None or posted is None or sub not in self._open:
            return
        if self._streams.deliver_posted(received, posted):
            received.expect(posting.body_of([text for _, text in posted.entries]))

    async def _heard(self, sub: str, text: str) -> None:
        received = self._received.get(sub)
        if received is None:
            return
        if sub not in self._open:
            received.early.append(text)
            return
        if received.was_expected(text):
            return
        body = delivery.read_json(text)
        ids = delivery.ids_in(body)
        await self._look(received)
        if received.has(ids, text):
            return
        await self.read(sub)
        if received.has(ids, text) or self._received.get(sub) is not received:
            return  # it was in the stream, or is the next worker's
        received.remember(ids)
        self._receive(Delivery(sub=sub, body=body, entry_id=None, arrived_ms=None))

    async def _reconnect(self, reason: str) -> None:
        """Subscribe anew to everything, as long as it takes, then read what was missed."""
        self.connected = False
        log.warning("mailbox.redis_away", reason=reason)

        async def attempt() -> None:
            async with self._subscribing:
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py: bare
                self._pubsub = self._listener.pubsub()
                if self._received:
                    channels = (name for sub in self._received for name in _channels_of(sub))
                    await self._pubsub.subscribe(*channels)

        await self._patiently(attempt, "mailbox.reconnect")
        self.connected = True
        log.info("mailbox.redis_back")
        await self._read_all()

    async def _patiently(
        self, attempt: Callable[[], Awaitable[None]], event: str, **context: Any
    ) -> None:
        def failed(exc: BaseException) -> None:
            self.connected = False
            log.warning(event, reason=str(exc), **context)

        away = (RedisError, OSError)
        await patiently(attempt, away=away, delays=BACKOFF_SECONDS, failed=failed)
