"""Connections to the Redis that carries the wire.

Rule 1: every Redis connection of the control plane is made here, so that time limits, the answer
    format and what is refused are decided once.
Rule 2: every connection has a read timeout, or a Redis that takes connections and answers none
    would hold its caller for ever. Whoever waits for messages names a time of their own
    (``get_message(timeout=…)``), which goes before it.
Rule 3: who has just waited in vain for an answer does not wait again. A page asks Redis several
    things one after another, and would be as many times the time limit late.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Self, TypeVar

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.retry import Retry

T = TypeVar("T")

TIMEOUT_SECONDS = 5.0
REST_SECONDS = 1.0  # after a wait in vain; longer than a page takes from one question to the next
OLDEST_VERSION = (6, 2)


class UnsuitableRedis(Exception):
    """This server cannot carry the wire; the text says why and what to do."""


class OnceInVain(Retry):
    """Of one client: nothing is tried again, nor begun so soon after a timeout."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)
        self._rests_until = 0.0

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self  # or each connection of the client would wait for itself

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        """As of any ``Retry``.

        Raises:
            redis.TimeoutError: Also where it is too soon after another one.
        """
        if time.monotonic() < self._rests_until:
            raise redis.TimeoutError("it did not answer a moment ago")
        try:
            return super().call_with_retry(do, *args, **kwargs)
        except redis.TimeoutError:
            self._rests_until = time.monotonic() + REST_SECONDS
            raise


def connect() -> redis.Redis:
    """A synchronous client."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        encoding_errors="replace",  # what is no text is answered as malformed, not raised
        protocol=2,  # lists for stream reads, whatever the library's default becomes
        retry=OnceInVain(),
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
