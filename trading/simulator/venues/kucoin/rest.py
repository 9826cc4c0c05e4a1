"""KuCoin's public REST paths, and how it says no.

Rule 1: pure, but for the tokens that it gives out; a request becomes the data of an answer.

Paths and errors: www.kucoin.com/docs, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading.simulator.catalog import Product
from trading.simulator.venues.kucoin import rows
from trading.simulator.venues.kucoin.asked import (
    NOT_FOUND,
    PARAMETER,
    Refused,
    mandatory,
    refusal,
    seconds,
)
from trading.simulator.venues.kucoin.limits import OVERLOADED
from trading.simulator.venues.kucoin.tokens import PING_INTERVAL_MS, PING_TIMEOUT_MS, Tokens
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World

WEBSOCKET_PATH = "/endpoint"
MOST_CANDLES, USUAL_CANDLES = 1_500, 100
INTERVALS = {
    "1min": 60,
    "3min": 180,
    "5min": 300,
    "15min": 900,
    "30min": 1_800,
    "1hour": 3_600,
    "2hour": 7_200,
    "4hour": 14_400,
    "6hour": 21_600,
    "8hour": 28_800,
    "12hour": 43_200,
    "1day": 86_400,
}
"""Those that the world can tell; the venue has a week and a month too."""

TROUBLES: Mapping[Trouble, Answer] = {
    "throttled": OVERLOADED,
    "business": refusal("200004", "Balance insufficient!"),
    "unauthorized": refusal("400003", "KC-API-KEY not exists", status=401),
    "internal": refusal("500000", "Internal Server Error", status=500),
    "bad_gateway": Answer(
        status=502,
        body=b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n",
        content_type="text/html",
    ),
    "malformed": Answer(status=200, body=b'{"code":"200000","data":[["1790769600","606'),
}


def data(world: World, names: Mapping[str, Product], tokens: Tokens, ask: Ask, at: Moment) -> Any:
    """The data of a public answer. Raises: Refused."""
    match ask.method, ask.path:
        case "POST", "/api/v1/bullet-public":
            return _bullet(tokens, ask, at)
        case "GET", "/api/v1/timestamp":
            return _told_ms(at)
        case "GET", "/api/v1/status":
            return {"status": "open", "msg": ""}
        case "GET", "/api/v2/symbols":
            return _symbols(world, names, ask, at)
        case "GET", "/api/v1/market/allTickers":
            listed = world.listing(at.now_us)
            ticker = [rows.ticker(one, listed[one.product_id]) for one in names.values()]
            return {"time": _told_ms(at), "ticker": ticker}
        case "GET", "/api/v1/market/stats":
            product = _listed(world, names, ask, at)
            told = rows.day(product, world.statistics(product.product_id, at.now_us))
            return {"time": _told_ms(at), **told}
        case "GET", "/api/v1/market/candles":
            return _candles(world, names, ask, at)
    raise Refused(NOT_FOUND, "Url Not Found", status=404)


def _bullet(tokens: Tokens, ask: Ask, at: Moment) -> Any:
    server = {
        "endpoint": f"ws://{ask.headers.get('host', 'localhost')}{WEBSOCKET_PATH}",
        "encrypt": False,
        "protocol": "websocket",
        "pingInterval": PING_INTERVAL_MS,
        "pingTimeout": PING_TIMEOUT_MS,
    }
    return {"token": tokens.new(at.steady), "instanceServers": [server]}


def _symbols(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Any:
    here = (world.product_at(one.product_id, at.now_us) for one in names.values())
    told = [rows.symbol(product) for product in here if product is not None]
    market = ask.first("market")
    return [one for one in told if market in {None, "", one["market"]}]


def _candles(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Any:
    """Newest first, without the buckets in which nothing was traded; ``endAt`` is not counted in.

    Where the span holds more than are told, it is the oldest that are left out.
    """
    product = _listed(world, names, ask, at)
    length = INTERVALS.get(mandatory(ask, "type"))
    if length is None:
        raise Refused(PARAMETER, "Incorrect candlestick type.")
    newest = at.now_us // 1_000_000
    end = seconds(ask, "endAt", newest + 1)
    start = seconds(ask, "startAt", end - USUAL_CANDLES * length)
    last = min(end - 1, newest)
    first = max(start, last - 10 * MOST_CANDLES * length)
    found = world.candles(product.product_id, length, first, last, at.now_us)
    return [rows.candle(product, bar) for bar in reversed(found[-MOST_CANDLES:])]


def _listed(world: World, names: Mapping[str, Product], ask: Ask, at: Moment) -> Product:
    product = names.get(mandatory(ask, "symbol"))
    found = None if product is None else world.product_at(product.product_id, at.now_us)
    if found is None:
        raise Refused(PARAMETER, "Unsupported trading pair.")
    return found


def _told_ms(at: Moment) -> int:
    return at.told_ns // 1_000_000
