"""Waiting for a server that is away: again and again, with growing, jittered delays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from trading.net.backoff import Backoff

T = TypeVar("T")


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    *,
    away: tuple[type[BaseException], ...],
    delays: tuple[float, float],
    failed: Callable[[BaseException], object],
) -> T:
    """Await an attempt until it succeeds.

    Args:
        away: What it raises while the server is away; anything else goes on to the caller.
        delays: Ceilings of the first delay and of the longest, seconds.
        failed: Told of each failure, before the delay.
    """
    first, longest = delays
    backoff = Backoff(first=first, longest=longest)
    while True:
        try:
            return await attempt()
        except away as exc:
            failed(exc)
            await asyncio.sleep(backoff.next_delay())
