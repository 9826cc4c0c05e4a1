"""The runtime worker: hosts the runtimes of many users on one event loop.

Rule 1: this loop does no market data and no query of its own; it commands, answers and tells.
Rule 2: it drives a user only while it holds that user's lease, and lets go of it on the way out.
Rule 3: only this boundary catches what a runtime failed to: it is logged, shown and restarted.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from control import leases, sinks, status, tasks, wire
from control.database import Database
from control.mailbox import Delivery, Mailbox
from control.protocol import (
    HEARTBEAT_SECONDS,
    STATUS_TTL_SECONDS,
    Fault,
    commands_of,
    history_of,
    now_ms,
    status_of,
    worker_of,
)
from control.runtime import Runtime, Surroundings
from settings_app import desired
from settings_app.desired import HostedUser
from trading.plane import DataPlane
from trading.ports import Owner

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
TELL_SECONDS = 0.2  # at most five statuses a second for one user
WATCH_SECONDS = 0.2
PLANE_BACKOFF_SECONDS = (1.0, 60.0)
HEALTHY_SECONDS = 60.0


@dataclass(slots=True)
class Hosted:
    """A runtime with its task and what was last told of it."""

    runtime: Runtime
    task: asyncio.Task[None]
    opening: asyncio.Task[None]  # waits for Redis, which must not delay what PostgreSQL wants
    told_shape: int = 0
    told_at_ms: int = 0


class Worker:
    """Drives every user whose lease it can get, until told to stop."""

    def __init__(
        self, *, make_plane: Callable[[sinks.QueuedSinks], DataPlane], only: Collection[str] = ()
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self._only = tuple(only)
        self._database = Database()
        self._signals = sinks.SignalLog()
        self._sinks = sinks.QueuedSinks(self._database, self._signals)
        self._mailbox = Mailbox(worker=self.name, receive=self._received)
        self.plane = make_plane(self._sinks)
        self._around = Surroundings(
            worker=self.name,
            database=self._database,
            mailbox=self._mailbox,
            plane=self.plane,
            signals=self._signals,
            tell=self._tell_now,
        )
        self._hosted: dict[int, Hosted] = {}
        self._by_sub: dict[str, Hosted] = {}
        self._stopping = asyncio.Event()
        self._restart_at_ms = 0
        self._attempt = 0

    def stop(self) -> None:
        """Ask :meth:`run` to hand everything over and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Host runtimes until :meth:`stop`.

        Raises:
            UnsuitableRedis: If this Redis can never carry the wire.
        """
        await self._refuse_unsuitable_redis()
        log.info("worker.started", worker=self.name)
        self.plane.start()
        side_tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "listen": self._mailbox.listen,
            "sweep": self._mailbox.sweep,
            "poll": self._poll,
            "renew": self._renew,
            "tell": self._tell,
            "watch": self._watch,
            "write alerts": self._sinks.write_alerts,
            "write to Redis": self._sinks.write_to_redis,
        }
        running = {
            name: asyncio.create_task(self._keep_alive(name, body), name=name)
            for name, body in side_tasks.items()
        }
        try:
            await self._stopping.wait()
        finally:
            # Whoever takes users on stops first, or it would take back what is handed over.
            await tasks.end(running.pop("poll"), running.pop("renew"))
            await self._hand_over()
            await tasks.end(*running.values())
            self.plane.stop()
            await self._sinks.aclose()
            await self._mailbox.aclose()
            self._database.close()
            log.info("worker.stopped", worker=self.name)

    async def _keep_alive(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Run a side task for ever: one that fails is shown in every status and begun again."""
        while True:
            try:
                await body()
            except Exception as exc:
                log.exception("worker.side_task", task=name)
                for hosted in self._hosted.values():
                    hosted.runtime.complain(f"worker {name}", "error", f"{exc}")
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret

    async def _refuse_unsuitable_redis(self) -> None:
        client = wire.connect_async()
        try:
            await wire.refuse_unsuitable(client)
        except (RedisError, OSError) as exc:
            log.warning("worker.redis_away", reason=str(exc))  # waited for, not fatal
        finally:
            await client.aclose()

    # -- who is hosted

    async def _poll(self) -> None:
        while True:
            try:
                rows = await self._database.run(desired.hosted_users, self._only or None)
            except DatabaseError as exc:
                log.warning("worker.poll", reason=str(exc))
            else:
                await self._follow(rows)
            await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, rows: Collection[HostedUser]) -> None:
        wanted = {row.user_id: row for row in rows}
        for user_id in [user_id for user_id in self._hosted if user_id not in wanted]:
            sub = self._hosted[user_id].runtime.owner.sub
            await self._let_go(user_id, status_of(sub), commands_of(sub), history_of(sub))
        for user_id, hosted in tuple(self._hosted.items()):
            row = wanted[user_id]
            if hosted.task.done():
                await self._ended(user_id, hosted)
            elif hosted.runtime.is_behind(row.desired.revision, row.settings_revision):
                await hosted.runtime.reconcile()
        free = [row for user_id, row in wanted.items() if user_id not in self._hosted]
        if not free:
            return
        fences = await self._database.run(leases.acquire, [row.user_id for row in free], self.name)
        for row in free:
            if (fence := fences.get(row.user_id)) is not None:
                await self._host(Owner(user_id=row.user_id, sub=row.sub, fence=fence))

    async def _host(self, owner: Owner) -> None:
        today, last = await self._database.run(sinks.signals_so_far, owner.user_id)
        self._signals.start(owner.sub, today=today, last_at_ms=last)
        runtime = Runtime(owner, self._around)
        self._by_sub[owner.sub] = self._hosted[owner.user_id] = Hosted(
            runtime=runtime,
            task=asyncio.create_task(runtime.obey(), name=f"runtime of {owner.sub}"),
            opening=asyncio.create_task(
                self._mailbox.open(owner.sub), name=f"mailbox of {owner.sub}"
            ),
        )
        log.info("runtime.hosted", sub=owner.sub, fence=owner.fence, worker=self.name)

    async def _ended(self, user_id: int, hosted: Hosted) -> None:
        """A runtime's task has ended: it was fenced off, or it crashed and is begun anew."""
        error = hosted.task.exception()
        sub = hosted.runtime.owner.sub
        if isinstance(error, leases.Fenced):
            log.warning("runtime.fenced", sub=sub, reason=str(error))
        else:
            log.error("runtime.crashed", sub=sub, exc_info=error)
        await self._let_go(user_id)

    async def _let_go(self, user_id: int, *forget: str) -> None:
        """Stop driving a user, remove the names given, and then free the lease."""
        hosted = self._hosted.pop(user_id)
        owner = hosted.runtime.owner
        hosted.runtime.stop()
        await tasks.end(hosted.task, hosted.opening)
        self._by_sub.pop(owner.sub, None)
        await self._mailbox.close(owner.sub)
        if forget:
            await self._mailbox.forget(*forget)
        try:
            await self._database.run(leases.release, {user_id: owner.fence}, self.name)
        except DatabaseError as exc:
            log.warning("worker.release", sub=owner.sub, reason=str(exc))  # it expires by itself
        log.info("runtime.let_go", sub=owner.sub, worker=self.name)

    async def _hand_over(self) -> None:
        for user_id, hosted in tuple(self._hosted.items()):
            await self._let_go(user_id, status_of(hosted.runtime.owner.sub))
        await self._mailbox.forget(worker_of(self.name))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(leases.RENEW_SECONDS)
            fences = {uid: hosted.runtime.owner.fence for uid, hosted in self._hosted.items()}
            try:
                ours = await self._database.run(leases.renew, fences, self.name)
            except DatabaseError as exc:
                # Nobody can take over while PostgreSQL is away, so the owner goes on.
                log.warning("worker.renew", reason=str(exc))
                continue
            for user_id in fences.keys() - ours:
                if user_id in self._hosted:
                    log.warning("runtime.fenced", sub=self._hosted[user_id].runtime.owner.sub)
                    await self._let_go(user_id)

    # -- what is told

    def _received(self, delivery: Delivery) -> None:
        hosted = self._by_sub.get(delivery.sub)
        if hosted is not None:
            hosted.runtime.receive(delivery)

    async def _tell(self) -> None:
        while True:
            at = now_ms()
            for hosted in tuple(self._hosted.values()):
                await self._tell_one(hosted, at)
            await self._mailbox.keep(worker_of(self.name), str(at), STATUS_TTL_SECONDS)
            await asyncio.sleep(TELL_SECONDS)

    async def _tell_now(self, sub: str) -> None:
        """Publish a status before its turn, unless the last one is too recent."""
        at, hosted = now_ms(), self._by_sub.get(sub)
        if hosted is not None and at - hosted.told_at_ms >= TELL_SECONDS * 1_000:
            await self._tell_one(hosted, at)

    async def _tell_one(self, hosted: Hosted, at_ms: int) -> None:
        runtime = hosted.runtime
        now = runtime.status(at_ms)
        shape = status.shape(now)
        due = at_ms - hosted.told_at_ms >= HEARTBEAT_SECONDS * 1_000
        if due:
            runtime.beat()
        elif shape == hosted.told_shape or runtime.is_deciding:
            return
        if shape != hosted.told_shape and not runtime.is_deciding:
            runtime.life = runtime.life.touched()
            now = runtime.status(at_ms)
            shape = status.shape(now)
        channel = status_of(runtime.owner.sub)
        told = await self._mailbox.publish(channel, now.to_json(), keep_seconds=STATUS_TTL_SECONDS)
        if told:
            hosted.told_shape, hosted.told_at_ms = shape, at_ms

    # -- the data plane's health

    async def _watch(self) -> None:
        hung = False
        healthy_since = now_ms()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            at = now_ms()
            if (failure := self.plane.failure) is not None:
                healthy_since = at
                self._nurse(failure.error, failure.where, at)
                continue
            if at - healthy_since > HEALTHY_SECONDS * 1_000:
                self._attempt = 0
            hangs = self.plane.beat_age_ms > status.HANGS_AFTER_MS
            if hangs and not hung:
                for hosted in self._hosted.values():
                    hosted.runtime.complain(
                        "data plane", "error", "The data plane hangs; commands still work."
                    )
            hung = hangs

    def _nurse(self, error: str, where: str, at_ms: int) -> None:
        """The data plane has died: say so, and restart it when its backoff has passed."""
        if not self._restart_at_ms:
            self._attempt += 1
            low, high = PLANE_BACKOFF_SECONDS
            limit = min(high, low * 2 ** (self._attempt - 1))
            pause = random.uniform(low, max(low, limit))  # noqa: S311  # jitter, not a secret
            self._restart_at_ms = at_ms + int(pause * 1_000)
            fault = Fault(
                error=error,
                where=where,
                since=at_ms,
                retry_at=self._restart_at_ms,
                attempt=self._attempt,
            )
            for hosted in self._hosted.values():
                hosted.runtime.faulted(fault)
        if at_ms < self._restart_at_ms:
            return
        self._restart_at_ms = 0
        self.plane.restart()
        for hosted in self._hosted.values():
            hosted.runtime.restarted()
