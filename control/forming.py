"""The minutes that form now, put where a chart finds them, while somebody has a page open.

Rule 1: market data: the same for all users, and never waited for. What is not told anew is gone
    within seconds.
Rule 2: the data plane is asked only while a user of this worker has a page open: a look at all
    markets each second is little, but nearly always nobody looks.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from control import wire
from control.candles import candle_entry
from control.page_events import listened_to
from control.protocol import forming_of
from trading.core.market import Candle, Market

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 10.0
TTL_SECONDS: Final = 5

Look = Callable[[Callable[[list[Candle]], None]], None]
"""Has the minutes told, on whatever thread they are known."""


class FormingMinutes:
    """Tells the minutes of one worker's markets.

    Args:
        look: Asks the data plane.
        subs: The users of this worker for whom anything forms.
    """

    def __init__(self, look: Look, subs: Callable[[], Iterable[str]]) -> None:
        self._look, self._subs = look, subs
        self._seen: Sequence[Candle] = ()
        self._told: set[Market] = set()

    async def run(self) -> None:
        """Look and tell, until cancelled."""
        async with wire.connect_async() as client:
            while True:
                try:
                    await self.tell(client)
                except (RedisError, OSError) as exc:
                    log.warning("forming.not_told", reason=type(exc).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
                await asyncio.sleep(LOOK_SECONDS)

    async def tell(self, client: Redis) -> None:
        """Tell what the last look has seen, and ask for the next.

        Raises:
            redis.RedisError: If Redis did not take it.
        """
        seen, self._seen = self._seen, ()
        if await listened_to(client, frozenset(self._subs())):
            self._look(self._take)
        entries: dict[str, dict[Any, Any]] = defaultdict(dict)  # as the client has it
        for candle in seen:
            entries[candle.market.exchange][candle.market.symbol] = candle_entry(candle)
        markets = {candle.market for candle in seen}
        async with client.pipeline(transaction=True) as pipe:
            for exchange, symbol in self._told - markets:
                pipe.hdel(forming_of(exchange), symbol)
            for exchange, minutes in entries.items():
                pipe.hset(forming_of(exchange), mapping=minutes)
                pipe.expire(forming_of(exchange), TTL_SECONDS)
            await pipe.execute()
        self._told = markets

    def _take(self, minutes: list[Candle]) -> None:
        self._seen = minutes
