"""What is recorded and its receipt are one transaction, under the lease."""

from __future__ import annotations

import uuid

import pytest

from control import decisions, inbox, leases
from control.effects import CommandFailed, Done
from control.models import Lease, Receipt
from control.plan import Situation
from control.protocol import Command, RuntimeCommand, now_ms
from settings_app import desired
from settings_app.models import User
from tests.settings_app.factories import UserFactory
from trading.ports import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Owner:
    user: User = UserFactory.create(is_paused=False)
    fence = leases.acquire([user.pk], "worker")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


def command(name: Command, **fields: object) -> RuntimeCommand:
    return RuntimeCommand.model_validate(
        {"id": uuid.uuid4(), "command": name, "timestamp": now_ms(), "source": "admin", **fields}
    )


class Judge:
    """Counts how often it was asked, and says what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self._error = error

    def __call__(self, situation: Situation) -> Done:
        self.calls += 1
        if self._error is not None:
            raise self._error
        return Done(message="done", data={"paused": situation.desired.is_paused})


def test_a_foreign_pause_records_the_intent_and_acts_on_it(owner: Owner) -> None:
    verdict = decisions.decide(owner, command(Command.PAUSE), Judge())
    assert verdict.result.data == {"paused": True}
    assert desired.read_desired(owner.user_id).is_paused


def test_a_command_that_has_a_receipt_is_answered_from_it(owner: Owner) -> None:
    judge, pause = Judge(), command(Command.PAUSE)
    first = decisions.decide(owner, pause, judge)
    again = decisions.decide(owner, pause, judge)
    assert again.result == first.result
    assert judge.calls == 1
    assert desired.read_desired(owner.user_id).revision == 1


def test_a_crash_while_judging_leaves_nothing_behind(owner: Owner) -> None:
    pause = command(Command.PAUSE)
    with pytest.raises(ZeroDivisionError):
        decisions.decide(owner, pause, Judge(ZeroDivisionError()))
    assert not Receipt.objects.exists()
    assert not desired.read_desired(owner.user_id).is_paused


def test_a_failed_command_has_its_receipt_too(owner: Owner) -> None:
    reload, judge = command(Command.RELOAD_SETTINGS), Judge(CommandFailed("no", {"why": 1}))
    first = decisions.decide(owner, reload, judge)
    assert (first.result.status, first.result.message) == ("failed", "no")
    assert decisions.decide(owner, reload, judge).result == first.result
    assert judge.calls == 1


@pytest.mark.parametrize("name", [Command.PAUSE, Command.RESUME])
def test_a_newer_intent_makes_an_older_one_void(owner: Owner, name: Command) -> None:
    desired.record(owner.user_id, is_paused=False)
    desired.record(owner.user_id, is_paused=False)
    judge = Judge()
    verdict = decisions.decide(owner, command(name, desiredRevision=1), judge)
    assert verdict.result.message is not None
    assert verdict.result.message.startswith("superseded")
    assert judge.calls == 0


def test_the_newest_intent_is_not_recorded_a_second_time(owner: Owner) -> None:
    revision = desired.record(owner.user_id, is_paused=True).revision
    decisions.decide(owner, command(Command.PAUSE, desiredRevision=revision), Judge())
    assert desired.read_desired(owner.user_id).revision == revision


def test_a_mode_that_is_not_implemented_is_refused_before_anything_is_recorded(
    owner: Owner,
) -> None:
    switch = command(Command.SWITCH_MODE, payload={"mode": "scalper-orderbook"})
    verdict = decisions.decide(owner, switch, Judge())
    assert verdict.result.status == "failed"
    assert "not implemented" in str(verdict.result.message)
    assert desired.read_desired(owner.user_id).revision == 0


def test_a_fenced_off_worker_decides_nothing(owner: Owner) -> None:
    Lease.objects.update(fence=owner.fence + 1)
    judge = Judge()
    with pytest.raises(leases.Fenced):
        decisions.decide(owner, command(Command.PAUSE), judge)
    assert judge.calls == 0
    assert not desired.read_desired(owner.user_id).is_paused


def test_a_refused_command_keeps_an_earlier_answer(owner: Owner) -> None:
    pause = command(Command.PAUSE)
    done = decisions.decide(owner, pause, Judge()).result
    late = inbox.expired(str(pause.id), "late", now_ms())
    assert decisions.refuse(owner, pause, late) == done


def test_two_users_may_use_the_same_id(owner: Owner) -> None:
    bela: User = UserFactory.create()
    other = Owner(user_id=bela.pk, sub=bela.sub, fence=leases.acquire([bela.pk], "w")[bela.pk])
    judge, pause = Judge(), command(Command.PAUSE)
    decisions.decide(owner, pause, judge)
    decisions.decide(other, pause, judge)
    assert judge.calls == 2
