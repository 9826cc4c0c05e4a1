"""Sending by a library that blocks: in threads of its own, and never waited for without a limit.

Rule 1: not in the loop's own threads: those look up names for every connection there is, and a few
    servers that hang would have them all.
Rule 2: what was given up before it began is never begun.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from trading.alerts.ports import Message, Outcome

THREADS = 4
"""Of each channel that blocks: so many of its messages are on their way at a time."""


class Progress:
    """How far the sending of one message came; read and written by two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_given_up = False
        self.has_begun = False
        """Whether any of the message may have gone out; final once it is given up."""

    def begin(self) -> bool:
        """Send from now on; False: nobody waits for it any more, and nothing is to go out."""
        with self._lock:
            self.has_begun = self.has_begun or not self._is_given_up
            return not self._is_given_up

    def give_up(self) -> None:
        """Wait no longer."""
        with self._lock:
            self._is_given_up = True


async def send(
    threads: Executor,
    blocks: Callable[[Message, Progress], Outcome],
    message: Message,
    *,
    seconds: float,
    unanswered: Callable[[Progress, str], Outcome],
) -> Outcome:
    """Send in a thread.

    Args:
        threads: Where it blocks.
        blocks: Sends; tells its progress, and begins nothing that was given up.
        seconds: How long it is waited for, its turn for a thread included.
        unanswered: What it means when that is over.
    """
    progress = Progress()
    try:
        async with asyncio.timeout(seconds):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads, blocks, message, progress)
    except TimeoutError:
        progress.give_up()
        return unanswered(progress, "in time")
