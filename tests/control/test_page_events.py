"""What open pages are told, and only where somebody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from control import page_events, wire
from control.page_events import AT_ONCE, PageEvents
from control.protocol import LogEvent, events_of
from tests.control.test_status import POINT
from tests.trading.core.made import candle
from trading.ports import IndicatorUpdate, Owner

ANNA, BELA = "sub-anna", "sub-bela"


def moved(sub: str, *indicators: str) -> IndicatorUpdate:
    owner = Owner(user_id=1, sub=sub, fence=1)
    shown = indicators or ("macdv", "rsi")
    return IndicatorUpdate(owner=owner, candle=candle(0), point=POINT, indicators=shown)


def taken(
    fill: Callable[[PageEvents], None],
    *,
    listening: tuple[str, ...] = (),
    patterns: tuple[str, ...] = (),
    may_tell: Callable[[str], bool] = bool,
) -> list[tuple[str, str]]:
    """What is told when these channels are listened to."""

    async def take() -> list[tuple[str, str]]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(wire.connect_async())
            listener = await stack.enter_async_context(client.pubsub())
            if listening:
                await listener.subscribe(*map(events_of, listening))
            if patterns:
                await listener.psubscribe(*patterns)
            for _ in (*listening, *patterns):
                await listener.get_message(timeout=10.0)
            events = PageEvents(client)
            fill(events)
            return await events.take(may_tell)

    return asyncio.run(take())


def both(events: PageEvents) -> None:
    events.moved(moved(ANNA))
    events.moved(moved(BELA))


def test_indicator_is_told_to_who_listens_and_to_nobody_else(redis_url: str) -> None:
    [(sub, text)] = taken(both, listening=(ANNA,))
    assert sub == ANNA
    assert json.loads(text)["type"] == "indicator"


def test_without_a_listener_nothing_is_put_into_words(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_events, "_words", pytest.fail)
    assert taken(both) == []


def test_whoever_hears_everything_is_told_everything(redis_url: str) -> None:
    told = taken(both, patterns=("livermore:events:*",))
    assert [sub for sub, _ in told] == [ANNA, BELA]


def test_the_same_is_put_into_words_once_for_all_and_apart_for_who_sees_less(
    redis_url: str,
) -> None:
    def fill(events: PageEvents) -> None:
        both(events)
        events.moved(moved(BELA, "rsi"))

    first, second, third = taken(fill, listening=(ANNA, BELA))
    assert first[1] is second[1]
    assert "v" in json.loads(first[1])["cell"]
    assert "v" not in json.loads(third[1])["cell"]


def test_other_events_are_told_in_their_place_whoever_listens(redis_url: str) -> None:
    event = LogEvent(at=1, where="x", level="error", message="y")

    def fill(events: PageEvents) -> None:
        events.moved(moved(ANNA))
        events.tell(BELA, event)

    assert taken(fill) == [(BELA, event.to_json())]


def test_nothing_is_told_of_whom_this_worker_does_not_speak_for(redis_url: str) -> None:
    def fill(events: PageEvents) -> None:
        both(events)
        events.tell(BELA, LogEvent(at=1, where="x", level="error", message="y"))

    told = taken(fill, listening=(ANNA, BELA), may_tell=lambda sub: sub == ANNA)
    assert [sub for sub, _ in told] == [ANNA]


def test_it_is_taken_in_parts(redis_url: str) -> None:
    def fill(events: PageEvents) -> None:
        for _ in range(AT_ONCE + 1):
            events.tell(ANNA, LogEvent(at=1, where="x", level="error", message="y"))

    assert len(taken(fill)) == AT_ONCE
