"""Coinbase's public REST paths: limits, order, filters and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.trading.simulator.worlds import DAY, NOW, NOW_US, THIN, moment, world
from trading.simulator.venues.coinbase.rest import GRANULARITIES
from trading.simulator.venues.coinbase.venue import Coinbase
from trading.simulator.venues.ports import Answer, Ask

MINUTE = NOW - NOW % 60


def get(path: str, *query: tuple[str, Any], method: str = "GET") -> Answer:
    pairs = [(name, str(value)) for name, value in query]
    ask = Ask(method=method, path=f"/api/v3/brokerage{path}", query=pairs)
    return Coinbase(world()).answer(ask, moment())


def body(path: str, *query: tuple[str, Any]) -> Any:
    answer = get(path, *query)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def candles(start: int, end: int, name: str = "BTC-USD", granularity: str = "ONE_MINUTE") -> Any:
    query = (("start", start), ("end", end), ("granularity", granularity))
    return body(f"/market/products/{name}/candles", *query)["candles"]


def refusal(path: str, *query: tuple[str, Any]) -> tuple[int, Any]:
    answer = get(path, *query)
    return answer.status, json.loads(answer.body)


# ---------------------------------------------------------------------------- candles


def test_candles_are_newest_first_with_both_ends() -> None:
    told = candles(MINUTE - 600, MINUTE - 60)
    assert [int(candle["start"]) for candle in told] == list(range(MINUTE - 60, MINUTE - 660, -60))


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_candles_of_every_granularity_are_those_of_the_world(granularity: str) -> None:
    length = GRANULARITIES[granularity]
    product = world().products["ETH-USD"]
    told = candles(NOW - 20 * length, NOW, "ETH-USD", granularity)
    truth = world().candles("ETH-USD", length, NOW - 20 * length, NOW, NOW_US)
    assert [candle["close"] for candle in reversed(told)] == [
        product.price_step.write(bar.close) for bar in truth
    ]
    assert [candle["volume"] for candle in reversed(told)] == [
        product.size_step.write(bar.volume) for bar in truth
    ]
    assert int(told[0]["start"]) == NOW - NOW % length  # the one in progress


def test_350_candles_are_allowed_and_351_are_not() -> None:
    assert len(candles(MINUTE - 349 * 60, MINUTE)) == 350
    query = (("start", MINUTE - 350 * 60), ("end", MINUTE), ("granularity", "ONE_MINUTE"))
    status, error = refusal("/market/products/BTC-USD/candles", *query)
    text = (
        "start and end argument is invalid - number of candles requested should be less than 350 "
    )
    assert status == 400
    assert error == {"error": "INVALID_ARGUMENT", "error_details": text, "message": text}


def test_empty_minutes_are_omitted() -> None:
    told = candles(MINUTE - 349 * 60, MINUTE, THIN)
    assert 0 < len(told) < 200
    assert all(float(candle["volume"]) > 0 for candle in told)


def test_a_window_without_trades_is_empty() -> None:
    assert candles(NOW + 3_600, NOW + 7_200) == []
    assert candles(1_000_000_000, 1_000_000_600) == []


def test_the_limit_keeps_the_newest() -> None:
    query = (("start", MINUTE - 600), ("end", MINUTE), ("granularity", "ONE_MINUTE"), ("limit", 3))
    told = body("/market/products/BTC-USD/candles", *query)["candles"]
    assert [int(candle["start"]) for candle in told] == [MINUTE, MINUTE - 60, MINUTE - 120]


def test_a_wrong_granularity_is_named() -> None:
    query = (("start", 1), ("end", 2), ("granularity", "ONE_MINTUE"))
    status, error = refusal("/market/products/BTC-USD/candles", *query)
    assert (status, error["error"]) == (400, "unknown")
    assert error["message"] == 'parsing field "granularity": "ONE_MINTUE" is not a valid value'


@pytest.mark.parametrize(
    "query",
    [
        (("end", 2), ("granularity", "ONE_DAY")),
        (("start", 1), ("granularity", "ONE_DAY")),
        (("start", 1), ("end", 2)),
        (("start", "x"), ("end", 2), ("granularity", "ONE_DAY")),
        (("start", "-1"), ("end", 2), ("granularity", "ONE_DAY")),
        (("start", 9), ("end", 2), ("granularity", "ONE_DAY")),
        (("start", "9" * 30), ("end", 2), ("granularity", "ONE_DAY")),
    ],
)
def test_a_bad_window_is_an_invalid_argument(query: tuple[tuple[str, Any], ...]) -> None:
    status, error = refusal("/market/products/BTC-USD/candles", *query)
    assert (status, error["error"]) == (400, "INVALID_ARGUMENT")


# ---------------------------------------------------------------------------- products


def test_products_are_spot_unless_futures_are_asked_for() -> None:
    spot = body("/market/products")
    assert spot["num_products"] == len(spot["products"]) >= 500
    assert {product["product_type"] for product in spot["products"]} == {"SPOT"}
    future = body("/market/products", ("product_type", "FUTURE"))
    assert {product["product_type"] for product in future["products"]} == {"FUTURE"}
    every = body("/market/products", ("get_all_products", "true"))
    assert every["num_products"] == spot["num_products"] + future["num_products"]


def test_products_can_be_paged_and_picked() -> None:
    whole = [product["product_id"] for product in body("/market/products")["products"]]
    page = body("/market/products", ("limit", 7), ("offset", 3))["products"]
    assert [product["product_id"] for product in page] == whole[3:10]
    picked = body("/market/products", ("product_ids", "ETH-USD"), ("product_ids", "BTC-USD"))
    assert {product["product_id"] for product in picked["products"]} == {"BTC-USD", "ETH-USD"}


def test_aliases_point_both_ways() -> None:
    assert body("/market/products/BTC-USD")["alias_to"] == ["BTC-USDC"]
    alias = body("/market/products/BTC-USDC")
    assert (alias["alias"], alias["alias_to"]) == ("BTC-USD", [])
    assert (alias["quote_currency_id"], alias["quote_display_symbol"]) == ("USDC", "USD")
    assert body("/market/products/USDT-USDC")["alias"] == ""


def test_a_product_shows_its_last_price_and_day() -> None:
    told = body("/market/products/BTC-USD")
    product = world().products["BTC-USD"]
    last = world().last_trades("BTC-USD", 1, NOW_US)[0]
    bars = world().candles("BTC-USD", 60, MINUTE - DAY, NOW, NOW_US)
    assert told["price"] == product.price_step.write(last.price)
    assert told["high_24h"] == product.price_step.write(max(bar.high for bar in bars))
    assert told["volume_24h"] == product.size_step.write(sum(bar.volume for bar in bars))


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("BTC-USD", ("online", False, False, False)),
        ("REN-USD", ("delisted", True, True, False)),
        ("GST-USD", ("online", True, True, False)),
        ("PAX-USD", ("online", False, False, True)),
    ],
)
def test_what_cannot_be_traded_says_so(name: str, flags: tuple[str, bool, bool, bool]) -> None:
    told = body(f"/market/products/{name}")
    assert (
        told["status"], told["is_disabled"], told["trading_disabled"], told["view_only"]
    ) == flags  # fmt: skip


def test_a_product_that_no_longer_trades_has_no_price() -> None:
    assert body("/market/products/REN-USD")["price"] == ""


# ---------------------------------------------------------------------------- trades and books


def test_the_ticker_tells_the_last_trades_newest_first() -> None:
    told = body("/market/products/BTC-USD/ticker", ("limit", 5))
    truth = world().last_trades("BTC-USD", 5, NOW_US)
    assert [int(trade["trade_id"]) for trade in told["trades"]] == [
        trade.trade_id for trade in reversed(truth)
    ]
    assert float(told["best_bid"]) < float(told["best_ask"])


def test_the_ticker_can_be_asked_for_a_span() -> None:
    query = (("limit", 100), ("start", NOW - 30), ("end", NOW - 10))
    told = body("/market/products/BTC-USD/ticker", *query)["trades"]
    truth = world().trades("BTC-USD", (NOW - 30) * 1_000_000 - 1, (NOW - 10) * 1_000_000)
    assert [int(t["trade_id"]) for t in told] == [t.trade_id for t in reversed(truth)][:100]


def test_the_ticker_of_a_thin_product_reaches_back_for_hours() -> None:
    assert len(body(f"/market/products/{THIN}/ticker", ("limit", 100))["trades"]) == 100


def test_an_absurd_limit_breaks_the_ticker_as_in_production() -> None:
    assert refusal("/market/products/BTC-USD/ticker", ("limit", 1_001)) == (
        500,
        {"error": "INTERNAL"},
    )
    assert refusal("/market/products/BTC-USD/ticker")[0] == 400


def test_the_book_is_ordered_from_the_touch() -> None:
    told = body("/market/product_book", ("product_id", "BTC-USD"), ("limit", 5))
    bids = [float(level["price"]) for level in told["pricebook"]["bids"]]
    asks = [float(level["price"]) for level in told["pricebook"]["asks"]]
    assert len(bids) == len(asks) == 5
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "path",
    ["/accounts", "/products", "/products/BTC-USD/candles", "/key_permissions", "/orders", ""],
)
def test_private_paths_want_a_token(path: str) -> None:
    answer = get(path)
    assert (answer.status, answer.body, answer.content_type) == (
        401,
        b"Unauthorized\n",
        "text/plain",
    )


def test_nothing_can_be_posted() -> None:
    assert get("/market/products", method="POST").status == 401


def test_an_unknown_product_is_named() -> None:
    for path in ("", "/candles", "/ticker"):
        status, error = refusal(f"/market/products/NOPE-USD{path}")
        assert status == 404
        assert error == {"error": "NOT_FOUND", "message": "Product NOPE-USD not supported"}
    assert refusal("/market/product_book")[1]["message"] == "valid product_id is required"


def test_an_unknown_path_is_not_found() -> None:
    assert refusal("/market/nonsense")[0] == 404


def test_a_wrong_product_type_is_named() -> None:
    status, error = refusal("/market/products", ("product_type", "OPTIONS"))
    assert status == 400
    assert error["message"] == 'parsing field "product_type": "OPTIONS" is not a valid value'


def test_time_is_the_simulated_time() -> None:
    assert body("/time") == {
        "iso": "2026-09-30T02:39:54Z",
        "epochSeconds": str(NOW),
        "epochMillis": str(NOW_US // 1_000),
    }
