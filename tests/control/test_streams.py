"""Streams in trouble: one that cannot be read, one that was trimmed, a Redis without room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from control import mailbox, tasks
from control.protocol import (
    CONSUMER_GROUP,
    CommandResult,
    commands_of,
    responses_of,
    result_of,
    status_of,
)
from control.replies import Reply, Telling
from tests.control.test_mailbox import OTHER, SUB, Post


@pytest.fixture
async def post(redis_url: str) -> AsyncIterator[Post]:
    """Nobody is open yet."""
    made = Post()
    yield made
    await made.close()


@asynccontextmanager
async def full(post: Post) -> AsyncIterator[None]:
    """No room in Redis for the length of a block."""
    await post.redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await post.redis.config_set("maxmemory", 0)


async def pending(post: Post, sub: str = SUB) -> int:
    summary: Any = await post.redis.xpending(commands_of(sub), CONSUMER_GROUP)
    return int(summary["pending"])


async def consumers(post: Post, sub: str = SUB) -> list[str]:
    rows: Any = await post.redis.xinfo_consumers(commands_of(sub), CONSUMER_GROUP)
    return [row["name"] for row in rows]


async def failing_to_open(post: Post, sub: str) -> asyncio.Task[None]:
    """No stream is where one should be, and opening it has failed at least once."""
    await post.redis.set(commands_of(sub), "not a stream")
    post.box.connected = True
    opening = asyncio.create_task(post.box.open(sub))
    async with asyncio.timeout(10):
        while post.box.connected:
            await post.redis.ping()
    return opening


async def test_a_stream_that_cannot_be_opened_makes_nobody_else_unheard(post: Post) -> None:
    await post.box.open(OTHER)
    post.start()
    opening = await failing_to_open(post, SUB)
    await post.redis.publish(commands_of(SUB), "{}")
    await post.send({"id": "message"}, sub=OTHER)
    await post.until(lambda seen: len(seen) == 1)
    await post.redis.xadd(commands_of(OTHER), {"command": '{"id": "swept"}'})
    delivered = await post.until(lambda seen: len(seen) == 2)
    assert [d.body["id"] for d in delivered] == ["message", "swept"]
    await tasks.end(opening)


async def test_a_stream_that_is_mended_is_opened_and_heard(post: Post) -> None:
    opening = await failing_to_open(post, SUB)
    post.start()
    assert await post.redis.publish(commands_of(SUB), '{"id": "early"}') == 1
    await post.redis.unlink(commands_of(SUB))
    await asyncio.wait_for(opening, 10)
    delivered = await post.until(bool)
    assert [d.body["id"] for d in delivered] == ["early"]


async def test_a_stream_with_its_group_is_opened_while_redis_is_full(post: Post) -> None:
    await post.box.open(SUB)
    await post.send({"id": "1"})
    heir = Post("heir")
    async with full(post):
        await asyncio.wait_for(heir.box.open(SUB), 5)
    assert [d.body for d in heir.delivered] == [{"id": "1"}]
    await heir.close()


async def test_what_was_trimmed_away_unsettled_is_passed_over_and_settled(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def as_redis_6_2_answers(*_: Any, **__: Any) -> Any:
        return ["0-0", [(None, None)]]

    dead = Post("dead")
    await dead.box.open(SUB)
    await post.send({"id": "trimmed"})
    await dead.box.read(SUB)
    await post.redis.xtrim(commands_of(SUB), maxlen=0, approximate=False)
    await post.send({"id": "there"})
    await dead.box.read(SUB)
    monkeypatch.setattr(post.box._client, "xautoclaim", as_redis_6_2_answers)
    await asyncio.wait_for(post.box.open(SUB), 5)
    assert await pending(post) == 1  # the one that is there, and another consumer's
    await dead.close()


async def test_a_sweep_finds_what_is_new_of_many_users_and_claims_what_is_old(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "RECLAIM_IDLE_MS", 0)
    monkeypatch.setattr(mailbox, "SWEPT_AT_ONCE", 2)
    subs = [f"user{number}" for number in range(5)]
    fenced = Post("fenced off")
    for sub in subs:
        await post.box.open(sub)
        await fenced.box.open(sub)
        await post.redis.xadd(commands_of(sub), {"command": '{"id": "old"}'})
        await fenced.box.read(sub)
        await post.redis.xadd(commands_of(sub), {"command": '{"id": "new"}'})
    await post.redis.xgroup_destroy(commands_of("user4"), CONSUMER_GROUP)
    await post.box._read_all(reclaim=True)
    heard = {sub: [d.body["id"] for d in post.delivered if d.sub == sub] for sub in subs}
    assert heard == {sub: ["old", "new"] for sub in subs}
    await fenced.close()


async def test_a_sweep_takes_a_long_queue_whole(post: Post) -> None:
    await post.box.open(SUB)
    for number in range(250):
        await post.redis.xadd(commands_of(SUB), {"command": json.dumps({"id": str(number)})})
    await post.box._read_all()
    assert [d.body["id"] for d in post.delivered] == [str(number) for number in range(250)]


async def test_a_malformed_message_by_stream_and_channel_is_one(post: Post) -> None:
    await post.box.open(SUB)
    post.start()
    await post.send({"nonsense": 1})
    await post.redis.publish(commands_of(SUB), '{"nonsense": 1}')  # this one is another
    await post.until(lambda seen: len(seen) == 2)
    await post.send({"id": "last"})
    delivered = await post.until(lambda seen: len(seen) >= 3)
    assert [d.entry_id is None for d in delivered] == [False, True, False]


async def test_whoever_leaves_takes_their_name_along_unless_something_is_unsettled(
    post: Post,
) -> None:
    await post.box.open(SUB)
    await post.send({"id": "1"})
    leaver = Post("leaver")
    await leaver.box.open(SUB)
    (delivery,) = leaver.delivered
    await leaver.box.close(SUB)
    assert "leaver" in await consumers(post)
    await leaver.box.open(SUB)
    await leaver.box.answer(SUB, [Reply(entry_id=delivery.entry_id)])
    await leaver.box.close(SUB)
    assert "leaver" not in await consumers(post)
    await leaver.close()


# -- answers to a Redis without room


def succeeded(command_id: str) -> CommandResult:
    return CommandResult(command_id=command_id, status="succeeded", success=True, timestamp=1)


async def test_a_redis_that_stays_full_drains_and_senders_hear(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "FULL_SECONDS", 0.0)
    await post.box.open(SUB)
    await post.send({"id": "1"})
    await post.box.read(SUB)
    (delivery,) = post.delivered
    told: list[bool] = []
    telling = Telling(text='{"status": "told"}', publishes=True, told=lambda: told.append(True))
    async with post.redis.pubsub() as answers:
        await answers.subscribe(responses_of(SUB), status_of(SUB))
        reply = Reply(result=succeeded("1"), entry_id=delivery.entry_id)
        async with full(post):
            with capture_logs() as logs:
                await asyncio.wait_for(post.box.answer(SUB, [reply], lambda: telling), 5)
        heard: list[str] = []
        async with asyncio.timeout(5):
            while len(heard) < 2:
                message: Any = await answers.get_message(timeout=1)
                if message is not None and message["type"] == "message":
                    heard.append(json.loads(message["data"])["status"])
    assert (heard, told) == (["told", "succeeded"], [True])
    assert await post.redis.xlen(commands_of(SUB)) == await pending(post) == 0
    assert [line["event"] for line in logs] == ["mailbox.full"]


async def test_an_answer_waits_for_a_redis_that_is_full_for_a_moment(post: Post) -> None:
    told: list[bool] = []

    def compose() -> Telling:
        attempts.set()
        return Telling(text="{}", publishes=True, told=lambda: told.append(True))

    attempts = asyncio.Event()
    async with full(post):
        answering = asyncio.create_task(
            post.box.answer(SUB, [Reply(result=succeeded("1"))], compose)
        )
        await asyncio.wait_for(attempts.wait(), 5)
        assert told == []
    await asyncio.wait_for(answering, 5)
    assert told == [True]
    assert await post.redis.get(result_of(SUB, "1")) is not None
