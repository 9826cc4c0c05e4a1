"""The ledger of decisions in PostgreSQL.

Rule 1: synchronous, for a database thread. Nothing in memory is touched: the runtime applies a
    verdict on its own loop, behind the commit and before the answer.
Rule 2: the lease is held through the whole transaction; a fenced-off worker decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.db import connection, transaction

from control import decisions, leases, plan
from control.decisions import Opened, Verdict
from control.effects.base import Before, CommandFailed
from control.models import Reversible
from control.plan import Situation
from control.protocol import CommandResult, Desired, RuntimeCommand
from control.symbols import scans
from control.undo import Undo
from settings_app import desired, services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from trading.core.modes import Mode
from trading.ports import Owner

# One round trip for all that a decision begins with; the lease's row alone is locked.
OPEN: Final = """
    SELECT receipt.result,
           coalesce(u.is_paused, NOT u.auto_start), u.runtime_mode, u.desired_revision,
           u.desired_before, u.settings_revision,
           undo.command, undo.text, undo.inverse, undo.revision
      FROM control_lease AS lease
      JOIN settings_app_user AS u ON u.id = lease.user_id
      LEFT JOIN control_receipt AS receipt
             ON receipt.user_id = lease.user_id AND receipt.command_id = %(command)s
      LEFT JOIN control_reversible AS undo ON undo.user_id = lease.user_id
     WHERE lease.user_id = %(user)s AND lease.fence = %(fence)s
       FOR NO KEY UPDATE OF lease
"""
# And one for what it ends with: the receipt, and what undoes the command if it can be undone.
KEEP: Final = """
    INSERT INTO control_receipt (user_id, command_id, result, created_at)
    VALUES (%(user)s, %(command)s, %(result)s::jsonb, statement_timestamp())
"""
REMEMBER_AND_KEEP: Final = """
    WITH remembered AS (
        INSERT INTO control_reversible (user_id, command, text, inverse, revision)
        VALUES (%(user)s, %(undoes)s, %(text)s, %(inverse)s::jsonb, %(revision)s)
        ON CONFLICT (user_id) DO UPDATE
           SET command = excluded.command, text = excluded.text, inverse = excluded.inverse,
               revision = excluded.revision
    )
    INSERT INTO control_receipt (user_id, command_id, result, created_at)
    VALUES (%(user)s, %(command)s, %(result)s::jsonb, statement_timestamp())
"""


def decide(owner: Owner, command: RuntimeCommand, before: Before) -> Verdict:
    """:func:`control.decisions.decide` in a transaction.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If the transaction failed; call again.
    """
    with transaction.atomic():
        return decisions.decide(DatabaseLedger(owner), command, before)


def refuse(owner: Owner, command: RuntimeCommand, result: CommandResult) -> CommandResult:
    """:func:`control.decisions.refuse` in a transaction."""
    with transaction.atomic():
        return decisions.refuse(DatabaseLedger(owner), command, result)


class DatabaseLedger:
    """One user's rows within the current transaction."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._undo: Undo | None = None  # to be written with the receipt

    def open(self, command: RuntimeCommand) -> Opened:
        """Hold the lease, and read what a decision begins with."""
        owner = self._owner
        with connection.cursor() as cursor:
            cursor.execute(
                OPEN, {"command": command.id, "user": owner.user_id, "fence": owner.fence}
            )
            row = cursor.fetchone()
        if row is None:
            raise leases.Fenced(
                f"user {owner.user_id} is driven by another worker; fence {owner.fence} is void"
            )
        receipt, is_paused, mode, revision, before, settings_revision, *undo = row
        return Opened(
            receipt=None if receipt is None else CommandResult.model_validate_json(receipt),
            desired=Desired(is_paused=is_paused, mode=mode, revision=revision),
            before=None if before is None else _before(before),
            settings_revision=settings_revision,
            undo=None if undo[0] is None else _undo(*undo),
        )

    def record(self, *, is_paused: bool | None, mode: str | None, after: int | None = None) -> None:
        """Record an intent, as the newest."""
        desired.record(self._owner.user_id, is_paused=is_paused, mode=mode, after=after)

    def situation(self) -> Situation:
        """All that the user wants."""
        return plan.situation(self._owner.user_id)

    def edit(
        self,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        origin: str,
        base_revision: int | None = None,
    ) -> int:
        """Save a change of the settings, in the user's own name."""
        user = User.objects.get(pk=self._owner.user_id)
        try:
            saved = services.change(
                user.pk,
                change,
                by=user,
                base_revision=base_revision,
                rows_of="/watchlist",
                origin=origin,
            )
        except SettingsInvalid as exc:
            errors = [{"pointer": e.pointer, "message": e.message} for e in exc.errors]
            raise CommandFailed(f"the settings refuse it: {exc}", {"errors": errors}) from exc
        except SettingsTooNew as exc:
            raise CommandFailed(str(exc)) from exc
        return saved.revision

    def withdraw(self, run_id: int) -> None:
        """Take back that a scan was approved."""
        scans.withdraw(self._owner.user_id, run_id)

    def remember(self, undo: Undo | None) -> None:
        """Keep what undoes the command."""
        self._undo = undo
        if undo is None:
            Reversible.objects.filter(user_id=self._owner.user_id).delete()

    def keep(self, command: RuntimeCommand, result: CommandResult) -> None:
        """Write the receipt."""
        row: dict[str, Any] = {
            "user": self._owner.user_id,
            "command": command.id,
            "result": result.to_json(),
        }
        statement = KEEP
        if (undo := self._undo) is not None:
            statement = REMEMBER_AND_KEEP
            inverse = json.dumps(undo.inverse.to_json())
            row |= {"undoes": undo.command, "text": undo.text, "inverse": inverse}
            row["revision"] = undo.revision
        with connection.cursor() as cursor:
            cursor.execute(statement, row)


# A cursor of Django's gives jsonb as text.
def _before(text: str) -> desired.Former:
    row = json.loads(text)
    return desired.Former(row["isPaused"], Mode(row["mode"]), row["revision"])


def _undo(command: str, text: str, inverse: str, revision: int) -> Undo:
    return Undo.of_row(command=command, text=text, inverse=json.loads(inverse), revision=revision)
