"""Coinbase's public REST interface: requests as data, answers as values.

Rule 1: nothing is sent from here; a shell carries the request and brings the answer.
Rule 2: an answer is whole or an error: a candle that is no candle fails the request.

Source: docs.cdp.coinbase.com, Advanced Trade REST API, public endpoints, read 2026-11-20.
"""

from __future__ import annotations

from math import isfinite
from urllib.parse import quote

import msgspec

from trading.core.errors import Malformed
from trading.core.market import Candle, Instrument, InstrumentKind, Market, Ticker, Timeframe
from trading.exchanges.coinbase.frames import NAME, Price, Quantity
from trading.exchanges.coinbase.refusals import read
from trading.exchanges.ports import Request, Response

# The documentation says 350 since 2025 and said 300 before; 300 holds under both.
CANDLES_PER_REQUEST = 300

GRANULARITIES: dict[Timeframe, str] = {
    Timeframe.M1: "ONE_MINUTE",
    Timeframe.M5: "FIVE_MINUTE",
    Timeframe.M15: "FIFTEEN_MINUTE",
    Timeframe.H1: "ONE_HOUR",
    Timeframe.H4: "FOUR_HOUR",
    Timeframe.D1: "ONE_DAY",
}

ASSETS = {"CGLD": "CELO"}
"""What the venue calls a coin, to what everybody else does; its products keep their names."""

_KINDS = {"SPOT": InstrumentKind.SPOT, "FUTURE": InstrumentKind.FUTURE}


class _CandleRow(msgspec.Struct, gc=False):
    start: int
    low: Price
    high: Price
    open: Price
    close: Price
    volume: Quantity


class _Candles(msgspec.Struct):
    candles: list[_CandleRow]


class _Product(msgspec.Struct):
    product_id: str
    base_currency_id: str
    quote_currency_id: str
    product_type: str = "SPOT"
    status: str = ""
    is_disabled: bool = False
    trading_disabled: bool = False
    view_only: bool = False
    price_increment: str = ""
    base_increment: str = ""
    base_name: str = ""
    alias: str = ""
    price: str = ""
    price_percentage_change_24h: str = ""
    volume_24h: str = ""


class _Products(msgspec.Struct):
    products: list[_Product]


class _Time(msgspec.Struct):
    epoch_millis: int = msgspec.field(name="epochMillis")


_candles = msgspec.json.Decoder(_Candles, strict=False)
_products = msgspec.json.Decoder(_Products)
_product = msgspec.json.Decoder(_Product)
_time = msgspec.json.Decoder(_Time, strict=False)


def instruments_request() -> Request:
    """All products, futures and alias products among them."""
    return Request(method="GET", path="/market/products", query={"get_all_products": "true"})


def instruments(response: Response) -> list[Instrument]:
    """All of them, by the kind that they are; of a kind that is not known here, none."""
    listed = read(response, _products).products
    return [_instrument(product) for product in listed if product.product_type in _KINDS]


def tickers(response: Response) -> list[Ticker]:
    """Of the same answer: what each product did in 24 hours."""
    listed = read(response, _products).products
    return [_ticker(product) for product in listed if product.product_type in _KINDS]


def ticker_request(symbol: str) -> Request:
    """One product."""
    return Request(method="GET", path=f"/market/products/{quote(symbol, safe='')}")


def ticker(response: Response) -> Ticker:
    """What that product did in 24 hours."""
    return _ticker(read(response, _product))


def candles_request(symbol: str, timeframe: Timeframe, start: int, end: int) -> Request:
    """Candles of the buckets opened in ``[start, end]``, unix seconds; both ends are included.

    Raises:
        ValueError: If that is more than one request may ask.
    """
    buckets = (end - start) // timeframe.seconds + 1
    if not 1 <= buckets <= CANDLES_PER_REQUEST:
        raise ValueError(f"a request must span 1 to {CANDLES_PER_REQUEST} candles, was {buckets}")
    return Request(
        method="GET",
        path=f"/market/products/{quote(symbol, safe='')}/candles",
        query={"start": str(start), "end": str(end), "granularity": GRANULARITIES[timeframe]},
    )


def candles(response: Response, symbol: str, timeframe: Timeframe) -> list[Candle]:
    """Oldest first, though the venue answers newest first; empty buckets are absent."""
    market = Market(NAME, symbol)
    rows = {row.start: row for row in read(response, _candles).candles}
    return [_candle(market, timeframe, rows[start]) for start in sorted(rows)]


def server_time_request() -> Request:
    """The venue's clock."""
    return Request(method="GET", path="/time")


def server_time(response: Response) -> int:
    """Unix microseconds, to the millisecond."""
    return read(response, _time).epoch_millis * 1_000


def asset(native: str) -> str:
    """What everybody calls a coin of the venue."""
    return ASSETS.get(native, native)


def _candle(market: Market, timeframe: Timeframe, row: _CandleRow) -> Candle:
    if row.start % timeframe.seconds or row.low > row.high:
        raise Malformed(NAME, f"{market.symbol} {timeframe}: impossible candle {row}")
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=row.start,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
    )


def _instrument(product: _Product) -> Instrument:
    kind, status = _KINDS[product.product_type], _status(product)
    return Instrument(
        market=Market(NAME, product.product_id),
        base=asset(product.base_currency_id),
        quote=asset(product.quote_currency_id),
        price_increment=product.price_increment,
        base_increment=product.base_increment,
        streamable=kind is InstrumentKind.SPOT and not status,
        kind=kind,
        name=product.base_name,
        status=status or ("" if kind is InstrumentKind.SPOT else "no spot market"),
        alias_of=product.alias or None,
        price=_number(product.price),
    )


def _status(product: _Product) -> str:
    """Why no trades come of it; empty where they do."""
    if product.status != "online":
        return product.status or "not online"
    if product.is_disabled or product.trading_disabled:
        return "trading disabled"
    return "view only" if product.view_only else ""


def _ticker(product: _Product) -> Ticker:
    """The venue's own quote volume is called approximate, so it is made of the other figures."""
    price, volume = _number(product.price), _number(product.volume_24h)
    return Ticker(
        symbol=product.product_id,
        price=price,
        change_24h=_finite(product.price_percentage_change_24h),
        base_volume_24h=volume,
        quote_volume_24h=None if price is None or volume is None else price * volume,
    )


def _number(text: str) -> float | None:
    """A figure for display and ranking; "" (never traded) and anything odd are unknown."""
    value = _finite(text)
    return None if value is None or value < 0.0 else value


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
