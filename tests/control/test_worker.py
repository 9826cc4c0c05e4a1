"""A worker, a trader and an exchange: what is said is what is so."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control import client, protocol, wire
from control.models import Receipt
from control.protocol import Command, RuntimeStatus, State
from settings_app import desired, services
from settings_app.models import User
from tests.control.running import (
    RunningWorker,
    eventually,
    publish,
    running_worker,
    status_when,
)
from trading.models import Alert
from trading.net.endpoints import Endpoints

pytestmark = pytest.mark.timeout(120)


def is_running(status: RuntimeStatus) -> bool:
    return status.state is State.RUNNING and status.counts.trades > 0


def is_paused(status: RuntimeStatus) -> bool:
    return status.state is State.PAUSED


def closes_candles(status: RuntimeStatus) -> bool:
    return status.counts.candles_closed > 0


def foreign(command: str, **extra: Any) -> dict[str, Any]:
    """A command as any other program would write it."""
    return {
        "id": str(uuid.uuid4()),
        "command": command,
        "timestamp": protocol.now_ms(),
        "source": "admin",
        **extra,
    }


def answer_to(user: User, command_id: str) -> Any:
    def look() -> Any:
        answer = client.result(user, command_id)
        return answer if isinstance(answer, protocol.CommandResult) else None

    return eventually(look)


def test_a_started_worker_processes_trades_and_closes_candles(
    anna: User, worker: RunningWorker
) -> None:
    status = status_when(anna, closes_candles)
    assert status.sub == anna.sub
    assert [exchange.state for exchange in status.exchanges] == ["connected"]
    assert {symbol.symbol for symbol in status.symbols} == {"BTC-USD", "ETH-USD"}


def test_a_pause_is_acknowledged_then_applied_and_the_data_plane_falls_silent(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, closes_candles)
    answer = client.send(anna, Command.PAUSE)
    assert answer.ack is not None
    assert answer.result is not None
    assert answer.result.status == "succeeded"
    paused = status_when(anna, is_paused)
    heartbeat = status_when(anna, lambda status: status.at > paused.at)
    assert heartbeat.counts.candles_closed == paused.counts.candles_closed
    alerts = Alert.objects.filter(user=anna).count()
    later = status_when(anna, lambda status: status.at > heartbeat.at)
    assert later.counts.candles_closed == paused.counts.candles_closed
    assert Alert.objects.filter(user=anna).count() == alerts


def test_a_resume_brings_data_back_without_a_hole(anna: User, worker: RunningWorker) -> None:
    eventually(lambda: kept_minutes("BTC-USD"))
    client.send(anna, Command.PAUSE)
    before = status_when(anna, is_paused)
    minutes = kept_minutes("BTC-USD")
    eventually(lambda: simulated_minutes_since(before) >= 3)
    answer = client.send(anna, Command.RESUME)
    assert answer.applied
    more = before.counts.candles_closed + 8
    status_when(anna, lambda status: status.counts.candles_closed > more)
    opened = kept_minutes("BTC-USD")
    assert set(since(opened[0], minutes)) < set(opened)
    assert opened == list(range(opened[0], opened[-1] + 60, 60))


def kept_minutes(symbol: str) -> list[int]:
    """Opening times of the 1m candles that are kept of a market, oldest first."""
    with wire.connect() as redis:
        entries: Any = redis.zrange(protocol.candles_of("coinbase", symbol, "1m"), 0, -1)
    return [json.loads(entry)[0] for entry in entries]


def since(first: int, minutes: list[int]) -> list[int]:
    """Those that are not old enough to have been trimmed meanwhile."""
    return [minute for minute in minutes if minute >= first]


def simulated_minutes_since(status: RuntimeStatus) -> float:
    return (protocol.now_ms() - status.at) / 1_000  # a second is a minute there


def test_whoever_reads_the_answer_finds_the_status_that_goes_with_it(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    for command, state in [(Command.PAUSE, State.PAUSED), (Command.RESUME, State.RUNNING)] * 3:
        assert client.send(anna, command).applied
        status = client.status(anna)
        assert status is not None
        assert status.state is state


def test_pausing_twice_succeeds_twice(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    assert client.send(anna, Command.PAUSE).applied
    again = client.send(anna, Command.PAUSE)
    assert again.applied
    assert again.result is not None
    assert again.result.message == "already paused"


def test_a_bare_publish_of_a_foreign_program_pauses_as_well(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    pause = foreign("pause")
    assert publish(protocol.commands_of(anna.sub), json.dumps(pause)) == 1
    assert answer_to(anna, pause["id"]).status == "succeeded"
    status_when(anna, is_paused)
    assert desired.read_desired(anna.pk).is_paused


def test_a_repeated_command_is_carried_out_once(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    switch = foreign("switch-mode", payload={"mode": "position-monitor"})
    before = desired.read_desired(anna.pk).revision
    publish(protocol.commands_of(anna.sub), json.dumps([switch, switch]))
    publish(protocol.commands_of(anna.sub), json.dumps(switch))
    answer_to(anna, switch["id"])
    last = client.send(anna, Command.RELOAD_SETTINGS)  # behind all of them
    assert last.applied
    assert desired.read_desired(anna.pk).revision == before + 1
    assert Receipt.objects.filter(user=anna, command_id=switch["id"]).count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"command": "explode"},
        {"command": "pause", "payload": {"force": True}},
        {"command": "switch-mode"},
        {"command": "switch-mode", "payload": {"mode": "scalper-orderbook"}},
        {"command": "pause", "source": "elsewhere"},
    ],
)
def test_a_command_that_cannot_be_done_is_answered_and_changes_nothing(
    anna: User, worker: RunningWorker, body: dict[str, Any]
) -> None:
    status_when(anna, is_running)
    before = desired.read_desired(anna.pk)
    command = foreign(body["command"]) | body
    publish(protocol.commands_of(anna.sub), json.dumps(command))
    result = answer_to(anna, command["id"])
    assert (result.status, result.success) == ("failed", False)
    assert result.message
    assert desired.read_desired(anna.pk) == before


def test_a_command_without_an_id_is_counted(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    publish(protocol.commands_of(anna.sub), "{not json")
    status_when(anna, lambda status: status.malformed_commands == 1)


def test_an_older_intent_is_superseded(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    old = desired.record(anna.pk, is_paused=True).revision
    desired.record(anna.pk, is_paused=False)
    pause = foreign("pause", desiredRevision=old)
    publish(protocol.commands_of(anna.sub), json.dumps(pause))
    result = answer_to(anna, pause["id"])
    assert result.status == "failed"
    assert result.message.startswith("superseded")
    assert client.send(anna, Command.STATUS).result.message == "running"  # type: ignore[union-attr]


def test_a_late_command_expires_and_a_late_pause_does_not(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    late = protocol.now_ms() - 90_000
    reload = foreign("reload-settings", timestamp=late)
    pause = foreign("pause", timestamp=late)
    publish(protocol.commands_of(anna.sub), json.dumps([reload, pause]))
    assert answer_to(anna, reload["id"]).status == "expired"
    assert answer_to(anna, pause["id"]).status == "succeeded"


def test_a_worker_started_while_paused_comes_up_paused(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        status_when(anna, is_running)
        first = client.send(anna, Command.PAUSE)
        assert first.applied
    with running_worker(endpoints):
        status = status_when(anna, is_paused)
        assert status.epoch > first.result.data["epoch"]  # type: ignore[union-attr,index]
        assert status.counts.trades == 0


def test_a_restart_leaves_no_hole_in_the_kept_candles(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        eventually(lambda: kept_minutes("BTC-USD"))
        last = status_when(anna, closes_candles)
    eventually(lambda: simulated_minutes_since(last) >= 4)
    before = kept_minutes("BTC-USD")
    with running_worker(endpoints):
        eventually(lambda: kept_minutes("BTC-USD")[-1] > before[-1])
        opened = kept_minutes("BTC-USD")
    assert opened == list(range(opened[0], opened[-1] + 60, 60))
    assert set(since(opened[0], before)) < set(opened)


def test_a_lost_pause_costs_one_poll(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    desired.record(anna.pk, is_paused=True)  # and nothing is sent
    status_when(anna, is_paused)


def test_a_pause_recorded_while_nobody_was_there_is_answered_by_the_next_worker(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    answer = client.send(anna, Command.PAUSE, wait=0.2)
    assert answer.sent
    assert answer.result is None
    assert answer.recorded is not None
    with running_worker(endpoints):
        assert answer_to(anna, answer.command_id).success
        assert status_when(anna, is_paused).counts.trades == 0


def test_saved_settings_are_applied_without_a_restart(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    watchlist = [{"symbol": "LTC-USD", "exchange": "coinbase"}]
    saved = services.patch(anna.pk, {"watchlist": watchlist}, by=anna)
    status = status_when(anna, lambda status: [row.symbol for row in status.symbols] == ["LTC-USD"])
    assert status.settings_revision == saved.revision
    assert status.epoch == status_when(anna, is_running).epoch


def test_switching_the_mode_changes_what_is_watched(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    answer = client.send(anna, Command.SWITCH_MODE, {"mode": "position-monitor"})
    assert answer.applied
    status = status_when(anna, lambda status: status.mode == "position-monitor")
    assert status.symbols == []
    assert client.send(anna, Command.SWITCH_MODE, {"mode": "scalper-macdv"}).applied
    status_when(anna, lambda status: len(status.symbols) == 2)


def test_a_blocked_data_plane_delays_neither_a_pause_nor_the_heartbeat_and_is_shown(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    released = threading.Event()

    def block() -> None:
        released.wait(5.0)

    worker.plane.call_soon(block)
    hangs = status_when(anna, lambda status: status.data_plane.state == "hangs")
    began = time.monotonic()
    answer = client.send(anna, Command.PAUSE)
    assert answer.applied
    assert not released.is_set()
    beat = status_when(anna, lambda status: status.at > hangs.at and is_paused(status))
    assert beat.data_plane.state == "hangs"
    assert time.monotonic() - began < 5.0  # answered and beating while the block still held
    released.set()
    status_when(anna, lambda status: status.data_plane.state == "turning")


def test_a_crashed_data_plane_is_a_state_with_its_error_and_heals(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)

    def crash() -> None:
        raise RuntimeError("a drill")

    worker.plane.call_soon(crash)
    faulted = status_when(anna, lambda status: status.state is State.FAULTED)
    assert faulted.fault is not None
    assert "a drill" in faulted.fault.error
    healed = status_when(anna, is_running)
    assert healed.fault is None


def test_two_users_share_a_market_and_nothing_else(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        for user in (anna, bela):
            status_when(user, closes_candles)
        assert client.send(anna, Command.PAUSE).applied
        before = status_when(anna, is_paused)
        busy = status_when(bela, closes_candles).counts.candles_closed
        status_when(bela, lambda status: status.counts.candles_closed > busy + 4)
        assert status_when(bela, is_running).state is State.RUNNING
        now = status_when(anna, lambda status: status.at > before.at)
        assert now.counts.candles_closed == before.counts.candles_closed


def test_a_deactivated_user_is_let_go_and_their_names_are_removed(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    assert client.send(anna, Command.PAUSE).applied
    User.objects.filter(pk=anna.pk).update(is_active=False)

    def names() -> list[str]:
        with wire.connect() as redis:
            return sorted(redis.scan_iter(f"livermore:*:{anna.sub}*"))

    eventually(lambda: names() == [])


def test_a_second_worker_takes_over_when_the_first_one_stops(
    anna: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints) as first:
        old = status_when(anna, is_running)
        with running_worker(endpoints) as second:
            first.stop()
            new = status_when(anna, lambda status: status.epoch > old.epoch)
            assert second.worker is not None
            assert new.worker == second.worker.name


def test_neither_of_two_users_is_told_of_the_others_credentials(
    anna: User,
    bela: User,
    endpoints: dict[str, Endpoints],
    monkeypatch: pytest.MonkeyPatch,
    settings: Configuration,
) -> None:
    settings.CREDENTIAL_GRANTS = {anna.username: ("ANNA_*",), bela.username: ("BELA_*",)}
    for name in ("ANNA_KEY", "ANNA_SECRET", "BELA_KEY", "COINBASE_KEY"):
        monkeypatch.setenv(name, "the value itself")
    with running_worker(endpoints):
        of_anna, of_bela = (status_when(user, is_running) for user in (anna, bela))
        assert of_anna.credentials_set == ["ANNA_KEY", "ANNA_SECRET"]
        assert of_bela.credentials_set == ["BELA_KEY"]
        for user, others in ((anna, "BELA_"), (bela, "ANNA_")):
            text = wire.shared().get(protocol.status_of(user.sub))
            assert others not in str(text)
            assert "the value itself" not in str(text)


def test_a_reload_looks_again_which_credentials_are_set(
    anna: User, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = status_when(anna, is_running).credentials_set
    assert before is not None
    assert "COINBASE_NEW" not in before
    monkeypatch.setenv("COINBASE_NEW", "a value")
    client.send(anna, Command.RELOAD_SETTINGS)
    after = status_when(anna, lambda status: "COINBASE_NEW" in (status.credentials_set or ()))
    assert after.credentials_set == sorted([*before, "COINBASE_NEW"])
