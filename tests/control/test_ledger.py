"""What is recorded and its receipt are one transaction in PostgreSQL, under the lease."""

from __future__ import annotations

from typing import Any

import pytest

from control import inbox, leases, ledger, plan
from control.decisions import Verdict
from control.models import Lease, Receipt, Reversible
from control.protocol import Command, RuntimeCommand, now_ms
from settings_app import desired, services
from settings_app.models import User
from tests.control.ledgers import command, found
from tests.settings_app.factories import UserFactory
from trading.ports import Owner

pytestmark = pytest.mark.django_db


def leased(**columns: Any) -> Owner:
    watchlist = [{"symbol": "BTC-USD", "exchange": "coinbase"}]
    user: User = UserFactory.create(
        is_paused=False,
        runtime_mode="scalper-macdv",
        document={"watchlist": watchlist},
        **columns,
    )
    fence = leases.acquire([user.pk], "worker")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


@pytest.fixture
def owner() -> Owner:
    return leased()


def decide(owner: Owner, what: RuntimeCommand) -> Verdict:
    return ledger.decide(owner, what, found(plan.situation(owner.user_id)))


def watchlist(owner: Owner) -> list[str]:
    return [row.symbol for row in services.read(owner.user_id).document.watchlist]


def test_a_foreign_pause_records_the_intent_and_acts_on_it(owner: Owner) -> None:
    verdict = decide(owner, command(Command.PAUSE))
    assert verdict.result.message == "paused; left 1 subscription"
    assert desired.read_desired(owner.user_id).is_paused


def test_a_command_that_has_a_receipt_is_answered_from_it(owner: Owner) -> None:
    pause = command(Command.PAUSE)
    first = decide(owner, pause)
    again = decide(owner, pause)
    assert again.result == first.result
    assert desired.read_desired(owner.user_id).revision == 1


def test_a_crash_while_it_is_carried_out_leaves_nothing_behind(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    monkeypatch.setattr(ledger.DatabaseLedger, "keep", lambda *_: 1 / 0)  # just before the commit
    with pytest.raises(ZeroDivisionError):
        decide(owner, add)
    assert not Receipt.objects.exists()
    assert not Reversible.objects.exists()
    assert watchlist(owner) == ["BTC-USD"]


def test_a_symbol_is_added_once_and_taken_back_by_undo(owner: Owner) -> None:
    add = command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    assert decide(owner, add).result.success
    assert decide(owner, add).result.success
    assert watchlist(owner) == ["BTC-USD", "SOL-USD"]
    assert decide(owner, command(Command.UNDO)).result.success
    assert watchlist(owner) == ["BTC-USD"]


def test_a_switched_mode_is_taken_back_by_undo(owner: Owner) -> None:
    switch = command(Command.SWITCH_MODE, payload={"mode": "position-monitor"})
    verdict = decide(owner, switch)
    assert verdict.situation is not None
    assert plan.situation(owner.user_id).undo == verdict.situation.undo
    assert decide(owner, command(Command.UNDO)).result.success
    assert desired.read_desired(owner.user_id).mode == "scalper-macdv"


def test_settings_that_refuse_a_symbol_answer_with_their_field_errors(owner: Owner) -> None:
    add = command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    rows = [{"symbol": f"C{n}-USD", "exchange": "coinbase"} for n in range(2_000)]
    by = User.objects.get(pk=owner.user_id)
    services.patch(owner.user_id, {"watchlist": rows}, by=by)
    verdict = decide(owner, add)
    assert verdict.result.status == "failed"
    assert verdict.result.data is not None
    assert verdict.result.data["errors"][0]["pointer"] == "/watchlist"
    assert Receipt.objects.filter(command_id=add.id).exists()


def test_a_fenced_off_worker_decides_nothing(owner: Owner) -> None:
    Lease.objects.update(fence=owner.fence + 1)
    with pytest.raises(leases.Fenced):
        decide(owner, command(Command.PAUSE))
    assert not desired.read_desired(owner.user_id).is_paused


def test_a_refused_command_keeps_an_earlier_answer(owner: Owner) -> None:
    pause = command(Command.PAUSE)
    done = decide(owner, pause).result
    late = inbox.expired(str(pause.id), "late", now_ms())
    assert ledger.refuse(owner, pause, late) == done


def test_two_users_may_use_the_same_id_and_undo_their_own(owner: Owner) -> None:
    other, pause = leased(), command(Command.PAUSE)
    for each in (owner, other):
        assert decide(each, pause).result.message == "paused; left 1 subscription"
    assert decide(other, command(Command.UNDO)).result.success
    assert desired.read_desired(owner.user_id).is_paused
    assert not desired.read_desired(other.user_id).is_paused
