"""What is kept for how long, and removing what is older.

Rule 1: what is not over stays, however old: an incident that is open, an alert that is on its way.
Rule 2: what keeps a command from being done twice is kept for as long as its id is promised to be
    known, and no shorter, whatever anybody asks for.
Rule 3: a little at a time: no statement is long, and an interruption leaves nothing half-done.
Rule 4: synchronous, for a database thread; any number of processes may do it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from control.deliveries import queue
from control.models import Incident, Receipt, SentIntent
from control.sending import ID_KEPT
from settings_app import services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from trading.models import Alert, Mute

log = structlog.get_logger(__name__)

KEPT_DAYS: Final = 90
RECEIPTS_KEPT: Final = timedelta(days=1)  # as long as an id is known

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kind of row that is kept for a time.

    Args:
        name: What people call one of them.
        rows: Those that ended, or were made, before a moment, and are over.
        fixed: For how long, where nobody may choose.
        is_of_users: Each of them says whose it is; else they go with everybody's alone.
    """

    name: str
    rows: Callable[[datetime], Rows]
    fixed: timedelta | None = None
    is_of_users: bool = True


ALL: Final = (
    Kept(name="ended mute", rows=lambda before: Mute.objects.filter(until__lt=before)),
    Kept(name="incident", rows=lambda before: Incident.objects.filter(ended_at__lt=before)),
    Kept(
        name="receipt",
        rows=lambda before: Receipt.objects.filter(created_at__lt=before),
        fixed=RECEIPTS_KEPT,
    ),
    Kept(
        name="sent intent",
        rows=lambda before: SentIntent.objects.filter(created_at__lt=before),
        fixed=ID_KEPT,
    ),
    Kept(
        name="ended session",
        rows=lambda before: Session.objects.filter(expire_date__lt=before),
        fixed=timedelta(),  # nobody can use it any more
        is_of_users=False,
    ),
    Kept(
        name="sign-in",
        rows=lambda before: AccessLog.objects.filter(attempt_time__lt=before),
        is_of_users=False,
    ),
)
ALERT: Final = "alert"


def prune(user_id: int | None = None, *, days: int | None = None) -> dict[str, int]:
    """Remove what is older than it is kept for.

    Args:
        user_id: Whose; None: everybody's.
        days: For how long what has no time of its own is kept; None: alerts as each user's settings
            say, the rest for ``KEPT_DAYS``.

    Returns:
        How many rows of each kind there were, by name; deliveries go with their alerts.
    """
    alerts = sum(queue.prune(owner, kept) for owner, kept in _owners(user_id, days))
    return {ALERT: alerts} | {
        kept.name: _remove(_old(kept, user_id, days or KEPT_DAYS)) for kept in _of(user_id)
    }


def count(user_id: int | None = None, *, days: int | None = None) -> dict[str, int]:
    """What :func:`prune` would remove."""
    alerts = sum(queue.outlived(owner, kept).count() for owner, kept in _owners(user_id, days))
    return {ALERT: alerts} | {
        kept.name: _old(kept, user_id, days or KEPT_DAYS).count() for kept in _of(user_id)
    }


def _owners(user_id: int | None, days: int | None) -> Iterator[tuple[int, timedelta]]:
    """Who has alerts of more than a day, and for how long they are kept.

    Settings that cannot be read say nothing, and so nothing goes.
    """
    oldest = Alert.objects.filter(user=OuterRef("pk")).order_by("pk").values("created_at")[:1]
    owners = User.objects.annotate(oldest=Subquery(oldest)).filter(
        oldest__lt=timezone.now() - timedelta(days=1)
    )
    if user_id is not None:
        owners = owners.filter(pk=user_id)
    for owner in owners.order_by("pk").values_list("pk", flat=True):
        try:
            own = services.read(owner).document.notifications.kept_days if days is None else days
        except (SettingsInvalid, SettingsTooNew, User.DoesNotExist) as exc:
            log.warning("retention.settings_unreadable", user=owner, reason=type(exc).__name__)
        else:
            yield owner, timedelta(days=own)


def _of(user_id: int | None) -> Iterator[Kept]:
    """What there is to remove of one user, or of everybody."""
    return (kept for kept in ALL if user_id is None or kept.is_of_users)


def _old(kept: Kept, user_id: int | None, days: int) -> Rows:
    span = timedelta(days=days) if kept.fixed is None else kept.fixed
    rows = kept.rows(timezone.now() - span)
    return rows if user_id is None else rows.filter(user_id=user_id)


def _remove(rows: Rows) -> int:
    removed = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[: queue.BATCH]):
        removed += rows.filter(pk__in=batch).delete()[0]
    return removed
