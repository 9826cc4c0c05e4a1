"""Two workers for the same users, one of which may wake up late."""

from __future__ import annotations

import time
from typing import Any

import pytest

from control import client
from control.protocol import Command, CommandResult, State
from settings_app.models import User
from tests.control.recording import Done, recorded
from tests.control.running import eventually
from tests.faults.programs import Worker
from tests.faults.stage import (
    Stage,
    answer_to,
    foreign,
    is_settled,
    lease_of,
    patiently,
    post,
    receipts,
    revision,
    sessions_that_wait,
    status_when,
    works,
)
from tests.faults.test_killed_worker import TAKEOVER_SECONDS

pytestmark = pytest.mark.timeout(90)

TAKE_OVER = (
    "UPDATE control_lease SET owner = 'elsewhere:1:0', fence = fence + 1,"
    " expires_at = clock_timestamp() + interval '1 hour' WHERE user_id = %s"
)
# What a worker that has lost a user may still do with that user's names: look, and let go. The
# group's bookkeeping takes nothing from anybody: the owner claims what another read last.
HARMLESS = frozenset({"XREADGROUP", "XAUTOCLAIM", "XGROUP", "XPENDING", "SUBSCRIBE", "UNSUBSCRIBE"})


def test_two_workers_never_drive_the_same_user(stage: Stage, anna: User, bela: User) -> None:
    workers = [stage.worker(), stage.worker()]
    for user in (anna, bela):
        driven = status_when(user, lambda status: status.state is State.RUNNING)
        assert driven.worker == lease_of(user).owner
        before = revision(user)
        for number in range(10):
            command = Command.PAUSE if number % 2 == 0 else Command.RESUME
            assert client.send(user, command).applied
        assert revision(user) == before + 10
        assert stage.listeners(user) == 1
    assert all(worker.is_running for worker in workers)


def test_a_worker_that_wakes_up_late_writes_nothing_answers_nothing_and_lets_go(
    stage: Stage, anna: User
) -> None:
    first = stage.worker()
    stage.hosted(anna, first)
    connections = connections_of(stage, first)
    first.freeze()
    second = stage.worker()
    epoch = stage.hosted(anna, second).epoch
    assert client.send(anna, Command.PAUSE).applied
    question, switch = foreign("status"), foreign("switch-mode", payload={"mode": "scalper-macdv"})
    before = revision(anna)
    post(stage, anna, [question, switch])  # the sleeper will hear of it as well
    answer_to(anna, switch["id"])
    with recorded(stage.servers.redis.url) as done:
        first.thaw()
        eventually(lambda: "runtime.let_go" in first.said)
        works(anna)
    assert offences(done, connections, anna) == []
    answer = answer_to(anna, question["id"])
    assert answer.data is not None
    assert (answer.data["epoch"], answer.data["state"]) == (epoch, State.PAUSED)
    assert receipts(anna, switch["id"]) == 1
    assert revision(anna) == before + 3  # the switch, and the pause and the resume just now
    patiently(lambda: is_settled(stage, anna))
    assert second.drives(anna.pk)
    assert lease_of(anna).fence == epoch
    assert first.is_running  # for others it goes on


def test_a_command_under_way_when_the_lease_is_lost_is_left_to_the_new_owner(
    stage: Stage, anna: User
) -> None:
    worker, pause = stage.worker(), foreign("pause")
    stage.hosted(anna, worker)
    before = revision(anna)
    with stage.transaction(TAKE_OVER, anna.pk, commits=True):
        post(stage, anna, pause)
        eventually(lambda: sessions_that_wait("%control_lease%FOR NO KEY UPDATE%"))
    eventually(lambda: "runtime.let_go" in worker.said)
    assert receipts(anna, pause["id"]) == 0
    assert revision(anna) == before
    assert not isinstance(client.result(anna, pause["id"]), CommandResult)
    assert not is_settled(stage, anna)  # it waits for the owner
    stage.expire_leases()
    assert answer_to(anna, pause["id"]).success
    assert revision(anna) == before + 1


def test_a_worker_that_stands_still_in_the_middle_of_a_decision_is_replaced_for_everybody(
    stage: Stage, anna: User, bela: User
) -> None:
    first, pause = stage.worker(), foreign("pause")
    for user in (anna, bela):
        stage.hosted(user, first)
    second = stage.worker()
    eventually(lambda: "worker.started" in second.said)
    with stage.transaction("UPDATE settings_app_user SET email = '' WHERE id = %s", anna.pk):
        post(stage, anna, pause)
        eventually(lambda: sessions_that_wait("%UPDATE settings_app_user%"))
        first.freeze()
    # It has got the row by now, holds the lease's as well, and says nothing more.
    froze = time.monotonic()
    eventually(lambda: second.drives(anna.pk) and second.drives(bela.pk))
    assert time.monotonic() - froze <= TAKEOVER_SECONDS
    assert answer_to(anna, pause["id"]).success
    first.thaw()
    eventually(lambda: first.said.count("runtime.let_go") == 2)
    assert receipts(anna, pause["id"]) == 1
    for user in (anna, bela):
        works(user)


def connections_of(stage: Stage, worker: Worker) -> frozenset[str]:
    """The addresses of all connections to Redis that are not ours: the only worker's."""
    with stage.servers.redis.connect() as redis:
        mine = redis.client_info()["addr"]
        clients: list[dict[str, Any]] = redis.client_list()
    ours = {entry["addr"] for entry in clients if entry["cmd"] in {"get", "client|list"}}
    return frozenset(entry["addr"] for entry in clients) - ours - {mine}


def offences(done: list[Done], connections: frozenset[str], user: User) -> list[Done]:
    """What was written to a user's names over these connections."""
    return [
        each
        for each in done
        if each.address in connections
        and each.name not in HARMLESS
        and any(user.sub in name for name in each.touched)
    ]
