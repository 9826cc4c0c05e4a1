"""A Redis that has no room left and evicts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from control import client
from control.protocol import Command, State, commands_of
from settings_app.models import User
from tests.control.running import publish
from tests.faults.stage import (
    Stage,
    acknowledged,
    answer_to,
    foreign,
    is_settled,
    lease_of,
    patiently,
    post,
    receipts,
    status_when,
    works,
)
from tests.faults.test_killed_worker import LOCK_LEASE

pytestmark = pytest.mark.timeout(90)


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    """No room in Redis for the length of a block."""
    with stage.servers.redis.connect() as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)
        try:
            yield
        finally:
            redis.config_set("maxmemory", 0)


def test_a_sender_is_told_and_an_intent_stays_recorded_and_is_applied(
    stage: Stage, anna: User
) -> None:
    worker = stage.worker()
    epoch = stage.hosted(anna, worker).epoch
    with full(stage):
        with pytest.raises(client.NotSent, match=r"did not confirm the command.*maxmemory"):
            client.send(anna, Command.RELOAD_SETTINGS)
        answer = client.send(anna, Command.PAUSE)
        assert (answer.sent, answer.applied) == (False, False)
        assert answer.recorded is not None
        assert answer.recorded.is_paused
    status_when(anna, lambda status: status.state is State.PAUSED)
    works(anna)
    assert lease_of(anna).fence == epoch


def test_what_was_acknowledged_before_is_carried_out_and_answered_once_there_is_room(
    stage: Stage, anna: User
) -> None:
    epoch = stage.hosted(anna, stage.worker()).epoch
    waiting = [foreign("reload-settings"), foreign("pause")]
    with full_behind_the_acknowledgement(stage, anna, waiting):
        patiently(lambda: receipts(anna, waiting[0]["id"]))  # what is done does not wait
        assert not is_settled(stage, anna)
    for command in waiting:
        assert answer_to(anna, command["id"]).success
        assert receipts(anna, command["id"]) == 1
    assert lease_of(anna).fence == epoch  # waited, and did not crash
    patiently(lambda: is_settled(stage, anna))
    works(anna)


@contextmanager
def full_behind_the_acknowledgement(
    stage: Stage, user: User, commands: list[dict[str, object]]
) -> Iterator[None]:
    """Redis has taken these commands, the first is acknowledged, and then there is no room."""
    first, *others = commands
    with stage.servers.redis.connect() as redis:
        try:
            with stage.transaction(LOCK_LEASE, user.pk):
                post(stage, user, first)
                acknowledged(user, str(first["id"]))
                for command in others:  # of two that are there at once a pause goes first
                    post(stage, user, command)
                redis.config_set("maxmemory", 1)
            yield
        finally:
            redis.config_set("maxmemory", 0)


def test_the_stream_drains_of_what_is_done_while_redis_stays_full(stage: Stage, anna: User) -> None:
    stage.hosted(anna, stage.worker())
    waiting = [foreign("reload-settings"), foreign("pause")]
    with full_behind_the_acknowledgement(stage, anna, waiting):
        patiently(lambda: is_settled(stage, anna))
        for command in waiting:
            assert receipts(anna, command["id"]) == 1
    works(anna)


def test_a_pause_by_a_message_alone_is_obeyed_though_its_answer_finds_no_room(
    stage: Stage, anna: User
) -> None:
    stage.hosted(anna, stage.worker())
    pause = foreign("pause")
    with full(stage):
        assert publish(commands_of(anna.sub), json.dumps(pause)) == 1
        patiently(lambda: receipts(anna, pause["id"]))
    assert answer_to(anna, pause["id"]).success
    status_when(anna, lambda status: status.state is State.PAUSED)
