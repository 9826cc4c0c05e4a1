"""The JSON of Binance spot, each piece made of the world's integers.

Rule 1: one function, one object; no envelope and no error here.

Field lists: github.com/binance/binance-spot-api-docs (2026-07-21), held against recorded answers of
2021 and 2026; the shapes are in the tests.
"""

from __future__ import annotations

from typing import Any

from trading.simulator.catalog import Product
from trading.simulator.steps import Step
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.binance import listing
from trading.simulator.world import Statistics

Row = dict[str, Any]

_PLACES = 8
_NO_TRADES = -1  # the first and the last id of a bucket without any


def written(step: Step, count: int) -> str:
    """So many steps, filled up with zeros to eight places."""
    return padded(step.write(count))


def padded(text: str) -> str:
    """A decimal with at least eight places."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(_PLACES, '0')}"


def aggregate_trade(product: Product, one: Print, event_ms: int) -> Row:
    """An ``aggTrade``. Here each is of one trade."""
    return {
        "e": "aggTrade",
        "E": event_ms,
        "s": listing.native(product),
        "a": one.trade_id,
        "p": written(product.price_step, one.price),
        "q": written(product.size_step, one.size),
        "f": one.trade_id,
        "l": one.trade_id,
        "T": one.time_us // 1_000,
        "m": not one.taker_buys,
        "M": True,
    }


def trade(product: Product, one: Print, event_ms: int) -> Row:
    """A ``trade``."""
    row = aggregate_trade(product, one, event_ms)
    kept = {name: row[name] for name in ("E", "s", "p", "q", "T", "m", "M")}
    return {"e": "trade", "t": one.trade_id, **kept}


def kline(
    product: Product, bar: Bar, interval: str, closes_at: int, *, last_id: int, at_ms: int
) -> Row:
    """A ``kline``; closed when its time is over.

    Args:
        closes_at: When the next one opens, unix seconds.
        last_id: Of its last trade.
        at_ms: When it is told.
    """
    name, closes_ms = listing.native(product), closes_at * 1_000 - 1
    prices, volumes = _prices(product, bar), _volumes(product, bar)
    return {
        "e": "kline",
        "E": at_ms,
        "s": name,
        "k": {
            "t": bar.opened_at * 1_000,
            "T": closes_ms,
            "s": name,
            "i": interval,
            "f": last_id - bar.trades + 1 if bar.trades else _NO_TRADES,
            "L": last_id if bar.trades else _NO_TRADES,
            **dict(zip(("o", "h", "l", "c"), prices, strict=True)),
            "v": volumes[0],
            "n": bar.trades,
            "x": at_ms > closes_ms,
            **dict(zip(("q", "V", "Q"), volumes[1:], strict=True)),
            "B": "0",
        },
    }


def rest_kline(product: Product, bar: Bar, closes_at: int) -> list[Any]:
    """A row of ``/klines``; ``closes_at`` is when the next one opens, unix seconds."""
    volume, quote_volume, taker_base, taker_quote = _volumes(product, bar)
    return [
        bar.opened_at * 1_000,
        *_prices(product, bar),
        volume,
        closes_at * 1_000 - 1,
        quote_volume,
        bar.trades,
        taker_base,
        taker_quote,
        "0",
    ]


def day(product: Product, statistics: Statistics, now_ms: int, *, is_mini: bool) -> Row:
    """A row of ``/ticker/24hr``; a market that never traded shows zeros."""
    step = product.price_step
    price, before = statistics.price or 0, statistics.price_before or statistics.price or 0
    volume = statistics.volume * product.size_step.value
    change = f"{(price / before - 1.0) * 100.0:.3f}" if before else "0.000"
    mini = {
        "symbol": listing.native(product),
        "openPrice": written(step, before),
        "highPrice": written(step, statistics.high),
        "lowPrice": written(step, statistics.low),
        "lastPrice": written(step, price),
        "volume": written(product.size_step, statistics.volume),
        "quoteVolume": f"{volume * price * step.value:.8f}",
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 0,
        "lastId": 0,
        "count": 0,
    }
    if is_mini:
        return mini
    shown = written(step, price)
    return mini | {
        "priceChange": _signed(step, price - before),
        "priceChangePercent": change,
        "weightedAvgPrice": shown,
        "prevClosePrice": written(step, before),
        "lastQty": written(product.size_step, 1),
        "bidPrice": shown,
        "bidQty": written(product.size_step, 1),
        "askPrice": shown,
        "askQty": written(product.size_step, 1),
    }


def symbol(product: Product, *, permissions: bool) -> Row:
    """A symbol of ``/exchangeInfo``."""
    tick, size = padded(product.price_step.text), padded(product.size_step.text)
    row: Row = {
        "symbol": listing.native(product),
        "status": listing.status(product),
        "baseAsset": product.base,
        "baseAssetPrecision": 8,
        "quoteAsset": product.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        **dict.fromkeys(("icebergAllowed", "ocoAllowed", "otoAllowed", "opoAllowed"), True),
        "quoteOrderQtyMarketAllowed": True,
        **dict.fromkeys(("allowTrailingStop", "cancelReplaceAllowed", "amendAllowed"), True),
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": size,
                "maxQty": "9000.00000000",
                "stepSize": size,
            },
            {"filterType": "ICEBERG_PARTS", "limit": 100},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]] if permissions else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
    return row


def _prices(product: Product, bar: Bar) -> list[str]:
    step = product.price_step
    return [written(step, one) for one in (bar.open, bar.high, bar.low, bar.close)]


def _volumes(product: Product, bar: Bar) -> list[str]:
    """Base, quote, and what takers bought of both: about half."""
    step, price = product.size_step, bar.close * product.price_step.value
    base, bought = bar.volume * step.value, bar.volume // 2
    return [
        written(step, bar.volume),
        f"{base * price:.8f}",
        written(step, bought),
        f"{bought * step.value * price:.8f}",
    ]


def _signed(step: Step, count: int) -> str:
    return f"-{written(step, -count)}" if count < 0 else written(step, count)
