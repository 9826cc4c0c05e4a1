"""Reading history anew where no runtime is up: the data plane's own code, without its thread.

Rule 1: one budget for each exchange, as in the data plane, and one request at a time.
Rule 2: a market is swapped in when all of it is there; whoever stops in between changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import redis.asyncio

from control.candles import swap_history
from trading.core.errors import ExchangeError
from trading.exchanges.registry import exchange as exchange_named
from trading.market.backfill import Backfill
from trading.market.history import read_history
from trading.net.endpoints import Endpoints
from trading.net.http import ExchangeHttp
from trading.ports import BackfillOrder


async def refetch(
    client: redis.asyncio.Redis,
    orders: Sequence[BackfillOrder],
    endpoints: Mapping[str, Endpoints],
    moved: Callable[[int], object],
) -> list[str]:
    """Carry out orders one after another.

    Args:
        client: The Redis with the candles.
        endpoints: Addresses by exchange name.
        moved: Told how many candles more were answered.

    Returns:
        Why some could not be, a sentence each; empty if all were.

    Raises:
        redis.RedisError: If Redis did not take a history; those before it are in place.
    """
    failures: list[str] = []
    by_exchange = sorted(orders, key=lambda order: order.market.exchange)
    for name, theirs in groupby(by_exchange, key=lambda order: order.market.exchange):
        exchange = exchange_named(name)
        async with ExchangeHttp(exchange, endpoints[name].rest) as http:
            ask = Backfill(exchange, http).candles
            for order in theirs:
                market = order.market
                try:
                    history = await read_history(
                        exchange, http, ask, market, order.timeframes, moved
                    )
                except ExchangeError as exc:
                    failures.append(f"No history of {market.symbol}: {exc}")
                else:
                    await swap_history(client, history.replacement())
    return failures
