"""What of Livermore's own does not work for a user: told once when it begins, once when it ends.

Rule 1: an incident and the alert that tells of it are one transaction, and no kind and subject of
    a user is open twice (a partial unique constraint): whoever notices as well changes nothing.
Rule 2: synchronous, for a database thread. What a runtime noticed is written under its fence.
Rule 3: pages are told behind the commit, by the caller, of what was new.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from django.db import connection, transaction

from control import leases
from control.deliveries import filing
from control.models import Incident
from control.protocol import SystemEvent
from trading.alerts.compose import system_alert
from trading.ports import Owner

Kind = Incident.Kind
DETAIL_LENGTH = 500
WORKER_IS_BACK = "A worker drives this runtime again"
OF_AN_EXCHANGE = frozenset({Kind.FEED_STALE, Kind.POSITIONS_STALE})

OPEN: Final = """
    INSERT INTO control_incident (user_id, kind, subject, detail, began_at)
    SELECT id, %(kind)s, %(subject)s, %(detail)s, %(at)s FROM settings_app_user WHERE id = %(user)s
    ON CONFLICT (user_id, kind, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING id
"""
CLOSE: Final = """
    UPDATE control_incident SET ended_at = greatest(began_at, %(at)s)
     WHERE user_id = %(user)s AND kind = %(kind)s AND subject = %(subject)s AND ended_at IS NULL
    RETURNING id, began_at, ended_at
"""


class Key(NamedTuple):
    """What fails: of one user, it can be open once."""

    kind: Kind
    subject: str = ""  # which one, where there are several: an exchange, a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An incident begins, or ends."""

    key: Key
    state: Literal["began", "ended"]
    detail: str
    at: datetime


def open_incident(
    user_id: int, kind: Kind, subject: str, detail: str, at: datetime
) -> SystemEvent | None:
    """An incident begins, with an alert, unless it is open already or there is no such user.

    Args:
        user_id: Whom it concerns.
        kind: What fails.
        subject: Which one, where there are several: an exchange, a channel.
        detail: What the trader reads: a sentence, without anything secret.
        at: Since when, aware.

    Returns:
        What to tell the user's pages; None: nothing is new.
    """
    detail = detail[:DETAIL_LENGTH]
    values = {"user": user_id, "kind": str(kind), "subject": subject, "detail": detail, "at": at}
    with transaction.atomic():
        row = _returned(OPEN, values)
        if row is None:
            return None
        turn = Turn(key=Key(kind, subject), state="began", detail=detail, at=at)
        return _tell(user_id, row[0], turn)


def close_incident(
    user_id: int, kind: Kind, subject: str, detail: str, at: datetime
) -> SystemEvent | None:
    """An incident ends, with an alert that says how long it took, unless none is open.

    Args:
        user_id: Whom it concerned.
        kind: What failed.
        subject: Which one.
        detail: What the trader reads; the duration is added.
        at: Since when it is over, aware.

    Returns:
        What to tell the user's pages; None: nothing is new.
    """
    values = {"user": user_id, "kind": str(kind), "subject": subject, "at": at}
    with transaction.atomic():
        row = _returned(CLOSE, values)
        if row is None:
            return None
        incident_id, began_at, ended_at = row
        text = f"{detail[:DETAIL_LENGTH]}, after {in_words(ended_at - began_at)}."
        turn = Turn(key=Key(kind, subject), state="ended", detail=text, at=ended_at)
        return _tell(user_id, incident_id, turn)


def write(owner: Owner, turns: Sequence[Turn]) -> list[SystemEvent]:
    """Write what a runtime noticed, in order, in one transaction under its fence.

    Returns:
        What was new.

    Raises:
        Fenced: If another worker drives this user; that one sees for itself.
        django.db.Error: If PostgreSQL did not take it; call again.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        events = []
        for turn in turns:
            act = open_incident if turn.state == "began" else close_incident
            events.append(act(owner.user_id, *turn.key, turn.detail, turn.at))
        return [event for event in events if event is not None]


def worker_is_back(owner: Owner, at: datetime) -> SystemEvent | None:
    """A worker drives this user again: end the incident of its absence, if there is one.

    Raises:
        Fenced: If by now another worker drives this user.
    """
    ended = Turn(key=Key(Kind.WORKER_GONE), state="ended", detail=WORKER_IS_BACK, at=at)
    return next(iter(write(owner, [ended])), None)


def open_of(user_ids: Collection[int]) -> dict[int, set[Key]]:
    """What is open of each of these users: one query."""
    found: dict[int, set[Key]] = {user_id: set() for user_id in user_ids}
    rows = Incident.objects.filter(user_id__in=list(user_ids), ended_at__isnull=True)
    for user_id, kind, subject in rows.values_list("user_id", "kind", "subject"):
        found[user_id].add(Key(Kind(kind), subject))
    return found


def in_words(span: timedelta) -> str:
    """A duration as people say it: its two largest units."""
    seconds = int(span.total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "less than a second"


def _returned(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _tell(user_id: int, incident_id: int, turn: Turn) -> SystemEvent:
    at_ms = int(turn.at.timestamp() * 1_000)
    kind, subject = turn.key
    values = {
        "incident": incident_id,
        "kind": str(kind),
        "subject": subject,
        "state": turn.state,
        "at": at_ms,
    }
    exchange = subject if kind in OF_AN_EXCHANGE else ""
    alert = system_alert(user_id, exchange=exchange, detail=turn.detail, values=values)
    filing.save(user_id, [alert])
    return SystemEvent(
        id=alert.pk,
        incident=str(kind),
        subject=subject,
        state=turn.state,
        detail=turn.detail,
        at=at_ms,
    )
