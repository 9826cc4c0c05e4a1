"""What waits for one browser: bounded, newest first where facts replace each other."""

from __future__ import annotations

import asyncio

import pytest

from control.backlog import Backlog, BacklogClosed, Slot


async def waiting(backlog: Backlog) -> list[str]:
    """Everything that may be sent now."""
    texts = []
    while True:
        try:
            texts.append(await asyncio.wait_for(backlog.take(), timeout=0.01))
        except TimeoutError:
            return texts


async def test_messages_leave_in_the_order_they_came() -> None:
    backlog = Backlog()
    for text in ("a", "b", "c"):
        backlog.offer(text)
    assert await waiting(backlog) == ["a", "b", "c"]


async def test_of_two_statuses_only_the_newer_is_sent() -> None:
    backlog = Backlog()
    backlog.offer_newest(Slot.STATUS, "old")
    backlog.offer_newest(Slot.STATUS, "new")
    assert await waiting(backlog) == ["new"]


async def test_a_repeated_fact_is_sent_once() -> None:
    backlog = Backlog()
    backlog.offer_newest(Slot.LINK, "away")
    assert await waiting(backlog) == ["away"]
    backlog.offer_newest(Slot.LINK, "away")
    assert await waiting(backlog) == []


async def test_a_full_backlog_drops_the_oldest_and_never_blocks() -> None:
    backlog = Backlog(capacity=3)
    for number in range(10):
        backlog.offer(str(number))
    assert await waiting(backlog) == ["7", "8", "9"]


async def test_a_reporting_browser_is_never_more_than_a_window_behind() -> None:
    backlog = Backlog(window=2)
    backlog.seen(0)
    for text in ("a", "b", "c", "d"):
        backlog.offer(text)
    assert await waiting(backlog) == ["a", "b"]
    backlog.seen(1)
    assert await waiting(backlog) == ["c"]
    backlog.seen(3)
    assert await waiting(backlog) == ["d"]


async def test_a_browser_behind_its_window_gets_the_newest_status_when_it_is_back() -> None:
    backlog = Backlog(window=1)
    backlog.seen(0)
    backlog.offer_newest(Slot.STATUS, "first")
    assert await waiting(backlog) == ["first"]
    for number in range(1_000):
        backlog.offer_newest(Slot.STATUS, f"status {number}")
    assert await waiting(backlog) == []
    backlog.seen(1)
    assert await waiting(backlog) == ["status 999"]


async def test_a_browser_cannot_report_more_than_it_was_sent() -> None:
    backlog = Backlog(window=2)
    backlog.seen(1_000_000)
    for text in ("a", "b", "c"):
        backlog.offer(text)
    assert await waiting(backlog) == ["a", "b"]


async def test_a_browser_that_never_reports_is_sent_everything() -> None:
    backlog = Backlog(window=1)
    for text in ("a", "b", "c"):
        backlog.offer(text)
    assert await waiting(backlog) == ["a", "b", "c"]


async def test_closing_wakes_the_writer_with_the_code() -> None:
    backlog = Backlog()
    taking = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    backlog.close(4401)
    with pytest.raises(BacklogClosed) as closed:
        await taking
    assert closed.value.code == 4401
