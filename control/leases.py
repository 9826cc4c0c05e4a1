"""Exactly one worker drives a user: leases in PostgreSQL, by PostgreSQL's clock.

Rule 1: only these functions touch a lease. They are synchronous; the worker calls them in a thread.
Rule 2: a fence never falls. Whoever holds an old one can write nothing: every write of a runtime
    goes through :func:`hold` in its own transaction.
Rule 3: one user's lock is that user's alone: nothing here waits for the row of one to change the
    rows of others.

``TTL_SECONDS`` and the renewal give the bound that matters: a worker that dies is replaced within
TTL + one poll, under ten seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import OperationalError, connection, transaction

from control.models import Lease

TTL_SECONDS = 7.0
RENEW_SECONDS = 2.0
LOCK_MS = 500  # how long another's lock is waited for where something has to be said of it

# What others hold locked is passed over: neither a takeover nor a frozen worker's transaction may
# keep a lease from anybody but its own user. Nothing is written for leases that are not free.
ACQUIRE: Final = """
    WITH taken AS (
        UPDATE control_lease AS lease
           SET owner = %(owner)s, fence = lease.fence + 1,
               expires_at = clock_timestamp() + %(ttl)s * interval '1 second'
          FROM (SELECT user_id FROM control_lease
                 WHERE user_id = ANY(%(users)s) AND expires_at <= clock_timestamp()
                 ORDER BY user_id FOR NO KEY UPDATE SKIP LOCKED) AS free
         WHERE lease.user_id = free.user_id
        RETURNING lease.user_id, lease.fence
    ), made AS (
        INSERT INTO control_lease (user_id, owner, fence, expires_at)
        SELECT u.id, %(owner)s, 1, clock_timestamp() + %(ttl)s * interval '1 second'
          FROM settings_app_user AS u
         WHERE u.id = ANY(%(users)s)
           AND NOT EXISTS (SELECT FROM control_lease AS lease WHERE lease.user_id = u.id)
         ORDER BY u.id FOR KEY SHARE OF u SKIP LOCKED
        ON CONFLICT (user_id) DO NOTHING
        RETURNING user_id, fence
    )
    SELECT user_id, fence FROM taken UNION ALL SELECT user_id, fence FROM made
"""
# What is ours, locked; then what becomes of it.
OURS: Final = """
    SELECT lease.user_id
      FROM control_lease AS lease
      JOIN unnest(%(users)s::bigint[], %(fences)s::bigint[]) AS mine (user_id, fence)
        ON lease.user_id = mine.user_id AND lease.fence = mine.fence
     WHERE lease.owner = %(owner)s
"""
LOCKED: Final = f"{OURS} ORDER BY lease.user_id FOR NO KEY UPDATE OF lease"
PROLONG: Final = "expires_at = clock_timestamp() + %(ttl)s * interval '1 second'"
FREE: Final = "expires_at = clock_timestamp(), fence = lease.fence + 1"


class Fenced(Exception):
    """Another worker drives this user now; whoever sees this must let go of it."""


def acquire(user_ids: Collection[int], owner: str) -> dict[int, int]:
    """Take every free lease among these users. Waits for nobody.

    A lease is free when nobody ever held it or when it has expired, unless somebody is about to
    take it or to write under it. Taking one raises its fence.

    Returns:
        The fence by user id, for the leases that were taken.
    """
    if not user_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ACQUIRE, {"owner": owner, "ttl": TTL_SECONDS, "users": list(user_ids)})
        return dict(cursor.fetchall())


def renew(fences: Mapping[int, int], owner: str) -> set[int]:
    """Prolong what is still ours. Hardly waits: what is being written under is the next one's.

    Args:
        fences: The fence by user id, as :func:`acquire` gave them.

    Returns:
        The ids of the users that are still ours. The others were taken over.
    """
    renewed, locked = _change(PROLONG, fences, owner)
    # Whatever is locked for that long is no takeover, and nobody takes over what is locked.
    return renewed | locked


def release(fences: Mapping[int, int], owner: str) -> set[int]:
    """Let go at once, so that another worker need not wait for the expiry.

    The fence rises, so that whatever this worker still has under way can write nothing more.

    Returns:
        The ids of the users that something under way keeps ours; those leases expire.
    """
    return _change(FREE, fences, owner)[1]


def release_all(owner: str) -> set[int]:
    """:func:`release` of everything that is a worker's, also what it does not know that it got."""
    held = Lease.objects.filter(owner=owner).values_list("user_id", "fence")
    return release(dict(held), owner)


def _change(setting: str, fences: Mapping[int, int], owner: str) -> tuple[set[int], set[int]]:
    """Change what is ours of these leases: whose were, and whose were locked all the while."""
    changed = _change_some(setting, fences, owner, "SKIP LOCKED")
    left = {user_id: fence for user_id, fence in fences.items() if user_id not in changed}
    if not left:
        return changed, set()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
            return changed | _change_some(setting, left, owner), set()
    except OperationalError:  # locked; or PostgreSQL is away, and then this fails as well
        with connection.cursor() as cursor:
            cursor.execute(OURS, _named(left, owner))
            return changed, {user_id for (user_id,) in cursor.fetchall()}


def _change_some(
    setting: str, fences: Mapping[int, int], owner: str, passing: str = ""
) -> set[int]:
    if not fences:
        return set()
    statement = (
        f"UPDATE control_lease AS lease SET {setting} FROM ({LOCKED} {passing}) AS ours"  # noqa: S608  # constants
        " WHERE lease.user_id = ours.user_id RETURNING lease.user_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _named(fences, owner))
        return {user_id for (user_id,) in cursor.fetchall()}


def _named(fences: Mapping[int, int], owner: str) -> dict[str, Any]:
    users, numbers = list(fences), list(fences.values())
    return {"ttl": TTL_SECONDS, "owner": owner, "users": users, "fences": numbers}


def hold(user_id: int, fence: int) -> None:
    """Make sure, until the end of this transaction, that the lease stays ours.

    The row is locked: a takeover waits until this transaction has ended.

    Raises:
        Fenced: If the lease has another fence by now.
        TransactionManagementError: Outside a transaction.
    """
    rows = Lease.objects.select_for_update(no_key=True).filter(user_id=user_id, fence=fence)
    if not rows.values_list("user_id", flat=True).first():
        raise Fenced(f"user {user_id} is driven by another worker; fence {fence} is void")
