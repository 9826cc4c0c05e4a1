"""Statuses are told once Redis has them, and never of all users at once."""

from __future__ import annotations

import asyncio

from control.protocol import State, now_ms
from settings_app.models import User
from tests.control.running import RunningWorker, status_when


def test_a_status_with_an_answer_counts_as_told_only_when_redis_has_it(
    worker: RunningWorker, anna: User
) -> None:
    status_when(anna, lambda status: status.state is State.RUNNING)

    async def look() -> tuple[int, int]:
        assert worker.worker is not None
        hosted = worker.worker._hosting.of(anna.sub)
        assert hosted is not None
        hosted.told_at_ms = 0  # long ago: it is due
        telling = worker.worker._teller.with_answer(anna.sub)
        assert telling is not None
        assert telling.publishes
        before = hosted.told_at_ms
        telling.told()
        return before, hosted.told_at_ms

    before, after = asyncio.run_coroutine_threadsafe(look(), worker.loop).result(10)
    assert before == 0
    assert now_ms() - after < 10_000
