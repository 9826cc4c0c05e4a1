"""Who is told what an exchange calls a market: from its list, and asked for once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.trading import running
from trading.core.errors import Rejected
from trading.core.market import Instrument, Timeframe
from trading.exchanges.ports import Request, Response
from trading.market.backfill import Backfill
from trading.market.names import Names
from trading.market.shelf import Span
from trading.net.http import ExchangeHttp


class Renamed(running.SwiftCoinbase):
    """Coinbase, if its own ids were other words than our symbols."""

    has_own_ids = True

    def __init__(self) -> None:
        self.lists_asked = 0

    def instruments_request(self) -> Request:
        self.lists_asked += 1
        return super().instruments_request()

    def instruments(self, response: Response) -> list[Instrument]:
        return [
            replace(
                listed,
                market=listed.market._replace(symbol=f"OUR-{listed.market.symbol}"),
                native=listed.market.symbol,
            )
            for listed in super().instruments(response)
        ]


async def test_names_come_from_the_list_which_is_asked_for_once() -> None:
    venue = Renamed()
    async with running.serving() as simulator, ExchangeHttp(venue, simulator.rest) as http:
        names = Names(venue)
        assert await names.native("OUR-BTC-USD", http) == "BTC-USD"
        assert await names.native("OUR-ETH-USD", http) == "ETH-USD"
        for _ in range(2):
            with pytest.raises(Rejected, match="does not list BTC-USD"):
                await names.native("BTC-USD", http)
    assert venue.lists_asked == 1


async def test_nothing_is_asked_where_both_are_the_same() -> None:
    venue = running.COINBASE
    async with ExchangeHttp(venue, "http://127.0.0.1:9") as nobody:
        assert await Names(venue).native("BTC-USD", nobody) == "BTC-USD"


async def test_history_is_asked_for_by_the_exchanges_name_and_told_by_ours() -> None:
    venue = Renamed()
    async with running.serving() as simulator, ExchangeHttp(venue, simulator.rest) as http:
        end = running.BEGAN_AT_NS // 10**9
        span = Span(Timeframe.M1, end - 600, end)
        candles = await Backfill(venue, http).candles("OUR-BTC-USD", span)
    assert {candle.market.symbol for candle in candles} == {"OUR-BTC-USD"}


async def test_what_is_not_open_to_trade_has_a_name_for_history_only() -> None:
    venue = Renamed()
    async with running.serving() as simulator, ExchangeHttp(venue, simulator.rest) as http:
        listed = await http.ask(venue.instruments_request(), venue.instruments)
        halted = [replace(one, streamable=False) for one in listed]
        names = Names(venue)
        names.take(listed)
        assert names.streamed["OUR-BTC-USD"] == "BTC-USD"
        names.take([*halted[:1], *listed[1:]])
        assert halted[0].market.symbol not in names.streamed
        assert await names.native(halted[0].market.symbol, http) == halted[0].native_id
