"""Binance spot: public market data, and the balances of a key.

Rule 1: everything that is peculiar to the venue stays in this folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trading.core.market import Candle, Instrument, Ticker, Timeframe
from trading.exchanges.binance import frames, refusals, rest
from trading.exchanges.binance.accounts import BinanceAccounts
from trading.exchanges.binance.protocol import BinanceProtocol
from trading.exchanges.ports import Accounts, Request, Response, Sessions


class Binance:
    """The venue as the shells see it; implements ``Exchange`` and holds no state.

    Source: github.com/binance/binance-spot-api-docs (2026-07-21): 6,000 of weight a minute for each
    address, of which four fifths are used, for others may be behind it; five messages a second on
    a connection, of which pings take one or two; 300 connections in five minutes.
    """

    name = frames.NAME
    label = "Binance"
    requests_per_second = 80.0
    messages_per_second = 2.0
    connections_per_second = 0.9
    # 1,024 streams may be on one. A lost connection is a hole in all that it carries: fewer.
    symbols_per_connection = 200
    candles_per_request = rest.CANDLES_PER_REQUEST
    # The candle of a second comes once a second.
    silence_seconds = 10.0
    # It ends at 24 hours.
    connection_seconds = 23 * 3_600.0
    accounts: Accounts | None = BinanceAccounts()
    sessions: Sessions | None = None
    alive_seconds: float | None = None
    has_own_ids = True
    leaves_out_ids = False

    def new_protocol(
        self,
        aliases: Mapping[str, str] | None = None,
        natives: Mapping[str, str] | None = None,
    ) -> BinanceProtocol:
        """A protocol for a fresh connection; see :class:`BinanceProtocol` for ``natives``."""
        del aliases  # no two symbols of it share a book
        return BinanceProtocol(natives)

    def spare_seconds(self, response: Response) -> float:
        """See :func:`refusals.spare_seconds`."""
        return refusals.spare_seconds(response)

    def instruments_request(self) -> Request:
        """See :func:`rest.instruments_request`."""
        return rest.instruments_request()

    def instruments(self, response: Response) -> list[Instrument]:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.instruments(response)

    def tickers_request(self) -> Request:
        """See :func:`rest.tickers_request`."""
        return rest.tickers_request()

    def tickers(self, response: Response) -> list[Ticker]:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.tickers(response)

    def ticker_request(self, native: str) -> Request:
        """See :func:`rest.ticker_request`."""
        return rest.ticker_request(native)

    def ticker(self, response: Response) -> Ticker:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.ticker(response)

    def candles_request(self, native: str, timeframe: Timeframe, start: int, end: int) -> Request:
        """See :func:`rest.candles_request`."""
        return rest.candles_request(native, timeframe, start, end)

    def candles(self, response: Response, symbol: str, timeframe: Timeframe) -> Sequence[Candle]:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.candles(response, symbol, timeframe)

    def server_time_request(self) -> Request:
        """See :func:`rest.server_time_request`."""
        return rest.server_time_request()

    def server_time(self, response: Response) -> int:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.server_time(response)
