"""The rows of the schedule: when each entry is due next, and what firing one writes.

Rule 1: synchronous, for a database thread, and under the fence of whoever drives the user.
Rule 2: what an entry wants is recorded and its next time noted in one transaction: a crash can
    neither fire it twice nor lose it. What goes on the wire goes behind the commit.
Rule 3: a planned command counts as decided when it was due, however late it fires. So whoever
    decided since has the last word, and entries that were missed together keep their order.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import transaction

from control import leases, schedule
from control.models import PlannedCommand
from control.protocol import PAUSED_BY, Command, Origin, RuntimeCommand
from control.schedule import NeverDue
from settings_app import desired
from settings_app.models import User
from settings_app.schema.runtime import ScheduledCommand
from trading.ports import Owner

GRACE = timedelta(minutes=15)  # a time missed by a short outage fires late, but not later
SUPERSEDED: Final = "superseded by a newer intent"
IDS: Final = uuid.UUID("0f6c1a5e-3c1f-4f0b-9a44-6a1d2c8e7b35")  # what the ids are made in


class Agendum(NamedTuple):
    """An entry and when it is due."""

    due_at: datetime
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is planned for a user, soonest first, and which entries cannot be."""

    agenda: tuple[Agendum, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An intent that was recorded, and the command that tells the runtime of it."""

    due_at: datetime
    text: str
    message: RuntimeCommand
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry that was due and not fired. ``is_trouble``: nobody wanted it so."""

    due_at: datetime
    text: str
    reason: str
    is_trouble: bool


def follow(owner: Owner, rows: Sequence[ScheduledCommand], now: datetime) -> Followed:
    """Keep one row for each entry of the schedule.

    A new entry is due at its next time after ``now``, one that has vanished is forgotten, and one
    that stayed keeps its time, also a time that was missed.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If PostgreSQL did not take it; call again.
    """
    wanted: dict[str, datetime] = {}
    problems: list[str] = []
    for row in rows:
        try:
            wanted[schedule.entry_of(row)] = schedule.next_after(row, now)
        except NeverDue as exc:
            problems.append(f"{schedule.text_of(row)}: {exc}")
    stored = PlannedCommand.objects.filter(user_id=owner.user_id)
    if wanted or stored.exists():  # most users plan nothing: that costs one look
        with transaction.atomic():
            leases.hold(owner.user_id, owner.fence)
            stored.exclude(entry__in=list(wanted)).delete()
            PlannedCommand.objects.bulk_create(
                [
                    PlannedCommand(user_id=owner.user_id, entry=entry, due_at=due_at)
                    for entry, due_at in wanted.items()
                ],
                ignore_conflicts=True,
            )
    return Followed(agenda=agenda(owner.user_id), problems=tuple(problems))


def agenda(user_id: int) -> tuple[Agendum, ...]:
    """What is planned for a user, soonest first; of one moment, in the order of their names."""
    rows = PlannedCommand.objects.filter(user_id=user_id).order_by("due_at", "entry")
    return tuple(Agendum(*row) for row in rows.values_list("due_at", "entry"))


def fire(owner: Owner, now: datetime) -> Fired | Skipped | None:
    """Settle the first of a user's entries that is due, in one transaction.

    Args:
        owner: Whose schedule, and by which fence.
        now: The moment, aware UTC.

    Returns:
        What became of it: call again for the next one. None: nothing is due.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If PostgreSQL did not take it; call again.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        due = PlannedCommand.objects.filter(user_id=owner.user_id, due_at__lte=now)
        planned = due.order_by("due_at", "entry").first()
        if planned is None:
            return None
        try:
            row = schedule.row_of(planned.entry)
            due_at = schedule.latest(row, planned.due_at, now)
            next_at = schedule.next_after(row, now)
        except NeverDue as exc:
            planned.delete()
            return Skipped(
                due_at=planned.due_at, text=planned.entry, reason=str(exc), is_trouble=True
            )
        planned.due_at = next_at
        planned.save(update_fields=["due_at"])
        return _settle(owner, row, due_at, now)


def _settle(
    owner: Owner, row: ScheduledCommand, due_at: datetime, now: datetime
) -> Fired | Skipped:
    """Record what a planned command wants, unless it is too late for it or not wanted any more."""
    text = schedule.text_of(row)
    username, desired_at, newest = User.objects.values_list(
        "username", "desired_at", "desired_revision"
    ).get(pk=owner.user_id)
    mode = None if row.payload is None else row.payload.mode
    if desired_at > due_at:
        return Skipped(due_at=due_at, text=text, reason=SUPERSEDED, is_trouble=False)
    if now - due_at > GRACE:
        late = (now - due_at) // timedelta(minutes=1)
        reason = f"it would be {late} min late, and {GRACE // timedelta(minutes=1)} are allowed"
        return Skipped(due_at=due_at, text=text, reason=reason, is_trouble=True)
    if mode is not None and not mode.is_implemented:
        reason = f"mode {mode} is not implemented"
        return Skipped(due_at=due_at, text=text, reason=reason, is_trouble=True)
    is_paused = PAUSED_BY.get(Command(row.command))
    try:
        wanted = desired.record(
            owner.user_id, is_paused=is_paused, mode=mode, at=due_at, after=newest
        )
    except desired.Overtaken:  # in this very moment, and so later than it was due
        return Skipped(due_at=due_at, text=text, reason=SUPERSEDED, is_trouble=False)
    message = RuntimeCommand(
        id=command_id(owner.sub, schedule.entry_of(row), due_at),
        command=Command(row.command),
        payload=None if mode is None else {"mode": str(mode)},
        timestamp=int(now.timestamp() * 1_000),
        source="system",
        desired_revision=wanted.revision,
    )
    origin = Origin(who=username, via="schedule")
    return Fired(due_at=due_at, text=text, message=message, origin=origin)


def command_id(sub: str, entry: str, due_at: datetime) -> uuid.UUID:
    """The id of one entry's command at one moment: whoever fires it, it is the same command."""
    return uuid.uuid5(IDS, f"{sub}|{entry}|{due_at.isoformat()}")
