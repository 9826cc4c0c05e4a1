"""Users whom no worker drives: noticed by whoever is alive, every web process and every worker.

Rule 1: who should be driven is who may sign in, is staff and enables an exchange, and whether they
    are is what the leases say, by PostgreSQL's clock: one bounded query a look.
Rule 2: an absence is one that was seen in every look of a while. A watch that has just begun, or
    has lost sight of PostgreSQL, has seen nothing yet: whoever drives could not renew either.
Rule 3: any number may watch; the incident is there once (:mod:`control.incidents`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import Final, NamedTuple

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from control import incidents, wire
from control.database import Database, with_living_connection
from control.deliveries.orphans import deliver_orphans
from control.incidents import WORKER_IS_BACK, Kind
from control.protocol import SystemEvent, events_of
from control.selfwatch import Publish

log = structlog.get_logger(__name__)

WORKER_GONE_SECONDS = 15.0  # beyond the lease itself; a takeover takes less than ten in all
LOOK_SECONDS = 5.0
LONGEST_LOOK_SECONDS = 3 * LOOK_SECONDS
GONE = "No worker drives this runtime: nothing is watched, and commands wait until one is back"
NOT_NEEDED = "This runtime needs no worker any more"

# The first two conditions are those of the partial index `hosted_users`. Somebody who never had a
# worker misses one only where there ever was one.
ABSENT: Final = """
    SELECT u.id, u.sub
      FROM settings_app_user AS u LEFT JOIN control_lease AS lease ON lease.user_id = u.id
     WHERE u.is_active AND u.is_staff AND u.enables_exchange
       AND (%(only)s::text[] IS NULL OR u.username = ANY (%(only)s))
       AND (lease.expires_at <= clock_timestamp()
            OR lease.user_id IS NULL AND EXISTS (SELECT FROM control_lease))
       AND (%(told)s OR NOT EXISTS (
            SELECT FROM control_incident AS incident
             WHERE incident.user_id = u.id AND incident.kind = 'worker-gone'
               AND incident.ended_at IS NULL))
     ORDER BY u.id LIMIT 1000
"""
RETURNED: Final = """
    SELECT u.id, u.sub, u.is_active AND u.is_staff AND u.enables_exchange
      FROM control_incident AS incident
      JOIN settings_app_user AS u ON u.id = incident.user_id
      LEFT JOIN control_lease AS lease ON lease.user_id = u.id
     WHERE incident.kind = 'worker-gone' AND incident.ended_at IS NULL
       AND (lease.expires_at > clock_timestamp()
            OR NOT (u.is_active AND u.is_staff AND u.enables_exchange))
     ORDER BY u.id LIMIT 1000
"""


class Absent(NamedTuple):
    """A user who should be driven, and is not."""

    user_id: int
    sub: str


def absent(*, only: Collection[str] | None = None, told: bool = True) -> list[Absent]:
    """Who should be driven by a worker, and is not: at most a thousand.

    Args:
        only: Of these users, by name.
        told: Also those who were told of it already.
    """
    names = None if only is None else list(only)
    with connection.cursor() as cursor:
        cursor.execute(ABSENT, {"only": names, "told": told})
        return [Absent(*row) for row in cursor.fetchall()]


class Absences:
    """Since when who has been missing, look by look. Pure: moments come in, in seconds."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._looked_at: float | None = None

    def look(self, missing: Collection[int], at: float) -> dict[int, float]:
        """One look; for how long those have been missing of whom it is time to tell.

        Args:
            missing: Ids of the users who are not driven.
            at: When, on a clock that never goes back.
        """
        if self._looked_at is not None and at - self._looked_at > LONGEST_LOOK_SECONDS:
            self._since = {}  # the machine slept: so did whoever drives
        self._looked_at = at
        self._since = {user_id: self._since.get(user_id, at) for user_id in missing}
        spans = {user_id: at - since for user_id, since in self._since.items()}
        return {user_id: span for user_id, span in spans.items() if span >= WORKER_GONE_SECONDS}

    def lose_sight(self) -> None:
        """It could not be seen who is missing."""
        self._since = {}


class AbsenceWatch:
    """One process's watch, look by look; for a database thread."""

    def __init__(self) -> None:
        self._absences = Absences()

    def look(self, at: float) -> list[tuple[str, SystemEvent]]:
        """Look once, and write what begins and what ends.

        Args:
            at: When, on a clock that never goes back, in seconds.

        Returns:
            What to tell whose pages, behind the commit.

        Raises:
            django.db.Error: If PostgreSQL is away; the watch begins anew.
        """
        try:
            missing = dict(absent(told=False))
            gone = self._absences.look(missing, at)
            events = [(missing[user_id], _begin(user_id, span)) for user_id, span in gone.items()]
            events += _end_what_is_over()
        except DatabaseError:
            self._absences.lose_sight()
            raise
        return [(sub, event) for sub, event in events if event is not None]


def _begin(user_id: int, span: float) -> SystemEvent | None:
    since = datetime.fromtimestamp(time.time() - span, tz=UTC)
    return incidents.open_incident(user_id, Kind.WORKER_GONE, "", GONE, since)


def _end_what_is_over() -> list[tuple[str, SystemEvent | None]]:
    """End what is over: whoever took a user on may have died before it could say so."""
    with connection.cursor() as cursor:
        cursor.execute(RETURNED)
        rows = cursor.fetchall()
    now, events = datetime.now(UTC), []
    for user_id, sub, is_needed in rows:
        detail = WORKER_IS_BACK if is_needed else NOT_NEEDED
        event = incidents.close_incident(user_id, Kind.WORKER_GONE, "", detail, now)
        events.append((sub, event))
    return events


# ---------------------------------------------------------------------- where it runs
async def watch_in_worker(database: Database, publish: Publish) -> None:
    """Look every few seconds, until cancelled: a side task of the worker."""
    watch = AbsenceWatch()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            events = await database.run(watch.look, time.monotonic())
        except DatabaseError as exc:
            log.warning("absence.not_seen", reason=str(exc).strip())
            continue
        for sub, event in events:
            _log(sub, event)
            await publish(events_of(sub), event.to_json())


@cache
def watch_in_background() -> threading.Thread:
    """Begin this process's watch in a thread of its own, once; it ends with the process."""
    thread = threading.Thread(target=watch_until, name="absence watch", daemon=True)
    thread.start()
    return thread


def watch_until(stopping: threading.Event | None = None) -> None:
    """Look every few seconds, until told to stop."""
    watch, stopping = AbsenceWatch(), stopping or threading.Event()
    was_seen = True
    while not stopping.wait(LOOK_SECONDS):
        try:
            _look_and_tell(watch)
            deliver_orphans()
            was_seen = True
        except DatabaseError as exc:
            if was_seen:  # once for each time that it is away
                log.warning("absence.not_seen", reason=str(exc).strip())
            was_seen = False
        except Exception:  # the boundary: the next look may see
            log.exception("absence.failed")


def _look_and_tell(watch: AbsenceWatch) -> None:
    for sub, event in with_living_connection(lambda: watch.look(time.monotonic())):
        _log(sub, event)
        try:
            wire.shared().publish(events_of(sub), event.to_json())
        except RedisError as exc:
            log.info("absence.not_told", sub=sub, reason=str(exc))  # the row is there


def _log(sub: str, event: SystemEvent) -> None:
    told = {"sub": sub, "kind": event.incident, "detail": event.detail}
    if event.state == "began":
        log.warning("incident.began", **told)
    else:
        log.info("incident.ended", **told)
