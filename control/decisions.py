"""Deciding one command: the check, what is recorded, and the receipt in one transaction.

Rule 1: synchronous, for a database thread, and nothing in memory is touched: the runtime applies
    the situation on its own loop, behind the commit and before the answer. A transaction that
    fails to commit is simply tried again.
Rule 2: a command id that has a receipt is answered from it, and nothing else happens.
Rule 3: the lease is held through the whole transaction; a fenced-off worker decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from control import inbox, leases, plan
from control.effects import CommandFailed, Judgement
from control.models import Receipt
from control.plan import Situation
from control.protocol import Command, CommandResult, RuntimeCommand, now_ms
from settings_app import desired
from trading.ports import Owner

PAUSED_BY: Mapping[Command, bool] = {Command.PAUSE: True, Command.RESUME: False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, and the situation to apply; None when nothing changed.

    A failed command has none: what it found may be news, but it is the poll's to bring.
    """

    result: CommandResult
    situation: Situation | None = None


def decide(owner: Owner, command: RuntimeCommand, judge: Judgement) -> Verdict:
    """Check, record and write the receipt.

    Args:
        owner: Whose runtime, and by which fence.
        command: Validated.
        judge: Says what the command does; called once the check has passed.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If the transaction failed; call again.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        receipt = Receipt.objects.filter(user_id=owner.user_id, command_id=command.id).first()
        if receipt is not None:
            return Verdict(result=CommandResult.model_validate(receipt.result))
        situation: Situation | None = None
        try:
            _check_intent(owner, command)
            situation = plan.situation(owner.user_id)
            done = judge(situation)
            result = CommandResult(
                command_id=str(command.id),
                status="succeeded",
                success=True,
                message=done.message,
                data=done.data,
                timestamp=now_ms(),
            )
        except CommandFailed as exc:
            situation = None
            result = inbox.failed(str(command.id), str(exc), now_ms(), exc.data)
        Receipt.objects.create(
            user_id=owner.user_id, command_id=command.id, result=result.to_dict()
        )
        return Verdict(result=result, situation=situation)


def refuse(owner: Owner, command: RuntimeCommand, result: CommandResult) -> CommandResult:
    """Write the receipt of a command that is not carried out (superseded, expired).

    Returns:
        The answer to give: an earlier one, if the id had been answered before.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        receipt, _ = Receipt.objects.get_or_create(
            user_id=owner.user_id, command_id=command.id, defaults={"result": result.to_dict()}
        )
        return CommandResult.model_validate(receipt.result)


def _check_intent(owner: Owner, command: RuntimeCommand) -> None:
    """Let only the newest intent pass, and record one that nobody has recorded yet."""
    mode = (command.payload or {}).get("mode")
    if command.command is Command.SWITCH_MODE:
        if mode == "scalper-orderbook":
            raise CommandFailed("mode scalper-orderbook is not implemented")
    elif command.command not in PAUSED_BY:
        return
    if command.desired_revision is None:  # a foreign program: it speaks for the user now
        desired.record(owner.user_id, is_paused=PAUSED_BY.get(command.command), mode=mode)
        return
    row = desired.read_desired(owner.user_id)
    if command.desired_revision < row.revision:
        raise CommandFailed(
            f"superseded by a newer intent (revision {row.revision},"
            f" this was {command.desired_revision})"
        )


def prune() -> int:
    """Delete the receipts that no repetition can ask for any more; how many there were."""
    old = timezone.now() - timedelta(days=1)
    return Receipt.objects.filter(created_at__lt=old).delete()[0]
