"""What an exchange lists, and what its markets did in a day, asked of it now.

Rule 1: the same for everybody: nothing here knows a user.
Rule 2: all of a listing or an error; an empty one is an error too, for it would end every market.
Rule 3: somebody waits for the answer, so a request is not repeated for long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from trading.core.errors import ConfigError, Malformed, Unreachable
from trading.core.market import Instrument, Ticker
from trading.exchanges.ports import Exchange, Response
from trading.exchanges.registry import EXCHANGES
from trading.market.names import Names
from trading.net.endpoints import Endpoints
from trading.net.http import ExchangeHttp

PATIENCE_SECONDS = 8.0
ATTEMPTS = 2

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One reading of an exchange.

    Args:
        exchange: Its name.
        instruments: Everything that it lists, of every kind; never none.
        tickers: Of those of which it tells the day's figures.
        read_at: By this host's clock, unix seconds.
    """

    exchange: str
    instruments: tuple[Instrument, ...]
    tickers: tuple[Ticker, ...]
    read_at: float


class ListingReader:
    """Asks exchanges what they list. Lives on one event loop, or for one question.

    Args:
        endpoints: Addresses by exchange name.
        exchanges: Protocols by exchange name.
        patience: How long a question may take in all, seconds.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoints],
        *,
        exchanges: Mapping[str, Exchange] = EXCHANGES,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._endpoints = dict(endpoints)
        self._exchanges = exchanges
        self._patience = patience

    def label_of(self, exchange: str) -> str:
        """What people call it."""
        known = self._exchanges.get(exchange)
        return exchange.capitalize() if known is None else known.label

    async def read(self, exchange: str) -> Listed:
        """Everything that it lists now, with the day's figures.

        Raises:
            ConfigError: If there is no such exchange here.
            ExchangeError: If it did not tell all of it in time.
        """
        venue, base = self._venue(exchange)
        async with ExchangeHttp(venue, base) as http:
            return await self._in_time(exchange, _listed(venue, http))

    async def ticker(self, exchange: str, symbol: str, *, native: str = "") -> Ticker:
        """What one market did in the last 24 hours.

        Args:
            native: The exchange's own id of it, where that is known; else its list may be asked.

        Raises:
            ConfigError: If there is no such exchange here.
            ExchangeError: If it did not tell; :class:`Rejected` where it knows no such market.
        """
        venue, base = self._venue(exchange)
        async with ExchangeHttp(venue, base) as http:
            return await self._in_time(exchange, _ticker(venue, http, symbol, native))

    async def _in_time(self, exchange: str, asked: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._patience):
                return await asked
        except TimeoutError as exc:
            raise Unreachable(exchange, f"no answer within {self._patience:g} s") from exc

    def _venue(self, exchange: str) -> tuple[Exchange, str]:
        known = self._exchanges.get(exchange)
        if known is None or exchange not in self._endpoints:
            raise ConfigError(f"Livermore knows no exchange {exchange!r}")
        return known, self._endpoints[exchange].rest


async def _ticker(venue: Exchange, http: ExchangeHttp, symbol: str, native: str) -> Ticker:
    native = native or await Names(venue).native(symbol, http)
    told = await http.ask(venue.ticker_request(native), venue.ticker, attempts=ATTEMPTS)
    return replace(told, symbol=symbol)


async def instruments_of(
    venue: Exchange, http: ExchangeHttp, *, attempts: int = ATTEMPTS
) -> tuple[list[Instrument], list[Ticker] | None]:
    """What an exchange lists, and the day's figures where the same answer has them; else None.

    Raises:
        ExchangeError: If it did not tell, or nothing is listed.
    """

    def both(response: Response) -> tuple[list[Instrument], list[Ticker] | None]:
        return venue.instruments(response), venue.tickers(response)

    request = venue.instruments_request()
    tickers = None
    if request == venue.tickers_request():
        instruments, tickers = await http.ask(request, both, attempts=attempts)
    else:
        instruments = await http.ask(request, venue.instruments, attempts=attempts)
    if not instruments:
        raise Malformed(venue.name, "the list of markets is empty")
    return instruments, tickers


async def with_figures(
    venue: Exchange,
    http: ExchangeHttp,
    instruments: Sequence[Instrument],
    tickers: Sequence[Ticker] | None,
    *,
    attempts: int = ATTEMPTS,
) -> Listed:
    """What :func:`instruments_of` told as a reading, with the figures that are still to be asked.

    Raises:
        ExchangeError: If these were not told.
    """
    if tickers is None:
        tickers = await http.ask(venue.tickers_request(), venue.tickers, attempts=attempts)
    return Listed(
        exchange=venue.name,
        instruments=tuple(instruments),
        tickers=tuple(_named(tickers, instruments)),
        read_at=time.time(),
    )


async def _listed(venue: Exchange, http: ExchangeHttp) -> Listed:
    return await with_figures(venue, http, *await instruments_of(venue, http))


def priced(instruments: Iterable[Instrument], tickers: Iterable[Ticker]) -> list[Instrument]:
    """What is listed with its prices, of an exchange that tells these apart from the list.

    Args:
        tickers: By the exchange's own ids.
    """
    prices = {told.symbol: told.price for told in tickers}
    return [replace(listed, price=prices.get(listed.native_id)) for listed in instruments]


def _named(tickers: Iterable[Ticker], instruments: Iterable[Instrument]) -> Iterator[Ticker]:
    """Those of what is listed, by canonical symbols instead of the exchange's own ids."""
    symbols = {listed.native_id: listed.market.symbol for listed in instruments}
    for told in tickers:
        if (symbol := symbols.get(told.symbol)) is not None:
            yield told if symbol == told.symbol else replace(told, symbol=symbol)
