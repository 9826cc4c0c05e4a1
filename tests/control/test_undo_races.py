"""Undo against whoever decides or saves in the very moment: what is newer than it read stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from control import decisions, leases, ledger, plan
from control.decisions import Opened, Verdict
from control.protocol import Command, RuntimeCommand
from settings_app import desired, services
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.ledgers import command, found
from trading.ports import Owner


@pytest.fixture
def owner(transactional_db: None) -> Owner:
    user = trader("BTC-USD", "ETH-USD", is_paused=False)
    fence = leases.acquire([user.pk], "worker")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


class Overtaken(ledger.DatabaseLedger):
    """A ledger behind whose reading another process writes, before anything of it is written."""

    def __init__(self, owner: Owner, other: Callable[[], object]) -> None:
        super().__init__(owner)
        self._other = other

    def open(self, command: RuntimeCommand) -> Opened:
        opened = super().open(command)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(_in_another_process, self._other).result()
        return opened


def _in_another_process(write: Callable[[], object]) -> None:
    try:
        write()
    finally:
        connection.close()


def decide(owner: Owner, what: Command, **fields: object) -> Verdict:
    return ledger.decide(owner, command(what, **fields), found(plan.situation(owner.user_id)))


def listed(*symbols: str) -> list[dict[str, str]]:
    return [{"symbol": symbol, "exchange": "coinbase"} for symbol in symbols]


def save(owner: Owner, **patch: object) -> None:
    services.patch(owner.user_id, patch, by=User.objects.get(pk=owner.user_id))


def watchlist(owner: Owner) -> list[str]:
    return [row.symbol for row in services.read(owner.user_id).document.watchlist]


def undo_while(owner: Owner, other: Callable[[], object]) -> Verdict:
    before = found(plan.situation(owner.user_id))
    with transaction.atomic():
        return decisions.decide(Overtaken(owner, other), command(Command.UNDO), before)


def test_a_pause_that_is_recorded_meanwhile_is_not_undone(owner: Owner) -> None:
    decide(owner, Command.SWITCH_MODE, payload={"mode": "position-monitor"})
    verdict = undo_while(owner, lambda: desired.record(owner.user_id, is_paused=True))
    assert desired.read_desired(owner.user_id).is_paused
    assert not verdict.result.success
    assert "cannot be undone: the desired state was changed" in (verdict.result.message or "")


def test_a_watchlist_that_is_saved_meanwhile_is_left_alone(owner: Owner) -> None:
    decide(owner, Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    verdict = undo_while(owner, lambda: save(owner, watchlist=listed("LTC-USD", "ADA-USD")))
    assert watchlist(owner) == ["LTC-USD", "ADA-USD"]
    assert not verdict.result.success
    assert "cannot be undone: the settings were changed" in (verdict.result.message or "")


def test_what_is_saved_elsewhere_meanwhile_stands_in_no_undo_s_way(owner: Owner) -> None:
    decide(owner, Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    verdict = undo_while(owner, lambda: save(owner, position_min_value_usd=7.5))
    assert verdict.result.success
    assert watchlist(owner) == ["BTC-USD", "ETH-USD"]
    assert services.read(owner.user_id).document.position_min_value_usd == 7.5
