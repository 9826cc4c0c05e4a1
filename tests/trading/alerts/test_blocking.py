"""Sending in threads: with a limit, and nothing that was given up is begun."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.trading.alerts.said import NOTICE
from trading.alerts import blocking
from trading.alerts.blocking import Progress
from trading.alerts.ports import Delivered, Later, Message, Outcome, Uncertain


class Sender:
    """It begins and then blocks until it may end."""

    def __init__(self) -> None:
        self.began = 0
        self.may_end = threading.Event()

    def send(self, _message: Message, progress: Progress) -> Outcome:
        if not progress.begin():
            return Later("given up")
        self.began += 1
        self.may_end.wait(10)
        return Delivered()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


def unanswered(progress: Progress, why: str) -> Outcome:
    return Uncertain(why) if progress.has_begun else Later(why)


async def test_message_that_had_no_thread_in_time_is_not_begun(
    thread: ThreadPoolExecutor,
) -> None:
    sender = Sender()

    async def sent() -> Outcome:
        return await blocking.send(
            thread, sender.send, [NOTICE], seconds=0.2, unanswered=unanswered
        )

    outcomes = [*await asyncio.gather(sent(), sent(), sent())]
    sender.may_end.set()
    assert outcomes == [Uncertain("in time"), Later("in time"), Later("in time")]
    thread.shutdown()
    assert sender.began == 1


async def test_loops_own_threads_stay_free(thread: ThreadPoolExecutor) -> None:
    sender = Sender()
    sending = asyncio.create_task(
        blocking.send(thread, sender.send, [NOTICE], seconds=10, unanswered=unanswered)
    )
    name = await asyncio.to_thread(lambda: threading.current_thread().name)
    assert name.startswith("asyncio")
    sender.may_end.set()
    assert await sending == Delivered()
