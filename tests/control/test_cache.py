"""What Redis keeps for a user: cleared without touching another's, and measured."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from control import cache, wire
from control.cache import CacheWatch
from control.candles import ReadCounter, write_candles
from control.protocol import commands_of, history_of, result_of, status_of
from tests.control.test_candles import BTC, ETH, candle
from trading.core.market import Market

SOL = Market("coinbase", "SOL-USD")
SUB, OTHER = "anna", "anna.2"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with wire.connect_async() as connection:
        yield connection


async def results(client: redis.asyncio.Redis, sub: str, number: int) -> list[str]:
    names = [result_of(sub, str(uuid.uuid4())) for _ in range(number)]
    for name in names:
        await client.set(name, "{}")
    return names


async def test_clearing_takes_the_users_own_names_and_nobody_elses(
    client: redis.asyncio.Redis,
) -> None:
    await results(client, SUB, 1_200)  # more than one page
    others = await results(client, OTHER, 3)
    await write_candles(client, [candle(1)])
    for name in (commands_of(SUB), history_of(SUB)):
        await client.xadd(name, {"a": "b"})
    await client.set(status_of(SUB), "{}")
    before = await client.dbsize()

    assert await cache.count(client, SUB) == {"results": 1_200}
    assert await client.dbsize() == before, "counting removes nothing"
    assert await cache.clear(client, SUB) == {"results": 1_200}

    assert await client.exists(*others) == 3
    assert await client.dbsize() == before - 1_200
    assert await cache.clear(client, SUB) == {"results": 0}


async def test_names_are_found_a_page_at_a_time(client: redis.asyncio.Redis) -> None:
    await results(client, SUB, 30)
    await client.config_resetstat()
    await cache.clear(client, SUB)
    used = set(await client.info("commandstats"))
    assert {"cmdstat_scan", "cmdstat_unlink"} <= used
    assert not {"cmdstat_keys", "cmdstat_del"} & used


async def test_the_cache_of_a_user_is_the_candles_of_their_markets(
    client: redis.asyncio.Redis,
) -> None:
    await write_candles(client, [candle(index) for index in range(100)])
    await write_candles(client, [candle(1, market=ETH)])
    await write_candles(client, [candle(1, market=SOL)])
    counter = ReadCounter()
    watched = [BTC, ETH, BTC]
    watch = CacheWatch(lambda: watched, counter=counter)
    assert watch.status_of([BTC]) is None, "nothing is known before the first look"
    counter.count(found=True)
    counter.count(found=False)
    await watch.look(client)
    btc, eth = watch.status_of([BTC]), watch.status_of([ETH])
    both, sol = watch.status_of([BTC, ETH, BTC]), watch.status_of([SOL])
    assert btc is not None
    assert eth is not None
    assert both is not None
    assert sol is not None
    assert (btc.keys, eth.keys, both.keys, sol.keys) == (1, 1, 2, 0)
    exact = await client.memory_usage("livermore:candles:coinbase:BTC-USD:1m", samples=0)
    assert btc.memory_bytes == exact
    assert both.memory_bytes == btc.memory_bytes + eth.memory_bytes
    assert (btc.hits, btc.misses) == (1, 1)


async def test_the_limit_of_redis_is_told_where_it_has_one(client: redis.asyncio.Redis) -> None:
    watch = CacheWatch(list)
    await watch.look(client)
    assert (status := watch.status_of([]))
    unlimited = int((await client.info("memory"))["maxmemory"])
    assert status.limit_bytes == (unlimited or None)
    await client.config_set("maxmemory", "300mb")
    try:
        await watch.look(client)
    finally:
        await client.config_set("maxmemory", unlimited)
    assert (status := watch.status_of([]))
    assert status.limit_bytes == 300 * 2**20


async def test_many_markets_are_measured_a_few_at_a_time(client: redis.asyncio.Redis) -> None:
    markets = [Market("coinbase", f"A{number}-USD") for number in range(120)]
    await write_candles(client, [candle(1, market=market) for market in markets])
    watch = CacheWatch(lambda: markets)
    await watch.look(client)
    assert (status := watch.status_of(markets))
    assert status.keys == 120
