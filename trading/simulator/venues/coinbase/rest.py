"""Coinbase Advanced Trade's public REST paths, and how it says no.

Rule 1: pure; a request as data becomes an answer as data.

Paths and errors: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api (read
2026-11) and production answers seen by several projects in 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from trading.simulator.book import depth
from trading.simulator.catalog import Product
from trading.simulator.clock import rfc3339
from trading.simulator.venues.coinbase import rows
from trading.simulator.venues.coinbase.asked import Refused, enum, error, integer, invalid
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World

PREFIX = "/api/v3/brokerage"
GRANULARITIES = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1_800,
    "ONE_HOUR": 3_600,
    "TWO_HOUR": 7_200,
    "FOUR_HOUR": 14_400,
    "SIX_HOUR": 21_600,
    "ONE_DAY": 86_400,
}
MOST_CANDLES = 350
_TOO_MANY = (
    "start and end argument is invalid - "
    f"number of candles requested should be less than {MOST_CANDLES} "  # the blank is theirs
)
_MOST_TRADES = 100
_ABSURD_TRADES = 1_000  # above this production answers 500
_MOST_LEVELS = 25
_PUBLIC = {"cache-control": "public, max-age=14400"}  # as production sends it, odd as it is

UNAUTHORIZED = Answer(status=401, body=b"Unauthorized\n", content_type="text/plain")
THROTTLED = Answer(
    status=429,
    body=b'{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}',
)
_FUNDS = "[PORTFOLIO_ERROR_CODE_INSUFFICIENT_FUNDS] insufficient funds"
TROUBLES: Mapping[Trouble, Answer] = {
    "throttled": THROTTLED,
    # The same status for what never passes: a trap that production sets.
    "business": Answer(status=429, body=msgspec.json.encode(error("unknown", _FUNDS))),
    "unauthorized": UNAUTHORIZED,  # as throttled requests with a key have been answered
    "internal": Answer(status=500, body=b'{"error":"INTERNAL"}'),
    "bad_gateway": Answer(
        status=502,
        body=b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n",
        content_type="text/html",
    ),
    "malformed": Answer(status=200, body=b'{"candles":[{"start":"17907'),
}


def parts(ask: Ask) -> list[str]:
    """The path below :data:`PREFIX`, at its slashes."""
    return ask.path.removeprefix(PREFIX).strip("/").split("/")


def is_public(ask: Ask) -> bool:
    """Whether it is answered without a token."""
    return ask.method == "GET" and parts(ask)[0] in {"time", "market"}


def answer(world: World, ask: Ask, at: Moment) -> Answer:
    """The answer to one public request below :data:`PREFIX`."""
    try:
        body = public(world, parts(ask), ask, at)
    except Refused as refused:
        return refused.answer
    return Answer(status=200, body=msgspec.json.encode(body), headers=_PUBLIC)


def public(world: World, path: list[str], ask: Ask, at: Moment) -> Any:
    """The body of a public answer. Raises: Refused."""
    match path:
        case ["time"]:
            return _time(at)
        case ["market", "products"]:
            return _products(world, ask, at)
        case ["market", "product_book"]:
            return _product_book(world, ask, at)
        case ["market", "products", product_id]:
            now_us = at.now_us
            product = _listed(world, product_id, now_us)
            return rows.rest_product(
                product, world.statistics(product_id, now_us), _aliases(world, product), now_us
            )
        case ["market", "products", product_id, "candles"]:
            return _candles(world, _listed(world, product_id, at.now_us), ask, at)
        case ["market", "products", product_id, "ticker"]:
            return _ticker(world, _listed(world, product_id, at.now_us), ask, at)
    raise Refused(404, {"error": "NOT_FOUND", "message": "Not Found"})


def _time(at: Moment) -> dict[str, str]:
    return {
        "iso": rfc3339(at.told_ns, digits=0),
        "epochSeconds": str(at.told_ns // 1_000_000_000),
        "epochMillis": str(at.told_ns // 1_000_000),
    }


def _products(world: World, ask: Ask, at: Moment) -> dict[str, Any]:
    kind = enum(ask, "product_type", ("SPOT", "FUTURE", "UNKNOWN_PRODUCT_TYPE")) or "SPOT"
    every = ask.first("get_all_products") == "true"
    wanted = set(ask.every("product_ids"))
    statistics = world.listing(at.now_us)
    chosen = [
        product
        for product in world.products.values()
        if (product.product_id in wanted if wanted else every or product.kind.upper() == kind)
    ]
    offset = integer(ask, "offset", 0)
    limit = integer(ask, "limit", 0) or len(chosen)
    listed = [
        rows.rest_product(
            _listed(world, product.product_id, at.now_us),
            statistics[product.product_id],
            _aliases(world, product),
            at.now_us,
        )
        for product in chosen[offset : offset + limit]
    ]
    return {"products": listed, "num_products": len(listed), "pagination": None}


def _candles(world: World, product: Product, ask: Ask, at: Moment) -> dict[str, Any]:
    length = GRANULARITIES.get(enum(ask, "granularity", GRANULARITIES) or "")
    if length is None:
        raise invalid("granularity argument is invalid")
    start, end = integer(ask, "start"), integer(ask, "end")
    if end < start:
        raise invalid("start and end argument is invalid - start must be before end")
    if end - start >= MOST_CANDLES * length:
        raise invalid(_TOO_MANY)
    bars = world.candles(product.product_id, length, start, end, at.now_us)
    bars.reverse()
    if limit := integer(ask, "limit", 0):
        bars = bars[:limit]
    return {"candles": [rows.rest_candle(product, bar) for bar in bars]}


def _ticker(world: World, product: Product, ask: Ask, at: Moment) -> dict[str, Any]:
    limit = integer(ask, "limit")
    if limit > _ABSURD_TRADES:
        raise Refused(500, {"error": "INTERNAL"})
    after_us = integer(ask, "start", 0) * 1_000_000 - 1
    until_us = min(integer(ask, "end", 2**40) * 1_000_000, at.now_us)
    name = product.product_id
    found = world.last_trades(name, min(limit, _MOST_TRADES), until_us, max(after_us, 0))
    last = world.last_trades(name, 1, at.now_us)
    book = depth(product, last[0].price, last[0].taker_buys, at.now_us) if last else None
    return {
        "trades": [rows.rest_trade(product, printed) for printed in reversed(found)],
        "best_bid": product.price_step.write(book.bids[0][0]) if book else "",
        "best_ask": product.price_step.write(book.asks[0][0]) if book else "",
    }


def _product_book(world: World, ask: Ask, at: Moment) -> dict[str, Any]:
    product = _listed(world, ask.first("product_id") or "", at.now_us)
    last = world.last_trades(product.product_id, 1, at.now_us)
    if not last:
        raise invalid(f"Product {product.product_id} has no book")
    book = depth(product, last[0].price, last[0].taker_buys, at.now_us)
    levels = min(integer(ask, "limit", 0) or _MOST_LEVELS, _MOST_LEVELS)
    bid, ask_price = book.bids[0][0], book.asks[0][0]
    middle = (bid + ask_price) / 2 * product.price_step.value
    spread = (ask_price - bid) * product.price_step.value
    shown = f"{middle:.{product.price_step.decimals + 1}f}"
    return {
        "pricebook": {
            "product_id": product.product_id,
            "bids": [rows.rest_level(product, *level) for level in book.bids[:levels]],
            "asks": [rows.rest_level(product, *level) for level in book.asks[:levels]],
            "time": rfc3339(at.now_ns, digits=6),
        },
        "last": product.price_step.write(last[0].price),
        "mid_market": shown,
        "spread_bps": f"{spread / middle * 10_000:.12f}",
        "spread_absolute": product.price_step.write(ask_price - bid),
    }


def _listed(world: World, product_id: str, now_us: int) -> Product:
    if not product_id:
        raise Refused(404, error("NOT_FOUND", "valid product_id is required"))
    product = world.product_at(product_id, now_us)
    if product is None:
        message = f"Product {product_id} not supported"
        raise Refused(404, {"error": "NOT_FOUND", "message": message})
    return product


def _aliases(world: World, product: Product) -> list[str]:
    other = f"{product.base}-USDC"
    listed = world.products.get(other)
    return [other] if listed and listed.alias_of == product.product_id else []
