"""The minutes that form: told while a page is open, and gone when nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from control import wire
from control.candles import candle_entry, forming_minute
from control.forming import FormingMinutes
from control.protocol import candles_of, events_of, forming_of
from control.symbols.charts import forming
from trading.core.candles import fold
from trading.core.market import Candle, Market, Timeframe

BTC, ETH = Market("coinbase", "BTC-USD"), Market("coinbase", "ETH-USD")
NOON = 1_790_000_000 - 1_790_000_000 % 86_400 + 43_200


def minute(market: Market, opened_at: int, close: float = 10.0) -> Candle:
    return Candle(
        market=market,
        timeframe=Timeframe.M1,
        opened_at=opened_at,
        open=9.0,
        high=max(9.5, close),
        low=min(8.5, close),
        close=close,
        volume=1.0,
    )


class Plane:
    """What the data plane sees, told at once."""

    def __init__(self, *minutes: Candle) -> None:
        self.minutes, self.looks = list(minutes), 0

    def look(self, take: Callable[[list[Candle]], None]) -> None:
        self.looks += 1
        take(self.minutes)


@pytest.fixture
def listener(redis_url: str) -> Iterator[redis.client.PubSub]:
    """Somebody who has a page of anna's open."""
    with wire.connect() as client, client.pubsub() as page:
        page.subscribe(events_of("anna"))
        assert page.get_message(timeout=5) is not None
        yield page


async def tell_twice(told: FormingMinutes) -> None:
    """Once to ask, once to tell what was seen."""
    async with wire.connect_async() as client:
        await told.tell(client)
        await told.tell(client)


async def test_nobody_is_asked_while_no_page_is_open(redis_url: str) -> None:
    plane = Plane(minute(BTC, NOON))
    await tell_twice(FormingMinutes(plane.look, lambda: ["anna"]))
    assert plane.looks == 0
    assert forming_minute(BTC) is None


@pytest.mark.usefixtures("listener")
async def test_with_a_page_open_each_minute_is_found_for_a_few_seconds() -> None:
    plane = Plane(minute(BTC, NOON), minute(ETH, NOON, 11.0))
    told = FormingMinutes(plane.look, lambda: ["anna", "bela"])
    await tell_twice(told)
    assert forming_minute(BTC) == minute(BTC, NOON)
    assert forming_minute(ETH) == minute(ETH, NOON, 11.0)
    with wire.connect() as client:
        assert 0 < client.ttl(forming_of("coinbase")) <= 5
    plane.minutes = [minute(BTC, NOON, 12.0)]
    await tell_twice(told)
    assert forming_minute(BTC) == minute(BTC, NOON, 12.0)
    assert forming_minute(ETH) is None


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_candle_forms_out_of_closed_minutes_and_the_one_that_forms(
    redis_url: str, timeframe: Timeframe
) -> None:
    closed = [minute(BTC, NOON + 60 * index, 10.0 + index) for index in range(3)]
    growing = minute(BTC, NOON + 180, 7.0)
    with wire.connect() as client:
        client.zadd(candles_of(*BTC, "1m"), {candle_entry(bar): bar.opened_at for bar in closed})
        client.hset(forming_of("coinbase"), "BTC-USD", candle_entry(growing))
    found = forming(BTC, timeframe, [])
    parts = [growing] if timeframe is Timeframe.M1 else [*closed, growing]
    assert found == fold(parts, timeframe)


def test_a_minute_that_has_closed_since_says_nothing_any_more(redis_url: str) -> None:
    closed = minute(BTC, NOON)
    with wire.connect() as client:
        client.zadd(candles_of(*BTC, "1m"), {candle_entry(closed): NOON})
        client.hset(forming_of("coinbase"), "BTC-USD", candle_entry(minute(BTC, NOON, 7.0)))
    assert forming(BTC, Timeframe.M1, [closed]) is None


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"a":1}'])
def test_what_is_no_minute_is_none(redis_url: str, text: str) -> None:
    with wire.connect() as client:
        client.hset(forming_of("coinbase"), "BTC-USD", text)
    assert forming_minute(BTC) is None
