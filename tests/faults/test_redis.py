"""Redis dies, returns with or without its data, or does not answer for a while."""

from __future__ import annotations

import json
from functools import partial

import pytest

from control import client
from control.protocol import Command, State, commands_of
from settings_app.models import User
from tests.control.running import eventually, publish
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


def test_what_redis_took_is_answered_though_it_was_killed(stage: Stage, anna: User) -> None:
    worker, redis = stage.worker(), stage.servers.redis
    epoch = stage.hosted(anna, worker).epoch
    worker.freeze()
    sent = [client.send(anna, Command.RELOAD_SETTINGS, wait=None) for _ in range(3)]
    redis.kill()
    worker.thaw()
    eventually(lambda: "mailbox.redis_away" in worker.said)
    redis.start()
    for answer in sent:
        assert answer_to(anna, answer.command_id).success
    patiently(lambda: is_settled(stage, anna))
    works(anna)
    assert lease_of(anna).fence == epoch


def test_an_intent_outlives_a_redis_that_came_back_empty(stage: Stage, anna: User) -> None:
    redis = stage.servers.redis
    stage.hosted(anna, stage.worker())
    redis.kill()
    answer = client.send(anna, Command.PAUSE, wait=None)
    assert (answer.recorded is not None, answer.sent) == (True, False)
    redis.empty()
    redis.start()
    status_when(anna, lambda status: status.state is State.PAUSED)
    works(anna)


def test_a_command_in_hand_is_answered_though_redis_came_back_empty(
    stage: Stage, anna: User
) -> None:
    worker, redis, reload = stage.worker(), stage.servers.redis, foreign("reload-settings")
    stage.hosted(anna, worker)
    with stage.transaction(LOCK_LEASE, anna.pk):
        post(stage, anna, reload)
        acknowledged(anna, reload["id"])
        redis.kill()
        redis.empty()
        redis.start()
    assert answer_to(anna, reload["id"]).success
    assert receipts(anna, reload["id"]) == 1


def test_everybody_else_hears_again_from_an_emptied_redis(
    stage: Stage, anna: User, bela: User
) -> None:
    worker, redis = stage.worker(), stage.servers.redis
    for user in (anna, bela):
        stage.hosted(user, worker)
    redis.kill()
    redis.empty()
    redis.start()
    for user in (anna, bela):
        works(user)
        eventually(partial(stage.listeners, user))  # by a message alone as well
        pause = foreign("pause")
        assert publish(commands_of(user.sub), json.dumps(pause)) == 1
        assert answer_to(user, pause["id"]).success


def test_ten_seconds_without_an_answer_of_redis_cost_neither_a_lease_nor_a_command(
    stage: Stage, anna: User
) -> None:
    worker = stage.worker()
    epoch = stage.hosted(anna, worker).epoch
    with stage.servers.redis.frozen():
        # Each waits for its own time limit; together they are the ten seconds.
        with pytest.raises(client.NotSent, match="may still be carried out"):
            client.send(anna, Command.RELOAD_SETTINGS)
        answer = client.send(anna, Command.PAUSE)
    assert (answer.sent, answer.applied) == (False, False)
    assert answer.recorded is not None
    status_when(anna, lambda status: status.state is State.PAUSED)
    works(anna)
    assert lease_of(anna).fence == epoch


def test_a_hand_over_does_not_wait_for_a_redis_that_does_not_answer(
    stage: Stage, anna: User
) -> None:
    first = stage.worker()
    stage.hosted(anna, first)
    second = stage.worker()
    eventually(lambda: "worker.started" in second.said)
    with stage.servers.redis.frozen():
        first.ask_to_stop()
        eventually(lambda: second.drives(anna.pk))
        assert "worker.forget" in first.said  # it gave up on Redis, and did not wait out its limit
    stage.hosted(anna, second)
    works(anna)
