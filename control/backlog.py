"""What waits to be sent to one browser.

Rule 1: offering never waits, whatever the browser does: what does not fit is dropped, oldest
    first. One slow browser costs its own bounded memory and delays nobody.
Rule 2: of facts that replace each other (a status, a link's state) only the newest is kept.
Rule 3: this module knows neither Redis nor WebSockets: text in, text out.

The server under us takes every byte without pushing back (daphne buffers for a browser that does
not read), so the bound has to come from the other end: a browser that reports how many messages
it has seen is never sent more than a window ahead of that. One that reports nothing is served
without a window, and lives by the server's pings.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum

CAPACITY = 256  # queued messages; the oldest fall out
WINDOW = 32  # messages a reporting browser may be behind


class Slot(StrEnum):
    """Facts of which only the newest counts, in the order they are sent."""

    LINK = "link"
    DESIRED = "desired"
    STATUS = "status"
    CLOCK = "clock"


class BacklogClosed(Exception):
    """Nothing more will be sent; ``code`` is the WebSocket close code to give."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Backlog:
    """A bounded queue of texts, with one place for each :class:`Slot`."""

    def __init__(self, *, capacity: int = CAPACITY, window: int = WINDOW) -> None:
        self._queue: deque[str] = deque(maxlen=capacity)
        self._slots: dict[Slot, str] = {}
        self._offered: dict[Slot, str] = {}  # what each slot was last told: repeats are silent
        self._window = window
        self._sent = 0
        self._seen: int | None = None  # None: this browser does not report
        self._code: int | None = None
        self._wake = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queue a message that stands for itself: an answer, an event."""
        self._queue.append(text)
        self._wake.set()

    def offer_newest(self, slot: Slot, text: str) -> None:
        """Replace what waits in ``slot``; a text equal to the last one offered is not repeated."""
        if self._offered.get(slot) == text:
            return
        self._offered[slot] = text
        self._slots[slot] = text
        self._wake.set()

    def seen(self, count: int) -> None:
        """The browser has handled ``count`` messages since it connected."""
        self._seen = max(self._seen or 0, min(count, self._sent))
        self._wake.set()

    def close(self, code: int) -> None:
        """Give up what waits; whoever takes from the backlog is told ``code``."""
        self._code = code
        self._wake.set()

    async def take(self) -> str:
        """The next text to send; waits until there is one and the browser may have it.

        Raises:
            BacklogClosed: After :meth:`close`.
        """
        while True:
            if self._code is not None:
                raise BacklogClosed(self._code)
            if self._may_send() and (text := self._next()) is not None:
                self._sent += 1
                return text
            self._wake.clear()
            await self._wake.wait()

    def _may_send(self) -> bool:
        return self._seen is None or self._sent - self._seen < self._window

    def _next(self) -> str | None:
        for slot in Slot:
            if slot in self._slots:
                return self._slots.pop(slot)
        return self._queue.popleft() if self._queue else None
