"""The clockwork: what is due fires, for hosted users only, through every absence."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InternalError, OperationalError, connection
from pytest_django import Settings as Configuration
from structlog.testing import capture_logs

from control import leases, planned, wire
from control.database import Database
from control.models import Lease, PlannedCommand
from control.planner import Planner
from control.protocol import commands_of
from settings_app import desired
from settings_app.models import User
from settings_app.schema.runtime import ScheduledCommand
from tests.control.running import postgresql_away, postgresql_read_only
from trading.ports import Owner

EVE = datetime(2036, 6, 1, 12, tzinfo=UTC)
NIGHT = EVE.replace(hour=22)
PAUSE = ScheduledCommand(at="22:00", command="pause")
RESUME = ScheduledCommand(at="22:05", timezone="Asia/Kolkata", command="resume")


class Clockwork:
    """A planner whose clock a test sets, and what it complained of."""

    def __init__(self) -> None:
        self.now = EVE
        self.complaints: list[tuple[str, str, str, str]] = []
        self.database = Database(threads=1)
        self.planner = Planner(
            self.database, lambda *said: self.complaints.append(said), clock=lambda: self.now
        )

    def turn(self, now: datetime) -> None:
        """One turn, at this moment."""
        self.now = now
        asyncio.run(self.planner.turn())


@pytest.fixture
def clockwork(transactional_db: None, redis_url: str) -> Iterator[Clockwork]:
    made = Clockwork()
    yield made
    made.database.close()


def leased(user: User) -> Owner:
    fence = leases.acquire([user.pk], "w")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


def sent_to(user: User) -> list[tuple[Any, Any]]:
    """Command and origin of everything in a user's stream."""
    with wire.connect() as redis:
        entries: Any = redis.xrange(commands_of(user.sub))
    return [(json.loads(f["command"]), json.loads(f["origin"])) for _, f in entries]


def test_what_is_due_is_recorded_and_sent_to_its_user_alone(
    clockwork: Clockwork, anna: User, bela: User
) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.planner.follow(leased(bela), (PAUSE.model_copy(update={"command": "resume"}),))
    clockwork.turn(EVE)
    assert sent_to(anna) == []
    clockwork.turn(NIGHT)
    [(command, origin)] = sent_to(anna)
    assert (command["command"], command["source"]) == ("pause", "system")
    assert command["desiredRevision"] == desired.read_desired(anna.pk).revision
    assert origin == {"who": anna.username, "via": "schedule"}
    clockwork.turn(NIGHT)
    assert len(sent_to(anna)) == 1
    assert desired.read_desired(anna.pk).is_paused
    assert [command["command"] for command, _ in sent_to(bela)] == ["resume"]
    assert not desired.read_desired(bela.pk).is_paused


def test_what_is_next_is_known_in_words(clockwork: Clockwork, anna: User, bela: User) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE, RESUME))
    clockwork.turn(EVE)
    first = clockwork.planner.next_of(anna.sub)
    assert first is not None
    assert first.command == "resume"
    assert first.at == int(EVE.replace(hour=16, minute=35).timestamp()) * 1_000
    assert first.text == "resume at 22:05, Asia/Kolkata"
    clockwork.turn(EVE.replace(hour=16, minute=35))
    second = clockwork.planner.next_of(anna.sub)
    assert second is not None
    assert (second.at, second.text) == (int(NIGHT.timestamp()) * 1_000, "pause at 22:00, UTC")
    assert clockwork.planner.next_of(bela.sub) is None


def test_a_user_let_go_of_is_not_fired_for_and_keeps_the_rows(
    clockwork: Clockwork, anna: User
) -> None:
    owner = leased(anna)
    clockwork.planner.follow(owner, (PAUSE,))
    clockwork.turn(EVE)
    clockwork.planner.forget(anna.sub)
    clockwork.turn(NIGHT)
    assert sent_to(anna) == []
    assert clockwork.planner.next_of(anna.sub) is None
    # Whoever hosts the user next finds what was missed.
    clockwork.planner.follow(owner, (PAUSE,))
    clockwork.turn(NIGHT + timedelta(minutes=1))
    assert len(sent_to(anna)) == 1


def test_a_fenced_off_worker_fires_nothing_and_goes_on_for_others(
    clockwork: Clockwork, anna: User, bela: User
) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.planner.follow(leased(bela), (PAUSE,))
    clockwork.turn(EVE)
    Lease.objects.filter(user=anna).update(fence=99)
    clockwork.turn(NIGHT)
    assert sent_to(anna) == []
    assert not desired.read_desired(anna.pk).is_paused
    assert len(sent_to(bela)) == 1
    assert clockwork.complaints == []  # it is the new worker's to show anything


def test_a_saved_schedule_is_followed_at_the_next_turn(clockwork: Clockwork, anna: User) -> None:
    owner = leased(anna)
    clockwork.planner.follow(owner, (PAUSE,))
    clockwork.turn(EVE)
    clockwork.planner.follow(owner, ())
    clockwork.turn(NIGHT)
    assert sent_to(anna) == []
    assert not PlannedCommand.objects.exists()


def test_the_same_schedule_once_more_asks_postgresql_nothing(
    clockwork: Clockwork, anna: User
) -> None:
    owner = leased(anna)
    clockwork.planner.follow(owner, (PAUSE,))
    clockwork.turn(EVE)
    clockwork.database.close()  # whoever asks now fails
    clockwork.planner.follow(owner, (PAUSE,))
    clockwork.turn(NIGHT - timedelta(seconds=1))
    assert clockwork.complaints == []


def test_with_redis_away_the_intent_is_recorded_for_the_poll(
    clockwork: Clockwork, anna: User, settings: Configuration
) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.turn(EVE)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wire.shared.cache_clear()
    try:
        with capture_logs() as lines:
            clockwork.turn(NIGHT)
    finally:
        wire.shared.cache_clear()
    assert desired.read_desired(anna.pk).is_paused
    [line] = [line for line in lines if line["event"] == "schedule.recorded_not_sent"]
    assert line["sub"] == anna.sub


def test_with_postgresql_away_it_fires_when_that_is_back(clockwork: Clockwork, anna: User) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.turn(EVE)
    with postgresql_away(), pytest.raises(OperationalError):
        clockwork.turn(NIGHT)
    clockwork.turn(NIGHT + timedelta(minutes=1))
    assert len(sent_to(anna)) == 1


def test_a_postgresql_that_may_only_be_read_is_away_as_well(
    clockwork: Clockwork, anna: User
) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.turn(EVE)
    with postgresql_read_only(), pytest.raises(InternalError):
        clockwork.turn(NIGHT)
    assert clockwork.complaints == []
    clockwork.turn(NIGHT + timedelta(minutes=1))
    assert len(sent_to(anna)) == 1


def test_whoever_is_followed_anew_while_the_old_lease_fails_keeps_the_schedule(
    clockwork: Clockwork, anna: User
) -> None:
    owner = leased(anna)
    clockwork.planner.follow(owner, (PAUSE,))

    def take_on_again() -> Owner:
        leases.release({owner.user_id: owner.fence}, "w")
        again = leased(anna)
        connection.close()
        return again

    async def let_go_and_come_back() -> None:
        begun, ends = threading.Event(), threading.Event()

        def wait() -> None:
            begun.set()
            ends.wait(20)

        waiting = asyncio.create_task(clockwork.database.run(wait))
        await asyncio.to_thread(begun.wait, 20)
        turning = asyncio.create_task(clockwork.planner.turn())  # its rows wait for the thread
        await asyncio.sleep(0)
        clockwork.planner.forget(anna.sub)
        clockwork.planner.follow(await asyncio.to_thread(take_on_again), (PAUSE,))
        ends.set()
        await asyncio.gather(waiting, turning)

    asyncio.run(let_go_and_come_back())
    clockwork.turn(EVE)
    assert clockwork.planner.next_of(anna.sub) is not None
    clockwork.turn(NIGHT)
    assert len(sent_to(anna)) == 1


def test_what_was_skipped_is_among_the_errors_unless_somebody_wanted_it_so(
    clockwork: Clockwork, anna: User, bela: User
) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.planner.follow(leased(bela), (PAUSE,))
    clockwork.turn(EVE)
    User.objects.filter(pk=bela.pk).update(desired_at=NIGHT + timedelta(hours=2))
    clockwork.turn(NIGHT + timedelta(hours=1))
    [(sub, where, level, text)] = clockwork.complaints
    assert (sub, where, level) == (anna.sub, "schedule", "warning")
    assert text.startswith(
        "not done: pause at 22:00, UTC, due 2036-06-01 22:00 UTC: it would be 60"
    )


def test_a_bad_entry_is_told_and_the_others_still_fire(clockwork: Clockwork, anna: User) -> None:
    lost = PAUSE.model_copy(update={"timezone": "Asia/Riyadh87"})
    clockwork.planner.follow(leased(anna), (lost, PAUSE))
    clockwork.turn(EVE)
    [(_, where, level, text)] = clockwork.complaints
    assert (where, level) == ("schedule", "error")
    assert "Asia/Riyadh87 is not known here" in text
    clockwork.turn(NIGHT)
    assert len(sent_to(anna)) == 1


def test_one_users_trouble_is_not_anothers(clockwork: Clockwork, anna: User, bela: User) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.planner.follow(leased(bela), (PAUSE,))
    clockwork.turn(EVE)
    # A mode that this program never had: reading what is wanted fails.
    User.objects.filter(pk=anna.pk).update(runtime_mode="from-another-time")
    with capture_logs() as lines:
        clockwork.turn(NIGHT)
    assert len(sent_to(bela)) == 1
    assert [line["sub"] for line in lines if line["event"] == "planner.failed"] == [anna.sub]
    assert [complaint[0] for complaint in clockwork.complaints] == [anna.sub]
    # What failed was rolled back: the time is not lost.
    assert planned.agenda(anna.pk)[0].due_at == NIGHT


def test_the_side_task_turns_by_itself(clockwork: Clockwork, anna: User) -> None:
    clockwork.planner.follow(leased(anna), (PAUSE,))
    clockwork.turn(EVE)
    clockwork.now = NIGHT

    async def until_fired() -> None:
        async with wire.connect_async() as redis, asyncio.timeout(20):
            running = asyncio.create_task(clockwork.planner.run())
            await redis.xread({commands_of(anna.sub): "0"}, block=4_000)
            running.cancel()

    asyncio.run(until_fired())
    assert len(sent_to(anna)) == 1
