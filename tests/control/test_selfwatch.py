"""What a worker sees becomes rows, alerts and messages: once, under the fence, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import InternalError, OperationalError

from control import incidents, leases
from control.database import Database
from control.incidents import Kind
from control.models import Incident, Lease
from control.protocol import State, SystemEvent, events_of
from control.selfwatch import SelfWatch
from control.symptoms import Health
from settings_app.models import User
from tests.control.running import postgresql_away, postgresql_read_only
from trading.ports import FeedFacts, Owner

THEN = datetime(2026, 3, 28, 22, tzinfo=UTC)
FEED = FeedFacts(exchange="coinbase", label="Coinbase", state="connected")
WELL = Health(state=State.RUNNING, feeds=(FEED,))
FAULTED = Health(state=State.FAULTED, fault="it broke")


class Watching:
    """A worker's watch, what it published, and the moment of its next look."""

    def __init__(self) -> None:
        self.database = Database(threads=1)
        self.published: list[tuple[str, SystemEvent]] = []
        self.watch = SelfWatch(self.database, self._publish)
        self._at_ms = 0

    async def _publish(self, channel: str, text: str) -> bool:
        self.published.append((channel, SystemEvent.model_validate_json(text)))
        return True

    def turn(self) -> None:
        """Write what waits."""
        asyncio.run(self.watch.turn())

    def look(self, user: User, health: Health, seconds: int = 1) -> None:
        """Look at a user's runtime once a second."""
        for _ in range(seconds):
            self._at_ms += 1_000
            self.watch.look(user.sub, health, self._at_ms)


@pytest.fixture
def watching(transactional_db: None) -> Iterator[Watching]:
    made = Watching()
    yield made
    made.database.close()


def leased(user: User, worker: str = "w") -> Owner:
    fence = leases.acquire([user.pk], worker)[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


def told(user: User) -> list[str]:
    return [alert.values["state"] for alert in user.alerts.order_by("id")]


def test_a_fault_becomes_a_row_an_alert_and_a_message_of_that_user(
    watching: Watching, anna: User, bela: User
) -> None:
    watching.watch.host(leased(anna))
    watching.watch.host(leased(bela))
    watching.turn()
    watching.look(anna, FAULTED)
    watching.look(bela, WELL)
    watching.turn()
    watching.turn()
    assert told(anna) == ["began"]
    assert told(bela) == []
    [(channel, event)] = watching.published
    assert channel == events_of(anna.sub)
    assert (event.incident, event.detail) == ("faulted", "The runtime has stopped: it broke")
    watching.look(anna, WELL, seconds=11)
    watching.turn()
    assert told(anna) == ["began", "ended"]
    assert [event.state for _, event in watching.published] == ["began", "ended"]


def test_the_next_worker_ends_what_the_one_before_it_began(watching: Watching, anna: User) -> None:
    incidents.open_incident(anna.pk, Kind.FAULTED, "", "It broke.", THEN)
    incidents.open_incident(anna.pk, Kind.WORKER_GONE, "", "No worker.", THEN)
    watching.watch.host(leased(anna))
    watching.turn()
    assert told(anna) == ["began", "began", "ended"]  # the worker is there, whatever it finds
    watching.look(anna, FAULTED, seconds=30)
    watching.turn()
    assert len(told(anna)) == 3
    watching.look(anna, WELL, seconds=11)
    watching.turn()
    assert told(anna) == ["began", "began", "ended", "ended"]
    assert not Incident.objects.filter(ended_at=None).exists()


def test_a_worker_that_finds_all_well_ends_what_was_open(watching: Watching, anna: User) -> None:
    for kind, subject in ((Kind.FAULTED, ""), (Kind.FEED_STALE, "coinbase")):
        incidents.open_incident(anna.pk, kind, subject, "It fails.", THEN)
    watching.watch.host(leased(anna))
    watching.turn()
    watching.look(anna, WELL, seconds=11)
    watching.turn()
    assert told(anna) == ["began", "began", "ended", "ended"]


def test_what_is_open_is_read_before_anything_is_judged(watching: Watching, anna: User) -> None:
    watching.watch.host(leased(anna))
    watching.look(anna, FAULTED, seconds=30)
    watching.turn()
    assert told(anna) == []
    watching.look(anna, FAULTED)
    watching.turn()
    assert told(anna) == ["began"]


def test_an_incident_of_a_delivery_channel_is_not_the_workers_to_end(
    watching: Watching, anna: User
) -> None:
    incidents.open_incident(anna.pk, Kind.CHANNEL_DEAD, "discord", "It answers 404.", THEN)
    watching.watch.host(leased(anna))
    watching.turn()
    watching.look(anna, WELL, seconds=60)
    watching.turn()
    assert told(anna) == ["began"]


def test_what_postgresql_did_not_take_waits(watching: Watching, anna: User) -> None:
    watching.watch.host(leased(anna))
    watching.turn()
    watching.look(anna, FAULTED)
    with postgresql_away(), pytest.raises(OperationalError):
        watching.turn()
    watching.look(anna, WELL, seconds=11)
    watching.turn()
    assert told(anna) == ["began", "ended"]


def test_what_postgresql_does_not_take_while_it_may_only_be_read_waits(
    watching: Watching, anna: User
) -> None:
    watching.watch.host(leased(anna))
    watching.turn()
    watching.look(anna, FAULTED)
    with postgresql_read_only(), pytest.raises(InternalError):
        watching.turn()
    watching.turn()
    assert told(anna) == ["began"]


def test_what_waits_for_long_is_told_once_and_takes_no_room(watching: Watching, anna: User) -> None:
    watching.watch.host(leased(anna))
    watching.turn()
    for _ in range(50):
        watching.look(anna, FAULTED)
        watching.look(anna, WELL, seconds=11)
    watching.look(anna, FAULTED)
    waiting = watching.watch._watched[anna.sub].waiting
    assert sum(map(len, waiting.values())) <= 2
    watching.turn()
    assert told(anna) == ["began"]
    for _ in range(50):
        watching.look(anna, WELL, seconds=11)
        watching.look(anna, FAULTED)
    watching.look(anna, WELL, seconds=11)
    watching.turn()
    assert told(anna) == ["began", "ended"]


def test_a_fenced_off_worker_writes_nothing_and_others_go_on(
    watching: Watching, anna: User, bela: User
) -> None:
    watching.watch.host(leased(anna))
    watching.watch.host(leased(bela))
    watching.turn()
    Lease.objects.filter(user=anna).update(fence=99)
    watching.look(anna, FAULTED)
    watching.look(bela, FAULTED)
    watching.turn()
    assert told(anna) == []
    assert told(bela) == ["began"]


def test_a_user_let_go_of_is_looked_at_no_more(watching: Watching, anna: User) -> None:
    watching.watch.host(leased(anna))
    watching.turn()
    watching.watch.forget(anna.sub)
    watching.look(anna, FAULTED, seconds=30)
    watching.turn()
    assert told(anna) == []


def test_the_side_task_writes_by_itself(watching: Watching, anna: User) -> None:
    watching.watch.host(leased(anna))
    watching.turn()
    watching.look(anna, FAULTED)

    async def until_told() -> None:
        heard = asyncio.Event()
        publish = watching.watch._publish

        async def and_say_so(channel: str, text: str) -> bool:
            heard.set()
            return await publish(channel, text)

        watching.watch._publish = and_say_so
        running = asyncio.create_task(watching.watch.run())
        async with asyncio.timeout(20):
            await heard.wait()
        running.cancel()

    asyncio.run(until_told())
    assert told(anna) == ["began"]
