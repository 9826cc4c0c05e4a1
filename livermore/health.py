"""Whether this process is up, and whether all that it needs is.

Rule 1: no sign-in and no secrets: an answer says which part is missing, never why in its words.
Rule 2: every check is bounded in time and in work.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from control import protocol

_REDIS_SECONDS = 1.0
_DATABASE_SECONDS = 4.0  # longer than the pool waits for a connection
# One thread: however often a database that hangs is asked for, one connection hangs with it.
_ASKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")
_USERS_ASKED = 100
_SCAN_ROUNDS, _SCAN_COUNT = 10, 1_000


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The database and Redis answer, and a runtime's heart beats: 200, else 503."""
    checks = {
        "database": (has_database := _passes(_database_answers)),
        "redis": _passes(_redis_answers),
        "runtime": has_database and _passes(_runtime_beats),
    }
    ready = all(checks.values())
    shown = {name: "ok" if passed else "failed" for name, passed in checks.items()}
    return JsonResponse({"ready": ready, "checks": shown}, status=200 if ready else 503)


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, redis.RedisError):
        return False


def _database_answers() -> bool:
    """A server that hangs keeps its connections open, and no setting of them ends the wait."""
    asked = _ASKING.submit(_ask_database)
    try:
        return asked.result(timeout=_DATABASE_SECONDS)
    except TimeoutError:
        asked.cancel()  # whoever waits for the one that hangs need not ask after it
        return False


def _ask_database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    finally:
        connection.close()  # this thread's own, to the pool


def _redis_answers() -> bool:
    with _wire() as client:
        return bool(client.ping())


def _runtime_beats() -> bool:
    """A status or a worker's own heartbeat; both keys expire soon after their last beat."""
    users = get_user_model().objects.filter(is_active=True, is_staff=True).order_by("pk")
    names = [protocol.status_of(sub) for sub in users.values_list("sub", flat=True)[:_USERS_ASKED]]
    with _wire() as client:
        if names and client.exists(*names):
            return True
        cursor = 0
        for _ in range(_SCAN_ROUNDS):  # no user is hosted yet: any worker will do
            cursor, found = client.scan(cursor, match=protocol.worker_of("*"), count=_SCAN_COUNT)
            if found or cursor == 0:
                return bool(found)
    return False


def _wire() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=_REDIS_SECONDS, socket_timeout=_REDIS_SECONDS
    )
