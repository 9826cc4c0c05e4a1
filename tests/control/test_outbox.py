"""What waits for one browser: bounded, newest first where facts replace each other."""

from __future__ import annotations

import asyncio

import pytest

from control.outbox import Outbox, OutboxClosed, Slot


async def waiting(outbox: Outbox) -> list[str]:
    """Everything that may be sent now."""
    texts = []
    while True:
        try:
            texts.append(await asyncio.wait_for(outbox.take(), timeout=0.01))
        except TimeoutError:
            return texts


async def test_messages_leave_in_the_order_they_came() -> None:
    outbox = Outbox()
    for text in ("a", "b", "c"):
        outbox.offer(text)
    assert await waiting(outbox) == ["a", "b", "c"]


async def test_of_two_statuses_only_the_newer_is_sent() -> None:
    outbox = Outbox()
    outbox.offer_newest(Slot.STATUS, "old")
    outbox.offer_newest(Slot.STATUS, "new")
    assert await waiting(outbox) == ["new"]


async def test_a_repeated_fact_is_sent_once() -> None:
    outbox = Outbox()
    outbox.offer_newest(Slot.LINK, "away")
    assert await waiting(outbox) == ["away"]
    outbox.offer_newest(Slot.LINK, "away")
    assert await waiting(outbox) == []


async def test_a_full_outbox_drops_the_oldest_and_never_blocks() -> None:
    outbox = Outbox(capacity=3)
    for number in range(10):
        outbox.offer(str(number))
    assert await waiting(outbox) == ["7", "8", "9"]


async def test_a_reporting_browser_is_never_more_than_a_window_behind() -> None:
    outbox = Outbox(window=2)
    outbox.seen(0)
    for text in ("a", "b", "c", "d"):
        outbox.offer(text)
    assert await waiting(outbox) == ["a", "b"]
    outbox.seen(1)
    assert await waiting(outbox) == ["c"]
    outbox.seen(3)
    assert await waiting(outbox) == ["d"]


async def test_a_browser_behind_its_window_gets_the_newest_status_when_it_is_back() -> None:
    outbox = Outbox(window=1)
    outbox.seen(0)
    outbox.offer_newest(Slot.STATUS, "first")
    assert await waiting(outbox) == ["first"]
    for number in range(1_000):
        outbox.offer_newest(Slot.STATUS, f"status {number}")
    assert await waiting(outbox) == []
    outbox.seen(1)
    assert await waiting(outbox) == ["status 999"]


async def test_a_browser_cannot_report_more_than_it_was_sent() -> None:
    outbox = Outbox(window=2)
    outbox.seen(1_000_000)
    for text in ("a", "b", "c"):
        outbox.offer(text)
    assert await waiting(outbox) == ["a", "b"]


async def test_a_browser_that_never_reports_is_sent_everything() -> None:
    outbox = Outbox(window=1)
    for text in ("a", "b", "c"):
        outbox.offer(text)
    assert await waiting(outbox) == ["a", "b", "c"]


async def test_closing_wakes_the_writer_with_the_code() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.close(4401)
    with pytest.raises(OutboxClosed) as closed:
        await taking
    assert closed.value.code == 4401
