"""Who is hosted by this worker: whom it may drive, and how it takes them on and lets them go.

Rule 1: a user is driven only while their lease is held, and let go on the way out.
Rule 2: one user's trouble is that user's alone: nothing here waits for a single runtime.
Rule 3: leases and the poll have a thread of their own: however long everybody's commands wait for
    PostgreSQL, what is held is prolonged. So nothing that may wait for a row runs in that thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseError

from control import leases, tasks
from control.alerts import signals_so_far
from control.database import AWAY, Database
from control.protocol import commands_of, history_of, status_of
from control.runtime import Runtime
from control.surroundings import Surroundings
from settings_app import desired
from settings_app.desired import HostedUser
from trading.ports import Owner

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0  # a hand-over within two seconds waits for one of these
FORGET_SECONDS = 0.5
RELEASE_SECONDS = 1.0
LEASED_AT_ONCE = 20


@dataclass(slots=True)
class Hosted:
    """A runtime with its tasks and what was last told of it."""

    runtime: Runtime
    task: asyncio.Task[None]
    answering: asyncio.Task[None]
    opening: asyncio.Task[None]  # waits for Redis, which must not delay what PostgreSQL wants
    told_shape: int = 0
    told_version: int = 0
    told_at_ms: int = 0

    def told(self, shape: int, version: int, at_ms: int) -> None:
        """Note what Redis has taken of it."""
        self.told_shape, self.told_version, self.told_at_ms = shape, version, at_ms

    @property
    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """All that goes on for it."""
        return self.task, self.answering, self.opening

    @property
    def error(self) -> BaseException | None:
        """What has ended one of its tasks that should have gone on."""
        for task in self.tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                return error
        return None


class Hosting:
    """The users that this worker drives.

    Args:
        around: What their runtimes share.
        only: Names of the users that may be hosted; none: everybody may.
        came: Told of whoever is driven here from now on.
        left: Told of whoever is driven here no more.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        only: Collection[str],
        came: Callable[[Owner], None],
        left: Callable[[Owner], None],
    ) -> None:
        self._around = around
        self._only = tuple(only)
        self._came = came
        self._left = left
        self._database = Database(threads=1)
        self._hosted: dict[int, Hosted] = {}
        self._by_sub: dict[str, Hosted] = {}
        self._leaving: set[int] = set()  # not to be taken on before they have been let go

    def __iter__(self) -> Iterator[Hosted]:
        return iter(tuple(self._hosted.values()))

    def of(self, sub: str) -> Hosted | None:
        """The runtime of a user; None: it is not here."""
        return self._by_sub.get(sub)

    def has(self, hosted: Hosted) -> bool:
        """Whether it has not been let go meanwhile."""
        return self._hosted.get(hosted.runtime.owner.user_id) is hosted

    # -- following the database

    async def follow(self) -> None:
        """Poll until cancelled: whoever is to be hosted, is; whose wishes moved, is told so."""
        while True:
            try:
                rows = await self._database.run(desired.hosted_users, self._only or None)
            except DatabaseError as exc:
                log.warning("worker.poll", reason=str(exc).strip())
            else:
                await self._follow(rows)
            await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, rows: Collection[HostedUser]) -> None:
        wanted = {row.user_id: row for row in rows}
        for hosted in self:
            try:
                await self._follow_one(hosted, wanted.get(hosted.runtime.owner.user_id))
            except DatabaseError as exc:
                log.warning("worker.follow", sub=hosted.runtime.owner.sub, reason=str(exc).strip())
            except Exception:  # one user's trouble is that user's alone
                log.exception("worker.follow", sub=hosted.runtime.owner.sub)
                hosted.runtime.reports.complain("worker", "error", "following the database failed")
        ours = self._hosted.keys() | self._leaving
        free = [row for user_id, row in wanted.items() if user_id not in ours]
        # A few at a time: whoever is leased is hosted well before the lease runs out.
        for start in range(0, len(free), LEASED_AT_ONCE):
            try:
                await self._take_on(free[start : start + LEASED_AT_ONCE])
            except DatabaseError as exc:
                log.warning("worker.take_on", reason=str(exc).strip())

    async def _follow_one(self, hosted: Hosted, row: HostedUser | None) -> None:
        owner = hosted.runtime.owner
        if row is None:
            await self.let_go(hosted, status_of(owner.sub), *await self._left_behind(owner))
        elif (error := hosted.error) is not None:
            if isinstance(error, leases.Fenced):
                log.warning("runtime.fenced", sub=owner.sub, reason=str(error))
            else:
                log.error("runtime.crashed", sub=owner.sub, exc_info=error)
            await self.let_go(hosted, *await self._left_behind(owner))
        else:
            hosted.runtime.catch_up(row.desired.revision, row.settings_revision)

    async def _take_on(self, rows: Collection[HostedUser]) -> None:
        user_ids, worker = [row.user_id for row in rows], self._around.worker
        fences = await self._database.run(leases.acquire, user_ids, worker)
        unhosted = dict(fences)
        try:
            for row in rows:
                if (fence := fences.get(row.user_id)) is None:
                    continue  # another worker's
                if await self._could_host(Owner(user_id=row.user_id, sub=row.sub, fence=fence)):
                    del unhosted[row.user_id]
        finally:  # a lease that nobody is driven by is in everybody's way
            if unhosted:
                await self._release(self._database, unhosted)

    async def _could_host(self, owner: Owner) -> bool:
        try:
            await self._host(owner)
        except AWAY:
            raise
        except Exception:  # one user's trouble is that user's alone
            log.exception("worker.host", sub=owner.sub)
            return False
        return True

    async def _host(self, owner: Owner) -> None:
        around, sub, begin = self._around, owner.sub, asyncio.create_task
        today, last = await self._database.run(signals_so_far, owner.user_id)
        around.signals.start(sub, today=today, last_at_ms=last)
        runtime = Runtime(owner, around)
        self._came(owner)
        # From here on nothing fails: a lease is either hosted or given back.
        self._by_sub[sub] = self._hosted[owner.user_id] = Hosted(
            runtime=runtime,
            task=begin(runtime.obey(), name=f"runtime of {sub}"),
            answering=begin(runtime.answer(), name=f"answers of {sub}"),
            opening=begin(around.mailbox.open(sub), name=f"mailbox of {sub}"),
        )
        log.info("runtime.hosted", sub=sub, fence=owner.fence, worker=around.worker)

    # -- letting go

    async def _left_behind(self, owner: Owner) -> list[str]:
        """The names of a user who was deactivated, or deleted: then the lease went as well."""
        if await self._database.run(desired.is_active, owner.user_id):
            return []
        self._around.clear(owner.sub, "")  # the kept answers are many
        return [status_of(owner.sub), commands_of(owner.sub), history_of(owner.sub)]

    async def let_go(self, hosted: Hosted, *forget: str) -> None:
        """Stop driving a user, remove the names given, and then free the lease."""
        owner = hosted.runtime.owner
        if not self.has(hosted):
            return  # somebody else lets it go already
        self._part_from(hosted)
        self._leaving.add(owner.user_id)
        try:
            await tasks.end(*hosted.tasks)
            await self._forget(self._around.mailbox.close(owner.sub), forget)
            await self._release(self._around.database, {owner.user_id: owner.fence})
        finally:
            self._leaving.discard(owner.user_id)
        log.info("runtime.let_go", sub=owner.sub, worker=self._around.worker)

    async def let_all_go(self) -> None:
        """Hand everybody over at once: a server that does not answer costs its time once."""
        everybody, worker = tuple(self), self._around.worker
        for hosted in everybody:
            self._part_from(hosted)
        await tasks.end(*(task for hosted in everybody for task in hosted.tasks))
        subs = [hosted.runtime.owner.sub for hosted in everybody]
        await self._forget(self._around.mailbox.close_all(), [status_of(sub) for sub in subs])
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                # In the thread that took them: also what was just being taken is given back.
                await self._database.run(leases.release_all, worker)
        except (DatabaseError, TimeoutError) as exc:
            log.warning("worker.release", reason=str(exc))  # they expire by themselves
        for sub in subs:
            log.info("runtime.let_go", sub=sub, worker=worker)

    def close(self) -> None:
        """End the thread of the leases."""
        self._database.close()

    def _part_from(self, hosted: Hosted) -> None:
        owner = hosted.runtime.owner
        hosted.runtime.stop()
        del self._hosted[owner.user_id], self._by_sub[owner.sub]
        self._left(owner)

    async def _forget(self, closing: Awaitable[None], names: Collection[str]) -> None:
        try:
            async with asyncio.timeout(FORGET_SECONDS):
                await closing
                if names:
                    await self._around.mailbox.forget(*names)
        except TimeoutError:
            log.warning("worker.forget", names=len(names), reason="Redis does not answer")

    async def _release(self, database: Database, fences: Mapping[int, int]) -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await database.run(leases.release, fences, self._around.worker)
        except (DatabaseError, TimeoutError) as exc:
            log.warning("worker.release", reason=str(exc))  # they expire by themselves

    # -- keeping the leases

    async def renew(self) -> None:
        """Prolong every lease once, and let go of whoever was taken over."""
        fences = {h.runtime.owner.user_id: h.runtime.owner.fence for h in self}
        try:
            ours = await self._database.run(leases.renew, fences, self._around.worker)
        except DatabaseError as exc:
            # Nobody can take over while PostgreSQL is away, so the owner goes on.
            log.warning("worker.renew", reason=str(exc))
            return
        lost = {user_id: fences[user_id] for user_id in fences.keys() - ours}
        # Side by side: the next renewal does not wait for each of them in turn.
        await asyncio.gather(
            *(
                self._lose(hosted)
                for hosted in self
                if lost.get(hosted.runtime.owner.user_id) == hosted.runtime.owner.fence
            )
        )

    async def _lose(self, hosted: Hosted) -> None:
        owner = hosted.runtime.owner
        log.warning("runtime.fenced", sub=owner.sub)
        try:
            names = await self._left_behind(owner)
        except DatabaseError as exc:
            log.warning("worker.left_behind", sub=owner.sub, reason=str(exc).strip())
            names = []  # they vanish by themselves
        await self.let_go(hosted, *names)
