"""From Redis to the open pages: one subscription per web process, sent directly to its sockets.

Rule 1: a page hears the channels of its own user only, subscribed by name, never by pattern.
Rule 2: one process and event loop has one relay. It begins with the first socket and ends with
    the last: daphne has no lifespan in which it could be started.
Rule 3: nobody waits for a browser: texts go into a bounded :class:`~control.backlog.Backlog`.
Rule 4: what is not known is said. When Redis is away every page is told so, and when it is back
    the latest status is read again, for nobody knows what was missed.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import random
from collections.abc import Collection, Iterator
from functools import partial
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error as DatabaseError
from redis.asyncio.client import PubSub, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from control import access, tasks, wire
from control.access import Visitor
from control.backlog import Backlog, Slot
from control.protocol import (
    HEARTBEAT_SECONDS,
    STATUS_TTL_SECONDS,
    Desired,
    events_of,
    responses_of,
    status_of,
)
from settings_app import desired

log = structlog.get_logger(__name__)

QUIET_SECONDS = 5.0  # nothing heard for so long: ping; nothing after that either: redial
BACKOFF_SECONDS = (0.1, 5.0)
HEALTHY_SECONDS = 30.0  # a subscription that lasted so long is redialled without backing off
NO_LONGER_WELCOME = 4401  # close code: signed out, deactivated, or the password has changed
AWAY = (RedisError, OSError, TimeoutError)
_READ_AT_ONCE = 100  # status keys in one MGET


class Relay:
    """The sockets of one process, and the one Redis subscription that feeds them."""

    def __init__(self) -> None:
        self._audience: dict[str, dict[Backlog, Visitor]] = {}
        self._heard_at: dict[str, float] = {}  # loop time of the last status, by sub
        self._routes: dict[str, tuple[str, str]] = {}  # subscribed channel -> (kind, sub)
        self._subscriptions = asyncio.Lock()
        self._turning = asyncio.Lock()  # beginning and ending exclude each other
        self._pubsub: PubSub | None = None
        self._reader: Redis | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    # -- the sockets

    async def attach(self, visitor: Visitor, backlog: Backlog) -> None:
        """Begin to send a visitor what concerns them, first of all the latest status."""
        self._audience.setdefault(visitor.sub, {})[backlog] = visitor
        if await self._begin():
            return
        if self._pubsub is None:
            backlog.offer_newest(Slot.LINK, _link("away"))
        else:
            try:
                await self._subscribe_to_wanted()
                await self._send_latest([visitor.sub], only=backlog)
                backlog.offer_newest(Slot.LINK, _link("up"))  # the page may still think otherwise
            except AWAY as exc:
                log.info("relay.attach", reason=str(exc))  # the redial does it again for everyone

    async def detach(self, visitor: Visitor, backlog: Backlog) -> None:
        """Forget a socket; with the last one the subscription ends."""
        backlogs = self._audience.get(visitor.sub, {})
        backlogs.pop(backlog, None)
        if backlogs:
            return
        self._audience.pop(visitor.sub, None)
        self._heard_at.pop(visitor.sub, None)
        if not self._audience:
            await self._stop()
            return
        try:
            await self._subscribe_to_wanted()
        except AWAY as exc:
            log.info("relay.detach", reason=str(exc))

    async def _begin(self) -> bool:
        """Start with the first socket; False when it runs already."""
        async with self._turning:
            if self._tasks:
                return False
            # A context of their own: they outlive the connection that happens to start them.
            begin = partial(asyncio.create_task, context=contextvars.Context())
            self._tasks = (
                begin(self._stay_subscribed(), name="relay subscription"),
                begin(self._keep_watch(), name="relay watch"),
            )
            return True

    async def _stop(self) -> None:
        async with self._turning:
            if not self._audience:
                ending, self._tasks = self._tasks, ()
                await tasks.end(*ending)

    # -- the supervised part

    async def _stay_subscribed(self) -> None:
        clock, delays = asyncio.get_running_loop().time, _delays()
        while True:
            began = clock()
            try:
                await self._converse()
            except AWAY as exc:
                log.warning("relay.dropped", reason=str(exc))
            except Exception:  # the boundary: one bad message must not silence every page
                log.exception("relay.failed")
            finally:
                self._pubsub = self._reader = None
                self._routes.clear()
            self._tell_everyone(Slot.LINK, _link("away"))
            if clock() - began > HEALTHY_SECONDS:
                delays = _delays()
            await asyncio.sleep(next(delays))

    async def _converse(self) -> None:
        """Subscribe and pass on what comes, until the connection fails."""
        listener, reader = wire.connect_async(), wire.connect_async()
        for client in (listener, reader):
            client.set_retry(Retry(NoBackoff(), 0))  # redialling is ours: pages are to be told
        async with listener, reader, listener.pubsub() as pubsub:
            self._pubsub, self._reader = pubsub, reader
            await self._subscribe_to_wanted()
            await self._send_latest(tuple(self._audience))
            self._tell_everyone(Slot.LINK, _link("up"))
            asked = False
            while True:
                message = await pubsub.get_message(timeout=QUIET_SECONDS)
                if message is None:
                    if asked:
                        raise TimeoutError("Redis is silent")
                    await pubsub.ping()
                    asked = True
                    continue
                asked = False
                if message["type"] == "message":
                    self._pass_on(message["channel"], message["data"])

    async def _subscribe_to_wanted(self) -> None:
        """Bring the subscriptions in line with the sockets there are now."""
        async with self._subscriptions:
            if self._pubsub is None:
                return
            wanted = dict(_routes_of(self._audience))
            if new := wanted.keys() - self._routes.keys():
                self._routes |= {channel: wanted[channel] for channel in new}
                await self._pubsub.subscribe(*new)
            if old := self._routes.keys() - wanted.keys():
                for channel in old:
                    del self._routes[channel]
                await self._pubsub.unsubscribe(*old)

    async def _keep_watch(self) -> None:
        """At every heartbeat: who may still listen, and whose runtime has fallen silent."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for look in (self._turn_away_the_unwelcome, self._speak_for_the_silent):
                try:
                    await look()
                except (*AWAY, DatabaseError) as exc:
                    log.info("relay.watch", reason=str(exc))  # unknown is no reason to close
                except Exception:  # the boundary: the next heartbeat looks again
                    log.exception("relay.watch_failed")

    async def _turn_away_the_unwelcome(self) -> None:
        sockets = [pair for backlogs in self._audience.values() for pair in backlogs.items()]
        visitors = {visitor for _, visitor in sockets}
        welcome = await database_sync_to_async(access.still_welcome)(visitors)
        for backlog, visitor in sockets:
            if visitor not in welcome:
                backlog.close(NO_LONGER_WELCOME)

    async def _speak_for_the_silent(self) -> None:
        earliest = asyncio.get_running_loop().time() - STATUS_TTL_SECONDS
        await self._send_latest(
            [sub for sub in self._audience if self._heard_at.get(sub, earliest) <= earliest]
        )

    # -- what is sent

    def _pass_on(self, channel: str, text: str) -> None:
        kind, sub = self._routes.get(channel, ("", ""))
        match kind:
            case "status":
                self._heard_at[sub] = asyncio.get_running_loop().time()
                self._tell(sub, Slot.STATUS, _status(text))
            case "answer" if (answer := _answer(text)) is not None:
                self._tell(sub, None, answer)
            case "event":
                self._tell(sub, None, text)

    async def _send_latest(self, subs: Collection[str], only: Backlog | None = None) -> None:
        """Read the status keys; where there is none, say so, and what is wanted meanwhile."""
        if self._reader is None:
            return
        names = list(subs)
        for start in range(0, len(names), _READ_AT_ONCE):
            part = names[start : start + _READ_AT_ONCE]
            texts = await self._reader.mget([status_of(sub) for sub in part])
            for sub, text in zip(part, texts, strict=True):
                if text is None:
                    await self._send_desired(sub, only)
                self._tell(sub, Slot.STATUS, _status("null" if text is None else str(text)), only)

    async def _send_desired(self, sub: str, only: Backlog | None) -> None:
        # While no runtime speaks, what the user wants is known to PostgreSQL alone.
        visitor = next(iter(self._audience.get(sub, {}).values()), None)
        if visitor is None:
            return
        try:
            row = await database_sync_to_async(desired.read_desired)(visitor.user_id)
        except (DatabaseError, ObjectDoesNotExist) as exc:
            log.info("relay.desired_unknown", sub=sub, reason=str(exc))
            return
        wanted = Desired(is_paused=row.is_paused, mode=row.mode, revision=row.revision)
        text = json.dumps({"type": "desired", "desired": wanted.to_dict()})
        self._tell(sub, Slot.DESIRED, text, only)

    def _tell(self, sub: str, slot: Slot | None, text: str, only: Backlog | None = None) -> None:
        for backlog in (only,) if only is not None else tuple(self._audience.get(sub, ())):
            if slot is None:
                backlog.offer(text)
            else:
                backlog.offer_newest(slot, text)

    def _tell_everyone(self, slot: Slot, text: str) -> None:
        for sub in self._audience:
            self._tell(sub, slot, text)


def _routes_of(subs: Collection[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for sub in subs:
        yield status_of(sub), ("status", sub)
        yield responses_of(sub), ("answer", sub)
        yield events_of(sub), ("event", sub)


def _delays() -> Iterator[float]:
    """Full jitter under a doubling ceiling: many processes must not redial in step."""
    ceiling, highest = BACKOFF_SECONDS
    while True:
        yield random.uniform(0.0, ceiling)  # noqa: S311 - spreads load, guards nothing
        ceiling = min(2 * ceiling, highest)


def _link(state: str) -> str:
    return json.dumps({"type": "link", "redis": state})


def _status(text: str) -> str:
    # Wrapped as it is, once for all sockets: reading 500 symbols would only cost time.
    return f'{{"type":"status","status":{text}}}'


def _answer(text: str) -> str | None:
    try:
        body = json.loads(text)
        kind = "ack" if body["status"] == "acknowledged" else "result"
    except (ValueError, TypeError, KeyError):
        log.info("relay.malformed_answer")
        return None
    return json.dumps({"type": kind, **body})


_relays: WeakKeyDictionary[asyncio.AbstractEventLoop, Relay] = WeakKeyDictionary()


def here() -> Relay:
    """The relay of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _relays:
        _relays[loop] = Relay()
    return _relays[loop]
