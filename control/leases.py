"""Exactly one worker drives a user: leases in PostgreSQL, by PostgreSQL's clock.

Rule 1: only these functions touch a lease. They are synchronous; the worker calls them in a thread.
Rule 2: a fence never falls. Whoever holds an old one can write nothing: every write of a runtime
    goes through :func:`hold` in its own transaction.

``TTL_SECONDS`` and the renewal give the bound that matters: a worker that dies is replaced within
TTL + one poll, under ten seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import connection

from control.models import Lease

TTL_SECONDS = 7.0
RENEW_SECONDS = 2.0


class Fenced(Exception):
    """Another worker drives this user now; whoever sees this must let go of it."""


def acquire(user_ids: Collection[int], owner: str) -> dict[int, int]:
    """Take every free lease among these users.

    A lease is free when nobody ever held it or when it has expired. Taking one raises its fence.

    Returns:
        The fence by user id, for the leases that were taken.
    """
    if not user_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO control_lease AS lease (user_id, owner, fence, expires_at)
            SELECT u.id, %(owner)s, 1, clock_timestamp() + %(ttl)s * interval '1 second'
              FROM settings_app_user AS u WHERE u.id = ANY(%(users)s) ORDER BY u.id
            ON CONFLICT (user_id) DO UPDATE
               SET owner = excluded.owner, fence = lease.fence + 1,
                   expires_at = excluded.expires_at
             WHERE lease.expires_at <= clock_timestamp()
            RETURNING user_id, fence
            """,
            {"owner": owner, "ttl": TTL_SECONDS, "users": list(user_ids)},
        )
        return dict(cursor.fetchall())


def renew(fences: Mapping[int, int], owner: str) -> set[int]:
    """Prolong what is still ours.

    Args:
        fences: The fence by user id, as :func:`acquire` gave them.

    Returns:
        The ids of the users that are still ours. The others were taken over.
    """
    if not fences:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE control_lease AS lease
               SET expires_at = clock_timestamp() + %(ttl)s * interval '1 second'
              FROM unnest(%(users)s::bigint[], %(fences)s::bigint[]) AS mine (user_id, fence)
             WHERE lease.user_id = mine.user_id AND lease.fence = mine.fence
               AND lease.owner = %(owner)s
            RETURNING lease.user_id
            """,
            {
                "ttl": TTL_SECONDS,
                "owner": owner,
                "users": list(fences),
                "fences": list(fences.values()),
            },
        )
        return {user_id for (user_id,) in cursor.fetchall()}


def release(fences: Mapping[int, int], owner: str) -> None:
    """Let go at once, so that another worker need not wait for the expiry.

    The fence rises, so that whatever this worker still has under way can write nothing more.
    """
    if not fences:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE control_lease AS lease
               SET expires_at = clock_timestamp(), fence = lease.fence + 1
              FROM unnest(%(users)s::bigint[], %(fences)s::bigint[]) AS mine (user_id, fence)
             WHERE lease.user_id = mine.user_id AND lease.fence = mine.fence
               AND lease.owner = %(owner)s
            """,
            {"owner": owner, "users": list(fences), "fences": list(fences.values())},
        )


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
