"""Replacing a connection before its exchange ends it, without a hole and without a double.

Rule 1: the next connection carries the same symbols beside the one that is to end; what it hears is
    kept. When both have been heard for a while it takes over: what it kept is told then, and of
    that the trades that were told already are known by their ids.
Rule 2: a connection that is lost while its successor carries all that it did is succeeded at once.
Rule 3: what was not heard until its successor carried all has left a hole between the two: it is
    not taken from by age, and where it is lost the hole is one like any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from trading.exchanges.ports import Event, Exchange, Subscriptions
from trading.net.feed import Feed, Listener

log = structlog.get_logger(__name__)

OpenFeed = Callable[[Listener], tuple[Feed, asyncio.Task[None]]]

OVERLAP_SECONDS = 5.0
"""So long both are heard: far longer than one of them tells a trade later than the other."""

LOOK_SECONDS = 1.0


class Successor(NamedTuple):
    """A connection that took over, and what it had heard until then.

    Args:
        is_seamless: Whether the one before it was heard until this one carried all that it did.
    """

    feed: Feed
    task: asyncio.Task[None]
    heard: Sequence[Event]
    is_seamless: bool


class _Understudy:
    """Keeps what a connection hears before its turn; implements ``Listener``."""

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self.ready_at: float | None = None  # when it first carried all that the other does

    def feed_heard(self, feed: Feed, events: Sequence[Event]) -> None:
        """Keep it."""
        del feed
        self._kept += events

    def feed_lost(self, feed: Feed) -> None:
        """Begin anew: behind a loss of its own there may be a hole."""
        del feed
        self._kept.clear()
        self.ready_at = None

    def wait(self) -> None:
        """Let go of what was heard so far, for the other has told it; this one does not carry all.

        It may take an hour until the exchange acknowledges what is missing, if it ever does.
        """
        self.ready_at = None
        self._kept = self._acknowledged()

    def heard(self) -> list[Event]:
        """Everything that it kept; of what was acknowledged bit by bit, the last word first."""
        others = (event for event in self._kept if not isinstance(event, Subscriptions))
        return [*self._acknowledged(), *others]

    def _acknowledged(self) -> list[Event]:
        told: list[Event] = [event for event in self._kept if isinstance(event, Subscriptions)]
        return told[-1:]


class _Pair(NamedTuple):
    understudy: _Understudy
    feed: Feed
    task: asyncio.Task[None]


class Rotation:
    """The connections of one exchange that are being replaced. Lives on one event loop.

    Args:
        exchange: Whose.
        replace: Puts a connection in the place of another, which is over then.
    """

    def __init__(self, exchange: Exchange, *, replace: Callable[[Feed, Successor], None]) -> None:
        self._exchange = exchange
        self._replace = replace
        self._pairs: dict[Feed, _Pair] = {}
        self._leaving: set[Feed] = set()
        self._woken = asyncio.Event()

    def take_farewell(self, feed: Feed) -> None:
        """The exchange said that it will end this connection soon."""
        self._leaving.add(feed)
        self._woken.set()

    def succeeds(self, feed: Feed) -> bool:
        """Whether a connection that was just lost is replaced already, by one that carries all.

        Its successor has taken its place then.
        """
        self._leaving.discard(feed)
        pair = self._pairs.get(feed)
        if pair is None or pair.understudy.ready_at is None:
            return False
        self._take_over(feed, pair)
        return True

    async def run(self, feeds: Callable[[], Collection[Feed]], open_feed: OpenFeed) -> None:
        """Look after the connections until cancelled.

        Args:
            feeds: Those that there are now.
            open_feed: Opens a connection whose events go to this listener.
        """
        while True:
            self._woken.clear()
            self._look(feeds(), open_feed)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()

    def _look(self, feeds: Collection[Feed], open_feed: OpenFeed) -> None:
        self._leaving.intersection_update(feeds)
        for feed in [feed for feed in self._pairs if feed not in feeds or not self._is_due(feed)]:
            self._pairs.pop(feed).task.cancel()
        for feed in list(feeds):
            if feed in self._pairs:
                self._go_on(feed, self._pairs[feed])
            elif self._is_due(feed):
                self._begin(feed, open_feed)

    def _is_due(self, feed: Feed) -> bool:
        return feed in self._leaving or feed.age_seconds >= self._exchange.connection_seconds

    def _begin(self, feed: Feed, open_feed: OpenFeed) -> None:
        understudy = _Understudy()
        next_feed, task = open_feed(understudy)
        next_feed.want(feed.wanted)
        self._pairs[feed] = _Pair(understudy, next_feed, task)
        log.info("rotation.begun", exchange=self._exchange.name, age=round(feed.age_seconds))

    def _go_on(self, feed: Feed, pair: _Pair) -> None:
        understudy = pair.understudy
        pair.feed.want(feed.wanted)
        if not (pair.feed.is_up and feed.acknowledged <= pair.feed.acknowledged):
            understudy.wait()
        elif understudy.ready_at is None:
            understudy.ready_at = time.monotonic()
        elif feed.heard_at - understudy.ready_at >= OVERLAP_SECONDS:
            self._take_over(feed, pair)

    def _take_over(self, feed: Feed, pair: _Pair) -> None:
        del self._pairs[feed]
        self._leaving.discard(feed)
        log.info("rotation.done", exchange=self._exchange.name, symbols=len(pair.feed.wanted))
        ready_at, heard = pair.understudy.ready_at, pair.understudy.heard()
        is_seamless = ready_at is not None and feed.heard_at >= ready_at
        self._replace(feed, Successor(pair.feed, pair.task, heard, is_seamless))
