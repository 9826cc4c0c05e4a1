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
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from control import leases, ledger, sinks, status, tasks, wire
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
from control.standstill import Standstill
from settings_app import desired
from settings_app.desired import HostedUser
from trading.plane import DataPlane, PlaneFailure
from trading.ports import Owner

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0  # a hand-over within two seconds waits for one of these
TELL_SECONDS = 0.2  # at most five statuses a second for one user
WATCH_SECONDS = 0.2
PLANE_BACKOFF_SECONDS = (1.0, 60.0)
HEALTHY_SECONDS = 60.0
FLUSH_SECONDS = 1.0
FORGET_SECONDS = 0.5
RELEASE_SECONDS = 1.0
PRUNE_SECONDS = 3_600.0
# After a longer standstill the lease that was to be renewed may have run out.
STANDSTILL_SECONDS = leases.TTL_SECONDS - 2 * leases.RENEW_SECONDS
LEASED_AT_ONCE = 20


@dataclass(slots=True)
class Hosted:
    """A runtime with its task and what was last told of it."""

    runtime: Runtime
    task: asyncio.Task[None]
    answering: asyncio.Task[None]
    opening: asyncio.Task[None]  # waits for Redis, which must not delay what PostgreSQL wants
    told_shape: int = 0
    told_at_ms: int = 0

    @property
    def error(self) -> BaseException | None:
        """What has ended one of its tasks that should have gone on."""
        for task in (self.task, self.answering, self.opening):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                return error
        return None


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
            fault=self._current_fault,
        )
        self._sinks.on_dropped(self._alerts_dropped)
        self._sinks.tell_only(self._may_tell)
        self._hosted: dict[int, Hosted] = {}
        self._by_sub: dict[str, Hosted] = {}
        self._stopping = asyncio.Event()
        self._standstill = Standstill(STANDSTILL_SECONDS, time.monotonic())
        self._doubtful: list[Delivery] = []  # received before it was clear whose they are
        self._fault: Fault | None = None
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
            "prune": self._prune,
            "write alerts": self._sinks.write_alerts,
            "write to Redis": self._sinks.write_to_redis,
        }
        running = {
            name: asyncio.create_task(self._keep_alive(name, body), name=name)
            for name, body in side_tasks.items()
        }
        stopping = asyncio.create_task(self._stopping.wait(), name="stopping")
        try:
            # A side task never ends by itself; if one does, this worker is not to be trusted.
            await asyncio.wait({stopping, *running.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._shut_down(running)

    async def _shut_down(self, running: dict[str, asyncio.Task[None]]) -> None:
        # Whoever takes users on stops first, or it would take back what is handed over.
        await tasks.end(running.pop("poll"), running.pop("renew"))
        for hosted in self._hosted.values():
            hosted.runtime.stop()
        await tasks.end(running.pop("write alerts"))
        await self._sinks.flush(FLUSH_SECONDS)
        # Side by side: many users, or a Redis that does not answer, must not cost one after another.
        leaving = tuple(self._hosted.values())
        await asyncio.gather(*(self._let_go(h, status_of(h.runtime.owner.sub)) for h in leaving))
        await tasks.end(*running.values())
        await self._mailbox.forget(worker_of(self.name))
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
                text = f"the worker's task '{name}' failed ({type(exc).__name__}) and began again"
                for hosted in self._hosted.values():
                    hosted.runtime.complain("worker", "error", text)
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
                await self._follow(
                    await self._database.run(desired.hosted_users, self._only or None)
                )
            except DatabaseError as exc:
                log.warning("worker.poll", reason=str(exc).strip())
            await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, rows: Collection[HostedUser]) -> None:
        wanted = {row.user_id: row for row in rows}
        for user_id, hosted in tuple(self._hosted.items()):
            try:
                await self._follow_one(hosted, wanted.get(user_id))
            except DatabaseError:
                raise
            except Exception:  # one user's trouble is that user's alone
                log.exception("worker.follow", sub=hosted.runtime.owner.sub)
                hosted.runtime.complain("worker", "error", "following the database failed")
        free = [row for user_id, row in wanted.items() if user_id not in self._hosted]
        # A few at a time: whoever is leased is hosted well before the lease runs out.
        for start in range(0, len(free), LEASED_AT_ONCE):
            part = free[start : start + LEASED_AT_ONCE]
            fences = await self._database.run(
                leases.acquire, [row.user_id for row in part], self.name
            )
            for row in part:
                if (fence := fences.get(row.user_id)) is not None:
                    await self._host(Owner(user_id=row.user_id, sub=row.sub, fence=fence))

    async def _follow_one(self, hosted: Hosted, row: HostedUser | None) -> None:
        owner = hosted.runtime.owner
        if row is None:
            forget = [status_of(owner.sub)]
            if not await self._database.run(desired.is_active, owner.user_id):
                forget += [commands_of(owner.sub), history_of(owner.sub)]
            await self._let_go(hosted, *forget)
        elif (error := hosted.error) is not None:
            if isinstance(error, leases.Fenced):
                log.warning("runtime.fenced", sub=owner.sub, reason=str(error))
            else:
                log.error("runtime.crashed", sub=owner.sub, exc_info=error)
            await self._let_go(hosted)
        elif hosted.runtime.is_behind(row.desired.revision, row.settings_revision):
            await hosted.runtime.reconcile()

    async def _host(self, owner: Owner) -> None:
        today, last = await self._database.run(sinks.signals_so_far, owner.user_id)
        self._signals.start(owner.sub, today=today, last_at_ms=last)
        runtime = Runtime(owner, self._around)
        sub, begin = owner.sub, asyncio.create_task
        self._by_sub[sub] = self._hosted[owner.user_id] = Hosted(
            runtime=runtime,
            task=begin(runtime.obey(), name=f"runtime of {sub}"),
            answering=begin(runtime.answer_at_once(), name=f"answers of {sub}"),
            opening=begin(self._mailbox.open(sub), name=f"mailbox of {sub}"),
        )
        log.info("runtime.hosted", sub=sub, fence=owner.fence, worker=self.name)

    async def _let_go(self, hosted: Hosted, *forget: str) -> None:
        """Stop driving a user, remove the names given, and then free the lease."""
        owner = hosted.runtime.owner
        if self._hosted.get(owner.user_id) is not hosted:
            return  # somebody else lets it go already
        hosted.runtime.stop()
        del self._hosted[owner.user_id], self._by_sub[owner.sub]
        await tasks.end(hosted.task, hosted.answering, hosted.opening)
        try:
            async with asyncio.timeout(FORGET_SECONDS):
                await self._mailbox.close(owner.sub)
                if forget:
                    await self._mailbox.forget(*forget)
        except TimeoutError:
            log.warning("worker.forget", sub=owner.sub, reason="Redis does not answer")
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._database.run(leases.release, {owner.user_id: owner.fence}, self.name)
        except (DatabaseError, TimeoutError) as exc:
            log.warning("worker.release", sub=owner.sub, reason=str(exc))  # it expires by itself
        log.info("runtime.let_go", sub=owner.sub, worker=self.name)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(leases.RENEW_SECONDS)
            noticed = self._standstill.noticed(time.monotonic())
            await self._renew_once()
            self._standstill.answered(noticed)
            doubtful, self._doubtful = self._doubtful, []
            for delivery in doubtful:
                self._received(delivery)

    async def _renew_once(self) -> None:
        fences = {uid: hosted.runtime.owner.fence for uid, hosted in self._hosted.items()}
        try:
            ours = await self._database.run(leases.renew, fences, self.name)
        except DatabaseError as exc:
            # Nobody can take over while PostgreSQL is away, so the owner goes on.
            log.warning("worker.renew", reason=str(exc))
            return
        for user_id in fences.keys() - ours:
            hosted = self._hosted.get(user_id)
            if hosted is not None and hosted.runtime.owner.fence == fences[user_id]:
                log.warning("runtime.fenced", sub=hosted.runtime.owner.sub)
                await self._let_go(hosted)

    async def _prune(self) -> None:
        while True:
            try:
                await self._database.run(ledger.prune)
            except DatabaseError as exc:
                log.warning("worker.prune", reason=str(exc).strip())
            await asyncio.sleep(PRUNE_SECONDS)

    def _alerts_dropped(self, sub: str, message: str) -> None:
        hosted = self._by_sub.get(sub)
        if hosted is not None:
            hosted.runtime.complain("alerts", "error", message)

    # -- what is told

    def _received(self, delivery: Delivery) -> None:
        hosted = self._by_sub.get(delivery.sub)
        if hosted is None:
            return
        if self._standstill.is_open(time.monotonic()):
            self._doubtful.append(delivery)
        else:
            hosted.runtime.receive(delivery)

    def _may_tell(self, sub: str) -> bool:
        """Whether this worker speaks for a user, as far as it can know."""
        return sub in self._by_sub and not self._standstill.is_open(time.monotonic())

    async def _tell(self) -> None:
        while True:
            at = now_ms()
            for hosted in tuple(self._hosted.values()):
                await self._tell_one(hosted, at)
            await self._mailbox.keep(worker_of(self.name), str(at), STATUS_TTL_SECONDS)
            await asyncio.sleep(TELL_SECONDS)

    async def _tell_now(self, sub: str) -> None:
        """Let the status that goes with an answer be there before it.

        The key always; the publication only if its turn has come, for those have a rate.
        """
        at, hosted = now_ms(), self._by_sub.get(sub)
        if hosted is None or not self._may_tell(sub):
            return
        if at - hosted.told_at_ms >= TELL_SECONDS * 1_000:
            await self._tell_one(hosted, at)
        else:
            now = hosted.runtime.status(at).to_json()
            await self._mailbox.keep(status_of(sub), now, STATUS_TTL_SECONDS)

    async def _tell_one(self, hosted: Hosted, at_ms: int) -> None:
        runtime = hosted.runtime
        if self._hosted.get(runtime.owner.user_id) is not hosted:
            return  # let go meanwhile: nothing is told of it any more
        if not self._may_tell(runtime.owner.sub):
            return
        runtime.watch_links()
        due = at_ms - hosted.told_at_ms >= HEARTBEAT_SECONDS * 1_000
        has_changed = runtime.shape() != hosted.told_shape
        if due:
            runtime.beat()
        elif not has_changed or runtime.is_deciding:
            return
        if has_changed and not runtime.is_deciding:
            runtime.life = runtime.life.touched()
        shape, now = runtime.shape(), runtime.status(at_ms)
        told = await self._mailbox.publish(
            status_of(runtime.owner.sub), now.to_json(), keep_seconds=STATUS_TTL_SECONDS
        )
        if told:
            hosted.told_shape, hosted.told_at_ms = shape, at_ms

    # -- the data plane's health

    async def _watch(self) -> None:
        hung = False
        healthy_since = now_ms()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self._standstill.noticed(time.monotonic())  # often, whatever else has to wait
            at = now_ms()
            if (failure := self.plane.failure) is not None:
                healthy_since = at
                self._nurse(failure, at)
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

    def _current_fault(self) -> Fault | None:
        failure = self.plane.failure
        if failure is None or self._fault is not None:
            return self._fault
        # Just now; when it will be restarted is decided with the next look.
        at = failure.at_ms
        return Fault(error=failure.error, where=failure.where, since=at, retry_at=at, attempt=1)

    def _nurse(self, failure: PlaneFailure, at_ms: int) -> None:
        """The data plane has died: say so, and restart it when its backoff has passed."""
        if self._fault is None:
            self._attempt += 1
            low, high = PLANE_BACKOFF_SECONDS
            limit = min(high, low * 2 ** (self._attempt - 1))
            pause = random.uniform(low, max(low, limit))  # noqa: S311  # jitter, not a secret
            self._fault = Fault(
                error=failure.error,
                where=failure.where,
                since=failure.at_ms,
                retry_at=at_ms + int(pause * 1_000),
                attempt=self._attempt,
            )
            for hosted in self._hosted.values():
                hosted.runtime.complain(failure.where, "error", failure.error)
                hosted.runtime.plane_changed()
        if at_ms < self._fault.retry_at:
            return
        self.plane.restart()
        self._fault = None
        for hosted in self._hosted.values():
            hosted.runtime.plane_changed()
