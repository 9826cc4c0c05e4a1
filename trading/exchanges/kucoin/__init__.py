"""KuCoin spot: public market data, and the balances of a key.

Rule 1: everything that is peculiar to the venue stays in this folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trading.core.market import Candle, Instrument, Ticker, Timeframe
from trading.exchanges.kucoin import frames, refusals, rest
from trading.exchanges.kucoin.accounts import KucoinAccounts
from trading.exchanges.kucoin.protocol import KucoinProtocol
from trading.exchanges.kucoin.sessions import KucoinSessions
from trading.exchanges.ports import Accounts, Request, Response, Sessions


class Kucoin:
    """The venue as the shells see it; implements ``Exchange`` and holds no state.

    Source: www.kucoin.com/docs, rate limit and websocket, read 2026-11-20: 2,000 of weight in 30
    seconds for each address, of which four fifths are used, for others may be behind it; 100
    messages in ten seconds on a connection, of which this budget is for all; 30 connections a
    minute.
    """

    name = frames.NAME
    label = "KuCoin"
    requests_per_second = 50.0
    messages_per_second = 8.0
    connections_per_second = 0.4
    # 300 topics may be on one, and a symbol takes two.
    symbols_per_connection = 140
    candles_per_request = rest.CANDLES_PER_REQUEST
    # A ping is answered, well within the ten seconds that the venue gives itself.
    silence_seconds = 10.0
    alive_seconds: float | None = 2.0
    # The token of a connection is good for a day.
    connection_seconds = 23 * 3_600.0
    accounts: Accounts | None = KucoinAccounts()
    sessions: Sessions | None = KucoinSessions()
    has_own_ids = True
    leaves_out_ids = True

    def new_protocol(
        self,
        aliases: Mapping[str, str] | None = None,
        natives: Mapping[str, str] | None = None,
    ) -> KucoinProtocol:
        """A protocol for a fresh connection; see :class:`KucoinProtocol` for ``natives``."""
        del aliases  # no two symbols of it share a book
        return KucoinProtocol(natives)

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
