"""Binance's REST answers, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trading.core.errors import Malformed, Rejected
from trading.core.market import Candle, Instrument, Market, Ticker, Timeframe
from trading.exchanges.binance import Binance
from trading.exchanges.ports import Request, Response

BINANCE = Binance()
HOUR = 1_634_943_600


def answer(body: Any, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def row(start: int, *, trades: int = 617, **more: str) -> list[Any]:
    prices = {"open": "60685.22", "high": "60729.84", "low": "60670.90", "close": "60719.27"}
    prices |= {"volume": "21.63272000"} | more
    return [
        start * 1_000,
        *(prices[name] for name in ("open", "high", "low", "close", "volume")),
        start * 1_000 + 59_999,
        "1313200.01340410",
        trades,
        "12.28492000",
        "745719.41022840",
        "0",
    ]


def read(*rows: list[Any], timeframe: Timeframe = Timeframe.M1) -> list[Candle]:
    return list(BINANCE.candles(answer(list(rows)), "BTC-USDT", timeframe))


def listed(**more: Any) -> Instrument:
    symbol = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001000", "minQty": "0.00001000"},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
        ],
        "permissions": [],
    } | more
    return BINANCE.instruments(answer({"timezone": "UTC", "symbols": [symbol]}))[0]


def test_candles_are_asked_for_in_milliseconds_by_the_venues_own_id() -> None:
    request = BINANCE.candles_request("BTCUSDT", Timeframe.M1, HOUR, HOUR + 999 * 60)

    assert request == Request(
        method="GET",
        path="/api/v3/klines",
        query={
            "symbol": "BTCUSDT",
            "interval": "1m",
            "startTime": str(HOUR * 1_000),
            "endTime": str((HOUR + 999 * 60) * 1_000),
            "limit": "1000",
        },
        weight=2,
    )


@pytest.mark.parametrize("end", [HOUR - 60, HOUR + 1_000 * 60])
def test_no_request_asks_for_more_than_a_thousand_candles_or_none(end: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        BINANCE.candles_request("BTCUSDT", Timeframe.M1, HOUR, end)


@pytest.mark.parametrize(
    ("request_", "weight"),
    [
        (BINANCE.instruments_request(), 20),
        (BINANCE.tickers_request(), 80),
        (BINANCE.ticker_request("BTCUSDT"), 2),
        (BINANCE.server_time_request(), 1),
    ],
)
def test_requests_weigh_what_the_venue_says(request_: Request, weight: int) -> None:
    assert request_.weight == weight


def test_candle_is_read_in_the_venues_order() -> None:
    assert read(row(HOUR)) == [
        Candle(
            market=Market("binance", "BTC-USDT"),
            timeframe=Timeframe.M1,
            opened_at=HOUR,
            open=60_685.22,
            high=60_729.84,
            low=60_670.9,
            close=60_719.27,
            volume=21.63272,
        )
    ]


def test_candles_come_oldest_first_without_those_of_no_trade() -> None:
    flat = row(HOUR + 60, trades=0, volume="0.00000000")

    told = read(row(HOUR + 120), flat, row(HOUR))

    assert [one.opened_at for one in told] == [HOUR, HOUR + 120]


@pytest.mark.parametrize(
    "broken",
    [
        row(HOUR + 1),
        row(HOUR, low="60800", high="60700"),
        row(HOUR, open="NaN"),
        row(HOUR, volume="-1"),
        row(HOUR)[:5],
        {"t": HOUR},
    ],
)
def test_candle_that_is_none_fails_the_answer(broken: Any) -> None:
    with pytest.raises(Malformed):
        BINANCE.candles(answer([broken]), "BTC-USDT", Timeframe.M1)


def test_instrument_is_named_by_its_assets_and_keeps_the_venues_id() -> None:
    assert listed() == Instrument(
        market=Market("binance", "BTC-USDT"),
        base="BTC",
        quote="USDT",
        price_increment="0.01",
        base_increment="0.00001",
        streamable=True,
        native="BTCUSDT",
    )


def test_id_is_never_cut_apart() -> None:
    odd = listed(symbol="USDTUSDTUSDT", baseAsset="USDTUSDT", quoteAsset="USDT")

    assert (odd.market.symbol, odd.native_id) == ("USDTUSDT-USDT", "USDTUSDTUSDT")


def test_coin_that_the_venue_calls_differently_has_everybodys_name() -> None:
    renamed = listed(symbol="YOYOBTC", baseAsset="YOYO", quoteAsset="BTC")

    assert (renamed.market.symbol, renamed.base, renamed.native_id) == (
        "YOYOW-BTC",
        "YOYOW",
        "YOYOBTC",
    )


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"status": "BREAK"}, "trading is suspended"),
        ({"status": "HALT"}, "trading is halted"),
        ({"status": "PRE_TRADING"}, "pre_trading"),
        ({"isSpotTradingAllowed": False}, "no spot market"),
    ],
)
def test_what_does_not_trade_is_listed_with_the_reason(more: dict[str, Any], status: str) -> None:
    instrument = listed(**more)

    assert (instrument.streamable, instrument.status) == (False, status)


def day(**more: str) -> dict[str, str]:
    return {
        "symbol": "BNBBTC",
        "priceChangePercent": "-95.960",
        "lastPrice": "4.00000200",
        "volume": "8913.30000000",
        "quoteVolume": "15.30000000",
    } | more


def test_day_is_told_by_the_venues_own_id() -> None:
    expected = Ticker(
        symbol="BNBBTC",
        price=4.000002,
        change_24h=-95.96,
        base_volume_24h=8_913.3,
        quote_volume_24h=15.3,
    )

    assert BINANCE.ticker(answer(day())) == expected
    assert BINANCE.tickers(answer([day()])) == [expected]


def test_market_that_never_traded_has_no_price() -> None:
    assert BINANCE.ticker(answer(day(lastPrice="0.00000000"))).price is None


def test_market_that_is_not_there_is_rejected() -> None:
    with pytest.raises(Rejected, match="-1121: Invalid symbol"):
        BINANCE.ticker(answer({"code": -1121, "msg": "Invalid symbol."}, status=400))


def test_server_time_is_read_to_the_millisecond() -> None:
    assert BINANCE.server_time(answer({"serverTime": 1_499_827_319_559})) == 1_499_827_319_559_000
