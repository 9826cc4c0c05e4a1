"""Five hundred alerts at once, to a Discord that breaks in every way that it knows."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest
from structlog.testing import capture_logs

from control import tasks
from control.database import Database
from control.deliveries import filing
from control.deliveries import outbox as outboxes
from control.deliveries.channels import Channels
from control.deliveries.outbox import Outbox
from control.deliveries.pictures import Pictures
from settings_app.models import User
from tests.control.alerts import signal
from tests.control.running import eventually
from tests.settings_app.factories import UserFactory
from trading.alerts import discord
from trading.models import SYSTEM, Alert, Delivery
from trading.simulator.discord.server import Fault, StandIn, serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

State = Delivery.State
READERS, ALERTS = 10, 50
TOKEN = "a-secret-token"
SYMBOL = re.compile(r"\bR\d+A\d+-USD\b")


def symbols_that_are(state: State) -> set[str]:
    ended = Delivery.objects.filter(state=state).exclude(alert__kind=SYSTEM)
    return set(ended.values_list("alert__symbol", flat=True))


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[User]:
    """Users with a webhook each, who want to be told of everything at once."""
    made = [UserFactory.create(document=_document(number)) for number in range(READERS)]
    granted = {user.username: (variable(number),) for number, user in enumerate(made)}
    monkeypatch.setattr("django.conf.settings.CREDENTIAL_GRANTS", granted)
    return made


def _document(number: int) -> dict[str, object]:
    channel = {"enabled": True, "webhook_url_environment_variable": variable(number)}
    return {"notifications": {"discord": channel, "digest": {"more_than": 200}}}


def variable(number: int) -> str:
    return f"DISCORD_READER_{number}"


@pytest.fixture
def stand_in() -> StandIn:
    made = StandIn(requests=1_000)
    for fault in Fault:
        made.order(fault, requests=2, seconds=0.2)
    return made


def symbol(reader: int, number: int) -> str:
    return f"R{reader}A{number}-USD"


def arrived(stand_in: StandIn) -> Counter[str]:
    """How often each symbol is in what the stand-in has taken."""
    told: Counter[str] = Counter()
    for message in stand_in.messages:
        for embed in message.payload["embeds"]:
            told.update(set(SYMBOL.findall(str(embed))))
    return told


def test_every_row_has_a_named_end_and_nothing_arrives_twice(
    readers: list[User], stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord, "SECONDS", 5.0)
    for reader, user in enumerate(readers):
        numbers = range(ALERTS)
        filing.save(user.pk, [signal(user, hour=n, symbol=symbol(reader, n)) for n in numbers])

    with capture_logs() as logs:
        asyncio.run(_deliver(stand_in, monkeypatch))

    told = arrived(stand_in)
    assert set(told.values()) == {1}
    delivered, uncertain, failed = (
        symbols_that_are(state) for state in (State.DELIVERED, State.UNCERTAIN, State.FAILED)
    )
    assert len(delivered | uncertain | failed) == READERS * ALERTS
    assert all((delivered, uncertain, failed))  # it broke in every way
    assert delivered <= set(told) <= delivered | uncertain
    assert not Alert.objects.filter(state=Alert.State.PENDING).exists()
    assert Delivery.objects.filter(state=State.FAILED, reason="").count() == 0
    assert TOKEN not in str(logs)


async def _deliver(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    database, pictures = Database(threads=4), Pictures()
    async with serve(stand_in), discord.client() as client:
        for number in range(READERS):
            monkeypatch.setenv(variable(number), stand_in.webhook(number, TOKEN))
        outbox = Outbox(
            database,
            Channels(client, pictures).prepare,
            worker="one",
            publish=_nowhere,
            jitter=lambda low, high: min(high, 0.05),
        )
        running = asyncio.create_task(outbox.run())
        try:
            await database.run(eventually, _is_settled)
        finally:
            await outbox.leave()
            await tasks.end(running)
            pictures.close()
            database.close()


def _is_settled() -> bool:
    return not Delivery.objects.filter(state__in=[State.WAITING, State.SENDING]).exists()


async def _nowhere(_channel: str, _text: str) -> bool:
    return True


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that is dead is left alone for less, so that the rest of its lane fails soon."""
    monkeypatch.setattr(outboxes, "DEAD_SECONDS", 0.2)
    monkeypatch.setattr(outboxes, "LOOK_SECONDS", 0.05)
