"""One Redis subscription per process, whatever happens to Redis, to a page or to a runtime."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from control import relay
from control.access import Visitor
from control.backlog import Backlog
from control.protocol import events_of, status_of
from control.relay import Relay
from livermore.embedded.stack import Stack
from settings_app.models import User
from tests.control.browsing import PATIENCE_SECONDS, opened
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis_alone(state: Path) -> Iterator[Stack]:
    """A Redis of this test's own, to be stopped and started at will."""
    stack = Stack(state, database_url="postgresql://elsewhere", durable=False)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def wire(redis_alone: Stack, settings: Settings) -> redis.Redis:
    """A client of that Redis, which is also the program's."""
    settings.REDIS_URL = redis_alone.redis_url
    return redis.Redis.from_url(redis_alone.redis_url, decode_responses=True, protocol=2)


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create()


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - the other side is a server, not a task of ours
            await asyncio.sleep(0.02)


def subscribers(wire: redis.Redis) -> int:
    """Connections in subscribed mode, whoever they belong to."""
    return len(wire.client_list(_type="pubsub"))


async def test_a_process_has_one_subscription_for_all_its_pages(
    owner: User, wire: redis.Redis
) -> None:
    other = await User.objects.acreate(username="other", is_staff=True)
    async with opened(owner) as first, opened(owner) as second, opened(other) as third:
        for page in (first, second, third):
            await page.is_current()
        assert subscribers(wire) == 1
        assert wire.pubsub_numpat() == 0
        assert len(wire.pubsub_channels()) == 6  # three of each user, by name


async def test_the_subscription_ends_with_the_last_page(owner: User, wire: redis.Redis) -> None:
    async with opened(owner) as first, opened(owner) as second:
        await first.is_current()
        await second.is_current()
    await eventually(lambda: subscribers(wire) == 0)
    async with opened(owner) as page:  # and begins again
        await page.is_current()
        assert subscribers(wire) == 1


async def test_a_users_channels_are_left_with_their_last_page(
    owner: User, wire: redis.Redis
) -> None:
    other = await User.objects.acreate(username="other", is_staff=True)
    async with opened(owner) as page:
        await page.is_current()
        async with opened(other) as passing:
            await passing.is_current()
        await eventually(lambda: len(wire.pubsub_channels()) == 3)
        assert all(owner.sub in channel for channel in wire.pubsub_channels())


async def test_pages_hear_that_redis_is_away_and_what_they_missed_when_it_is_back(
    owner: User, wire: redis.Redis, redis_alone: Stack
) -> None:
    server = redis_alone.servers[0]
    async with opened(owner) as page:
        await page.is_current()
        server.stop()
        await page.until(lambda message: message == {"type": "link", "redis": "away"})
        server.launch(server.port)
        server.wait_until_ready()
        wire.set(status_of(owner.sub), a_status(owner.sub, state_version=42).to_json())
        await page.until(lambda message: message == {"type": "link", "redis": "up"})
        missed = await page.until_type("status")
        assert missed["status"]["stateVersion"] == 42
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": 1}))
        await page.until_type("signal")


async def test_a_page_opened_while_redis_is_away_is_told_and_served_later(
    owner: User, wire: redis.Redis, redis_alone: Stack
) -> None:
    server = redis_alone.servers[0]
    server.stop()
    async with opened(owner) as page:
        await page.until(lambda message: message == {"type": "link", "redis": "away"})
        async with opened(owner) as second:
            await second.until(lambda message: message == {"type": "link", "redis": "away"})
        server.launch(server.port)
        server.wait_until_ready()
        await page.until(lambda message: message == {"type": "link", "redis": "up"})


async def test_a_runtime_that_falls_silent_is_reported_as_gone(
    owner: User, wire: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(relay, "STATUS_TTL_SECONDS", 0.15)
    text = a_status(owner.sub).to_json()
    wire.set(status_of(owner.sub), text)
    async with opened(owner) as page:
        await page.until(lambda message: message.get("status") is not None)
        wire.delete(status_of(owner.sub))
        wire.publish(status_of(owner.sub), text)
        await page.until(lambda message: message == {"type": "status", "status": None})


async def test_a_lost_message_is_made_good_from_the_key(
    owner: User, wire: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "HEARTBEAT_SECONDS", 0.05)
    async with opened(owner) as page:
        await page.is_current()
        wire.set(status_of(owner.sub), a_status(owner.sub, state_version=5).to_json())  # no PUBLISH
        message = await page.until(lambda message: message.get("status") is not None)
    assert message["status"]["stateVersion"] == 5


async def test_a_browser_that_reads_nothing_delays_nobody(owner: User, wire: redis.Redis) -> None:
    here = Relay()
    slow, quick = Backlog(capacity=8), Backlog()
    visitors = [
        Visitor(user_id=owner.pk, sub=owner.sub, session_key=key, session_hash="")
        for key in ("slow", "quick")
    ]
    await here.attach(visitors[0], slow)
    await here.attach(visitors[1], quick)
    await eventually(lambda: len(wire.pubsub_channels()) == 3)
    for number in range(100):
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": number}))
    try:
        assert await ids_until(99, quick) == [*range(100)]
        assert await ids_until(99, slow) == [*range(92, 100)]
    finally:
        await here.detach(visitors[0], slow)
        await here.detach(visitors[1], quick)


async def ids_until(last: int, backlog: Backlog) -> list[int]:
    """The numbers of the signals in a backlog, up to the last one."""
    ids: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while last not in ids:
            message = json.loads(await backlog.take())
            if message["type"] == "signal":
                ids.append(message["id"])
    return ids
