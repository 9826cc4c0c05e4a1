"""What a user wants of their runtime, as PostgreSQL has it, and whom a worker has to host.

Rule 1: a decision is recorded here before anything else learns of it: a lost message costs one
    poll, never a pause.
Rule 2: every decision bumps ``desired_revision`` in the same statement. Of two decisions the one
    with the higher revision is the newer.
Rule 3: a mode that this program does not know is a newer program's: whoever wants it is that one's
    to host, and nobody else's trouble.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import structlog
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from settings_app.models import User
from trading.core.modes import Mode

log = structlog.get_logger(__name__)

# Not decided yet: the document decides.
IS_PAUSED: Final = Coalesce(F("is_paused"), ~Q(auto_start=True))

RECORD: Final = """
    UPDATE settings_app_user
       SET is_paused = coalesce(%(is_paused)s, is_paused),
           runtime_mode = coalesce(%(mode)s, runtime_mode),
           desired_revision = desired_revision + 1,
           desired_at = coalesce(%(at)s, statement_timestamp()),
           desired_before = CASE
               WHEN coalesce(%(is_paused)s, is_paused, NOT auto_start)
                    = coalesce(is_paused, NOT auto_start)
                AND coalesce(%(mode)s, runtime_mode) = runtime_mode
               THEN desired_before
               ELSE jsonb_build_object(
                    'isPaused', coalesce(is_paused, NOT auto_start),
                    'mode', runtime_mode,
                    'revision', desired_revision + 1)
           END
     WHERE id = %(user)s AND desired_revision = coalesce(%(after)s::bigint, desired_revision)
 RETURNING coalesce(is_paused, NOT auto_start), runtime_mode, desired_revision
"""

# Every column is in the partial index `hosted_users`: the table itself is not read.
HOSTED: Final = """
    SELECT id, username, sub, coalesce(is_paused, NOT auto_start), runtime_mode, desired_revision,
           settings_revision
      FROM settings_app_user
     WHERE is_active AND is_staff AND enables_exchange
       AND (%s::text[] IS NULL OR username = ANY (%s))
     ORDER BY id
"""


class Overtaken(Exception):
    """Somebody has decided since; the text says which revisions these are, and nothing was
    recorded.
    """

    def __init__(self, *, after: int, newest: int) -> None:
        super().__init__(f"revision {after} then, {newest} now")
        self.newest = newest


# Tuples, for a worker makes a thousand of each at every poll.
class Desired(NamedTuple):
    """What a user wants; ``revision`` orders two of these."""

    is_paused: bool
    mode: Mode
    revision: int


class HostedUser(NamedTuple):
    """A user for whom a worker has to work, and how far their wishes have got."""

    user_id: int
    username: str
    sub: str
    desired: Desired
    settings_revision: int


class Former(NamedTuple):
    """The desired state before it last became another one; ``revision`` is of what replaced it."""

    is_paused: bool
    mode: Mode
    revision: int

    def to_json(self) -> dict[str, Any]:
        """As :data:`RECORD` keeps it."""
        return {"isPaused": self.is_paused, "mode": str(self.mode), "revision": self.revision}


def read_former(user_id: int) -> Former | None:
    """What the user wanted before; None while it never changed.

    Raises:
        User.DoesNotExist: If there is no such user.
    """
    row = User.objects.values_list("desired_before", flat=True).get(pk=user_id)
    return None if row is None else Former(row["isPaused"], Mode(row["mode"]), row["revision"])


def read_desired(user_id: int) -> Desired:
    """What the user wants now.

    Raises:
        User.DoesNotExist: If there is no such user.
    """
    rows = User.objects.values_list(IS_PAUSED, "runtime_mode", "desired_revision")
    is_paused, mode, revision = rows.get(pk=user_id)
    return Desired(is_paused, Mode(mode), revision)


def decided_at(user_id: int) -> datetime:
    """When the user last said what they want, by PostgreSQL's clock.

    Raises:
        User.DoesNotExist: If there is no such user.
    """
    return User.objects.values_list("desired_at", flat=True).get(pk=user_id)


def record(
    user_id: int,
    *,
    is_paused: bool | None = None,
    mode: str | None = None,
    at: datetime | None = None,
    after: int | None = None,
) -> Desired:
    """Record a decision, and make it the newest, also when it repeats the last one.

    Args:
        is_paused: Whether the runtime shall be paused; None leaves that as it is.
        mode: The mode it shall be in; None leaves that as it is.
        at: When it was decided; None is now. What was planned was decided when it was due.
        after: The revision that it was decided upon; None: upon whichever there is.

    Raises:
        ValueError: If there is no such mode, or it is not implemented: nothing was recorded.
        Overtaken: If there is a newer revision than ``after``.
        User.DoesNotExist: If there is no such user.
    """
    if mode is not None and not Mode(mode).is_implemented:
        raise ValueError(f"The mode {mode} is not implemented.")
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            {"is_paused": is_paused, "mode": mode, "user": user_id, "at": at, "after": after},
        )
        row = cursor.fetchone()
    if row is None and after is not None:
        raise Overtaken(after=after, newest=read_desired(user_id).revision)
    if row is None:
        raise User.DoesNotExist(f"There is no user with the id {user_id}.")
    return Desired(row[0], Mode(row[1]), row[2])


def hosted_users(usernames: Collection[str] | None = None) -> list[HostedUser]:
    """Every active staff user whose settings enable an exchange, in order of id: one query.

    Whoever wants a mode that is not known here is left out, and said.

    Args:
        usernames: Only these users, where a worker is told whom to host.
    """
    only = None if usernames is None else list(usernames)
    with connection.cursor() as cursor:
        cursor.execute(HOSTED, [only, only])
        rows = cursor.fetchall()
    return [
        HostedUser(user_id, username, sub, Desired(is_paused, known, revision), settings)
        for user_id, username, sub, is_paused, mode, revision, settings in rows
        if (known := _known_mode(sub, mode)) is not None
    ]


@lru_cache(maxsize=10_000)
def _known_mode(sub: str, mode: str) -> Mode | None:
    # Cached so that it is said once of each user, not at each poll.
    try:
        return Mode(mode)
    except ValueError:
        log.warning("desired.unknown_mode", sub=sub, mode=mode)
        return None


def is_active(user_id: int) -> bool:
    """Whether there is such a user, and they may sign in."""
    return User.objects.filter(pk=user_id, is_active=True).exists()


def hindrance(user_id: int) -> str | None:
    """Why no worker hosts a user, with the way out; None where nothing is in the way."""
    row = (
        User.objects.filter(pk=user_id)
        .values_list("is_active", "is_staff", "enables_exchange")
        .first()
    )
    if row is None:
        return "the user was deleted"
    is_active, is_staff, enables_exchange = row
    if not is_active:
        return "the user is not active"
    if not is_staff:
        return "the user has no staff status"
    if not enables_exchange:
        return "no exchange is enabled in the settings; enable one under /exchanges"
    return None
