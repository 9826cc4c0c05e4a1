"""The rows that wait to be delivered, as all workers share them.

Rule 1: synchronous, for a database thread; every moment is by the database's clock.
Rule 2: a lane is one channel of one user. Only one worker at a time has claims in it, and where one
    was asked to wait all do, so what a trader reads comes in order; the lanes of others, and other
    lanes of the user, go on.
Rule 3: a claim ends by what became of the message, or by its time limit; what it held is uncertain
    then, for whoever held it may have sent it before it died. If it lives it knows better, and says
    so when it can: PostgreSQL may have been away for longer than the claim.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from trading.models import Alert, Delivery, DeliveryChannel

CLAIM_SECONDS = 60.0
"""How long a worker may take over one message; any channel answers, or gives up, far sooner."""

BATCH = 1_000
"""How many alerts go in one statement."""

ORPHANED_SECONDS = 5.0
"""What has waited for so long behind its time is waited for by no worker."""

GONE: Final = "the worker that was sending it ended before it could tell what became of it"


class Lane(NamedTuple):
    """One channel of one user."""

    user_id: int
    sub: str
    channel: DeliveryChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What is to be sent now, the oldest first, and only by whoever has claimed it.

    Args:
        message: Names the claim, and later what was sent together.
        attempts: How often the oldest was tried, this time included.
        age_seconds: How long ago the oldest was filed.
    """

    lane: Lane
    message: UUID
    alerts: Sequence[Alert]
    attempts: int
    age_seconds: float


class Waiting(NamedTuple):
    """What waits in a lane.

    Args:
        signals: Signals that are due.
        troubles: System alerts that are due.
        sent_ago: Seconds since each signal of the last while was sent.
    """

    signals: int
    troubles: int
    sent_ago: tuple[float, ...]


class Moved(NamedTuple):
    """An alert whose state is another one now."""

    alert_id: int
    sub: str
    state: str


# Lanes in which something is due, nothing is being sent and nothing is to be sent later, of users
# that are active; the one that waits longest first.
LANES: Final = """
    SELECT d.user_id, u.sub, d.channel, bool_or(a.kind = 'system')
      FROM trading_delivery AS d
      JOIN trading_alert AS a ON a.id = d.alert_id
      JOIN settings_app_user AS u ON u.id = d.user_id
     WHERE d.state = 'waiting' AND d.due_at <= clock_timestamp() AND u.is_active
       AND (%(everybody)s OR u.username = ANY(%(only)s))
       AND NOT EXISTS (SELECT FROM trading_delivery AS o
                        WHERE o.user_id = d.user_id AND o.channel = d.channel
                          AND (o.state = 'sending'
                               OR o.state = 'waiting' AND o.due_at > clock_timestamp()))
     GROUP BY d.user_id, u.sub, d.channel
     ORDER BY min(d.due_at)
"""
# What no worker sends: it has waited for longer than one lets it wait, and its user has none.
ORPHANS: Final = """
    SELECT DISTINCT d.user_id, u.sub, d.channel
      FROM trading_delivery AS d
      JOIN trading_alert AS a ON a.id = d.alert_id
      JOIN settings_app_user AS u ON u.id = d.user_id
     WHERE d.state = 'waiting' AND a.kind = 'system' AND u.is_active
       AND d.due_at <= clock_timestamp() - %(seconds)s * interval '1 second'
       AND NOT EXISTS (SELECT FROM control_lease AS lease
                        WHERE lease.user_id = u.id AND lease.expires_at > clock_timestamp())
     ORDER BY d.user_id
     LIMIT 1000
"""
# The window is by the statement's clock: an index is of no use to one that runs on meanwhile.
WAITING: Final = """
    SELECT count(*) FILTER (WHERE d.state = 'waiting' AND a.kind <> 'system'
                              AND d.due_at <= clock_timestamp()),
           count(*) FILTER (WHERE d.state = 'waiting' AND a.kind = 'system'
                              AND d.due_at <= clock_timestamp()),
           array_agg(extract(epoch FROM clock_timestamp() - d.settled_at)::float8)
               FILTER (WHERE d.state IN ('delivered', 'uncertain') AND a.kind <> 'system')
      FROM trading_delivery AS d
      JOIN trading_alert AS a ON a.id = d.alert_id
     WHERE d.user_id = %(user)s AND d.channel = %(channel)s
       AND (d.state = 'waiting'
            OR d.settled_at > statement_timestamp() - %(window)s * interval '1 second')
"""
# One worker at a time looks at a lane: two that look at once would both find it free.
ALONE: Final = "SELECT pg_try_advisory_xact_lock(hashtext('lane'), hashtext(%(lane)s))"
CLAIM: Final = """
    WITH oldest AS (
        SELECT d.id
          FROM trading_delivery AS d
          JOIN trading_alert AS a ON a.id = d.alert_id
         WHERE d.user_id = %(user)s AND d.channel = %(channel)s
           AND d.state = 'waiting' AND d.due_at <= clock_timestamp()
           AND (a.kind = 'system') = %(system)s
         ORDER BY d.alert_id
         LIMIT %(most)s
           FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE trading_delivery AS d
       SET state = 'sending', reason = '', attempts = attempts + 1, message = %(message)s,
           claimed_by = %(worker)s,
           claimed_until = clock_timestamp() + %(seconds)s * interval '1 second'
      FROM oldest
     WHERE d.id = oldest.id
       AND NOT EXISTS (SELECT FROM trading_delivery AS o
                        WHERE o.user_id = %(user)s AND o.channel = %(channel)s
                          AND (o.state = 'sending'
                               OR o.state = 'waiting' AND o.due_at > clock_timestamp()))
    RETURNING d.alert_id, d.attempts,
              extract(epoch FROM clock_timestamp() - d.created_at)::float8
"""
SETTLE: Final = """
    UPDATE trading_delivery
       SET state = %(state)s, reason = %(reason)s, claimed_by = '', claimed_until = NULL,
           due_at = CASE WHEN %(state)s = 'waiting'
                         THEN clock_timestamp() + %(again)s * interval '1 second' ELSE due_at END,
           settled_at = CASE WHEN %(state)s = 'waiting' THEN NULL ELSE clock_timestamp() END
     WHERE message = %(message)s AND state IN ('sending', 'uncertain')
    RETURNING alert_id
"""
EXPIRE: Final = """
    UPDATE trading_delivery AS d
       SET state = 'uncertain', reason = %(reason)s, claimed_by = '', claimed_until = NULL,
           settled_at = clock_timestamp()
      FROM (SELECT id FROM trading_delivery
             WHERE state = 'sending' AND claimed_until < clock_timestamp()
               FOR UPDATE SKIP LOCKED) AS lost
     WHERE d.id = lost.id
    RETURNING d.alert_id
"""
# What became of an alert, out of what became of its deliveries.
FOLLOW: Final = """
    UPDATE trading_alert AS a
       SET state = f.state
      FROM (SELECT alert_id,
                   CASE WHEN bool_or(state IN ('waiting', 'sending')) THEN 'pending'
                        WHEN bool_or(state = 'failed') THEN 'failed'
                        WHEN bool_or(state = 'uncertain') THEN 'uncertain'
                        WHEN bool_or(state = 'delivered') THEN 'delivered'
                        WHEN bool_or(state = 'muted') THEN 'muted'
                        ELSE 'quiet' END AS state
              FROM trading_delivery
             WHERE alert_id = ANY(%(alerts)s)
             GROUP BY alert_id) AS f
      JOIN trading_alert AS mine ON mine.id = f.alert_id
      JOIN settings_app_user AS u ON u.id = mine.user_id
     WHERE a.id = f.alert_id AND a.state <> f.state AND a.state <> 'missed'
    RETURNING a.id, u.sub, a.state
"""


def lanes(only: Collection[str] = ()) -> dict[Lane, bool]:
    """Where something is to be sent and nobody is sending; of these users, or of all.

    Returns:
        Of each lane, whether system alerts are among it, which wait for nothing.
    """
    values = {"everybody": not only, "only": list(only)}
    return {
        Lane(user_id, sub, DeliveryChannel(channel)): has_troubles
        for user_id, sub, channel, has_troubles in _rows(LANES, values)
    }


def orphans() -> list[Lane]:
    """Where what Livermore says of itself waits, and no worker is there to send it."""
    expire()
    return [
        Lane(user_id, sub, DeliveryChannel(channel))
        for user_id, sub, channel in _rows(ORPHANS, {"seconds": ORPHANED_SECONDS})
    ]


def is_tried(lane: Lane) -> bool:
    """Whether a test waits in a lane that was never sent: somebody wants to know now."""
    return Delivery.objects.filter(
        user_id=lane.user_id,
        channel=lane.channel,
        state=Delivery.State.WAITING,
        attempts=0,
        alert__values__test=True,
    ).exists()


def waiting(lane: Lane, window_seconds: float) -> Waiting:
    """What waits in a lane, and what was sent in the last ``window_seconds``."""
    values = {"user": lane.user_id, "channel": str(lane.channel), "window": window_seconds}
    [(signals, troubles, sent_ago)] = _rows(WAITING, values)
    return Waiting(signals, troubles, tuple(sent_ago or ()))


def claim(lane: Lane, worker: str, message: UUID, *, most: int, system: bool) -> Claimed | None:
    """Claim the oldest of what is due in a lane; None: there is nothing, or another one sends.

    Args:
        worker: Who claims.
        message: A new name for what is sent together.
        most: How many at most.
        system: What Livermore says of itself, or signals: they do not share a message.
    """
    values = {
        "user": lane.user_id,
        "channel": str(lane.channel),
        "lane": f"{lane.user_id} {lane.channel}",
        "worker": worker,
        "message": message,
        "most": most,
        "system": system,
        "seconds": CLAIM_SECONDS,
    }
    with transaction.atomic():
        if not _rows(ALONE, values)[0][0]:
            return None
        rows = _rows(CLAIM, values)
    if not rows:
        return None
    alerts = list(Alert.objects.filter(pk__in=[row[0] for row in rows]).order_by("pk"))
    return Claimed(
        lane=lane,
        message=message,
        alerts=alerts,
        attempts=max(row[1] for row in rows),
        age_seconds=max(row[2] for row in rows),
    )


def settle(
    message: UUID, state: Delivery.State, reason: str, *, again_seconds: float = 0.0
) -> list[Moved]:
    """Write what became of a message; nothing, if its reader had it sent again meanwhile.

    Args:
        message: The claim.
        state: Waiting: to be sent again.
        reason: Why, without a secret.
        again_seconds: When, from now on.
    """
    values = {
        "message": message,
        "state": str(state),
        "reason": reason,
        "again": again_seconds,
    }
    with transaction.atomic():
        return follow([row[0] for row in _rows(SETTLE, values)])


def expire() -> list[Moved]:
    """Mark as uncertain what was claimed by workers that are gone."""
    with transaction.atomic():
        return follow([row[0] for row in _rows(EXPIRE, {"reason": GONE})])


def follow(alert_ids: Collection[int]) -> list[Moved]:
    """Bring alerts to what became of their deliveries; those whose state is another one now."""
    if not alert_ids:
        return []
    return [Moved(*row) for row in _rows(FOLLOW, {"alerts": list(alert_ids)})]


def outlived(user_id: int, kept: timedelta) -> QuerySet[Alert]:
    """A user's alerts that are older than this and not on their way."""
    on_its_way = Delivery.objects.filter(
        alert=OuterRef("pk"), state__in=[Delivery.State.WAITING, Delivery.State.SENDING]
    )
    return Alert.objects.filter(~Exists(on_its_way), user_id=user_id, created_at__lt=Now() - kept)


def prune(user_id: int, kept: timedelta) -> int:
    """Delete a user's alerts that are older than this, but for those that wait; how many."""
    old, removed = outlived(user_id, kept), 0
    # A little at a time: no statement is long, and what is interrupted goes on from there.
    while batch := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        # Asked again: what was sent again in between stays.
        removed += old.filter(pk__in=batch).delete()[1].get("trading.Alert", 0)
    return removed


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows
