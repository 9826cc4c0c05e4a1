"""The candles that Redis keeps: one entry for each bucket, swapped at once, read as written."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
import redis.asyncio
from django.test import override_settings
from msgspec.structs import replace

from control import wire
from control.alerts import SignalLog
from control.candles import (
    KEPT_CANDLES,
    ReadCounter,
    Reads,
    RedisShelf,
    candle_entry,
    names_of,
    read_candles,
    swap_history,
    write_candles,
)
from control.database import Database
from control.protocol import candles_of
from control.sinks import QueuedSinks
from livermore.embedded.ports import free_port
from trading.core.candles import carry_forward
from trading.core.market import Candle, Market, Timeframe
from trading.ports import Replacement

BTC = Market("coinbase", "BTC-USD")
ETH = Market("coinbase", "ETH-USD")
MINUTE = 60


def candle(index: int, close: float = 2.0, *, market: Market = BTC) -> Candle:
    """The ``index``-th minute of 1970."""
    return Candle(
        market=market,
        timeframe=Timeframe.M1,
        opened_at=index * MINUTE,
        open=1.0,
        high=max(2.5, close),
        low=min(0.5, close),
        close=close,
        volume=0.1,
    )


def history(*candles: Candle, cut: int) -> Replacement:
    """The minutes of a market before the ``cut``-th."""
    return Replacement(market=BTC, cut=cut * MINUTE, bars={Timeframe.M1: candles})


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with wire.connect_async() as connection:
        yield connection


async def kept(client: redis.asyncio.Redis, market: Market = BTC) -> list[Candle]:
    return await read_candles(client, market, Timeframe.M1, counter=ReadCounter())


def test_the_same_candle_is_the_same_entry() -> None:
    one = candle(1)
    assert candle_entry(one) == "[60,1.0,2.5,0.5,2.0,0.1,0]"
    assert candle_entry(replace(one, synthetic=True)).endswith(",1]")


def test_names_are_those_of_each_market_on_each_timeframe() -> None:
    assert names_of([BTC], [Timeframe.M1, Timeframe.H1]) == [
        "livermore:candles:coinbase:BTC-USD:1m",
        "livermore:candles:coinbase:BTC-USD:1h",
    ]
    assert len(names_of([BTC, ETH])) == 12


async def test_what_was_written_is_read_back(client: redis.asyncio.Redis) -> None:
    written = [candle(1), carry_forward(BTC, Timeframe.M1, 120, 2.0), candle(3, 0.1 + 0.2)]
    await write_candles(client, written)
    assert await kept(client) == written


async def test_an_amended_candle_takes_the_place_of_the_one_before(
    client: redis.asyncio.Redis,
) -> None:
    await write_candles(client, [candle(1), candle(2)])
    await write_candles(client, [candle(1, 7.0), candle(1, 8.0)])
    assert [one.close for one in await kept(client)] == [8.0, 2.0]


async def test_no_more_are_kept_than_a_warm_up_needs(client: redis.asyncio.Redis) -> None:
    await write_candles(client, [candle(index) for index in range(KEPT_CANDLES + 20)])
    assert [one.opened_at for one in await kept(client)][::299] == [20 * MINUTE, 319 * MINUTE]


async def test_a_history_takes_the_place_of_everything_before_its_end(
    client: redis.asyncio.Redis,
) -> None:
    await write_candles(client, [candle(index, 9.0) for index in (1, 2, 3, 7)])
    await write_candles(client, [candle(1, market=ETH)])
    await swap_history(client, history(candle(2), candle(4), cut=5))
    found = [(one.opened_at // MINUTE, one.close) for one in await kept(client)]
    assert found == [(2, 2.0), (4, 2.0), (7, 9.0)], "what closed meanwhile stays"
    assert len(await kept(client, ETH)) == 1


async def test_a_market_that_the_exchange_knows_nothing_of_has_nothing_left(
    client: redis.asyncio.Redis,
) -> None:
    await write_candles(client, [candle(1)])
    await swap_history(client, history(cut=5))
    assert await kept(client) == []


async def test_a_history_is_swapped_in_one_transaction(client: redis.asyncio.Redis) -> None:
    await write_candles(client, [candle(1, 9.0)])
    async with client.monitor() as monitor:
        await swap_history(client, history(candle(1), candle(2), cut=3))
        heard: list[str] = []
        while "EXEC" not in heard:
            heard.append((await monitor.next_command())["command"].split()[0])
    writing = [name for name in heard if name not in {"AUTH", "CLIENT", "SELECT", "HELLO"}]
    assert writing == ["MULTI", "ZREMRANGEBYSCORE", "ZADD", "ZREMRANGEBYRANK", "EXEC"]


async def test_reads_are_counted_by_whether_anything_was_found(
    client: redis.asyncio.Redis,
) -> None:
    counter = ReadCounter()
    await write_candles(client, [candle(1)])
    for market in (BTC, BTC, ETH):
        await read_candles(client, market, Timeframe.M1, counter=counter)
    assert counter.reads == Reads(hits=2, misses=1)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "{",
        "null",
        "[1,2]",
        '[120,"x",1,1,1,1,0]',
        "[120,NaN,1,1,1,1,0]",
        "[120,1,Infinity,1,1,1,0]",
        "[120,1,1,2,1,1,0]",
        "[120,1,1,1,1,-1,0]",
        "[120,1,1,1,1,1,1]",
        "[121,1,1,1,1,1,0]",
        "[180,1,1,1,1,1,0]",
        "[1e400,1,1,1,1,1,0]",
        "[120,1,1,1,1,1,0,1]",
        '{"t":120,"o":1,"h":1,"l":1,"c":1,"v":1}',
    ],
)
async def test_an_entry_that_is_no_candle_of_its_place_is_discarded(
    client: redis.asyncio.Redis, entry: str
) -> None:
    await write_candles(client, [candle(1), candle(3)])
    name = candles_of("coinbase", "BTC-USD", "1m")
    await client.zadd(name, {entry: 120})
    assert await kept(client) == [candle(1), candle(3)]
    assert await client.zcard(name) == 2


async def test_something_else_in_the_place_of_candles_is_nothing_kept(
    client: redis.asyncio.Redis,
) -> None:
    await client.set(candles_of("coinbase", "BTC-USD", "1m"), "a text")
    assert await kept(client) == []


async def on_its_own_loop(
    shelf: RedisShelf, market: Market
) -> Mapping[Timeframe, Sequence[Candle]]:
    """What the data plane, with a thread and a loop of its own, is told of a market."""
    return await asyncio.to_thread(lambda: asyncio.run(shelf.kept(market)))


async def test_the_data_plane_reads_all_timeframes_from_its_own_loop(
    client: redis.asyncio.Redis,
) -> None:
    five = replace(candle(5), timeframe=Timeframe.M5)
    await write_candles(client, [candle(1), five])
    shelf = RedisShelf(counter=ReadCounter())
    assert await on_its_own_loop(shelf, BTC) == {}, "nobody reads yet"
    shelf.begin()
    found = await on_its_own_loop(shelf, BTC)
    assert (found[Timeframe.M1], found[Timeframe.M5]) == ([candle(1)], [five])
    await shelf.aclose()


@pytest.mark.parametrize("others", [0, 40])
async def test_whoever_is_held_up_while_redis_answers_is_told_what_is_kept(
    client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    await write_candles(client, [candle(1)])
    counter = ReadCounter()
    shelf = RedisShelf(counter=counter)
    shelf.begin()
    monkeypatch.setattr("control.candles.READ_SECONDS", 0.05)

    async def held_up() -> Mapping[Timeframe, Sequence[Candle]]:
        asked = [ETH] * others + [BTC]
        readings = [asyncio.create_task(shelf.kept(market)) for market in asked]
        await asyncio.sleep(0)
        began = time.monotonic()
        while counter.reads.hits == 0 or time.monotonic() < began + 0.1:
            time.sleep(0.001)  # noqa: ASYNC251 - this is what holds the data plane's loop up
        return (await asyncio.gather(*readings))[-1]

    found = await asyncio.to_thread(lambda: asyncio.run(held_up()))
    assert found[Timeframe.M1] == [candle(1)]
    await shelf.aclose()


async def test_a_redis_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control.candles.READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with override_settings(REDIS_URL=f"redis://127.0.0.1:{mute.getsockname()[1]}/0"):
            shelf = RedisShelf(counter=ReadCounter())
        shelf.begin()
        assert await on_its_own_loop(shelf, BTC) == {}
        assert shelf._silent_until > time.monotonic()
        await shelf.aclose()


async def test_a_redis_that_is_away_is_nothing_kept_and_not_asked_again_at_once(
    client: redis.asyncio.Redis,
) -> None:
    await write_candles(client, [candle(1)])
    with override_settings(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"):
        shelf = RedisShelf(counter=ReadCounter())
    shelf.begin()
    assert await on_its_own_loop(shelf, BTC) == {}
    await shelf._client.aclose()
    shelf._client = wire.connect_async()
    assert await on_its_own_loop(shelf, BTC) == {}, "a thousand markets must not wait each"
    shelf._silent_until = 0.0
    assert (await on_its_own_loop(shelf, BTC))[Timeframe.M1] == [candle(1)]
    await shelf.aclose()


async def test_what_the_data_plane_tells_is_written_in_its_order(
    client: redis.asyncio.Redis,
) -> None:
    database = Database()
    sinks = QueuedSinks(database, SignalLog())
    sinks.candles_closed([candle(1, 9.0), candle(2, 9.0)])
    sinks.history_replaced(history(candle(0), candle(1), cut=2))
    sinks.candles_closed([candle(3, 5.0)])
    writing = asyncio.create_task(sinks.write_to_redis(), name="write to Redis")
    try:
        async with asyncio.timeout(20.0):
            while (found := await kept(client)) != [
                candle(0),
                candle(1),
                candle(2, 9.0),
                candle(3, 5.0),
            ]:
                assert len(found) <= 4
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        await sinks.aclose()
        database.close()


async def test_a_market_that_redis_refuses_for_ever_stands_in_no_others_way(
    client: redis.asyncio.Redis,
) -> None:
    database, said = Database(), list[tuple[Market, str]]()
    sinks = QueuedSinks(database, SignalLog())
    sinks.on_refused(lambda market, message: said.append((market, message)))
    name = candles_of("coinbase", "BTC-USD", "1m")
    await client.set(name, "not a sorted set")
    writing = asyncio.create_task(sinks.write_to_redis(), name="write to Redis")
    try:
        async with asyncio.timeout(20.0):
            for minute in (1, 2):
                sinks.candles_closed([candle(minute), candle(minute, market=ETH)])
                sinks.history_replaced(history(candle(0), cut=1))
                await until_kept(client, minute, ETH)
            [(market, message)] = said  # once, however often
            assert market == BTC
            assert "WRONGTYPE" in message
            await client.unlink(name)
            sinks.candles_closed([candle(3)])
            await until_kept(client, 3, BTC)
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        await sinks.aclose()
        database.close()


async def until_kept(client: redis.asyncio.Redis, minute: int, market: Market) -> None:
    while minute * MINUTE not in [one.opened_at for one in await kept(client, market)]:
        pass
