"""The one door: both faces of it, repeated ids, batches, and a Redis that fails on the way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.db import connection, connections
from pytest_django import Settings as Configuration
from redis.client import PubSub

from control import client, listening, wire
from control.client import Answer, CommandRefused, NewCommand, NotSent, Recipient, Until
from control.models import SentIntent
from control.protocol import (
    CommandAck,
    CommandResult,
    HistoryEntry,
    Origin,
    RuntimeCommand,
    commands_of,
    history_of,
    now_ms,
    responses_of,
    result_of,
    status_of,
)
from livermore.env import PROJECT
from settings_app import desired
from settings_app.models import User
from tests.control.cable import laid_to
from tests.control.statuses import a_status

PATIENCE_SECONDS = 10.0
Send = Callable[..., Answer]


def asend(*args: Any, **kwargs: Any) -> Answer:
    """The async face, called from a test without a loop."""
    return async_to_sync(client.asend)(*args, **kwargs)


@pytest.fixture(params=[client.send, asend], ids=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Send:
    """Either face."""
    face: Send = request.param
    return face


def succeeded(command_id: str) -> CommandResult:
    return CommandResult(
        command_id=command_id, status="succeeded", success=True, timestamp=now_ms()
    )


React = Callable[[redis.Redis, RuntimeCommand], None]


@contextmanager
def runtime(user: client.HasRuntime, react: React) -> Iterator[None]:
    """Whoever hears a user's commands, in a thread of its own: ``react`` answers them."""
    stop = threading.Event()

    def obey(heard: PubSub, speaker: redis.Redis) -> None:
        while not stop.is_set():
            message = heard.get_message(timeout=0.05)
            if message is None or message["type"] != "message":
                continue
            body = json.loads(message["data"])
            for one in body if isinstance(body, list) else [body]:
                react(speaker, RuntimeCommand.model_validate(one))

    with wire.connect() as speaker, _listening() as heard:
        heard.subscribe(commands_of(user.sub))
        assert heard.get_message(timeout=PATIENCE_SECONDS) is not None
        thread = threading.Thread(target=obey, args=(heard, speaker), name="runtime")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)


def _listening() -> PubSub:
    pubsub: PubSub = wire.connect().pubsub()  # type: ignore[no-untyped-call]  # redis-py
    return pubsub


def tell(speaker: redis.Redis, user: client.HasRuntime, answer: CommandAck | CommandResult) -> None:
    speaker.publish(responses_of(user.sub), answer.to_json())


def in_the_stream(user: client.HasRuntime) -> list[dict[str, Any]]:
    with wire.connect() as client_:
        rows: Any = client_.xrange(commands_of(user.sub))
    return [
        {**json.loads(fields["command"]), "origin": json.loads(fields["origin"])}
        for _, fields in rows
    ]


# ------------------------------------------------------------------ one command
def test_the_answer_is_that_of_the_own_command(anna: User, send: Send) -> None:
    def react(speaker: redis.Redis, command: RuntimeCommand) -> None:
        tell(speaker, anna, succeeded(str(uuid.uuid4())))  # somebody else's
        for noise in ("no JSON", "[]", '{"commandId": 7}', "7"):
            speaker.publish(responses_of(anna.sub), noise)
        tell(speaker, anna, CommandAck(command_id=str(command.id), timestamp=1))
        tell(speaker, anna, succeeded(str(command.id)))

    with runtime(anna, react):
        answer = send(anna, "pause", wait=PATIENCE_SECONDS)
    assert answer.applied
    assert answer.ack is not None
    assert answer.recorded is not None
    assert answer.recorded.is_paused


def test_an_answer_that_was_lost_on_its_way_is_read_from_where_it_is_kept(
    anna: User, send: Send
) -> None:
    def react(speaker: redis.Redis, command: RuntimeCommand) -> None:
        kept = succeeded(str(command.id))
        speaker.set(result_of(anna.sub, kept.command_id), kept.to_json())

    with runtime(anna, react):
        assert send(anna, "reload-settings", wait=0.3).applied


def test_who_waits_for_the_acknowledgement_waits_for_no_more(anna: User, send: Send) -> None:
    def react(speaker: redis.Redis, command: RuntimeCommand) -> None:
        tell(speaker, anna, CommandAck(command_id=str(command.id), timestamp=1))

    with runtime(anna, react):
        answer = send(anna, "pause", wait=10 * PATIENCE_SECONDS, until=Until.ACK)
    assert answer.ack is not None
    assert answer.result is None


def test_where_nobody_listens_nobody_is_waited_for_to_acknowledge(anna: User, send: Send) -> None:
    answer = send(anna, "pause", wait=10 * PATIENCE_SECONDS, until=Until.ACK)
    assert (answer.sent, answer.ack) == (True, None)


def test_a_command_carries_its_origin_beside_it(anna: User, send: Send) -> None:
    origin = Origin(who="anna", via="api")
    send(anna, "add-symbol", {"symbol": "BTC-USD"}, origin=origin, wait=None)
    [entry] = in_the_stream(anna)
    assert entry["origin"] == {"who": "anna", "via": "api"}
    assert entry["payload"] == {"symbol": "BTC-USD"}


def test_somebody_without_a_row_at_hand_can_be_sent_to(anna: User, bela: User, send: Send) -> None:
    send(Recipient(pk=anna.pk, sub=anna.sub), "pause", wait=None)
    assert [entry["command"] for entry in in_the_stream(anna)] == ["pause"]
    assert in_the_stream(bela) == []
    assert desired.read_desired(bela.pk).revision == 0


def test_with_redis_away_an_intent_is_recorded_and_nothing_else_pretends_to_be(
    anna: User, send: Send, redis_away: None
) -> None:
    answer = send(anna, "pause", wait=1)
    assert (answer.sent, answer.result) == (False, None)
    assert answer.recorded is not None
    assert desired.read_desired(anna.pk).is_paused
    with pytest.raises(NotSent, match="Redis did not confirm"):
        send(anna, "reload-settings", wait=1)


def test_a_redis_that_dies_while_somebody_waits_takes_no_intent_along(
    anna: User, send: Send, redis_url: str, settings: Configuration
) -> None:
    with laid_to(redis_url) as cable, runtime(anna, lambda *_: cable.cut()):
        wire.shared.cache_clear()
        settings.REDIS_URL = cable.url
        answer = send(anna, "pause", wait=PATIENCE_SECONDS)
        wire.shared.cache_clear()
    assert answer.recorded is not None
    assert answer.result is None
    assert desired.read_desired(anna.pk).is_paused


async def test_more_wait_at_once_than_there_are_threads(anna: User) -> None:
    many = 60
    waiting = [
        asyncio.create_task(client.asend(anna, "reload-settings", wait=PATIENCE_SECONDS))
        for _ in range(many)
    ]
    commands: list[RuntimeCommand] = []
    last = "0"
    async with wire.connect_async() as speaker, asyncio.timeout(PATIENCE_SECONDS):
        while len(commands) < many:  # nobody is answered before the last one has sent
            news: Any = await speaker.xread({commands_of(anna.sub): last}, block=1_000)
            for _, rows in news:
                last = rows[-1][0]
                commands += [
                    RuntimeCommand.model_validate_json(fields["command"]) for _, fields in rows
                ]
        for command in commands:
            await speaker.publish(responses_of(anna.sub), succeeded(str(command.id)).to_json())
        answers = await asyncio.gather(*waiting)
    assert all(answer.applied for answer in answers)


# Two threads of a process whose pool has one connection: prints how each send ended.
TWO_AT_ONCE = """
import sys, threading
import django
django.setup()
from control import client
def ask(pk, sub):
    user = client.Recipient(pk=int(pk), sub=sub)
    applied = client.send(user, "pause", wait=20.0).applied
    sys.stdout.write(f"{applied}\\n")  # whole: the other one may write at the same time
threads = [threading.Thread(target=ask, args=pair.split(":")) for pair in sys.argv[1:]]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_who_waits_holds_no_connection_of_the_pool(anna: User, bela: User) -> None:
    arrived: list[str] = []
    both = (anna, bela)

    def react(speaker: redis.Redis, command: RuntimeCommand) -> None:
        arrived.append(str(command.id))
        if len(arrived) == len(both):  # nobody is answered before both have recorded
            for user, command_id in product(both, arrived):
                tell(speaker, user, succeeded(command_id))

    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with runtime(anna, react), runtime(bela, react):
        done = subprocess.run(
            [sys.executable, "-c", TWO_AT_ONCE, *(f"{user.pk}:{user.sub}" for user in both)],
            cwd=PROJECT,
            env={
                **os.environ,
                "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
                "LIVERMORE_DATABASE_POOL": "1",
            },
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    assert done.stdout.split() == ["True", "True"], done.stderr


# ------------------------------------------------------------------ an id of the caller's own
def test_a_repeated_intent_is_recorded_once_and_sent_as_it_was(anna: User, send: Send) -> None:
    own = uuid.uuid4()
    first = send(anna, "pause", command_id=own, wait=None)
    later = send(anna, "resume", wait=None)
    again = send(anna, "pause", command_id=str(own), wait=None)
    assert first.command_id == again.command_id == str(own)
    assert first.recorded is not None
    assert later.recorded == again.recorded  # what is wanted now; the old pause changes nothing
    assert not desired.read_desired(anna.pk).is_paused
    pause, _, repeated = in_the_stream(anna)
    assert pause == repeated
    assert pause["desiredRevision"] == first.recorded.revision


def test_an_answered_command_is_not_sent_again(anna: User, send: Send) -> None:
    own = str(uuid.uuid4())
    with wire.connect() as speaker:
        speaker.set(result_of(anna.sub, own), succeeded(own).to_json())
    answer = send(anna, "reload-settings", command_id=own, wait=PATIENCE_SECONDS)
    assert answer.applied
    assert answer.sent
    assert in_the_stream(anna) == []


def test_one_id_for_two_commands_is_refused(anna: User, send: Send) -> None:
    own = uuid.uuid4()
    send(anna, "pause", command_id=own, wait=None)
    with pytest.raises(CommandRefused, match="sent before with another command"):
        send(anna, "resume", command_id=own, wait=None)
    assert desired.read_desired(anna.pk).is_paused
    assert len(in_the_stream(anna)) == 1


def test_two_users_may_have_the_same_id(anna: User, bela: User, send: Send) -> None:
    own = uuid.uuid4()
    send(anna, "pause", command_id=own, wait=None)
    send(bela, "resume", command_id=own, wait=None)
    assert desired.read_desired(anna.pk).is_paused
    assert not desired.read_desired(bela.pk).is_paused


def test_two_repeats_at_once_record_one_intent(anna: User) -> None:
    own = uuid.uuid4()

    def repeat() -> None:
        try:
            client.send(anna, "pause", command_id=own, wait=0.01)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=repeat) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert desired.read_desired(anna.pk).revision == 1
    assert {entry["desiredRevision"] for entry in in_the_stream(anna)} == {1}


def test_ids_are_forgotten_after_a_day(anna: User) -> None:
    old = uuid.uuid4()
    client.send(anna, "pause", command_id=old, wait=None)
    SentIntent.objects.update(created_at="2026-01-01T00:00:00Z")
    client.send(anna, "resume", command_id=uuid.uuid4(), wait=None)
    assert not SentIntent.objects.filter(command_id=old).exists()


# ------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("command", "payload", "own", "says", "pointers"),
    [
        ("paus", None, None, "did you mean 'pause'", ["/command"]),
        ("explode", None, None, "known are pause", ["/command"]),
        ("pause", {"x": 1}, None, "takes nothing", ["/payload"]),
        ("switch-mode", {}, None, "payload.mode: is required", ["/payload/mode"]),
        ("switch-mode", {"mode": "scalper-orderbook"}, None, "not implemented", ["/payload/mode"]),
        ("add-symbol", {"symbol": "btc"}, None, "such as BTC-USD", ["/payload/symbol"]),
        ("add-symbol", {"symbol": "B-USD", "sub": "x"}, None, "and no other", ["/payload"]),
        (
            "clear-cache",
            {"scope": "symbol"},
            None,
            "payload: scope symbol needs a symbol",
            ["/payload"],
        ),
        ("pause", None, "seven", "must be a UUID", ["/id"]),
    ],
)
def test_a_refusal_names_the_field_and_records_nothing(
    anna: User, send: Send, command: str, payload: Any, own: Any, says: str, pointers: list[str]
) -> None:
    with pytest.raises(CommandRefused, match=says) as refused:
        send(anna, command, payload, command_id=own)
    assert [error.pointer for error in refused.value.errors] == pointers
    assert desired.read_desired(anna.pk).revision == 0
    assert in_the_stream(anna) == []


# ------------------------------------------------------------------ batches
def test_a_batch_has_an_outcome_for_each_in_order(anna: User) -> None:
    def react(speaker: redis.Redis, command: RuntimeCommand) -> None:
        tell(speaker, anna, succeeded(str(command.id)))

    batch = [
        NewCommand(command="add-symbol", payload={"symbol": "BTC-USD"}),
        NewCommand(command="explode"),
        NewCommand(command="switch-mode", payload={"mode": "scalper-macdv"}),
    ]
    with runtime(anna, react):
        outcomes = client.send_batch(anna, batch, wait=PATIENCE_SECONDS)
    first, second, third = outcomes
    assert isinstance(first, Answer)
    assert isinstance(second, CommandRefused)
    assert isinstance(third, Answer)
    assert first.applied
    assert third.applied
    assert [entry["command"] for entry in in_the_stream(anna)] == ["add-symbol", "switch-mode"]
    assert desired.read_desired(anna.pk).revision == 1


async def test_a_batch_from_a_loop_is_the_same(anna: User) -> None:
    batch = [NewCommand(command="pause"), NewCommand(command="explode")]
    first, second = await client.asend_batch(anna, batch, wait=None)
    assert isinstance(first, Answer)
    assert first.sent
    assert isinstance(second, CommandRefused)


def test_a_batch_is_one_message(anna: User) -> None:
    with listening.listening_to(commands_of(anna.sub)) as heard:
        client.send_batch(anna, [NewCommand(command="pause")] * 3, wait=None)
        message = heard.get_message(timeout=PATIENCE_SECONDS)
    assert message is not None
    assert len(json.loads(message["data"])) == 3


def test_with_redis_away_a_batch_keeps_its_intents(anna: User, redis_away: None) -> None:
    batch = [NewCommand(command="reload-settings"), NewCommand(command="pause")]
    reload, pause = client.send_batch(anna, batch)
    assert isinstance(reload, NotSent)
    assert isinstance(pause, Answer)
    assert not pause.sent
    assert desired.read_desired(anna.pk).is_paused


# ------------------------------------------------------------------ reading
async def test_the_async_face_reads_the_same(anna: User, bela: User) -> None:
    own = str(uuid.uuid4())
    line = HistoryEntry(id=own, command="pause", status="succeeded", at=1, ms=1)
    async with wire.connect_async() as speaker:
        await speaker.set(status_of(anna.sub), a_status(anna.sub).to_json())
        await speaker.set(result_of(anna.sub, own), succeeded(own).to_json())
        await speaker.xadd(history_of(anna.sub), {"entry": line.to_json()})
    status = await client.astatus(anna)
    assert status is not None
    assert status.sub == anna.sub
    assert await client.astatus(bela) is None
    answer = await client.aresult(anna, own)
    assert answer == await asyncio.to_thread(client.result, anna, own)
    assert await client.aresult(bela, own) is None
    page = await client.ahistory(anna)
    assert page.entries == (line,)
    assert page == await asyncio.to_thread(client.history, anna)
    assert (await client.ahistory(bela)).entries == ()


def test_the_history_is_read_page_by_page(anna: User) -> None:
    with wire.connect() as speaker:
        for number in range(5):
            line = HistoryEntry(id=str(number), command="pause", status="succeeded", at=1, ms=1)
            speaker.xadd(history_of(anna.sub), {"entry": line.to_json()}, id=f"7-{number + 1}")
    read: list[str] = []
    before = None
    for _ in range(3):
        page = client.history(anna, limit=2, before=before)
        read += [entry.id for entry in page.entries]
        before = page.next
    assert read == ["4", "3", "2", "1", "0"]
    assert before is None
