"""The candles that Redis keeps, as whoever comes from outside reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from control.protocol import candles_of
from tests.faults.servers import BreakableRedis
from trading.core.market import Candle, Market, Timeframe

RECENT_MINUTES = 60


class KeptCandles:
    """What is kept of some markets."""

    def __init__(self, redis: BreakableRedis, markets: Sequence[Market]) -> None:
        self.markets = list(markets)
        self._client = redis.connect()

    def behind(self, moment: float) -> list[Market]:
        """The markets whose newest minute closed before the one that was over at a moment."""
        closed = int(moment) // 60 * 60
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for market in self.markets:
                    pipe.zrange(candles_of(*market, "1m"), -1, -1, withscores=True)
                answers: list[Any] = pipe.execute()
        except (RedisError, OSError):
            return self.markets
        return [
            market
            for market, newest in zip(self.markets, answers, strict=True)
            if not newest or newest[0][1] + 60 < closed
        ]

    def untraded(self, markets: Sequence[Market], moment: float) -> list[Market]:
        """Those markets of which no minute that began after a moment is kept with trades."""
        return [market for market in markets if not self._has_traded(market, moment)]

    def _has_traded(self, market: Market, moment: float) -> bool:
        recent = self.candles(market, Timeframe.M1)[-RECENT_MINUTES:]
        return any(c.opened_at >= moment and not c.synthetic for c in recent)

    def candles(self, market: Market, timeframe: Timeframe) -> list[Candle]:
        """All that is kept of one market and timeframe, oldest first."""
        entries: Any = self._client.zrange(candles_of(*market, str(timeframe)), 0, -1)
        return [_candle(market, timeframe, text) for text in entries]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _candle(market: Market, timeframe: Timeframe, text: str) -> Candle:
    opened_at, first, high, low, last, volume, synthetic = json.loads(text)
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=opened_at,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        synthetic=bool(synthetic),
    )
