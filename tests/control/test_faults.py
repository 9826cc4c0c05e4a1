"""What goes wrong around a runtime, and what it must never lead to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from control import client, ledger, plane_watch, wire
from control.hotline import Hotline
from control.models import Lease
from control.protocol import (
    Command,
    CommandResult,
    RuntimeStatus,
    State,
    commands_of,
    now_ms,
)
from settings_app import desired
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import (
    RunningWorker,
    eventually,
    publish,
    running_worker,
    status_when,
)
from tests.control.test_worker import answer_to, closes_candles, foreign, is_paused, is_running
from trading.models import Position
from trading.net.endpoints import Endpoints

pytestmark = pytest.mark.timeout(120)


@contextmanager
def locked(statement: str, *parameters: int) -> Iterator[None]:
    """Hold a lock in PostgreSQL for the length of a block, from another session."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                held.set()
                release.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        release.set()
        thread.join()


def lease_of(user: User) -> tuple[str, int]:
    return "SELECT 1 FROM control_lease WHERE user_id = %s FOR UPDATE", user.pk


def stands_still(user: User) -> None:
    """The candles of a user are the same two heartbeats later, each several minutes long there."""
    first = status_when(user, is_paused)
    second = status_when(user, lambda status: status.at > first.at)
    third = status_when(user, lambda status: status.at > second.at)
    assert third.counts.candles_closed == second.counts.candles_closed
    assert third.counts.trades == second.counts.trades


def test_a_command_that_fails_does_not_swallow_a_pause_that_was_only_recorded(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, closes_candles)
    desired.record(anna.pk, is_paused=True)  # and its message is lost
    assert not client.send(anna, Command.UNDO).applied
    stands_still(anna)


def test_a_restart_of_the_data_plane_does_not_undo_a_pause_that_is_being_committed(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, closes_candles)

    def crash() -> None:
        raise RuntimeError("a drill")

    with locked(*lease_of(anna)):
        pause = client.send(anna, Command.PAUSE, wait=None)
        worker.plane.call_soon(crash)
        eventually(lambda: worker.plane.failure is not None)
        eventually(lambda: worker.plane.failure is None)
    assert answer_to(anna, pause.command_id).success
    stands_still(anna)


def test_a_resume_while_the_data_plane_is_down_does_not_claim_to_run(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)

    def crash() -> None:
        raise RuntimeError("a drill")

    client.send(anna, Command.PAUSE)
    status_when(anna, is_paused)
    worker.plane.call_soon(crash)
    eventually(lambda: worker.plane.failure is not None)
    client.send(anna, Command.RESUME)
    seen = status_when(anna, lambda status: status.state is not State.PAUSED)
    assert seen.state is State.FAULTED or worker.plane.failure is None
    status_when(anna, is_running)


def test_a_resume_has_a_dead_data_plane_turn_again_without_its_backoff(
    anna: User, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane_watch, "BACKOFF_SECONDS", (600.0, 600.0))
    status_when(anna, is_running)

    def crash() -> None:
        raise RuntimeError("a drill")

    worker.plane.call_soon(crash)
    faulted = status_when(anna, lambda status: status.state is State.FAULTED)
    assert faulted.fault is not None
    assert faulted.fault.retry_at - faulted.fault.since > 500_000
    answer = client.send(anna, Command.RESUME)
    assert answer.result is not None
    assert "starts again" in (answer.result.message or "")
    status_when(anna, is_running)


def test_a_user_who_was_let_go_is_not_brought_back_by_a_command_under_way(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, closes_candles)
    client.send(anna, Command.PAUSE)
    status_when(anna, is_paused)
    with locked(*lease_of(anna)):
        client.send(anna, Command.RESUME, wait=None)
        User.objects.filter(pk=anna.pk).update(is_active=False)
        eventually(lambda: client.status(anna) is None)
    eventually(lambda: worker.plane.facts(anna.sub) is None)
    assert client.status(anna) is None


@pytest.mark.parametrize(
    "poison", [b'{"id":"\\ud800"}', b"\xff\xfe", b'{"id":"\\u0000"}', b'{"\\ud800": 1, "id": "x"}']
)
def test_a_poisoned_entry_costs_nobody_a_command(
    anna: User, worker: RunningWorker, poison: bytes
) -> None:
    epoch = status_when(anna, is_running).epoch
    with wire.connect() as redis:
        redis.xadd(commands_of(anna.sub), {"command": poison})
        reload = foreign("reload-settings")
        redis.xadd(commands_of(anna.sub), {"command": json.dumps(reload)})
    assert answer_to(anna, reload["id"]).success
    now = status_when(anna, lambda status: status.malformed_commands == 1)
    assert now.epoch == epoch  # the same runtime goes on
    with wire.connect() as redis:
        eventually(lambda: redis.xlen(commands_of(anna.sub)) == 0)


def test_with_postgresql_blocked_status_is_answered_and_the_worker_can_be_stopped(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints) as worker:
        status_when(anna, is_running)
        with locked("LOCK TABLE control_lease IN ACCESS EXCLUSIVE MODE"):
            publish(commands_of(anna.sub), json.dumps(foreign("pause")))
            assert client.send(anna, Command.STATUS).applied
            worker.stop()


def test_one_users_broken_row_is_nobody_elses_trouble(
    anna: User, bela: User, worker: RunningWorker
) -> None:
    for user in (anna, bela):
        status_when(user, is_running)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE settings_app_user SET settings = jsonb_set(settings, '{watchlist}', '7'),"
            " settings_revision = settings_revision + 1 WHERE id = %s",
            [anna.pk],
        )
    broken = status_when(anna, lambda status: bool(status.errors))
    assert "watchlist" in broken.errors[0].message
    assert broken.state is State.RUNNING  # on the settings before
    desired.record(bela.pk, is_paused=True)
    assert status_when(bela, is_paused).errors == []


def test_a_worker_that_lost_its_lease_lets_go_and_the_others_go_on(
    anna: User, bela: User, worker: RunningWorker
) -> None:
    for user in (anna, bela):
        status_when(user, is_running)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE control_lease SET owner = 'another', fence = fence + 5,"
            " expires_at = clock_timestamp() + interval '1 hour' WHERE user_id = %s",
            [anna.pk],
        )
    eventually(lambda: worker.plane.facts(anna.sub) is None)
    desired.record(bela.pk, is_paused=True)
    status_when(bela, is_paused)
    assert Lease.objects.get(user_id=anna.pk).owner == "another"


def test_a_command_that_grew_too_old_while_postgresql_failed_expires_after_all(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    expires_at = now_ms() + 1_500
    reload = foreign("reload-settings", expiresAt=expires_at)
    with locked(*lease_of(anna)):
        publish(commands_of(anna.sub), json.dumps(reload))
        waiting = eventually(sessions_that_wait)
        eventually(lambda: now_ms() > expires_at)
        for pid in waiting:  # what was under way fails, and is not begun again
            terminate(pid)
    answer: CommandResult = answer_to(anna, reload["id"])
    assert (answer.status, answer.success) == ("expired", False)
    assert "expiresAt passed" in str(answer.message)


def sessions_that_wait() -> list[int]:
    """The sessions that wait for the lock of a row of leases, to decide a command."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE '%%control_lease%%FOR NO KEY UPDATE%%'"
        )
        return [pid for (pid,) in cursor.fetchall()]


def terminate(pid: int) -> None:
    """End a session of PostgreSQL as a restart would."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_a_user_whose_decision_hangs_holds_up_nobody_elses_lost_pause(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        for user in (anna, bela):
            status_when(user, is_running)
        with locked(*lease_of(anna)):
            client.send(anna, Command.PAUSE, wait=None)
            desired.record(bela.pk, is_paused=True)  # and its message is lost
            status_when(bela, is_paused)
        status_when(anna, is_paused)


def test_a_commit_that_looked_like_a_failure_is_in_effect_before_it_is_answered(
    anna: User, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    status_when(anna, is_running)
    assert client.send(anna, Command.PAUSE).applied
    decide, calls = ledger.decide, []

    def lose_the_first_answer(*arguments: Any) -> Any:
        verdict = decide(*arguments)
        calls.append(verdict)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")  # committed
        return verdict

    monkeypatch.setattr(ledger, "decide", lose_the_first_answer)
    assert client.send(anna, Command.RESUME).applied
    assert found_status(anna).state is State.RUNNING
    assert len(calls) == 2


def test_a_presumed_pause_whose_commit_was_not_heard_of_is_in_effect_before_it_is_answered(
    anna: User, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    status_when(anna, is_running)
    ask, kept = Hotline.ask, list[Any]()

    async def lose_the_answer(self: Hotline, statement: str, values: Any) -> None:
        kept.append(await ask(self, statement, values))

    monkeypatch.setattr(Hotline, "ask", lose_the_answer)
    assert client.send(anna, Command.PAUSE).applied
    assert found_status(anna).state is State.PAUSED
    assert kept == [(1,)]


def found_status(user: User) -> RuntimeStatus:
    status = client.status(user)
    assert status is not None
    return status


@contextmanager
def read_only_database() -> Iterator[None]:
    """What a server is for a while in a failover: it answers, and takes nothing."""
    name = connection.settings_dict["NAME"]

    def set_it(value: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')

    set_it("on")
    try:
        yield
    finally:
        set_it("off")


def test_a_database_that_takes_nothing_is_waited_for(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    pause = foreign("pause")
    with read_only_database():
        publish(commands_of(anna.sub), json.dumps(pause))
        waits = status_when(anna, lambda status: any(e.where == "database" for e in status.errors))
        assert waits.state is State.RUNNING
        assert not isinstance(client.result(anna, pause["id"]), CommandResult)
    assert answer_to(anna, pause["id"]).success
    status_when(anna, is_paused)


def test_an_intent_that_is_rolled_back_is_not_claimed(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    with transaction.atomic():
        answer = client.send(anna, Command.PAUSE)
        transaction.set_rollback(True)
    assert answer.result is not None
    assert not answer.applied
    assert "is not in the database" in str(answer.result.message)
    assert client.send(anna, Command.STATUS).result.message == "running"  # type: ignore[union-attr]


def test_a_position_is_watched_as_soon_as_it_is_entered(
    transactional_db: None, redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna = trader("BTC-USD", runtime_mode="position-monitor", is_paused=False)
    with running_worker(endpoints):
        status_when(anna, lambda status: status.state is State.RUNNING)
        position = Position.objects.create(
            user=anna, exchange="coinbase", symbol="ETH-USD", quantity=1
        )
        status_when(anna, lambda status: [s.symbol for s in status.symbols] == ["ETH-USD"])
        position.delete()
        status_when(anna, lambda status: status.symbols == [])
