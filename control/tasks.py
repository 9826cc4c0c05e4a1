"""Ending tasks, for certain."""

from __future__ import annotations

import asyncio

_AGAIN_SECONDS = 0.05


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended, however they did.

    One cancellation is not enough: ``asyncio.wait_for`` of Python 3.11, through which redis-py
    sends, swallows one that arrives as the awaited thing ends (CPython issue 81839), and the task
    would go on for ever.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
