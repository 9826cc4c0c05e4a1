"""Whom a worker takes on, keeps and lets go, and that one user's trouble is that user's alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from django.db import connection

from control import leases
from control.hosting import Hosting
from control.models import Lease
from control.protocol import status_of
from control.sinks import QueuedSinks
from control.surroundings import Surroundings
from control.worker import Worker
from settings_app import desired
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.recording import queries, recorded
from tests.control.running import RunningWorker, eventually, running_worker
from trading.net.endpoints import Endpoints
from trading.plane import DataPlane
from trading.ports import Owner, Shelf

pytestmark = pytest.mark.timeout(120)

MANY = 40


class Host:
    """Hosting without the rest of a worker: it polls when a test says so."""

    def __init__(self, around: Surroundings, came: Callable[[Owner], None]) -> None:
        self.around = around
        self.hosting = Hosting(around, only=(), came=came, left=lambda owner: None)

    async def poll(self) -> None:
        """One look at whom PostgreSQL wants hosted."""
        rows = await self.around.database.run(desired.hosted_users)
        async with asyncio.timeout(10):
            await self.hosting._follow(rows)

    def hosts(self, user: User) -> bool:
        """Whether it drives this user."""
        return self.hosting.of(user.sub) is not None


@asynccontextmanager
async def host(
    endpoints: dict[str, Endpoints], came: Callable[[Owner], None] = lambda owner: None
) -> AsyncIterator[Host]:
    """Hosting in the surroundings of a worker that does nothing else."""

    def plane(sinks: QueuedSinks, shelf: Shelf) -> DataPlane:
        return DataPlane(endpoints=endpoints, sinks=sinks, shelf=shelf)

    worker = Worker(make_plane=plane)
    made = Host(worker._hosting._around, came)
    worker.plane.start()
    try:
        yield made
    finally:
        await made.hosting.let_all_go()
        made.hosting.close()
        worker.plane.stop()
        await worker._sinks.aclose()
        await worker._shelf.aclose()
        await worker._mailbox.aclose()
        worker._hosting.close()
        worker._database.close()


def expire() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE control_lease SET expires_at = clock_timestamp()")
    connection.close()


def free_leases() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id FROM control_lease WHERE expires_at <= clock_timestamp()")
        found = {user_id for (user_id,) in cursor.fetchall()}
    connection.close()
    return found


async def test_nobody_is_taken_on_before_they_have_been_let_go(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    async with host(endpoints) as here:
        await here.poll()
        [hosted] = here.hosting
        await hosted.opening
        async with here.around.mailbox._received[anna.sub].reading:  # it waits for a read
            leaving = asyncio.create_task(here.hosting.let_go(hosted))
            await asyncio.sleep(0)  # it begins
            assert not here.hosts(anna)
            await asyncio.to_thread(expire)
            await here.poll()
            assert not here.hosts(anna)
        await leaving
        await here.poll()
        [again] = here.hosting
        await again.opening
        assert anna.sub in here.around.mailbox._open


async def test_one_that_cannot_be_hosted_is_given_back_and_the_others_are_hosted(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    def refuse_anna(owner: Owner) -> None:
        if owner.sub == anna.sub:
            raise ValueError("a drill")

    async with host(endpoints, refuse_anna) as here:
        await here.poll()
        assert not here.hosts(anna)
        assert here.hosts(bela)
        assert await asyncio.to_thread(free_leases) == {anna.pk}


async def test_leases_are_prolonged_however_long_commands_wait_for_postgresql(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    async with host(endpoints) as here:
        await here.poll()
        await asyncio.to_thread(expire)
        all_wait, ends = threading.Barrier(5), threading.Event()

        def wait() -> None:
            all_wait.wait(20)
            ends.wait(20)

        waiting = [asyncio.create_task(here.around.database.run(wait)) for _ in range(4)]
        await asyncio.to_thread(all_wait.wait, 20)
        try:
            async with asyncio.timeout(5):
                await here.hosting.renew()
        finally:
            ends.set()
            await asyncio.gather(*waiting)
        assert await asyncio.to_thread(free_leases) == set()


async def test_whoever_was_taken_over_is_let_go_and_the_others_are_kept(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    def take_over() -> None:
        Lease.objects.filter(user=anna).update(owner="another", fence=99)
        connection.close()

    async with host(endpoints) as here:
        await here.poll()
        await asyncio.to_thread(take_over)
        await here.hosting.renew()
        assert not here.hosts(anna)
        assert here.hosts(bela)


def test_a_user_with_a_mode_of_a_newer_program_is_left_to_that_and_others_are_hosted(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    User.objects.filter(pk=anna.pk).update(runtime_mode="scalper-next")
    with running_worker(endpoints) as worker:
        eventually(lambda: Lease.objects.filter(user=bela).exists())
        eventually(lambda: len(tuple(hosting_of(worker))) == 1)
        assert not Lease.objects.filter(user=anna).exists()
        User.objects.filter(pk=anna.pk).update(runtime_mode="scalper-macdv")
        eventually(lambda: hosting_of(worker).of(anna.sub))
        User.objects.filter(pk=anna.pk).update(runtime_mode="scalper-next")
        eventually(lambda: hosting_of(worker).of(anna.sub) is None)
        eventually(lambda: leases.acquire([anna.pk], "newer"))
        assert hosting_of(worker).of(bela.sub)


def test_many_are_handed_over_with_one_word_to_each_server(
    transactional_db: None, redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    users = [trader("BTC-USD", is_paused=True) for _ in range(MANY)]
    with running_worker(endpoints) as worker:
        eventually(lambda: all(status_is_kept(worker, user) for user in users))
        with recorded(redis_url) as done, queries() as asked:
            worker.stop()
    statuses = {status_of(user.sub) for user in users}
    assert [each.name for each in done].count("UNSUBSCRIBE") == 1
    removed = {name for each in done if each.name == "UNLINK" for name in each.touched}
    assert removed >= statuses
    assert [each.name for each in done].count("XGROUP") == len(users)
    assert sum("fence = lease.fence + 1" in query.text for query in asked) == 1
    assert free_leases() == {user.pk for user in users}


def hosting_of(worker: RunningWorker) -> Hosting:
    assert worker.worker is not None
    return worker.worker._hosting


def status_is_kept(worker: RunningWorker, user: User) -> bool:
    hosted = hosting_of(worker).of(user.sub)
    return hosted is not None and hosted.opening.done() and hosted.told_at_ms > 0
