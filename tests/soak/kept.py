"""The candles that Redis keeps, as whoever comes from outside reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from control.protocol import candles_of
from tests.faults.servers import BreakableRedis
from trading.core.market import Candle, Market, Timeframe

EXCHANGE = "coinbase"
RECENT_MINUTES = 60


class KeptCandles:
    """What is kept of some markets of the exchange."""

    def __init__(self, redis: BreakableRedis, symbols: Sequence[str]) -> None:
        self.symbols = list(symbols)
        self._client = redis.connect()

    def behind(self, moment: float) -> list[str]:
        """The markets whose newest minute closed before the one that was over at a moment."""
        closed = int(moment) // 60 * 60
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for symbol in self.symbols:
                    pipe.zrange(candles_of(EXCHANGE, symbol, "1m"), -1, -1, withscores=True)
                answers: list[Any] = pipe.execute()
        except (RedisError, OSError):
            return self.symbols
        return [
            symbol
            for symbol, newest in zip(self.symbols, answers, strict=True)
            if not newest or newest[0][1] + 60 < closed
        ]

    def untraded(self, symbol: str, moment: float) -> list[str]:
        """The market, unless a minute that began after a moment is kept with trades of it."""
        recent = self.candles(symbol, Timeframe.M1)[-RECENT_MINUTES:]
        has_traded = any(c.opened_at >= moment and not c.synthetic for c in recent)
        return [] if has_traded else [symbol]

    def candles(self, symbol: str, timeframe: Timeframe) -> list[Candle]:
        """All that is kept of one market and timeframe, oldest first."""
        entries: Any = self._client.zrange(candles_of(EXCHANGE, symbol, str(timeframe)), 0, -1)
        return [_candle(Market(EXCHANGE, symbol), timeframe, text) for text in entries]

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
