"""A task that is to end does end."""

from __future__ import annotations

import asyncio
import contextlib

from control import tasks


async def test_a_task_that_swallows_its_first_cancellation_is_ended_all_the_same() -> None:
    waiting = asyncio.Event()

    async def stubborn() -> None:
        waiting.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await waiting.wait()
    await asyncio.wait_for(tasks.end(task), 5.0)
    assert task.cancelled()


async def test_a_task_that_has_failed_is_no_obstacle() -> None:
    async def failing() -> None:
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    await tasks.end(task)
    assert isinstance(task.exception(), ValueError)
