"""Deciding one command: what it does, and the answer to it.

Rule 1: pure over a :class:`Ledger`, which is one transaction: all that is decided is recorded
    together with its receipt, or nothing is. A transaction that fails to commit is decided again.
Rule 2: a command id that has a receipt is answered from it, and nothing else happens.
Rule 3: of two intents the newer wins, whichever arrives first; a command from a program that does
    not record intents is an intent of now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from control import inbox
from control.effects.base import Before, CommandFailed, Order, Work, superseded_by
from control.effects.table import EFFECTS
from control.plan import Situation
from control.protocol import (
    INTENTS,
    PAUSED_BY,
    CommandResult,
    Desired,
    RuntimeCommand,
    now_ms,
)
from control.undo import Undo
from settings_app.desired import Former
from trading.core.modes import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a decision begins with, read under the lease.

    Args:
        receipt: The answer that the command's id has had already.
        desired: What the user wants now.
        before: What they wanted before that became another wish; None where it never did.
        settings_revision: Of the document as it is stored.
        undo: What the last reversible command can be undone by.
    """

    receipt: CommandResult | None
    desired: Desired
    before: Former | None
    settings_revision: int
    undo: Undo | None


class Ledger(Protocol):
    """Where decisions are recorded: one user's rows, in one transaction, under one lease."""

    def open(self, command: RuntimeCommand) -> Opened:
        """Hold the lease until the transaction ends, and read.

        Raises:
            Fenced: If another worker drives this user.
        """

    def record(self, *, is_paused: bool | None, mode: str | None, after: int | None = None) -> None:
        """Record an intent, as the newest.

        Args:
            after: The revision that it rests upon: the user's row is not locked.

        Raises:
            Overtaken: If somebody has decided since; nothing was recorded.
        """

    def situation(self) -> Situation:
        """All that the user wants, as it stands in this transaction."""

    def edit(
        self,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        origin: str,
        base_revision: int | None = None,
    ) -> int:
        """Save a change of the settings; their revision afterwards.

        Args:
            base_revision: Of the watchlist of which it means rows by their places: the user's row
                is not locked.

        Raises:
            CommandFailed: If the settings refuse it; then nothing of it is written.
            StaleRevision: If the watchlist was saved since; nothing is written either.
        """

    def withdraw(self, run_id: int) -> None:
        """Take back that a scan was approved."""

    def remember(self, undo: Undo | None) -> None:
        """Keep what undoes the command; None: there is nothing to undo any more."""

    def keep(self, command: RuntimeCommand, result: CommandResult) -> None:
        """Write the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, and what the runtime does behind the commit.

    Args:
        situation: What to apply; None where nothing changed. A failed command has none: what it
            found may be news, but it is the poll's to bring.
        order: Work for the data plane that goes on behind the answer.
        is_repeat: The answer is that of an earlier decision, of which the runtime may not know: its
            commit may have looked like a failure, or another worker made it.
    """

    result: CommandResult
    situation: Situation | None = None
    order: Order | None = None
    is_repeat: bool = False


def decide(ledger: Ledger, command: RuntimeCommand, before: Before) -> Verdict:
    """Check, carry out and write the receipt.

    Args:
        command: Validated.
        before: The runtime as the command finds it.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If the transaction failed; call again in a new one.
    """
    opened = ledger.open(command)
    if opened.receipt is not None:
        return Verdict(result=opened.receipt, is_repeat=True)
    try:
        opened = _with_its_intent(ledger, opened, command)
        work = Work(ledger=ledger, opened=opened, command=command, before=before)
        done = EFFECTS[command.command](work)
    except CommandFailed as exc:
        verdict = Verdict(result=inbox.failed(str(command.id), str(exc), now_ms(), exc.data))
    else:
        result = CommandResult(
            command_id=str(command.id),
            status="succeeded",
            success=True,
            message=done.message,
            data=done.data,
            timestamp=now_ms(),
        )
        verdict = Verdict(result=result, situation=done.situation, order=done.order)
    ledger.keep(command, verdict.result)
    return verdict


def refuse(ledger: Ledger, command: RuntimeCommand, result: CommandResult) -> CommandResult:
    """Write the receipt of a command that is not carried out (superseded, expired).

    Returns:
        The answer to give: an earlier one, if the id had been answered before.
    """
    opened = ledger.open(command)
    if opened.receipt is not None:
        return opened.receipt
    ledger.keep(command, result)
    return result


def _with_its_intent(ledger: Ledger, opened: Opened, command: RuntimeCommand) -> Opened:
    """Let only the newest intent pass, and record one that nobody has recorded yet."""
    if command.command not in INTENTS:
        return opened
    mode = (command.payload or {}).get("mode")
    if mode is not None and not Mode(mode).is_implemented:
        raise CommandFailed(f"mode {mode} is not implemented")
    ours, newest = command.desired_revision, opened.desired.revision
    if ours is None:  # a foreign program: it speaks for the user now
        ledger.record(is_paused=PAUSED_BY.get(command.command), mode=mode)
        return replace(ledger.open(command), receipt=None)
    if ours < newest:
        raise CommandFailed(superseded_by(newest, ours))
    if ours > newest:
        raise CommandFailed(
            f"its intent (revision {ours}) is not in the database, which knows {newest}: send it"
            " again, behind the commit that records it"
        )
    return opened
