"""More than anybody should send: many senders, nonsense, and messages of sixteen megabytes."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from control import client
from control.client import Answer
from control.models import Receipt
from control.protocol import Command, CommandResult, State, commands_of, now_ms
from settings_app import desired
from settings_app.models import User
from tests.control.running import PATIENCE_SECONDS, publish
from tests.faults.programs import Worker
from tests.faults.stage import (
    Stage,
    answer_to,
    foreign,
    is_settled,
    patiently,
    revision,
    status_when,
    works,
)

pytestmark = pytest.mark.timeout(120)

SENDERS, COMMANDS = 10, 200
MALFORMED, FIRST = 10_000, 1_000
PACKET = 500
A_SECOND = 1_000
NAMES = ("status", "status", "status", "reload-settings")
SECONDS = 3
HUGE = 16 * 1024 * 1024
GROWTH_KB = 150_000  # generous: what is measured is whether ten thousand bodies stay


def test_two_hundred_commands_of_ten_senders_are_each_carried_out_once_and_answered(
    stage: Stage, anna: User
) -> None:
    stage.hosted(anna, stage.worker())
    before = revision(anna)
    with ThreadPoolExecutor(SENDERS) as senders:
        answers = [a for part in senders.map(send_some, [anna] * SENDERS) for a in part]
    results = [answer_to(anna, answer.command_id) for answer in answers]
    assert len({result.command_id for result in results}) == COMMANDS
    intents = [answer for answer in answers if answer.recorded is not None]
    assert revision(anna) == before + len(intents)
    assert Receipt.objects.filter(user=anna).count() == COMMANDS
    refused = [result.message for result in results if not result.success]
    assert all("superseded" in str(message) for message in refused)
    agrees(anna)
    patiently(lambda: is_settled(stage, anna))


def send_some(user: User) -> list[Answer]:
    """One sender's share, as quickly as it can."""
    share: list[tuple[Command, dict[str, Any] | None]] = [
        (Command.PAUSE, None),
        (Command.RESUME, None),
        (Command.SWITCH_MODE, {"mode": "position-monitor"}),
        (Command.SWITCH_MODE, {"mode": "scalper-macdv"}),
        (Command.RELOAD_SETTINGS, None),
    ] * (COMMANDS // SENDERS // 5)
    random.Random(threading.get_ident()).shuffle(share)
    try:
        return [client.send(user, command, payload, wait=None) for command, payload in share]
    finally:
        connections.close_all()


def agrees(user: User) -> None:
    """What a user's runtime does is what PostgreSQL says that it shall."""
    row = desired.read_desired(user.pk)
    status = status_when(user, lambda status: status.desired.revision == row.revision)
    assert (status.desired.is_paused, status.desired.mode) == (row.is_paused, str(row.mode))
    assert (status.state is State.PAUSED) == row.is_paused


def nonsense(number: int) -> str:
    """A body that is no command; of some the id can be read."""
    bodies: list[Callable[[], str]] = [
        lambda: "{not json",
        lambda: json.dumps({"id": f"bad-{number}", "command": "explode"}),
        lambda: json.dumps([]),
        lambda: json.dumps({"command": "pause", "timestamp": "yesterday"}),
        lambda: json.dumps([foreign("status") | {"x" * 50: 1}]),
        lambda: "[" * 5_000,
        lambda: json.dumps({"id": {"a": number}, "payload": "x" * 5_000}),
        lambda: "\ud800\x00".encode("utf-16", "surrogatepass").decode("latin-1"),
    ]
    return bodies[number % len(bodies)]()


def test_ten_thousand_malformed_messages_are_answered_or_counted_and_cost_no_memory(
    stage: Stage, anna: User, bela: User
) -> None:
    worker = stage.worker()
    stage.hosted(bela, worker)
    before = stage.hosted(anna, worker)
    # Whatever a first flood leaves behind for good is there.
    flood(stage, anna, range(MALFORMED, MALFORMED + FIRST))
    status_when(anna, lambda status: status.malformed_commands == FIRST)
    memory = worker.resident_kilobytes()
    flooding = threading.Thread(target=flood, args=(stage, anna, range(MALFORMED)))
    flooding.start()
    try:
        assert client.send(anna, Command.PAUSE, wait=PATIENCE_SECONDS).applied
        assert client.send(bela, Command.PAUSE, wait=PATIENCE_SECONDS).applied
    finally:
        flooding.join()
    after = status_when(anna, lambda status: status.malformed_commands == FIRST + MALFORMED)
    assert after.state is State.PAUSED
    assert after.epoch == before.epoch
    assert worker.resident_kilobytes() - memory < GROWTH_KB
    refused = answer_to(anna, "bad-9993")  # one of the last
    assert (refused.status, "command" in str(refused.message)) == ("failed", True)
    patiently(lambda: is_settled(stage, anna))


def flood(stage: Stage, user: User, numbers: range) -> None:
    """Send nonsense by both ways, in packets, so that the sender is not the limit."""
    name = commands_of(user.sub)
    with stage.servers.redis.connect() as redis:
        for start in numbers[::PACKET]:
            with redis.pipeline(transaction=False) as pipe:
                for number in range(start, start + PACKET):
                    text = nonsense(number)
                    if number % 2:
                        pipe.xadd(name, {"command": text})
                    else:
                        pipe.publish(name, text)
                pipe.execute()


def test_a_pause_among_a_thousand_commands_a_second_overtakes_them(
    stage: Stage, anna: User
) -> None:
    stage.hosted(anna, stage.worker())
    ids: list[str] = []
    pause = foreign("pause")
    for second in range(SECONDS):
        began = now_ms()
        commands = [foreign(NAMES[n % len(NAMES)]) for n in range(A_SECOND)]
        ids += put(stage, anna, commands)
        if second == 1:
            put(stage, anna, [pause])
            assert answer_to(anna, pause["id"]).success
            before = [each["id"] for each in commands if each["command"] == "reload-settings"]
            assert not all(is_answered(anna, command_id) for command_id in before)
        threading.Event().wait(max(0.0, 1.0 - (now_ms() - began) / 1_000))  # the rate
    answers = [answer_to(anna, command_id, seconds=60) for command_id in ids]
    assert {answer.status for answer in answers} <= {"succeeded", "expired"}
    assert len({answer.command_id for answer in answers}) == SECONDS * A_SECOND
    status_when(anna, lambda status: status.state is State.PAUSED)
    patiently(lambda: is_settled(stage, anna))


def put(stage: Stage, user: User, commands: list[dict[str, Any]]) -> list[str]:
    """Put commands into the stream and on the channel, in one packet; their ids."""
    name = commands_of(user.sub)
    with stage.servers.redis.connect() as redis, redis.pipeline(transaction=False) as pipe:
        for text in map(json.dumps, commands):
            pipe.xadd(name, {"command": text})
            pipe.publish(name, text)
        pipe.execute()
    return [str(command["id"]) for command in commands]


def is_answered(user: User, command_id: str) -> bool:
    """Whether a command has its final answer."""
    return isinstance(client.result(user, command_id), CommandResult)


def huge_bodies() -> dict[str, str]:
    """Sixteen megabytes of what costs a reader most."""
    item = json.dumps(foreign("reload-settings"))
    return {
        "text": "x" * HUGE,
        "brackets": "[" * HUGE,
        "a batch of nothing": "[" + ",".join(["0"] * (HUGE // 2)) + "]",
        "a batch of commands": "[" + ",".join([item] * (HUGE // len(item))) + "]",
        "an id": json.dumps(foreign("pause") | {"id": "x" * HUGE}),
        "a payload": json.dumps(foreign("pause", payload={"note": "x" * HUGE})),
        "many keys": json.dumps(
            foreign("pause") | {uuid.uuid4().hex: 0 for _ in range(HUGE // 40)}
        ),
    }


@pytest.mark.parametrize("kind", huge_bodies())
def test_sixteen_megabytes_are_survived_counted_and_delay_nobody(
    stage: Stage, anna: User, bela: User, kind: str
) -> None:
    worker, body = stage.worker(), huge_bodies()[kind]
    stage.hosted(bela, worker)
    before = stage.hosted(anna, worker)
    publish(commands_of(anna.sub), body)
    with stage.servers.redis.connect() as redis:
        redis.xadd(commands_of(anna.sub), {"command": f"{body} "})  # the same would be one message
    for user in (anna, bela):
        assert client.send(user, Command.PAUSE).applied
    after = status_when(anna, lambda status: status.malformed_commands >= 2)
    assert after.epoch == before.epoch
    patiently(lambda: is_settled(stage, anna))
    works(anna)
    assert is_whole(worker)


def is_whole(worker: Worker) -> bool:
    """Whether it lives, and nothing in it has failed."""
    return worker.is_running and "worker.side_task" not in worker.said
