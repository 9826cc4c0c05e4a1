"""Coinbase's REST answers, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trading.core.errors import ExchangeError, Malformed, RateLimited, Rejected, Unreachable
from trading.core.market import Candle, InstrumentKind, Market, Timeframe
from trading.exchanges.coinbase import Coinbase
from trading.exchanges.ports import Request, Response

COINBASE = Coinbase()
HOUR = 1_790_769_600


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    encoded = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=encoded)


def row(start: int, **more: str) -> dict[str, str]:
    return {
        "start": str(start),
        "low": "66055.14",
        "high": "66331.99",
        "open": "66312.4",
        "close": "66181.6",
        "volume": "355.82896243",
    } | more


def read(*rows: dict[str, str], timeframe: Timeframe = Timeframe.M1) -> list[Candle]:
    return list(COINBASE.candles(answer({"candles": list(rows)}), "BTC-USD", timeframe))


def product(product_id: str = "BTC-USD", **more: Any) -> dict[str, Any]:
    base, quote = product_id.split("-")
    return {
        "product_id": product_id,
        "price": "68925.98",
        "base_currency_id": base,
        "base_name": "Bitcoin",
        "volume_24h": "11005.27",
        "price_percentage_change_24h": "-1.25",
        "quote_currency_id": quote,
        "base_increment": "0.00000001",
        "price_increment": "0.01",
        "status": "online",
        "is_disabled": False,
        "trading_disabled": False,
        "view_only": False,
        "product_type": "SPOT",
        "alias": "",
        "alias_to": [],
        "approximate_quote_24h_volume": "758532193.02",
        "fcm_trading_session_details": None,
    } | more


def test_candles_are_asked_for_with_both_ends() -> None:
    request = COINBASE.candles_request("BTC-USD", Timeframe.M1, HOUR, HOUR + 299 * 60)

    assert request == Request(
        method="GET",
        path="/market/products/BTC-USD/candles",
        query={
            "start": str(HOUR),
            "end": str(HOUR + 299 * 60),
            "granularity": "ONE_MINUTE",
        },
    )


@pytest.mark.parametrize(
    ("timeframe", "granularity"),
    [
        (Timeframe.M1, "ONE_MINUTE"),
        (Timeframe.M5, "FIVE_MINUTE"),
        (Timeframe.M15, "FIFTEEN_MINUTE"),
        (Timeframe.H1, "ONE_HOUR"),
        (Timeframe.H4, "FOUR_HOUR"),
        (Timeframe.D1, "ONE_DAY"),
    ],
)
def test_every_timeframe_has_a_granularity(timeframe: Timeframe, granularity: str) -> None:
    request = COINBASE.candles_request("BTC-USD", timeframe, 0, 0)

    assert request.query["granularity"] == granularity


@pytest.mark.parametrize("end", [HOUR - 60, HOUR + 300 * 60])
def test_no_request_asks_for_more_than_300_candles_or_none(end: int) -> None:
    with pytest.raises(ValueError, match="1 to 300"):
        COINBASE.candles_request("BTC-USD", Timeframe.M1, HOUR, end)


def test_symbol_cannot_leave_its_place_in_the_path() -> None:
    request = COINBASE.candles_request("../x?y", Timeframe.M1, 0, 0)

    assert request.path == "/market/products/..%2Fx%3Fy/candles"


def test_candles_come_oldest_first_with_gaps_left_as_they_are() -> None:
    told = read(row(HOUR + 180), row(HOUR + 60), row(HOUR))

    assert [one.opened_at for one in told] == [HOUR, HOUR + 60, HOUR + 180]
    assert told[0] == Candle(
        market=Market("coinbase", "BTC-USD"),
        timeframe=Timeframe.M1,
        opened_at=HOUR,
        open=66312.4,
        high=66331.99,
        low=66055.14,
        close=66181.6,
        volume=355.82896243,
    )


def test_candle_listed_twice_counts_once() -> None:
    assert [one.close for one in read(row(HOUR), row(HOUR, close="66200"))] == [66200.0]


def test_no_candles_are_none() -> None:
    assert read() == []


@pytest.mark.parametrize(
    "broken",
    [
        {"close": "NaN"},
        {"open": "0"},
        {"low": "-1"},
        {"high": ""},
        {"volume": "-0.1"},
        {"start": "soon"},
        {"start": str(HOUR + 1)},
        {"low": "66332"},
    ],
)
def test_candle_that_is_none_is_malformed(broken: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        read(row(HOUR) | broken)


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]", '{"candles":{}}'])
def test_success_with_another_body_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        COINBASE.candles(answer(body), "BTC-USD", Timeframe.M1)


def test_coin_that_the_venue_calls_otherwise_has_its_usual_name_and_its_product_keeps_its_own() -> (
    None
):
    (listed,) = COINBASE.instruments(answer({"products": [product("CGLD-USD")]}))
    assert (listed.market.symbol, listed.base, listed.native_id) == ("CGLD-USD", "CELO", "CGLD-USD")


def test_products_become_instruments_by_their_kind() -> None:
    listed = COINBASE.instruments(
        answer(
            {
                "products": [
                    product(),
                    product("BTC-USDC", alias="BTC-USD"),
                    product("BIT-CDE", product_type="FUTURE"),
                    product("BTC-WHAT", product_type="OPTION"),
                ],
                "num_products": 4,
                "pagination": None,
            }
        )
    )

    assert [one.market.symbol for one in listed] == ["BTC-USD", "BTC-USDC", "BIT-CDE"]
    assert (listed[0].base, listed[0].quote, listed[0].name) == ("BTC", "USD", "Bitcoin")
    assert (listed[0].price_increment, listed[0].base_increment) == ("0.01", "0.00000001")
    assert listed[0].price == 68925.98
    assert [one.alias_of for one in listed] == [None, "BTC-USD", None]
    assert [(one.kind, one.streamable) for one in listed] == [
        (InstrumentKind.SPOT, True),
        (InstrumentKind.SPOT, True),
        (InstrumentKind.FUTURE, False),
    ]
    assert listed[2].status == "no spot market"


def test_one_answer_tells_what_is_listed_and_what_it_did_in_a_day() -> None:
    assert COINBASE.tickers_request() == COINBASE.instruments_request()
    (one,) = COINBASE.tickers(answer({"products": [product()]}))

    assert one.symbol == "BTC-USD"
    assert one.price == 68925.98
    assert one.quote_volume_24h == one.price * (one.base_volume_24h or 0.0) > 0
    assert one.change_24h is not None


def test_one_product_is_asked_by_its_name_and_not_wrapped() -> None:
    assert COINBASE.ticker_request("BTC-USD").path == "/market/products/BTC-USD"
    assert COINBASE.ticker(answer(product())).symbol == "BTC-USD"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, ""),
        ({"status": "delisted"}, "delisted"),
        ({"status": ""}, "not online"),
        ({"is_disabled": True}, "trading disabled"),
        ({"trading_disabled": True}, "trading disabled"),
        ({"view_only": True}, "view only"),
        ({"limit_only": True}, ""),
    ],
)
def test_streamable_is_online_and_open(more: dict[str, Any], status: str) -> None:
    (one,) = COINBASE.instruments(answer({"products": [product(**more)]}))

    assert (one.streamable, one.status) == (not status, status)


@pytest.mark.parametrize("price", ["", "n/a", "NaN", "-1", "inf"])
def test_product_that_never_traded_has_no_price(price: str) -> None:
    broken = answer({"products": [product(price=price)]})
    (one,), (ticker,) = COINBASE.instruments(broken), COINBASE.tickers(broken)

    assert (one.price, ticker.price, ticker.quote_volume_24h) == (None, None, None)


def test_server_time_is_read_to_the_millisecond() -> None:
    told = {"iso": "2026-09-30T02:37:29Z", "epochSeconds": "1", "epochMillis": "1790735849298"}

    assert COINBASE.server_time(answer(told)) == 1_790_735_849_298_000
    assert COINBASE.server_time_request() == Request(method="GET", path="/time")


TOO_MANY = "start and end argument is invalid - number of candles requested should be less than 350"
FUNDS = "[PORTFOLIO_ERROR_CODE_INSUFFICIENT_FUNDS] insufficient funds"
REFUSALS: list[tuple[int, Any, type[ExchangeError], str]] = [
    (400, {"error": "INVALID_ARGUMENT", "error_details": f"{TOO_MANY} "}, Rejected, TOO_MANY),
    (400, {"error": "unknown", "error_details": "parsing field"}, Rejected, "parsing field"),
    (401, "Unauthorized\n", RateLimited, "Unauthorized"),
    (401, {"error": "unauthorized", "code": 16, "message": "no"}, Unreachable, "unauthorized: no"),
    (403, {"error": "PERMISSION_DENIED", "error_details": "Missing"}, Rejected, "Missing"),
    (403, "<html>blocked</html>", Rejected, "HTML page"),
    (404, {"error": "NOT_FOUND", "message": "Product X not supported"}, Rejected, "not supported"),
    (408, "", Unreachable, "no text"),
    (
        429,
        {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]},
        RateLimited,
        "rate_limit_exceeded: Too many requests",
    ),
    (429, "slow down", RateLimited, "slow down"),
    (429, "<html>1015</html>", RateLimited, "HTML page"),
    (429, {"error": "unknown", "message": FUNDS}, Rejected, "INSUFFICIENT_FUNDS"),
    (500, {"error": "INTERNAL"}, Unreachable, "INTERNAL"),
    (502, "\n<html><h1>Bad Gateway</h1></html>", Unreachable, "HTML page"),
    (503, "", Unreachable, "no text"),
    (302, "", Unreachable, "302"),
    (500, {"message": "only words"}, Unreachable, "only words"),
    (500, "x" * 500, Unreachable, "…"),
    (500, {"code": "not a number"}, Unreachable, "code"),
]


@pytest.mark.parametrize(("status", "body", "error", "words"), REFUSALS)
def test_refusal_says_what_the_caller_does(
    status: int, body: Any, error: type[ExchangeError], words: str
) -> None:
    with pytest.raises(error) as caught:
        COINBASE.candles(answer(body, status), "BTC-USD", Timeframe.M1)

    assert type(caught.value) is error
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"coinbase: {status} ")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("header", "seconds"), [("", None), ("7", 7.0), ("tomorrow", None)])
def test_wait_is_obeyed_where_it_is_said(header: str, seconds: float | None) -> None:
    with pytest.raises(RateLimited) as caught:
        COINBASE.server_time(answer("", 429, retry_after=header))

    assert caught.value.retry_after == seconds


def test_bytes_that_are_no_text_are_still_an_error_in_words() -> None:
    with pytest.raises(Unreachable, match="503"):
        COINBASE.instruments(Response(status=503, headers={}, body=b"\xff\xfe"))
