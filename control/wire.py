"""Connections to the Redis that carries the wire.

Rule 1: every Redis connection of the control plane is made here, so that time limits, the answer
    format and what is refused are decided once.
Rule 2: every connection has a read timeout, or a Redis that takes connections and answers none
    would hold its caller for ever. Whoever waits for messages names a time of their own
    (``get_message(timeout=…)``), which goes before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import OutOfMemoryError, ResponseError

TIMEOUT_SECONDS = 5.0
OLDEST_VERSION = (6, 2)


class UnsuitableRedis(Exception):
    """This server cannot carry the wire; the text says why and what to do."""


def connect() -> redis.Redis:
    """A synchronous client."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        encoding_errors="replace",  # what is no text is answered as malformed, not raised
        protocol=2,  # lists for stream reads, whatever the library's default becomes
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
    )


@cache
def shared() -> redis.Redis:
    """The process's own client, for threads that come and go; it is never closed.

    Making a client costs milliseconds, more than a command does. Its pool notices a fork.
    """
    return connect()


def connect_async() -> redis.asyncio.Redis:
    """An asynchronous client for the running loop."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        encoding_errors="replace",  # what is no text is answered as malformed, not raised
        protocol=2,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
    )


async def refuse_unsuitable(client: redis.asyncio.Redis) -> None:
    """Look at the server once, at start.

    Raises:
        UnsuitableRedis: For Redis Cluster, whose pub/sub and multi-key reads behave differently,
            and for servers older than Redis 6.2, which lack XAUTOCLAIM.
    """
    info = await client.info("server")
    if info.get("redis_mode") == "cluster":
        raise UnsuitableRedis(
            "REDIS_URL points at a Redis Cluster, which Livermore does not support: "
            "point it at a single Redis or Valkey server."
        )
    version = str(info.get("redis_version", "0"))
    major, minor = (int(part) for part in f"{version}.0".split(".")[:2])
    if (major, minor) < OLDEST_VERSION:
        raise UnsuitableRedis(
            f"Redis {version} is too old: Livermore needs Redis 6.2 or newer, or Valkey."
        )


@contextmanager
def no_room_in_plain_words() -> Iterator[None]:
    """Say of a script that there is no room as Redis says so of a command: without the place.

    Raises:
        redis.exceptions.OutOfMemoryError: If that is what it answered.
    """
    try:
        yield
    except ResponseError as exc:
        if isinstance(exc, OutOfMemoryError) or "OOM command not allowed" in str(exc):
            raise OutOfMemoryError("it has no room: used memory > 'maxmemory'") from exc
        raise
