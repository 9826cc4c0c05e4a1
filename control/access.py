"""Who may listen to a runtime, and for how long.

Rule 1: staff, active, signed in, and only their own: the ``sub`` comes from the session's user.
    A page that was made for somebody else, before another sign-in, gets nothing.
Rule 2: a socket outlives the request that opened it, so the right to it is asked again at every
    heartbeat: two queries for all sockets of a process, not two for each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.contrib.sessions.models import Session
from django.utils import timezone

from settings_app.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """One open page: whose it is and by which session.

    Args:
        session_hash: Changes with the password, and so ends every other session.
    """

    user_id: int
    sub: str
    session_key: str
    session_hash: str


def visitor_of(scope: dict[str, Any]) -> Visitor | None:
    """Who opens a socket; None if they may not."""
    user, session = scope.get("user"), scope.get("session")
    if user is None or session is None or not session.session_key:
        return None
    if not (user.is_active and user.is_staff):  # both are False for an anonymous user
        return None
    if set(_made_for(scope)) - {user.sub}:
        return None
    return Visitor(
        user_id=user.pk,
        sub=user.sub,
        session_key=session.session_key,
        session_hash=user.get_session_auth_hash(),
    )


def _made_for(scope: dict[str, Any]) -> list[str]:
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("ascii", "replace")).get("sub", [])


def still_welcome(visitors: Collection[Visitor]) -> frozenset[Visitor]:
    """Those whose session lives on and whose user is still active staff with the same password."""
    sessions = set(
        Session.objects.filter(
            session_key__in={visitor.session_key for visitor in visitors},
            expire_date__gt=timezone.now(),
        ).values_list("session_key", flat=True)
    )
    hashes = {
        user.pk: user.get_session_auth_hash()
        for user in User.objects.filter(
            pk__in={visitor.user_id for visitor in visitors}, is_active=True, is_staff=True
        ).only("password")
    }
    return frozenset(
        visitor
        for visitor in visitors
        if visitor.session_key in sessions and hashes.get(visitor.user_id) == visitor.session_hash
    )
