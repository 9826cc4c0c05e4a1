"""What a running worker makes of the commands that change what is watched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from control import client
from control.protocol import Command, RuntimeStatus, State
from settings_app import services
from settings_app.models import User
from tests.control.running import RunningWorker, eventually, running_worker, status_when
from tests.control.test_plan import overwrite
from tests.control.test_worker import is_running, kept_minutes
from trading.net.endpoints import Endpoints

ENABLED = '"exchanges": {"coinbase": {"enabled": true}}'  # or nobody would be hosted

pytestmark = pytest.mark.timeout(120)


def symbols_of(user: User) -> list[str]:
    return [row.symbol for row in services.read(user.pk).document.watchlist]


def test_a_symbol_is_added_watched_undone_and_removed_without_a_restart(
    anna: User, worker: RunningWorker
) -> None:
    before = status_when(anna, is_running)
    assert client.send(anna, Command.ADD_SYMBOL, {"symbol": "SOL-USD"}).applied
    added = status_when(anna, lambda status: len(status.symbols) == 3)
    assert added.undo is not None
    assert added.undo.text == "remove SOL-USD"
    assert client.send(anna, Command.UNDO).applied
    undone = status_when(anna, lambda status: len(status.symbols) == 2)
    assert undone.undo is None
    assert client.send(anna, Command.REMOVE_SYMBOL, {"symbol": "ETH-USD"}).applied
    status_when(anna, lambda status: [row.symbol for row in status.symbols] == ["BTC-USD"])
    assert symbols_of(anna) == ["BTC-USD"]
    assert status_when(anna, is_running).epoch == before.epoch


def test_a_reload_answers_with_what_changed_and_how(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    saved = services.patch(anna.pk, {"watchlist": []}, by=anna)
    answer = client.send(anna, Command.RELOAD_SETTINGS, {"revision": saved.revision})
    assert answer.result is not None
    assert answer.result.data is not None
    assert answer.result.data["settingsRevision"] == saved.revision
    assert answer.result.data["changes"] == [{"path": "/watchlist", "applied": "at once"}]


def test_indicators_are_enabled_at_once_and_no_feed_is_touched(
    anna: User, worker: RunningWorker
) -> None:
    def shows(*names: str) -> Callable[[RuntimeStatus], bool]:
        return lambda status: (
            tuple(status.indicators) == names
            and [symbol.live for symbol in status.symbols] == ["receiving", "receiving"]
        )

    before = status_when(anna, shows("macdv", "rsi"))
    mode = {"modes": {before.mode: {"indicatorsEnabled": ["rsi"]}}}
    saved = services.patch(anna.pk, mode, by=anna)
    assert client.send(anna, Command.RELOAD_SETTINGS, {"revision": saved.revision}).applied
    alone = status_when(anna, shows("rsi"))
    cells = [cell for symbol in alone.symbols for cell in symbol.tf.values() if cell.g]
    assert cells
    assert all(cell.v is None and cell.stage is None for cell in cells)
    mode = {"modes": {before.mode: {"indicatorsEnabled": ["rsi", "macdv"]}}}
    saved = services.patch(anna.pk, mode, by=anna)
    assert client.send(anna, Command.RELOAD_SETTINGS, {"revision": saved.revision}).applied
    after = status_when(anna, shows("macdv", "rsi"))
    assert all(symbol.tf["1h"].v is not None for symbol in after.symbols), "it was never away"
    reconnects = [exchange.reconnects for exchange in before.exchanges]
    assert [exchange.reconnects for exchange in after.exchanges] == reconnects


@pytest.mark.parametrize(
    ("stored", "version", "pointer"),
    [
        ('{"version": 2, "sub": "x", "watchlst": []}', 2, "/watchlst"),
        ('{"version": 9, "sub": "x"}', 9, ""),  # by a newer program, in a rolling deploy
    ],
)
def test_settings_that_cannot_be_used_change_nothing_and_are_answered_by_field(
    anna: User, worker: RunningWorker, stored: str, version: int, pointer: str
) -> None:
    before = status_when(anna, is_running)
    overwrite(anna, stored.replace("}", f", {ENABLED}}}"), version)
    answer = client.send(anna, Command.RELOAD_SETTINGS)
    assert answer.result is not None
    assert answer.result.status == "failed"
    assert answer.result.data is not None
    assert [error["pointer"] for error in answer.result.data["errors"]][:1] == [pointer]
    after = status_when(anna, lambda status: status.at > before.at and bool(status.errors))
    assert after.state is State.RUNNING
    assert [row.symbol for row in after.symbols] == ["BTC-USD", "ETH-USD"]


def test_a_backfill_runs_behind_its_answer_and_the_status_shows_it(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, is_running)
    answer = client.send(anna, Command.FORCE_BACKFILL, {"symbol": "BTC-USD"})
    assert answer.applied
    ended = status_when(anna, lambda status: any(one.state == "done" for one in status.backfill))
    (backfill,) = ended.backfill
    assert backfill.id == answer.command_id
    assert backfill.done == backfill.total > 0


def test_a_pause_cancels_the_backfills(anna: User, worker: RunningWorker) -> None:
    status_when(anna, is_running)
    for symbol in ("BTC-USD", "ETH-USD", "SOL-USD", "LTC-USD"):
        assert client.send(anna, Command.FORCE_BACKFILL, {"symbol": symbol}).applied
    assert client.send(anna, Command.PAUSE).applied
    paused = status_when(anna, lambda status: status.state is State.PAUSED)
    states = {one.state for one in paused.backfill}
    assert states <= {"done", "cancelled"}
    assert "cancelled" in states
    refused = client.send(anna, Command.FORCE_BACKFILL, {"symbol": "BTC-USD"})
    assert not refused.applied


def test_clearing_the_cache_removes_ones_own_answers_and_nobody_elses_candles(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        for user in (anna, bela):
            status_when(user, is_running)
        theirs = client.send(bela, Command.RELOAD_SETTINGS).command_id
        ours = client.send(anna, Command.RELOAD_SETTINGS).command_id
        eventually(lambda: kept_minutes("SOL-USD"))
        answer = client.send(anna, Command.CLEAR_CACHE, {"scope": "all"})
        assert answer.applied
        eventually(lambda: client.result(anna, ours) is None)
        assert client.result(anna, answer.command_id) == answer.result
        assert client.result(bela, theirs) is not None
        assert kept_minutes("SOL-USD")
        done = status_when(
            anna, lambda status: [one.state for one in status.backfill] == ["done", "done"]
        )
        assert {one.symbol for one in done.backfill} == {"BTC-USD", "ETH-USD"}
