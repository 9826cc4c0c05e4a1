"""Coinbase Advanced Trade: public market data, and the accounts of a key.

Rule 1: everything that is peculiar to the venue stays in this folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from trading.core.market import Candle, Instrument, Ticker, Timeframe
from trading.exchanges.coinbase import frames, rest
from trading.exchanges.coinbase.accounts import CoinbaseAccounts
from trading.exchanges.coinbase.protocol import CoinbaseProtocol
from trading.exchanges.ports import Accounts, Request, Response, Sessions


class Coinbase:
    """The venue as the shells see it; implements ``Exchange`` and holds no state.

    Source: docs.cdp.coinbase.com, WebSocket rate limits (eight connections and eight messages a
    second for each address) and Advanced Trade REST, read 2026-11-20. Ten public requests a
    second are reported, none is documented: a little less, evenly spaced, never meets it, and where
    another program behind the address asks too, everybody here waits as the 429 says.
    """

    name = frames.NAME
    label = "Coinbase"
    requests_per_second = 9.5
    messages_per_second = 8.0
    connections_per_second = 8.0
    # No figure is published; the documentation advises to spread, and 20 to 50 is customary.
    symbols_per_connection = 50
    candles_per_request = rest.CANDLES_PER_REQUEST
    # Heartbeats come once a second.
    silence_seconds = 10.0
    # No age is published at which a connection would end.
    connection_seconds = inf
    accounts: Accounts | None = CoinbaseAccounts()
    sessions: Sessions | None = None
    alive_seconds: float | None = None
    has_own_ids = False
    leaves_out_ids = False

    def new_protocol(
        self,
        aliases: Mapping[str, str] | None = None,
        natives: Mapping[str, str] | None = None,
    ) -> CoinbaseProtocol:
        """A protocol for a fresh connection; see :class:`CoinbaseProtocol` for ``aliases``."""
        del natives  # its ids are our symbols
        return CoinbaseProtocol(aliases)

    def spare_seconds(self, response: Response) -> float:
        """Nothing: what is used up is not looked at."""
        del response
        return 0.0

    def instruments_request(self) -> Request:
        """See :func:`rest.instruments_request`."""
        return rest.instruments_request()

    def instruments(self, response: Response) -> list[Instrument]:
        """Raises: Unreachable, RateLimited, Rejected, Malformed."""
        return rest.instruments(response)

    def tickers_request(self) -> Request:
        """The list of products tells both."""
        return rest.instruments_request()

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
