"""A worker that dies at any moment of a command, and the one that takes over.

The phases are those at which a death could lose or repeat something. There is none between the
answer and the XACK: both are one transaction of Redis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from control import client
from control.protocol import Command, CommandAck, State
from settings_app.models import User
from tests.control.running import eventually
from tests.faults.programs import Worker
from tests.faults.stage import (
    Stage,
    acknowledged,
    answer_to,
    foreign,
    is_settled,
    patiently,
    post,
    receipts,
    revision,
    sessions_that_wait,
    status_when,
    works,
)

pytestmark = pytest.mark.timeout(90)

TAKEOVER_SECONDS = 10.0  # promised: a killed worker is replaced within
HANDOVER_SECONDS = 2.0  # promised: one that is told to stop is replaced within

LOCK_LEASE = "SELECT 1 FROM control_lease WHERE user_id = %s FOR UPDATE"
SAME_RECEIPT = (
    "INSERT INTO control_receipt (user_id, command_id, result, created_at)"
    " VALUES (%s, %s, '{}', now())"
)

Caught = Callable[[Stage, User, Worker, dict[str, Any]], None]


def before_it_is_read(stage: Stage, user: User, worker: Worker, command: dict[str, Any]) -> None:
    worker.freeze()
    post(stage, user, command)
    worker.kill()


def before_it_is_decided(stage: Stage, user: User, worker: Worker, command: dict[str, Any]) -> None:
    with stage.transaction(LOCK_LEASE, user.pk):
        post(stage, user, command)
        acknowledged(user, command["id"])
        eventually(lambda: sessions_that_wait("%control_lease%FOR NO KEY UPDATE%"))
        worker.kill()


def before_it_is_committed(
    stage: Stage, user: User, worker: Worker, command: dict[str, Any]
) -> None:
    with stage.transaction(SAME_RECEIPT, user.pk, command["id"]):
        post(stage, user, command)
        eventually(lambda: sessions_that_wait("%INSERT INTO%control_receipt%"))
        worker.kill()


def before_it_is_answered(
    stage: Stage, user: User, worker: Worker, command: dict[str, Any]
) -> None:
    with stage.servers.redis.connect() as redis:
        with stage.transaction(LOCK_LEASE, user.pk):
            post(stage, user, command)
            acknowledged(user, command["id"])
            redis.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        eventually(lambda: receipts(user, command["id"]))
        worker.kill()
        eventually(lambda: len(clients_that_write(redis)) == 0)  # nothing of it is under way
        redis.execute_command("CLIENT", "UNPAUSE")
    assert isinstance(client.result(user, command["id"]), CommandAck)


def clients_that_write(redis: Any) -> list[dict[str, str]]:
    """Connections whose command Redis holds back."""
    return [entry for entry in redis.client_list() if "b" in entry["flags"]]


@pytest.mark.parametrize(
    "dies",
    [before_it_is_read, before_it_is_decided, before_it_is_committed, before_it_is_answered],
)
def test_a_command_is_carried_out_once_and_answered_though_its_worker_dies(
    stage: Stage, anna: User, dies: Caught
) -> None:
    first = stage.worker()
    stage.hosted(anna, first)
    second = stage.worker()
    before, pause = revision(anna), foreign("pause")
    dies(stage, anna, first, pause)
    stage.expire_leases()
    assert answer_to(anna, pause["id"]).success
    assert stage.hosted(anna, second).state is State.PAUSED
    assert revision(anna) == before + 1
    assert receipts(anna, pause["id"]) == 1
    patiently(lambda: is_settled(stage, anna))
    works(anna)


def test_a_killed_worker_is_replaced_within_ten_seconds(
    stage: Stage, anna: User, bela: User
) -> None:
    first = stage.worker()
    for user in (anna, bela):
        stage.hosted(user, first)
    assert client.send(bela, Command.PAUSE).applied
    second = stage.worker()
    eventually(lambda: "worker.started" in second.said)
    first.kill()
    died = time.monotonic()
    eventually(lambda: second.drives(anna.pk) and second.drives(bela.pk))
    assert time.monotonic() - died <= TAKEOVER_SECONDS
    assert stage.hosted(anna, second).state in {State.STARTING, State.RUNNING}
    stage.hosted(bela, second)
    status_when(bela, lambda status: status.state is State.PAUSED)


def test_a_worker_that_is_told_to_stop_hands_over_within_two_seconds(
    stage: Stage, anna: User, bela: User
) -> None:
    first = stage.worker()
    for user in (anna, bela):
        stage.hosted(user, first)
    second = stage.worker()
    eventually(lambda: "worker.started" in second.said)
    before = eventually(last_try)
    eventually(lambda: last_try() != before)  # the second has just looked: its longest wait
    first.ask_to_stop()
    asked = time.monotonic()
    eventually(lambda: second.drives(anna.pk) and second.drives(bela.pk))
    assert time.monotonic() - asked <= HANDOVER_SECONDS
    assert first.exit_status() == 0
    for user in (anna, bela):
        stage.hosted(user, second)
        works(user)


def last_try() -> datetime | None:
    """When a worker last tried to get a lease that it has not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(query_start) FROM pg_stat_activity"
            " WHERE query LIKE '%INSERT INTO control_lease%' AND pid <> pg_backend_pid()"
        )
        at: datetime | None = cursor.fetchone()[0]
        return at
