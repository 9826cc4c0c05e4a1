"""PostgreSQL dies and returns under a worker."""

from __future__ import annotations

import json

import pytest
from django.db import connections

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
    revision,
    sessions_that_wait,
    status_when,
    works,
)
from tests.faults.test_killed_worker import LOCK_LEASE

pytestmark = pytest.mark.timeout(90)


def test_a_worker_goes_on_telling_and_takes_pauses_while_postgresql_is_away(
    stage: Stage, anna: User
) -> None:
    worker, postgres = stage.worker(), stage.servers.postgres
    before = stage.hosted(anna, worker)
    intents = revision(anna)
    connections.close_all()
    postgres.kill()
    pause = foreign("pause")
    assert publish(commands_of(anna.sub), json.dumps(pause)) == 1
    acknowledged(anna, pause["id"])
    away = status_when(anna, lambda status: bool(status.errors))
    assert "PostgreSQL is away" in away.errors[0].message
    status_when(anna, lambda status: status.at > away.at)
    postgres.start()
    assert answer_to(anna, pause["id"]).success
    status_when(anna, lambda status: status.state is State.PAUSED)
    assert revision(anna) == intents + 1
    assert lease_of(anna).fence == before.epoch
    works(anna)


def test_a_command_whose_transaction_was_cut_off_is_carried_out_once(
    stage: Stage, anna: User
) -> None:
    worker, postgres = stage.worker(), stage.servers.postgres
    stage.hosted(anna, worker)
    intents, resume = revision(anna), foreign("resume")
    with stage.transaction(LOCK_LEASE, anna.pk):
        post(stage, anna, resume)
        eventually(lambda: sessions_that_wait("%control_lease%FOR NO KEY UPDATE%"))
        connections.close_all()
        postgres.kill()
    postgres.start()
    assert answer_to(anna, resume["id"]).success
    assert receipts(anna, resume["id"]) == 1
    assert revision(anna) == intents + 1
    patiently(lambda: is_settled(stage, anna))
    works(anna)


def test_what_was_committed_before_postgresql_died_is_still_so_afterwards(
    stage: Stage, anna: User
) -> None:
    stage.hosted(anna, stage.worker())
    answer = client.send(anna, Command.PAUSE)
    assert answer.applied
    connections.close_all()
    stage.servers.postgres.kill()
    stage.servers.postgres.start()
    assert receipts(anna, answer.command_id) == 1
    status_when(anna, lambda status: status.state is State.PAUSED)
    works(anna)
