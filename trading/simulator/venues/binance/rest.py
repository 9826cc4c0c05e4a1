"""Binance's public REST paths, and how it says no.

Rule 1: pure; a request as data becomes an answer as data.

Paths and errors: github.com/binance/binance-spot-api-docs, rest-api.md (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from trading.simulator.catalog import Product
from trading.simulator.venues.binance import rows
from trading.simulator.venues.binance.asked import Refused, integer, mandatory, symbol
from trading.simulator.venues.binance.bars import bars
from trading.simulator.venues.binance.intervals import INTERVALS
from trading.simulator.venues.binance.limits import WEIGHT_A_MINUTE, refused
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World

MOST_CANDLES, USUAL_CANDLES = 1_000, 500

THROTTLED = refused(429, "Too many requests; please use WebSocket Streams for live updates.", 1.0)
TROUBLES: Mapping[Trouble, Answer] = {
    "throttled": THROTTLED,
    "business": Answer(
        status=400, body=b'{"code":-2010,"msg":"Account has insufficient balance."}'
    ),
    "unauthorized": Answer(
        status=401,
        body=b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}',
    ),
    "internal": Answer(status=500, body=b'{"code":-1000,"msg":"An unknown error occurred."}'),
    "bad_gateway": Answer(
        status=502,
        body=b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n",
        content_type="text/html",
    ),
    "malformed": Answer(status=200, body=b'[[1790769600000,"606'),
}
_RATES = (
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_A_MINUTE),
    ("ORDERS", "SECOND", 10, 50),
    ("ORDERS", "DAY", 1, 160_000),
    ("RAW_REQUESTS", "MINUTE", 5, 300_000),
)


def answer(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Any:
    """The body of a public answer. Raises: Refused."""
    if ask.method != "GET":
        raise Refused(-1020, "This operation is not supported.")
    match ask.path:
        case "/api/v3/ping":
            return {}
        case "/api/v3/time":
            return {"serverTime": _told_ms(at)}
        case "/api/v3/exchangeInfo":
            return _exchange_info(world, names, ask, at)
        case "/api/v3/ticker/24hr":
            return _days(world, names, ask, at)
        case "/api/v3/klines":
            return _klines(world, names, ask, at)
    raise Refused(-1020, "Not found.", status=404)


def _exchange_info(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Any:
    asked = [symbol(ask)] if ask.first("symbol") else _named(ask) or list(names)
    chosen = [_listed(world, names, name, at) for name in asked]
    sets = ask.first("showPermissionSets") != "false"
    keys = ("rateLimitType", "interval", "intervalNum", "limit")
    return {
        "timezone": "UTC",
        "serverTime": _told_ms(at),
        "rateLimits": [dict(zip(keys, rate, strict=True)) for rate in _RATES],
        "exchangeFilters": [],
        "symbols": [rows.symbol(product, permissions=sets) for product in chosen],
    }


def _days(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Any:
    kind = ask.first("type") or "FULL"
    if kind not in {"FULL", "MINI"}:
        raise Refused(-1139, "Invalid ticker type.")
    is_mini = kind == "MINI"
    if ask.first("symbol"):
        product = _listed(world, names, symbol(ask), at)
        statistics = world.statistics(product.product_id, at.now_us)
        return rows.day(product, statistics, _told_ms(at), is_mini=is_mini)
    listed = world.listing(at.now_us)
    chosen = [names[name] for name in _named(ask) or names if name in names]
    return [
        rows.day(product, listed[product.product_id], _told_ms(at), is_mini=is_mini)
        for product in chosen
    ]


def _klines(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> list[Any]:
    product = _listed(world, names, symbol(ask), at)
    interval = INTERVALS.get(mandatory(ask, "interval"))
    if interval is None:
        raise Refused(-1120, "Invalid interval.")
    limit = min(integer(ask, "limit", USUAL_CANDLES), MOST_CANDLES)
    start, end = integer(ask, "startTime", -1), integer(ask, "endTime", -1)
    newest = at.now_us // 1_000_000
    last = newest if end < 0 else min(end // 1_000, newest)
    if start < 0:
        first = interval.shifted(interval.opening(last), 1 - limit)
    else:
        start = -(-start // 1_000)
        if start > last:
            return []
        first = interval.opening(start)
        first = first if first == start else interval.shifted(first, 1)
        last = min(last, interval.shifted(first, limit - 1))
    found = bars(world, product, interval, max(first, 0), last, at.now_us)
    return [rows.rest_kline(product, bar, interval.shifted(bar.opened_at, 1)) for bar in found]


def _named(ask: Ask) -> list[str]:
    """The symbols of a list in JSON. Raises: Refused."""
    text = ask.first("symbols")
    if text is None:
        return []
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        message = "Illegal characters found in parameter 'symbols'; legal range is a list."
        raise Refused(-1100, message) from None


def _listed(world: World, names: Mapping[str, Product], name: str, at: Moment) -> Product:
    product = names.get(name)
    found = None if product is None else world.product_at(product.product_id, at.now_us)
    if found is None:
        raise Refused(-1121, "Invalid symbol.")
    return found


def _told_ms(at: Moment) -> int:
    return at.told_ns // 1_000_000
