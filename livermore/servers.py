"""Are the servers behind an address there, and are they of a kind that Livermore can use?

Rule 1: asked once, before anything starts; afterwards everyone copes with their absence.
Rule 2: an answer is a sentence for a person, and never holds a password.
"""

from __future__ import annotations

import contextlib

import psycopg
import redis

from livermore.addresses import without_password

_SECONDS = 3
_POSTGRES_OLDEST = 140_000  # Django 5.2 needs PostgreSQL 14
_REDIS_OLDEST = (6, 2)


def database_obstacle(url: str) -> str | None:
    """Why this PostgreSQL cannot be used; None if it can."""
    shown = without_password(url)
    try:
        with psycopg.connect(url, connect_timeout=_SECONDS) as session:
            version = session.info.server_version
    except psycopg.Error as error:
        said = str(error).splitlines()[0].rsplit("failed: ", 1)[-1]  # the rest names host and port
        return (
            f"PostgreSQL at {shown} does not let us in ({said}): "
            "start it or correct DATABASE_URL; without DATABASE_URL, `make run` starts its own."
        )
    if version < _POSTGRES_OLDEST:
        return f"PostgreSQL at {shown} is version {version // 10_000}: Livermore needs 14 or newer."
    return None


def redis_obstacle(url: str) -> str | None:
    """Why this Redis cannot be used; None if it can."""
    shown = without_password(url)
    try:
        client = redis.Redis.from_url(
            url,
            protocol=2,  # a server too old for RESP3 shall be told its version, not its ignorance
            socket_connect_timeout=_SECONDS,
            socket_timeout=_SECONDS,
            retry=None,
        )
        with contextlib.closing(client):
            facts = client.info("server")
    except (redis.RedisError, ValueError) as error:
        return (
            f"Redis at {shown} does not let us in ({error}): start it or correct REDIS_URL; "
            "without REDIS_URL, `make run` starts its own."
        )
    if facts.get("redis_mode") == "cluster":
        return (
            f"Redis at {shown} is a cluster: Livermore reads and writes several keys at once, "
            "which a cluster refuses. Set REDIS_URL to a single server (replicas are fine)."
        )
    version = tuple(int(part) for part in str(facts["redis_version"]).split(".")[:2])
    if version < _REDIS_OLDEST:
        return (
            f"Redis at {shown} is version {facts['redis_version']}: Livermore needs 6.2 or "
            "newer (or any Valkey)."
        )
    return None
