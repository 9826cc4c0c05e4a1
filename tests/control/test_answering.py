"""Answers go out in order, and hold nobody up."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control import answering, inbox, tasks, wire
from control.answering import Answering
from control.inbox import Inbox, Request
from control.mailbox import Mailbox
from control.protocol import (
    Command,
    CommandResult,
    history_of,
    now_ms,
    responses_of,
    result_of,
    status_of,
)
from control.replies import Telling

SUB = "anna"


def read(*bodies: Any) -> list[Any]:
    return [
        item
        for body in bodies
        for item in inbox.read(body, entry_id=None, sent_ms=now_ms(), now_ms=now_ms())
    ]


def asked(command: Command = Command.PAUSE) -> Request:
    body = {"id": str(uuid.uuid4()), "command": command, "timestamp": 0, "source": "admin"}
    (request,) = read(body)
    assert isinstance(request, Request)
    return request


def done(request: Request) -> CommandResult:
    return CommandResult(command_id=request.id, status="succeeded", success=True, timestamp=1)


class Desk:
    """An answering on a real Redis, and somebody who listens."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.told: list[str] = []
        self.box = Mailbox(worker="tests", receive=lambda _: None)
        self.answering = Answering(
            SUB,
            mailbox=self.box,
            inbox=self.inbox,
            tell=self._tell,
            status=done,
            done=lambda _request, _result: None,
            may_speak=self.may_speak,
        )
        self.redis = wire.connect_async()
        self.doubts = 0

    def may_speak(self) -> bool:
        self.doubts -= 1
        return self.doubts < 0

    def _tell(self, sub: str) -> Telling:
        self.told.append(sub)
        return Telling(text='{"status": "told"}', publishes=True)

    async def hear(self, count: int) -> list[Any]:
        heard: list[Any] = []
        async with self.redis.pubsub() as answers:
            await answers.subscribe(responses_of(SUB), status_of(SUB))
            task = asyncio.create_task(self.answering.run())
            async with asyncio.timeout(10):
                while len(heard) < count:
                    message = await answers.get_message(timeout=1)
                    if message is not None and message["type"] == "message":
                        heard.append(json.loads(message["data"]))
            await tasks.end(task)
        return heard


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.box.aclose()
    await made.redis.aclose()


async def test_a_command_is_acknowledged_before_it_is_answered(desk: Desk) -> None:
    pause = asked()
    desk.answering.acknowledge(pause)
    desk.answering.answer(pause, done(pause))
    assert [body["status"] for body in await desk.hear(2)] == ["acknowledged", "succeeded"]


async def test_the_status_that_goes_with_an_answer_is_told_before_it(desk: Desk) -> None:
    pause = asked()
    desk.answering.answer(pause, done(pause), tells=True)
    assert [body["status"] for body in await desk.hear(2)] == ["told", "succeeded"]
    assert desk.told == [SUB]


async def test_a_question_waits_until_it_is_known_whose_the_user_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "DOUBT_SECONDS", 0.0)
    question, pause = asked(Command.STATUS), asked()
    desk.inbox.receive([question], now_ms())
    desk.doubts = 3
    desk.answering.wake()
    desk.answering.answer(pause, done(pause))
    heard = await desk.hear(3)
    assert [body["commandId"] for body in heard] == [pause.id, question.id, question.id]
    assert desk.doubts < 0


async def test_the_answer_to_a_question_is_kept_for_a_minute_and_others_for_an_hour(
    desk: Desk,
) -> None:
    question, pause = asked(Command.STATUS), asked()
    desk.inbox.receive([question], now_ms())
    desk.answering.answer(pause, done(pause))
    await desk.hear(3)
    for request, seconds in ((question, 60), (pause, 3_600)):
        assert seconds - 10 < await desk.redis.ttl(result_of(SUB, request.id)) <= seconds


async def test_a_flood_of_malformed_messages_goes_behind_the_answer_to_a_pause(desk: Desk) -> None:
    flood = read(*({"id": str(number)} for number in range(1_000)))
    desk.inbox.receive(flood, now_ms())
    desk.answering.wake()
    pause = asked()
    desk.answering.answer(pause, done(pause))
    heard = await desk.hear(1_001)
    assert heard[0]["commandId"] == pause.id
    assert {body["status"] for body in heard[1:]} == {"failed"}


async def test_every_answer_has_a_line_in_the_history_with_its_durations(desk: Desk) -> None:
    pause = asked()
    desk.answering.acknowledge(pause)
    desk.answering.answer(pause, done(pause))
    desk.inbox.receive(read({"id": "seven"}), now_ms())
    await desk.hear(3)
    rows: Any = await desk.redis.xrange(history_of(SUB))
    first, second = (json.loads(fields["entry"]) for _, fields in rows)
    assert (first["id"], first["command"], first["status"]) == (pause.id, "pause", "succeeded")
    assert first["ackMs"] <= first["ms"]
    assert (second["id"], second["command"]) == ("seven", "malformed")
