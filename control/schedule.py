"""When an entry of a schedule is due, by the clock of its own time zone.

Rule 1: pure. Moments come in as arguments, aware, and go out in UTC; no clock is read here.
Rule 2: a time that the clocks skip one night is due once, right behind the gap; a time that a
    night has twice is due once, the first time.
Rule 3: an entry is known by its canonical JSON: two equal entries are one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim
from pydantic import ValidationError

from settings_app.schema.fields import STORED
from settings_app.schema.runtime import ScheduledCommand

# Every entry has a day in each week, so it was due within any span so long. (A day more than a
# week: clocks that are set forward can put a time off.)
_SURELY_ONCE = timedelta(days=8)


class NeverDue(ValueError):
    """The entry cannot be understood on this machine; the text says why and what to do."""


def entry_of(row: ScheduledCommand) -> str:
    """The name of an entry: its canonical JSON, what is default left out."""
    shape = row.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(shape, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def row_of(entry: str) -> ScheduledCommand:
    """The entry behind a name that :func:`entry_of` gave.

    Raises:
        NeverDue: If it is none, or of another version of this program.
    """
    try:
        return ScheduledCommand.model_validate_json(entry, context=STORED)
    except ValidationError:
        raise NeverDue(f"{entry} is no entry of a schedule; save the settings again") from None


def next_after(row: ScheduledCommand, after: datetime) -> datetime:
    """When an entry is due next, strictly later than ``after``.

    Raises:
        NeverDue: If this machine does not know the time zone.
    """
    hour, minute = row.at.split(":")
    local = after.astimezone(_zone(row.timezone))
    for moment in CronSim(f"{minute} {hour} * * {','.join(row.days)}", local):
        # CronSim counts on a clock without a zone. In an hour that a night has twice, its second
        # time round, what comes next on such a clock has passed already.
        if (due := moment.astimezone(UTC)) > after:
            return due
    raise NeverDue(f"{text_of(row)} never comes")


def latest(row: ScheduledCommand, due: datetime, now: datetime) -> datetime:
    """The last time an entry was due, from ``due`` up to ``now``: what was missed is one."""
    found = max(due, next_after(row, now - _SURELY_ONCE))
    while (later := next_after(row, found)) <= now:
        found = later
    return found


def text_of(row: ScheduledCommand) -> str:
    """An entry in words, such as "switch to scalper-macdv at 06:30, Europe/Berlin"."""
    what = row.command if row.payload is None else f"switch to {row.payload.mode}"
    return f"{what} at {row.at}, {row.timezone}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # names that lead nowhere, out of it, to a folder
        raise NeverDue(
            f"the time zone {name} is not known here; choose another one, such as Europe/Berlin"
        ) from None
