"""A worker that is gone is noticed by whoever is alive, once, and nobody else is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection
from redis.client import PubSub
from structlog.testing import capture_logs

from control import absence, incidents, leases, wire
from control.absence import Absences, AbsenceWatch
from control.database import Database
from control.incidents import Kind
from control.models import Incident
from control.protocol import SystemEvent, events_of
from livermore import env
from settings_app.models import User
from tests.control.running import eventually, postgresql_away
from tests.settings_app.factories import UserFactory
from trading.ports import Owner

NO_EXCHANGE = {"exchanges": {"coinbase": {"enabled": False}}}


@pytest.fixture
def ann(transactional_db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def bob(ann: User) -> User:
    return UserFactory.create()


def host(*users: User) -> None:
    assert leases.acquire([user.pk for user in users], "w").keys() == {user.pk for user in users}


def expire(*users: User) -> None:
    """Their worker died: their leases run out and nobody renews them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE control_lease SET expires_at = clock_timestamp() WHERE user_id = ANY (%s)",
            [[user.pk for user in users]],
        )


def last_told(user: User) -> str:
    return user.alerts.values_list("detail", flat=True)[0]


def looks(watch: AbsenceWatch, *at: float) -> list[tuple[str, str]]:
    """Whom the watch tells of what, in looks at these moments."""
    return [(sub, event.state) for moment in at for sub, event in watch.look(moment)]


# ---------------------------------------------------------------------- the pure part
@pytest.mark.parametrize(
    ("seen", "gone"),
    [
        ([(0, {1}), (5, {1}), (10, {1})], set()),
        ([(0, {1}), (5, {1}), (10, {1}), (15, {1})], {1}),
        ([(0, {1}), (5, {1}), (10, {1, 2}), (15, {1, 2})], {1}),
        ([(0, {1}), (5, set()), (10, {1}), (15, {1})], set()),  # somebody was there in between
        ([(0, {1}), (3_600, {1}), (3_605, {1})], set()),  # the machine slept
        ([(0, {1}), (5, {1}), (10, {1}), (20, {1})], {1}),  # one look was late
    ],
)
def test_missing_in_every_look_of_a_while_is_gone(
    seen: list[tuple[float, set[int]]], gone: set[int]
) -> None:
    absences = Absences()
    assert [absences.look(missing, at) for at, missing in seen][-1].keys() == gone


def test_whoever_lost_sight_begins_anew() -> None:
    absences = Absences()
    absences.look({1}, 0)
    absences.look({1}, 10)
    absences.lose_sight()
    assert not absences.look({1}, 15)
    assert absences.look({1}, 30).keys() == {1}


# ---------------------------------------------------------------------- with real leases
def test_a_worker_that_died_is_told_once_and_its_return_once(ann: User, bob: User) -> None:
    host(ann, bob)
    expire(ann)
    watch = AbsenceWatch()
    assert looks(watch, 0, 5, 10) == []
    assert looks(watch, 15, 20, 25) == [(ann.sub, "began")]
    assert last_told(ann).startswith("No worker drives this runtime")
    host(ann)
    assert looks(watch, 30, 35) == [(ann.sub, "ended")]
    assert last_told(ann).startswith("A worker drives this runtime again, after ")
    assert not bob.alerts.exists()


def test_a_takeover_is_no_incident(ann: User) -> None:
    host(ann)
    leases.release({ann.pk: 1}, "w")
    watch = AbsenceWatch()
    assert looks(watch, 0, 5, 10) == []
    host(ann)
    assert looks(watch, 15, 20, 25, 30) == []
    assert not Incident.objects.exists()


def test_nobody_misses_a_worker_where_there_never_was_one(ann: User) -> None:
    assert looks(AbsenceWatch(), 0, 5, 10, 15, 20) == []


def test_a_user_no_worker_took_is_missing_where_there_are_workers(ann: User, bob: User) -> None:
    host(ann)
    assert looks(AbsenceWatch(), 0, 5, 10, 15) == [(bob.sub, "began")]


@pytest.mark.parametrize(
    "columns", [{"is_staff": False}, {"is_active": False}, {"document": NO_EXCHANGE}]
)
def test_whom_nobody_is_to_host_is_not_missed(ann: User, columns: dict[str, object]) -> None:
    other = UserFactory.create(**columns)
    host(ann, other)
    expire(other)
    assert looks(AbsenceWatch(), 0, 5, 10, 15) == []


def test_it_is_over_for_whom_nobody_is_to_host_any_more(ann: User) -> None:
    host(ann)
    expire(ann)
    watch = AbsenceWatch()
    looks(watch, 0, 5, 10, 15)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert looks(watch, 20) == [(ann.sub, "ended")]
    assert last_told(ann).startswith("This runtime needs no worker any more")


def test_with_postgresql_away_nobody_is_missing_until_seen_again(ann: User) -> None:
    host(ann)
    expire(ann)
    watch = AbsenceWatch()
    looks(watch, 0, 5, 10)
    connection.close()
    with postgresql_away(), pytest.raises(DatabaseError):
        watch.look(15)
    assert looks(watch, 20, 25, 30) == []
    assert looks(watch, 35) == [(ann.sub, "began")]


def test_another_watch_ends_what_this_one_began(ann: User) -> None:
    host(ann)
    expire(ann)
    looks(AbsenceWatch(), 0, 5, 10, 15)
    host(ann)
    assert looks(AbsenceWatch(), 0) == [(ann.sub, "ended")]


def test_an_absence_ends_when_the_new_worker_says_so(ann: User) -> None:
    host(ann)
    expire(ann)
    watch = AbsenceWatch()
    looks(watch, 0, 5, 10, 15)
    fence = leases.acquire([ann.pk], "heir")[ann.pk]
    owner = Owner(user_id=ann.pk, sub=ann.sub, fence=fence)
    incidents.worker_is_back(owner, Incident.objects.get().began_at)
    assert looks(watch, 20, 25) == []
    assert ann.alerts.count() == 2


def test_who_lacks_a_worker_can_be_asked_of_some_users(ann: User, bob: User) -> None:
    host(ann, bob)
    expire(ann)
    assert [user.sub for user in absence.absent()] == [ann.sub]
    assert absence.absent(only=[bob.username]) == []
    incidents.open_incident(ann.pk, Kind.WORKER_GONE, "", "No worker.", datetime.now(UTC))
    assert absence.absent(told=False) == []
    assert len(absence.absent(only=[ann.username])) == 1


# ---------------------------------------------------------------------- where it runs
@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches that look a hundred times a second."""
    monkeypatch.setattr(absence, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(absence, "WORKER_GONE_SECONDS", 0.05)


@contextmanager
def watches(count: int) -> Iterator[None]:
    """As many web processes' watches, each in its thread."""
    stopping = threading.Event()
    threads = [threading.Thread(target=absence.watch_until, args=(stopping,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.usefixtures("impatient")
def test_several_web_processes_tell_once_and_the_right_user(
    ann: User, bob: User, redis_url: str
) -> None:
    host(ann, bob)
    expire(ann)
    with wire.connect() as redis, redis.pubsub() as heard:
        heard.subscribe(events_of(ann.sub))
        with watches(3):
            began = next_message(heard)
            host(ann)
            ended = next_message(heard)
    assert Incident.objects.count() == 1
    assert ann.alerts.count() == 2
    assert not bob.alerts.exists()
    assert (began.incident, began.state) == ("worker-gone", "began")
    assert (ended.incident, ended.state) == ("worker-gone", "ended")


def next_message(heard: PubSub) -> SystemEvent:
    """What the next message on the channels says."""
    message = eventually(lambda: heard.get_message(ignore_subscribe_messages=True))
    return SystemEvent.model_validate_json(message["data"])


@pytest.mark.usefixtures("impatient")
def test_a_watch_outlives_postgresql_and_what_it_cannot_foresee(
    ann: User, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host(ann)
    expire(ann)
    failed = threading.Event()
    began = absence._begin

    def fails_once(*args: object) -> object:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("nobody thought of it")
        return began(*args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(absence, "_begin", fails_once)
    with watches(1):
        with postgresql_away(), capture_logs() as lines:
            eventually(lambda: [line for line in lines if line["event"] == "absence.not_seen"])
        eventually(ann.alerts.exists)
    assert failed.is_set()


@pytest.mark.usefixtures("impatient")
def test_a_worker_watches_as_well(ann: User, redis_url: str) -> None:
    host(ann)
    expire(ann)
    database, told = Database(threads=1), []

    async def watch_until_told() -> None:
        heard = asyncio.Event()

        async def publish(channel: str, text: str) -> bool:
            told.append((channel, text))
            heard.set()
            return True

        watching = asyncio.create_task(absence.watch_in_worker(database, publish))
        async with asyncio.timeout(20):
            await heard.wait()
        watching.cancel()

    asyncio.run(watch_until_told())
    database.close()
    [(channel, text)] = told
    assert channel == events_of(ann.sub)
    assert '"incident":"worker-gone"' in text


def test_a_web_process_watches_from_its_beginning_once() -> None:
    code = (
        "import livermore.asgi, threading; from control import absence;"
        "watches = lambda: [t.daemon for t in threading.enumerate() if t.name == 'absence watch'];"
        "print(watches()); absence.watch_in_background(); print(watches())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=env.PROJECT,
        env=os.environ
        | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["[True]", "[True]"]
