"""A minute that trades are falling into.

Rule 1: it is made of what it was given, in that order; whether that is all of it is not its affair
    (:mod:`trading.core.minutes`).
"""

from __future__ import annotations

from trading.core.exact import ExactSum
from trading.core.market import Candle, Market, Timeframe


class Forming:
    """One minute; ``price`` in quote currency, ``size`` in base currency."""

    __slots__ = ("close", "high", "low", "open", "volume")

    def __init__(self, price: float, size: float) -> None:
        self.open = self.high = self.low = self.close = price
        self.volume = ExactSum()
        self.volume.add(size)

    def add(self, price: float, size: float) -> None:
        """Take the next trade."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume.add(size)

    def candle(self, market: Market, opened_at: int) -> Candle:
        """What has fallen into it so far."""
        return Candle(
            market=market,
            timeframe=Timeframe.M1,
            opened_at=opened_at,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume.total,
        )
