"""The JSON of KuCoin spot, each piece made of the world's integers.

Rule 1: one function, one object; no envelope and no error here.

Field lists: the tests of github.com/Kucoin/kucoin-universal-sdk, and recorded frames.
"""

from __future__ import annotations

from typing import Any

from trading.simulator.catalog import Product
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.kucoin import listing
from trading.simulator.world import Statistics

Row = dict[str, Any]

_FEES = {
    "takerFeeRate": "0.001",
    "makerFeeRate": "0.001",
    "takerCoefficient": "1",
    "makerCoefficient": "1",
}
_NULLS = (
    "callauctionPriceFloor",
    "callauctionPriceCeiling",
    "callauctionFirstStageStartTime",
    "callauctionSecondStageStartTime",
    "callauctionThirdStageStartTime",
    "tradingStartTime",
)


def sequence(one: Print) -> int:
    """A number that rises with the trades of a market, and leaves numbers out."""
    return one.trade_id * 3 + one.trade_id % 2


def match(product: Product, one: Print) -> Row:
    """A trade of ``/market/match``."""
    number = str(sequence(one))
    return {
        "makerOrderId": f"{one.trade_id:024x}",
        "price": product.price_step.write(one.price),
        "sequence": number,
        "side": "buy" if one.taker_buys else "sell",
        "size": product.size_step.write(one.size),
        "symbol": listing.native(product),
        "takerOrderId": f"{one.trade_id + 1:024x}",
        "time": str(one.time_us * 1_000),
        "tradeId": number,
        "type": "match",
    }


def candle(product: Product, bar: Bar) -> list[str]:
    """Seconds, open, close, high, low, base volume, turnover: in this order."""
    write = product.price_step.write
    prices = [write(one) for one in (bar.open, bar.close, bar.high, bar.low)]
    turnover = bar.volume * product.size_step.value * bar.close * product.price_step.value
    return [str(bar.opened_at), *prices, product.size_step.write(bar.volume), f"{turnover:.9f}"]


def day(product: Product, statistics: Statistics) -> Row:
    """What a market did in 24 hours; null where it never traded."""
    price, before = statistics.price, statistics.price_before or statistics.price or 0
    name, write = listing.native(product), product.price_step.write
    row: Row = {"symbol": name}
    if price is None:
        prices = ("buy", "sell", "changeRate", "changePrice", "high", "low", "last", "averagePrice")
        return row | dict.fromkeys(prices) | {"vol": "0", "volValue": "0"} | _FEES
    volume = statistics.volume * product.size_step.value
    moved = price - before
    return row | {
        "buy": write(price),
        "sell": write(price),
        "changeRate": f"{moved / before:.4f}" if before else "0",
        "changePrice": f"-{write(-moved)}" if moved < 0 else write(moved),
        "high": write(statistics.high),
        "low": write(statistics.low),
        "vol": product.size_step.write(statistics.volume),
        "volValue": f"{volume * price * product.price_step.value:.9f}",
        "last": write(price),
        "averagePrice": write(price),
        **_FEES,
    }


def ticker(product: Product, statistics: Statistics) -> Row:
    """A row of ``/market/allTickers``."""
    size = product.size_step.write(1)
    named = {"symbolName": listing.native(product), "bestBidSize": size, "bestAskSize": size}
    return day(product, statistics) | named


def symbol(product: Product) -> Row:
    """A row of ``/symbols``."""
    base, quote = listing.coin(product.base), listing.coin(product.quote)
    return {
        "symbol": listing.native(product),
        "name": f"{product.base}-{product.quote}",  # renamed with its coin; the symbol is not
        "baseCurrency": base,
        "quoteCurrency": quote,
        "feeCurrency": quote,
        "market": "USDS" if quote == "USDT" else quote,
        "baseMinSize": product.size_step.text,
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": product.size_step.text,
        "quoteIncrement": "0.000001",
        "priceIncrement": product.price_step.text,
        "priceLimitRate": "0.1",
        "minFunds": "0.1",
        "isMarginEnabled": False,
        "enableTrading": listing.trades(product),
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
        **dict.fromkeys(_NULLS),
    }
