"""KuCoin's REST answers, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trading.core.errors import Malformed, Rejected
from trading.core.market import Candle, Instrument, Market, Ticker, Timeframe
from trading.exchanges.kucoin import Kucoin
from trading.exchanges.ports import Request, Response

KUCOIN = Kucoin()
HOUR = 1_566_788_400


def answer(data: Any, code: str = "200000") -> Response:
    body = json.dumps({"code": code, "data": data}).encode()
    return Response(status=200, headers={}, body=body)


def row(start: int, **more: str) -> list[str]:
    prices = {"open": "10416", "close": "10411.5", "high": "10422.3", "low": "10411.5"}
    prices |= {"volume": "15.61781842"} | more
    names = ("open", "close", "high", "low", "volume")
    return [str(start), *(prices[name] for name in names), "162703.708997029"]


def read(*rows: list[str], timeframe: Timeframe = Timeframe.M1) -> list[Candle]:
    return list(KUCOIN.candles(answer(list(rows)), "BTC-USDT", timeframe))


def listed(**more: Any) -> Instrument:
    symbol = {
        "symbol": "BTC-USDT",
        "name": "BTC-USDT",
        "baseCurrency": "BTC",
        "quoteCurrency": "USDT",
        "baseIncrement": "0.00000001",
        "priceIncrement": "0.1",
        "enableTrading": True,
        "tradingStartTime": None,
    } | more
    return KUCOIN.instruments(answer([symbol]))[0]


def day(**more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTC-USDT",
        "symbolName": "BTC-USDT",
        "changeRate": "-0.0014",
        "changePrice": "-98.5",
        "vol": "1836.03034612",
        "volValue": "124068431.06726933",
        "last": "67193",
    } | more


def test_candles_are_asked_for_in_seconds_and_with_the_last_one() -> None:
    last = HOUR + 1_499 * 60

    assert KUCOIN.candles_request("BTC-USDT", Timeframe.M1, HOUR, last) == Request(
        method="GET",
        path="/api/v1/market/candles",
        query={
            "symbol": "BTC-USDT",
            "type": "1min",
            "startAt": str(HOUR),
            "endAt": str(last + 1),
        },
        weight=3,
    )


@pytest.mark.parametrize("end", [HOUR - 60, HOUR + 1_500 * 60])
def test_no_request_asks_for_more_than_fifteen_hundred_candles_or_none(end: int) -> None:
    with pytest.raises(ValueError, match="1 to 1500"):
        KUCOIN.candles_request("BTC-USDT", Timeframe.M1, HOUR, end)


@pytest.mark.parametrize(
    ("timeframe", "word"),
    list(zip(Timeframe, ["1min", "5min", "15min", "1hour", "4hour", "1day"], strict=True)),
)
def test_each_timeframe_has_the_venues_word(timeframe: Timeframe, word: str) -> None:
    assert KUCOIN.candles_request("A-B", timeframe, 0, 0).query["type"] == word


def test_candles_come_oldest_first_with_the_close_in_its_place() -> None:
    told = read(row(HOUR + 60), row(HOUR, close="10417", low="10400"))

    assert [one.opened_at for one in told] == [HOUR, HOUR + 60]
    assert told[0] == Candle(
        market=Market("kucoin", "BTC-USDT"),
        timeframe=Timeframe.M1,
        opened_at=HOUR,
        open=10_416.0,
        high=10_422.3,
        low=10_400.0,
        close=10_417.0,
        volume=15.61781842,
    )


def test_bucket_without_a_trade_is_left_out_and_one_told_twice_is_told_once() -> None:
    assert read(row(HOUR, volume="0")) == []
    assert len(read(row(HOUR), row(HOUR))) == 1
    assert read() == []


@pytest.mark.parametrize(
    "wrong",
    [
        row(HOUR + 1),
        row(HOUR, high="10400"),
        row(HOUR, low="10412"),
        row(HOUR, open="0"),
        row(HOUR, close="NaN"),
        row(HOUR, volume="-1"),
        row(HOUR)[:5],
        ["soon", *row(HOUR)[1:]],
    ],
)
def test_candle_that_is_none_fails_the_answer(wrong: list[str]) -> None:
    with pytest.raises(Malformed):
        read(row(HOUR + 60), wrong)


def test_refusal_behind_a_200_is_raised() -> None:
    refused = Response(
        status=200, headers={}, body=b'{"code":"400100","msg":"Unsupported trading pair."}'
    )
    with pytest.raises(Rejected, match="Unsupported trading pair"):
        KUCOIN.candles(refused, "BTC-USDT", Timeframe.M1)


def test_market_is_called_by_its_coins_and_asked_for_by_its_symbol() -> None:
    instrument = listed(symbol="BCHSV-USDT", name="SV-USDT", baseCurrency="BCHSV")

    assert instrument == Instrument(
        market=Market("kucoin", "BSV-USDT"),
        base="BSV",
        quote="USDT",
        price_increment="0.1",
        base_increment="0.00000001",
        streamable=True,
        native="BCHSV-USDT",
    )


def test_market_that_is_suspended_is_listed_and_not_streamed() -> None:
    instrument = listed(enableTrading=False)

    assert not instrument.streamable
    assert instrument.status == "trading is suspended"


def test_coin_that_took_anothers_name_is_not_taken_for_it() -> None:
    assert listed(symbol="ALT-USDT", baseCurrency="ALT").market.symbol == "APTOSLAUNCHTOKEN-USDT"
    assert listed(symbol="KALT-USDT", baseCurrency="KALT").market.symbol == "ALT-USDT"
    assert listed(symbol="LYXE-USDT", baseCurrency="LYXe").market.symbol == "LYXE-USDT"


def test_days_figures_are_told_in_percent_and_quote_currency() -> None:
    wanted = Ticker(
        symbol="BTC-USDT",
        price=67_193.0,
        change_24h=-0.14,
        base_volume_24h=1_836.03034612,
        quote_volume_24h=124_068_431.06726933,
    )

    assert KUCOIN.tickers(answer({"time": 1, "ticker": [day()]})) == [wanted]
    assert KUCOIN.ticker(answer(day(time=1))) == wanted


@pytest.mark.parametrize("odd", [None, "", "NaN", "inf", "-"])
def test_figure_that_is_none_is_unknown(odd: str | None) -> None:
    told = KUCOIN.ticker(answer(day(last=odd, changeRate=odd, vol=odd, volValue=odd)))

    assert told == Ticker(
        symbol="BTC-USDT",
        price=None,
        change_24h=None,
        base_volume_24h=None,
        quote_volume_24h=None,
    )


@pytest.mark.parametrize(
    ("request_", "weight"),
    [
        (KUCOIN.instruments_request(), 4),
        (KUCOIN.tickers_request(), 15),
        (KUCOIN.ticker_request("BTC-USDT"), 15),
        (KUCOIN.server_time_request(), 3),
    ],
)
def test_requests_weigh_what_the_venue_says(request_: Request, weight: int) -> None:
    assert request_.weight == weight


def test_server_time_is_in_microseconds() -> None:
    assert KUCOIN.server_time(answer(1_729_100_692_873)) == 1_729_100_692_873_000
    for wrong in ("soon", -1, None):
        with pytest.raises(Malformed):
            KUCOIN.server_time(answer(wrong))
