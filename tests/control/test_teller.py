"""Statuses are told once Redis has them, and never of all users at once."""

from __future__ import annotations

import asyncio
from collections import Counter

from control.protocol import HEARTBEAT_SECONDS, State, now_ms
from control.teller import TELL_SECONDS, heartbeat_of
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


def test_heartbeats_of_many_users_are_spread_over_the_time_between_two() -> None:
    step, beat = int(TELL_SECONDS * 1_000), int(HEARTBEAT_SECONDS * 1_000)
    due: Counter[int] = Counter()
    for user_id in range(1_000):
        beats = [heartbeat_of(user_id, at) for at in range(0, 2 * beat, step)]
        due.update(n for n in range(1, beat // step + 1) if beats[n] > beats[n - 1])
        assert heartbeat_of(user_id, 5_000 + beat) == heartbeat_of(user_id, 5_000) + 1
    assert set(due.values()) == {100}
