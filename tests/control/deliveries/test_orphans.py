"""That a worker is missing is sent by whoever serves pages, and nothing else is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from control import leases
from control.deliveries import queue
from control.deliveries.orphans import deliver_orphans
from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery
from trading.simulator.discord.server import StandIn, serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

DISCORD = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
State = Delivery.State
LONG_AGO = timezone.now() - timedelta(minutes=1)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A Discord in a thread of its own, with its address where a worker would have it."""
    standing, ready, ended = StandIn(), threading.Event(), threading.Event()

    async def stand() -> None:
        async with serve(standing):
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(stand(),))
    thread.start()
    assert ready.wait(20)
    monkeypatch.setenv("DISCORD_WEBHOOK", standing.webhook())
    yield standing
    ended.set()
    thread.join(20)


@pytest.fixture
def anna(redis_url: str) -> User:
    return UserFactory.create(document={"notifications": {"discord": DISCORD}})


def waits(alert: Alert) -> Delivery:
    return delivery(alert, due_at=LONG_AGO)


def test_trouble_of_who_has_no_worker_is_sent(anna: User, stand_in: StandIn) -> None:
    trouble = waits(troubled(anna, "No worker drives this runtime"))
    signal = waits(told(anna, state="pending"))

    assert deliver_orphans() == 1

    trouble.refresh_from_db()
    signal.refresh_from_db()
    assert (trouble.state, signal.state) == (State.DELIVERED, State.WAITING)
    [arrived] = stand_in.messages
    assert arrived.payload["embeds"][0]["description"] == "No worker drives this runtime"


def test_trouble_of_who_has_a_worker_is_the_workers(anna: User, stand_in: StandIn) -> None:
    waits(troubled(anna))
    assert leases.acquire([anna.pk], "w")
    assert deliver_orphans() == 0
    assert stand_in.messages == []


def test_what_is_due_only_now_is_left_to_whoever_is_there(anna: User) -> None:
    delivery(troubled(anna), due_at=timezone.now())
    assert deliver_orphans() == 0


def test_what_cannot_be_sent_from_here_goes_on_waiting(anna: User) -> None:
    row = waits(troubled(anna))  # the variable is not set
    assert deliver_orphans() == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.reason) == (State.WAITING, 0, "")


def test_what_a_dead_worker_was_sending_holds_up_nothing_for_ever(
    anna: User, stand_in: StandIn
) -> None:
    held = delivery(told(anna, state="pending"), state=State.SENDING, claimed_until=LONG_AGO)
    waits(troubled(anna))
    deliver_orphans()
    held.refresh_from_db()
    assert (held.state, held.reason) == (State.UNCERTAIN, queue.GONE)
    assert len(stand_in.messages) == 1
