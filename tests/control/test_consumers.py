"""The browser's WebSocket: who may listen, to whom, and for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from control.protocol import (
    CommandAck,
    CommandResult,
    events_of,
    now_ms,
    responses_of,
    status_of,
)
from settings_app.models import User
from tests.control.browsing import PATIENCE_SECONDS, cookie_of, dial, opened
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

NO_LONGER_WELCOME = 4401


@pytest.fixture
def wire(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True, protocol=2) as client:
        yield client


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def stranger(db: None) -> User:
    return UserFactory.create()


async def test_the_latest_status_comes_at_once(owner: User, wire: redis.Redis) -> None:
    wire.set(status_of(owner.sub), a_status(owner.sub, state_version=9).to_json())
    async with opened(owner) as page:
        message = await page.until_type("status")
    assert message["status"]["stateVersion"] == 9


async def test_without_a_status_the_page_hears_that_and_what_is_wanted(
    owner: User, wire: redis.Redis
) -> None:
    async with opened(owner) as page:
        await page.is_current()
    assert {"type": "status", "status": None} in page.received
    wanted = next(message for message in page.received if message["type"] == "desired")
    assert wanted["desired"] == {"isPaused": False, "mode": "position-monitor", "revision": 0}


async def test_status_answers_and_events_are_passed_on(owner: User, wire: redis.Redis) -> None:
    async with opened(owner) as page:
        await page.is_current()
        wire.publish(status_of(owner.sub), a_status(owner.sub).to_json())
        assert (await page.until_type("status"))["status"]["state"] == "running"
        wire.publish(
            responses_of(owner.sub), CommandAck(command_id="c1", timestamp=now_ms()).to_json()
        )
        assert (await page.until_type("ack"))["commandId"] == "c1"
        result = CommandResult(command_id="c1", status="succeeded", success=True, timestamp=1)
        wire.publish(responses_of(owner.sub), result.to_json())
        assert (await page.until_type("result"))["success"] is True
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": 5}))
        assert (await page.until_type("signal"))["id"] == 5


async def test_a_malformed_answer_disturbs_nobody(owner: User, wire: redis.Redis) -> None:
    async with opened(owner) as page:
        await page.is_current()
        for text in ("", "{", "[]", "7", '{"commandId": "c1"}'):
            wire.publish(responses_of(owner.sub), text)
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": 1}))
        await page.until_type("signal")
    assert not [message for message in page.received if message["type"] in {"ack", "result"}]


async def test_nobody_hears_of_another_users_runtime(
    owner: User, stranger: User, wire: redis.Redis
) -> None:
    async with opened(owner) as own, opened(stranger) as other:
        await own.is_current()
        await other.is_current()
        wire.publish(status_of(owner.sub), a_status(owner.sub).to_json())
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": 1}))
        await own.until_type("signal")
        wire.publish(events_of(stranger.sub), json.dumps({"type": "signal", "id": 2}))
        assert (await other.until_type("signal"))["id"] == 2
    assert owner.sub not in json.dumps(other.received)


async def test_what_a_browser_sends_cannot_change_whose_runtime_it_hears(
    owner: User, stranger: User, wire: redis.Redis
) -> None:
    async with opened(stranger) as page:
        await page.is_current()
        attempts: list[object] = [{"type": "subscribe", "sub": owner.sub}, {"sub": owner.sub}, []]
        for message in (*attempts, "x" * 500):
            await page.socket.send_to(json.dumps(message))
        await page.socket.send_to("{not json")
        wire.publish(status_of(owner.sub), a_status(owner.sub).to_json())
        wire.publish(events_of(stranger.sub), json.dumps({"type": "signal", "id": 3}))
        await page.until_type("signal")
    assert owner.sub not in json.dumps(page.received)


async def test_the_clock_is_answered_with_the_servers_time(owner: User, redis_url: str) -> None:
    async with opened(owner) as page:
        before = now_ms()
        await page.socket.send_to(json.dumps({"type": "clock", "sent": 17}))
        answer = await page.until_type("clock")
    assert answer["sent"] == 17
    assert before <= answer["now"] <= now_ms()


async def test_a_page_that_was_made_for_another_user_is_refused(
    owner: User, stranger: User, redis_url: str
) -> None:
    cookie = await sync_to_async(cookie_of)(stranger)
    connected, _ = await dial(cookie, path=f"/ws/runtime/?sub={owner.sub}").connect(
        PATIENCE_SECONDS
    )
    assert not connected
    async with opened(stranger, path=f"/ws/runtime/?sub={stranger.sub}") as page:
        await page.is_current()


async def test_whoever_comes_later_hears_too_that_redis_is_there(
    owner: User, stranger: User, redis_url: str
) -> None:
    async with opened(owner) as first:
        await first.until_type("link")
        async with opened(stranger) as later:
            assert await later.until_type("link") == {"type": "link", "redis": "up"}


async def test_anonymous_is_refused(redis_url: str) -> None:
    connected, _ = await dial(None).connect(PATIENCE_SECONDS)
    assert not connected


@pytest.mark.parametrize("path", ["/ws/runtime", "/ws/", "/"])
async def test_where_no_socket_is_everyone_is_refused(
    owner: User, redis_url: str, path: str
) -> None:
    key = await sync_to_async(cookie_of)(owner)
    connected, _ = await dial(key, path=path).connect(PATIENCE_SECONDS)
    assert not connected


async def test_an_ordinary_user_is_refused(redis_url: str) -> None:
    user = await sync_to_async(UserFactory.create)(is_staff=False)
    connected, _ = await dial(await sync_to_async(cookie_of)(user)).connect(PATIENCE_SECONDS)
    assert not connected


async def test_another_sites_page_is_refused(owner: User, redis_url: str) -> None:
    key = await sync_to_async(cookie_of)(owner)
    connected, _ = await dial(key, origin="https://evil.example").connect(PATIENCE_SECONDS)
    assert not connected


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "!x"}])
async def test_a_socket_closes_when_its_user_may_no_longer_listen(
    owner: User, redis_url: str, change: dict[str, object]
) -> None:
    async with opened(owner) as page:
        await page.is_current()
        await User.objects.filter(pk=owner.pk).aupdate(**change)
        assert await page.closed_with() == NO_LONGER_WELCOME


async def test_a_socket_closes_when_its_session_is_gone_and_only_that_one(
    owner: User, wire: redis.Redis
) -> None:
    async with opened(owner) as signed_out, opened(owner) as other:
        await signed_out.is_current()
        await other.is_current()
        first = await sync_to_async(lambda: Session.objects.order_by("expire_date").first())()
        assert first is not None
        await first.adelete()
        assert await signed_out.closed_with() == NO_LONGER_WELCOME
        wire.publish(events_of(owner.sub), json.dumps({"type": "signal", "id": 4}))
        assert (await other.until_type("signal"))["id"] == 4
