"""A pause that is decided by what the runtime knows, and kept if PostgreSQL agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection, transaction
from structlog.contextvars import get_contextvars

from control import decisions, leases, ledger, plan, presumed
from control.decisions import Verdict
from control.effects.base import Before
from control.hotline import Hotline
from control.ledger import DatabaseLedger
from control.models import Lease, Receipt, Reversible
from control.protocol import Command, RuntimeCommand
from settings_app import desired
from settings_app.models import User
from tests.control.ledgers import command, found
from tests.control.recording import queries
from tests.settings_app.factories import UserFactory
from trading.ports import Owner

pytestmark = pytest.mark.django_db(transaction=True)

Pause = tuple[Owner, RuntimeCommand, Before]


def leased(**columns: Any) -> Owner:
    document = {"watchlist": [{"symbol": "BTC-USD", "exchange": "coinbase"}]}
    user: User = UserFactory.create(is_paused=False, document=document, **columns)
    fence = leases.acquire([user.pk], "worker")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


def decided(owner: Owner, what: RuntimeCommand, before: Before) -> Verdict | None:
    """The verdict by what is known, on record; None where that was not enough."""

    async def ask() -> Verdict | None:
        hotline = Hotline()
        await hotline.dial()
        try:
            return await presumed.decide(hotline.ask, owner, what, before)
        finally:
            await hotline.aclose()

    return asyncio.run(ask())


def test_what_the_connection_logs_of_a_command_says_whose_it_is(pause: Pause) -> None:
    owner, what, before = pause
    said: list[Any] = []

    async def ask(statement: str, values: Mapping[str, Any]) -> None:
        said.append(get_contextvars())

    assert asyncio.run(presumed.decide(ask, owner, what, before)) is None
    assert said == [{"sub": owner.sub}]


@pytest.fixture
def pause() -> Pause:
    """A pause as our client sends it, and the runtime that it finds."""
    owner = leased(runtime_mode="scalper-macdv")
    before = found(plan.situation(owner.user_id))
    row = desired.record(owner.user_id, is_paused=True)
    return owner, command(Command.PAUSE, desired_revision=row.revision), before


def by_the_rows(owner: Owner, what: RuntimeCommand, before: Before) -> Verdict:
    with transaction.atomic():
        return decisions.decide(DatabaseLedger(owner), what, before)


def recorded(owner: Owner) -> tuple[Any, Any]:
    receipts = Receipt.objects.filter(user_id=owner.user_id)
    undo = Reversible.objects.filter(user_id=owner.user_id)
    return (
        [{**row, "timestamp": 0} for row in receipts.values_list("result", flat=True)],
        list(undo.values("command", "text", "inverse", "revision")),
    )


def test_it_costs_one_statement(pause: Pause) -> None:
    with queries() as asked:
        verdict = decided(*pause)
    assert verdict is not None
    assert verdict.result.message == "paused; left 1 subscription"
    assert len(asked) == 1


def test_it_decides_and_records_what_the_rows_would(pause: Pause) -> None:
    owner = pause[0]
    with transaction.atomic():
        expected, of_the_rows = by_the_rows(*pause), recorded(owner)
        transaction.set_rollback(True)
    verdict = decided(*pause)
    assert verdict is not None
    assert verdict.situation == expected.situation
    assert verdict.result.data == expected.result.data
    assert recorded(owner) == of_the_rows


def test_it_is_decided_once(pause: Pause) -> None:
    first = decided(*pause)
    assert first is not None
    assert decided(*pause) is None
    again = ledger.decide(*pause)
    assert again.is_repeat
    assert again.result == first.result


def test_whoever_does_not_drive_the_user_records_nothing(pause: Pause) -> None:
    owner = pause[0]
    Lease.objects.filter(user_id=owner.user_id).update(fence=owner.fence + 1)
    assert decided(*pause) is None
    assert recorded(owner) == ([], [])
    with pytest.raises(leases.Fenced):
        ledger.decide(*pause)


@pytest.mark.parametrize(
    "moved",
    [
        {"desired_revision": 7},
        {"is_paused": False},
        {"runtime_mode": "position-monitor"},
        {"settings_revision": 9},
        {"desired_before": None},
    ],
    ids=lambda moved: next(iter(moved)),
)
def test_a_belief_that_is_wrong_leaves_the_decision_to_the_rows(
    pause: Pause, moved: dict[str, Any]
) -> None:
    owner = pause[0]
    columns = ", ".join(f"{column} = %s" for column in moved)
    with connection.cursor() as cursor:
        statement = f"UPDATE settings_app_user SET {columns} WHERE id = %s"  # noqa: S608
        cursor.execute(statement, [*moved.values(), owner.user_id])
    assert decided(*pause) is None
    assert recorded(owner) == ([], [])


def test_another_users_row_is_no_reason_to_believe(pause: Pause) -> None:
    _, what, before = pause
    other = leased(runtime_mode="scalper-macdv")
    assert decided(other, what, before) is None
    assert recorded(other) == ([], [])


def test_only_the_next_wish_of_our_own_client_is_presumed(pause: Pause) -> None:
    _, what, before = pause
    assert presumed.presume(what, before) is not None
    for other in (
        command(Command.PAUSE),
        command(Command.PAUSE, desired_revision=2),
        command(Command.RESUME, desired_revision=1),
        command(Command.RELOAD_SETTINGS),
    ):
        assert presumed.presume(other, before) is None
    assert presumed.presume(what, found(None)) is None
