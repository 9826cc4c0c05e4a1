"""Hearing one channel for a moment, without dialling Redis each time.

Rule 1: the subscription is in effect when the block begins: nothing published later is missed.
Rule 2: a connection is used by one at a time. What came for whoever had it before is never seen by
    whoever has it next: messages count from our own subscription on.
Rule 3: only one that was left in order is kept, a few at most, and not for long: nobody would
    notice that the server has gone away meanwhile.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import redis
from redis.asyncio.client import PubSub as AsyncPubSub
from redis.client import PubSub

from control import wire

MOST_KEPT = 8
KEPT_SECONDS = 30.0

_kept: deque[tuple[PubSub, float, int]] = deque()  # with when it was left, and by which process


class Asked:
    """A subscription that may have been asked for, and was not waited for."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._pubsub = _take()
        if self._pubsub is not None:
            try:
                self._pubsub.subscribe(channel)
            except (redis.RedisError, OSError):
                self.drop()  # what comes next must not depend on it: the intent is recorded first

    def granted(self) -> PubSub | None:
        """The connection once the subscription is in effect; None: it has to be asked for anew."""
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is None:
            return None
        try:
            _await_confirmation(pubsub, self.channel)
        except redis.RedisError:
            pubsub.close()  # Redis was restarted; whether it is there now, a new one will tell
            return None
        except BaseException:
            pubsub.close()
            raise
        return pubsub

    def drop(self) -> None:
        """Hang up, unless it was granted: nobody else may take its confirmation for their own."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None


@contextmanager
def asking_for(channel: str) -> Iterator[Asked]:
    """Ask for a subscription which is granted while something else is done.

    Only where there is a connection to ask by: dialling is waiting.
    """
    asked = Asked(channel)
    try:
        yield asked
    finally:
        asked.drop()


@contextmanager
def listening_to(channel: str, asked: Asked | None = None) -> Iterator[PubSub]:
    """A subscription that is in effect when the block begins.

    Args:
        asked: The same one, asked for before.

    Raises:
        redis.RedisError: If Redis is away.
    """
    pubsub = None if asked is None else asked.granted()
    if pubsub is None:
        pubsub = _subscribed(channel)
    try:
        yield pubsub
        pubsub.unsubscribe(channel)  # type: ignore[no-untyped-call]  # redis-py
        # The library would ask for it once more if it has to dial before that is confirmed.
        pubsub.channels.clear()
    except BaseException:
        pubsub.close()
        raise
    _keep(pubsub)


@asynccontextmanager
async def listening_to_async(channel: str) -> AsyncIterator[AsyncPubSub]:
    """:func:`listening_to` for the running loop."""
    async with wire.connect_async() as client, client.pubsub() as pubsub:
        await pubsub.subscribe(channel)
        if await pubsub.get_message(timeout=wire.TIMEOUT_SECONDS) is None:
            raise redis.TimeoutError(
                f"no subscription to {channel} within {wire.TIMEOUT_SECONDS} s"
            )
        yield pubsub


def _subscribed(channel: str) -> PubSub:
    """A kept connection if it still works, else a new one."""
    while (kept := _take()) is not None:
        try:
            return _subscribe(kept, channel)
        except redis.RedisError:
            continue  # Redis was restarted; whether it is there now, a new connection will tell
    new = wire.shared().pubsub()  # type: ignore[no-untyped-call]  # redis-py
    return _subscribe(new, channel)


def _subscribe(pubsub: PubSub, channel: str) -> PubSub:
    try:
        pubsub.subscribe(channel)
        _await_confirmation(pubsub, channel)
    except BaseException:
        pubsub.close()
        raise
    return pubsub


def _await_confirmation(pubsub: PubSub, channel: str) -> None:
    """Read up to the word that we are subscribed: what comes before it was for somebody else."""
    deadline = time.monotonic() + wire.TIMEOUT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        message = pubsub.get_message(timeout=left)
        if message is not None and message["type"] == "subscribe" and message["channel"] == channel:
            return
    raise redis.TimeoutError(f"no subscription to {channel} within {wire.TIMEOUT_SECONDS} s")


def _take() -> PubSub | None:
    """The connection that was left last, if it is fresh and this process's own."""
    while True:
        try:
            pubsub, left_at, process = _kept.pop()
        except IndexError:
            return None
        if process == os.getpid():
            if time.monotonic() - left_at < KEPT_SECONDS:
                return pubsub
            pubsub.close()


def _keep(pubsub: PubSub) -> None:
    _kept.append((pubsub, time.monotonic(), os.getpid()))
    while len(_kept) > MOST_KEPT:
        oldest, _, _ = _kept.popleft()
        oldest.close()
