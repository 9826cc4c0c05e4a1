"""What an exchange calls its markets, by what we call them.

Rule 1: its instruments say it. No name is ever cut apart or put together: ``BTCUSDT`` is ambiguous.
Rule 2: where both are the same, nothing is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from trading.core.errors import Rejected
from trading.core.market import Instrument
from trading.exchanges.ports import Exchange
from trading.net.http import ExchangeHttp

ASK_AGAIN_SECONDS = 60.0


class Names:
    """The names of one exchange's markets. Lives on one event loop.

    Args:
        exchange: Whose.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._natives: dict[str, str] = {}
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()
        self._streamed: dict[str, str] = {}
        self.streamed: Mapping[str, str] = MappingProxyType(self._streamed)
        """The exchange's own ids of what is open to trade, by canonical symbol; it changes."""

    def take(self, instruments: Iterable[Instrument]) -> None:
        """Learn the names of what is listed; what is listed no more keeps its own."""
        listed = list(instruments)
        self._natives |= {one.market.symbol: one.native_id for one in listed}
        self._streamed.clear()
        self._streamed |= {one.market.symbol: one.native_id for one in listed if one.streamable}

    async def native(self, symbol: str, http: ExchangeHttp) -> str:
        """The exchange's own id of a canonical symbol.

        Args:
            http: Its REST interface, asked for the list if need be.

        Raises:
            Rejected: If the exchange does not list it.
            ExchangeError: If it did not answer.
        """
        exchange = self._exchange
        if not exchange.has_own_ids:
            return symbol
        if symbol not in self._natives:
            await self._ask(http)
        try:
            return self._natives[symbol]
        except KeyError:
            raise Rejected(exchange.name, f"it does not list {symbol}") from None

    async def _ask(self, http: ExchangeHttp) -> None:
        async with self._asking:
            now = time.monotonic()
            if self._asked_at is not None and now - self._asked_at < ASK_AGAIN_SECONDS:
                return
            exchange = self._exchange
            self.take(await http.ask(exchange.instruments_request(), exchange.instruments))
            self._asked_at = now
