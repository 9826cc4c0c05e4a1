"""The worker's side of the wire, on a real Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from control import mailbox, posting, tasks, wire
from control.delivery import Delivery
from control.inbox import Unreadable
from control.mailbox import Mailbox
from control.protocol import (
    CONSUMER_GROUP,
    FOREIGN,
    Command,
    CommandAck,
    CommandResult,
    HistoryEntry,
    Origin,
    RuntimeCommand,
    commands_of,
    entries_of,
    history_of,
    responses_of,
    result_of,
)
from control.replies import Reply

SUB, OTHER = "anna", "bela"
ANNA = Origin(who="anna", via="api")


class Post:
    """A mailbox, what it delivered, and a sender's connection."""

    def __init__(self, name: str = "worker") -> None:
        self.delivered: list[Delivery] = []
        self._came = asyncio.Event()
        self.box = Mailbox(worker=name, receive=self._receive)
        self.redis = wire.connect_async()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self.box.listen()),
            asyncio.create_task(self.box.sweep()),
        ]

    async def send(self, body: Any, sub: str = SUB) -> None:
        """As the client does: stream and channel at once."""
        text = body if isinstance(body, str) else json.dumps(body)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.xadd(commands_of(sub), {"command": text})
            pipe.publish(commands_of(sub), text)
            await pipe.execute()

    async def until(self, holds: Callable[[list[Delivery]], bool]) -> list[Delivery]:
        async with asyncio.timeout(10):
            while not holds(self.delivered):
                self._came.clear()
                await self._came.wait()
        return self.delivered

    def _receive(self, delivery: Delivery) -> None:
        self.delivered.append(delivery)
        self._came.set()

    async def close(self) -> None:
        await tasks.end(*self._tasks)
        await self.box.aclose()
        await self.redis.aclose()


@pytest.fixture
async def post(redis_url: str) -> AsyncIterator[Post]:
    made = Post()
    await made.box.open(SUB)
    made.start()
    yield made
    await made.close()


async def test_a_sent_command_is_delivered_once_with_its_place_in_the_stream(post: Post) -> None:
    await post.send({"id": "1"})
    await post.send({"id": "2"})
    delivered = await post.until(lambda seen: len(seen) >= 2)
    assert [d.body["id"] for d in delivered] == ["1", "2"]
    assert all(d.entry_id and d.arrived_ms and d.sub == SUB for d in delivered)


async def test_a_bare_publish_is_a_command_without_a_place_in_the_stream(post: Post) -> None:
    await post.redis.publish(commands_of(SUB), '{"id": "1"}')
    (delivery,) = await post.until(bool)
    assert (delivery.entry_id, delivery.arrived_ms) == (None, None)


async def test_a_lost_message_is_found_by_the_sweep(post: Post) -> None:
    await post.redis.xadd(commands_of(SUB), {"command": '{"id": "1"}'})
    (delivery,) = await post.until(bool)
    assert delivery.body == {"id": "1"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[" * 100_000, "not JSON"), ("1" * 256_001, "256,001 characters, more than 256,000")],
)
async def test_what_cannot_be_read_is_delivered_as_that(post: Post, text: str, reason: str) -> None:
    await post.redis.publish(commands_of(SUB), text)
    (delivery,) = await post.until(bool)
    assert isinstance(delivery.body, Unreadable)
    assert reason in delivery.body.reason


async def test_an_entry_says_who_sent_it_and_nonsense_is_a_foreign_program(post: Post) -> None:
    anna = {"who": "anna", "via": "panel"}
    for origin in (json.dumps(anna), '{"via": "root"}', "{"):
        await post.redis.xadd(commands_of(SUB), {"command": "{}", "origin": origin})
    first, *others = await post.until(lambda heard: len(heard) == 3)
    assert first.origin.to_dict() == anna
    assert {other.origin for other in others} == {FOREIGN}


class Sender:
    """Our own client, as far as the wire sees it."""

    def __init__(self, redis: Any, sub: str = SUB) -> None:
        self._redis = redis
        self._sub = sub

    async def post(self, *ids: int) -> int:
        """Post commands with these ids, as a batch if they are several."""
        messages = [
            RuntimeCommand(id=UUID(int=one), command=Command.STATUS, timestamp=1, source="admin")
            for one in ids
        ]
        return await posting.apost(self._redis, self._sub, messages, ANNA)


def ids(delivered: list[Delivery]) -> list[int]:
    return [UUID(delivery.body["id"]).int for delivery in delivered]


async def looks(post: Post) -> int:
    """How often a stream was looked at or read."""
    info: Any = await post.redis.info("commandstats")
    return sum(
        info.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("xrange", "xreadgroup")
    )


async def test_what_our_client_posts_is_delivered_without_a_look(post: Post) -> None:
    sender = Sender(post.redis)
    await sender.post(1)  # from here on it is known where the stream has got to
    await post.until(bool)
    await tasks.end(post._tasks.pop())  # no sweep for now
    before = await looks(post)
    assert await sender.post(2) == 1
    await sender.post(3, 4)
    delivered = await post.until(lambda seen: len(seen) >= 4)
    assert ids(delivered) == [1, 2, 3, 4]
    assert all(each.entry_id and each.arrived_ms and each.origin == ANNA for each in delivered)
    await post.send({"id": "looked at"})
    await post.until(lambda seen: len(seen) >= 5)
    assert await looks(post) == before + 1


async def test_what_a_sweep_finds_already_delivered_is_not_delivered_again(post: Post) -> None:
    sender = Sender(post.redis)
    for number in range(1, 6):
        await sender.post(number)
    await post.until(lambda seen: len(seen) >= 5)
    await post.box.read(SUB)
    assert ids(post.delivered) == [1, 2, 3, 4, 5]


async def test_what_lies_before_the_posted_is_delivered_before_it(post: Post) -> None:
    sender = Sender(post.redis)
    await sender.post(1)
    await post.until(bool)
    await tasks.end(post._tasks.pop())
    earlier = json.dumps({"id": str(UUID(int=2))})
    await post.redis.xadd(commands_of(SUB), {"command": earlier})  # and nobody is told
    await sender.post(3)
    assert ids(await post.until(lambda seen: len(seen) >= 3)) == [1, 2, 3]


@pytest.mark.parametrize(
    "word",
    [
        "",
        "[]",
        "{",
        '{"before": "0-0", "origin": "", "entries": [["x", "{}"]]}',
        '{"before": "7", "origin": "", "entries": []}',
        '{"before": "0-0", "origin": "", "entries": "all"}',
    ],
)
async def test_a_word_of_entries_that_makes_no_sense_is_passed_over(post: Post, word: str) -> None:
    await post.redis.publish(entries_of(SUB), word)
    await post.send({"id": "1"})
    (delivery,) = await post.until(bool)
    assert delivery.body == {"id": "1"}


async def test_a_repeated_message_behind_its_posting_is_another_one(post: Post) -> None:
    """Only the one message that goes with a posting is passed over."""
    sender = Sender(post.redis)
    await sender.post(1)
    await post.until(bool)
    await sender.post(2)
    await post.until(lambda seen: len(seen) >= 2)
    await post.redis.publish(commands_of(SUB), '{"id": "3"}')
    delivered = await post.until(lambda seen: len(seen) >= 3)
    assert delivered[2].body == {"id": "3"}
    assert delivered[2].entry_id is None


async def test_another_users_commands_are_not_heard(post: Post) -> None:
    await post.send({"id": "theirs"}, sub=OTHER)
    await post.send({"id": "mine"})
    (delivery,) = await post.until(bool)
    assert delivery.body == {"id": "mine"}


async def test_users_who_are_opened_at_the_same_time_are_all_heard(redis_url: str) -> None:
    post, subs = Post(), ["anna", "bela", "cleo"]
    await asyncio.gather(*(post.box.open(sub) for sub in subs))
    post.start()
    for sub in subs:  # no stream would help who does not hear these
        await post.redis.publish(commands_of(sub), '{"id": "1"}')
    delivered = await post.until(lambda seen: len(seen) >= len(subs))
    assert sorted(delivery.sub for delivery in delivered) == subs
    await post.close()


async def test_an_emptied_redis_is_healed(post: Post) -> None:
    await post.redis.flushall()
    await post.send({"id": "1"})
    (delivery,) = await post.until(bool)
    assert delivery.body == {"id": "1"}
    groups: Any = await post.redis.xinfo_groups(commands_of(SUB))
    assert [group["name"] for group in groups] == [CONSUMER_GROUP]


async def test_an_emptied_redis_whose_clock_is_behind_is_healed(post: Post) -> None:
    await post.send({"id": "1"})
    await post.until(bool)
    await post.redis.flushall()
    async with post.redis.pipeline(transaction=True) as pipe:
        pipe.xadd(commands_of(SUB), {"command": '{"id": "2"}'}, id="1-1")
        pipe.publish(commands_of(SUB), '{"id": "2"}')
        await pipe.execute()
    delivered = await post.until(lambda seen: len(seen) >= 2)
    assert [(d.body["id"], d.entry_id) for d in delivered[1:]] == [("2", "1-1")]


async def test_a_message_takes_nothing_from_the_stream_and_the_next_sweep_does(
    post: Post,
) -> None:
    async def pending() -> int:
        summary: Any = await post.redis.xpending(commands_of(SUB), CONSUMER_GROUP)
        return int(summary["pending"])

    await post.send({"id": "1"})  # from here on it is known where the stream has got to
    await post.until(bool)
    await tasks.end(post._tasks.pop())  # no sweep for now
    taken = await pending()
    await post.send({"id": "2"})
    await post.until(lambda seen: len(seen) >= 2)
    assert await pending() == taken
    await post.box.read(SUB)
    assert await pending() == taken + 1
    assert [d.body["id"] for d in post.delivered] == ["1", "2"]


async def test_what_is_settled_while_the_sweep_reads_it_is_not_delivered_again(post: Post) -> None:
    for number in ("1", "2"):
        await post.send({"id": number})
    await post.until(lambda seen: len(seen) >= 2)
    await tasks.end(post._tasks.pop())
    await post.send({"id": "3"})
    await post.until(lambda seen: len(seen) >= 3)
    post.box._received[SUB].held.clear()  # as the answer does that overtakes what is being read
    await post.box.read(SUB)
    assert [d.body["id"] for d in post.delivered] == ["1", "2", "3"]


async def test_what_was_looked_at_by_a_worker_that_died_goes_to_the_next(post: Post) -> None:
    await post.send({"id": "1"})
    await post.until(bool)
    await tasks.end(post._tasks.pop())
    await post.send({"id": "2"})
    await post.until(lambda seen: len(seen) >= 2)
    heir = Post("heir")
    await heir.box.open(SUB)
    assert [d.body["id"] for d in heir.delivered] == ["1", "2"]
    await heir.close()


async def test_what_a_dead_worker_left_unsettled_goes_to_the_next(post: Post) -> None:
    await post.send({"id": "1"})
    await post.until(bool)
    heir = Post("heir")
    await heir.box.open(SUB)
    assert [d.body for d in heir.delivered] == [{"id": "1"}]
    await heir.close()


async def test_a_settled_command_is_answered_kept_and_off_the_stream(post: Post) -> None:
    async with post.redis.pubsub() as answers:
        await answers.subscribe(responses_of(SUB))
        await post.send({"id": "1"})
        (delivery,) = await post.until(bool)
        result = CommandResult(command_id="1", status="succeeded", success=True, timestamp=1)
        await post.box.answer(SUB, [Reply(result=result, entry_id=delivery.entry_id)])
        heard: Any = None
        while heard is None or heard["type"] != "message":
            heard = await answers.get_message(timeout=5)
    assert json.loads(heard["data"])["status"] == "succeeded"
    assert await post.redis.get(result_of(SUB, "1")) == heard["data"]
    assert await post.redis.xlen(commands_of(SUB)) == 0
    pending: Any = await post.redis.xpending(commands_of(SUB), CONSUMER_GROUP)
    assert pending["pending"] == 0


async def test_what_redis_refuses_of_an_answer_keeps_nothing_else_from_being_said(
    post: Post,
) -> None:
    await post.redis.set(history_of(SUB), "no stream")
    result = CommandResult(command_id="1", status="succeeded", success=True, timestamp=1)
    line = HistoryEntry(id="1", command="pause", status="succeeded", at=1, ms=1)
    async with post.redis.pubsub() as answers:
        await answers.subscribe(responses_of(SUB))
        saying = asyncio.create_task(post.box.answer(SUB, [Reply(result=result, history=line)]))
        heard: Any = None
        while heard is None or heard["type"] != "message":
            heard = await answers.get_message(timeout=5)
        assert await post.redis.get(result_of(SUB, "1")) == heard["data"]
    await post.redis.delete(history_of(SUB))  # it is tried until Redis takes it
    await saying
    assert await post.redis.xlen(history_of(SUB)) == 1


async def test_an_acknowledgement_never_hides_a_result(post: Post) -> None:
    result = CommandResult(command_id="1", status="succeeded", success=True, timestamp=1)
    await post.box.answer(SUB, [Reply(ack=CommandAck(command_id="1", timestamp=1))])
    await post.box.answer(SUB, [Reply(result=result)])
    await post.box.answer(SUB, [Reply(ack=CommandAck(command_id="1", timestamp=2))])
    assert json.loads(await post.redis.get(result_of(SUB, "1")) or "") == result.to_dict()


async def test_a_closed_user_is_not_heard_any_more(post: Post) -> None:
    await post.box.open(OTHER)
    await post.box.close(SUB)
    await post.send({"id": "gone"})
    await post.send({"id": "there"}, sub=OTHER)
    (delivery,) = await post.until(bool)
    assert delivery.body == {"id": "there"}


async def test_what_a_fenced_off_worker_read_last_is_taken_back(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "RECLAIM_IDLE_MS", 0)
    heir = Post("heir")
    await heir.box.open(SUB)
    await post.send({"id": "late"})  # read by the first, which then learns that it is fenced off
    await post.until(bool)
    await post.box.close(SUB)
    assert heir.delivered == []
    await heir.box.read(SUB, reclaim=True)
    assert [d.body for d in heir.delivered] == [{"id": "late"}]
    await heir.box.read(SUB, reclaim=True)
    assert len(heir.delivered) == 1  # what waits there is not delivered a second time
    await heir.close()


async def test_users_who_are_opened_at_the_same_moment_are_all_heard(redis_url: str) -> None:
    made = Post()
    await asyncio.gather(made.box.open(SUB), made.box.open(OTHER))
    made.start()
    for sub in (SUB, OTHER):  # by messages alone: a sweep finds none of them
        assert await made.redis.publish(commands_of(sub), json.dumps({"id": sub})) == 1
    delivered = await made.until(lambda seen: len(seen) == 2)
    assert {delivery.sub for delivery in delivered} == {SUB, OTHER}
    await made.close()
