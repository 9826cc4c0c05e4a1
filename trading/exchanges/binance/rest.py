"""Binance's public REST interface: requests as data, answers as values.

Rule 1: nothing is sent from here; a shell carries the request and brings the answer.
Rule 2: an answer is whole or an error: a candle that is no candle fails the request.
Rule 3: what a market is called, and what it is made of, is read off the list of instruments.

Source: github.com/binance/binance-spot-api-docs, rest-api.md (2026-07-21); weights as there.
"""

from __future__ import annotations

from math import isfinite

import msgspec

from trading.core.errors import Malformed
from trading.core.market import Candle, Instrument, Market, Ticker, Timeframe
from trading.exchanges.binance.frames import NAME, Identifier, Milliseconds, Price, Quantity
from trading.exchanges.binance.refusals import read
from trading.exchanges.ports import Request, Response

CANDLES_PER_REQUEST = 1_000

ASSETS = {"BCHSV": "BSV", "YOYO": "YOYOW"}
"""What the venue calls a coin, to what everybody else does. Elsewhere its words are our words."""

_TRADING = "TRADING"
_STATUSES = {
    _TRADING: "no spot market",  # what it is, if it trades and is not streamed
    "BREAK": "trading is suspended",
    "HALT": "trading is halted",
    "END_OF_DAY": "trading has ended for the day",
    "CANCEL_ONLY": "orders can only be cancelled",
}


class _Row(msgspec.Struct, array_like=True, gc=False):
    """The beginning of a row of twelve; the last three are not taken."""

    opened_ms: Milliseconds
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    closes_ms: Milliseconds
    quote_volume: Quantity
    trades: Identifier


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: str = ""
    step_size: str = ""


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    is_spot_trading_allowed: bool = True
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


class _Day(msgspec.Struct, rename="camel"):
    symbol: str
    last_price: str
    price_change_percent: str = ""
    volume: str = ""
    quote_volume: str = ""


class _Time(msgspec.Struct):
    server_time: Milliseconds = msgspec.field(name="serverTime")


_candles = msgspec.json.Decoder(list[_Row], strict=False)
_info = msgspec.json.Decoder(_ExchangeInfo)
_days = msgspec.json.Decoder(list[_Day])
_day = msgspec.json.Decoder(_Day)
_time = msgspec.json.Decoder(_Time)


def instruments_request() -> Request:
    """All symbols, without who may trade them."""
    query = {"showPermissionSets": "false"}
    return Request(method="GET", path="/api/v3/exchangeInfo", query=query, weight=20)


def instruments(response: Response) -> list[Instrument]:
    """All of them, those that are suspended too; the list tells no price."""
    return [_instrument(listed) for listed in read(response, _info).symbols]


def tickers_request() -> Request:
    """Of every market."""
    return Request(method="GET", path="/api/v3/ticker/24hr", weight=80)


def tickers(response: Response) -> list[Ticker]:
    """What each market did in 24 hours."""
    return [_ticker(day) for day in read(response, _days)]


def ticker_request(native: str) -> Request:
    """Of one market."""
    return Request(method="GET", path="/api/v3/ticker/24hr", query={"symbol": native}, weight=2)


def ticker(response: Response) -> Ticker:
    """What that market did in 24 hours."""
    return _ticker(read(response, _day))


def candles_request(native: str, timeframe: Timeframe, start: int, end: int) -> Request:
    """Candles of the buckets opened in ``[start, end]``, unix seconds; both ends are included.

    Raises:
        ValueError: If that is more than one request may ask.
    """
    buckets = (end - start) // timeframe.seconds + 1
    if not 1 <= buckets <= CANDLES_PER_REQUEST:
        raise ValueError(f"a request must span 1 to {CANDLES_PER_REQUEST} candles, was {buckets}")
    query = {
        "symbol": native,
        "interval": str(timeframe),  # the venue's words are ours: 1m, 4h, 1d
        "startTime": str(start * 1_000),
        "endTime": str(end * 1_000),
        "limit": str(CANDLES_PER_REQUEST),
    }
    return Request(method="GET", path="/api/v3/klines", query=query, weight=2)


def candles(response: Response, symbol: str, timeframe: Timeframe) -> list[Candle]:
    """Oldest first. Buckets without a trade, which the venue tells flat, are left out."""
    market = Market(NAME, symbol)
    rows = {row.opened_ms: row for row in read(response, _candles)}
    return [_candle(market, timeframe, rows[at]) for at in sorted(rows) if rows[at].trades]


def server_time_request() -> Request:
    """The venue's clock."""
    return Request(method="GET", path="/api/v3/time")


def server_time(response: Response) -> int:
    """Unix microseconds, to the millisecond."""
    return read(response, _time).server_time * 1_000


def asset(native: str) -> str:
    """What everybody calls a coin of the venue."""
    return ASSETS.get(native, native)


def _candle(market: Market, timeframe: Timeframe, row: _Row) -> Candle:
    if row.opened_ms % (timeframe.seconds * 1_000) or row.low > row.high:
        raise Malformed(NAME, f"{market.symbol} {timeframe}: impossible candle {row}")
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=row.opened_ms // 1_000,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
    )


def _instrument(listed: _Symbol) -> Instrument:
    base, quote = asset(listed.base_asset), asset(listed.quote_asset)
    filters = {one.filter_type: one for one in listed.filters}
    is_streamable = listed.status == _TRADING and listed.is_spot_trading_allowed
    none = _Filter("")
    return Instrument(
        market=Market(NAME, f"{base}-{quote}"),
        base=base,
        quote=quote,
        price_increment=_trimmed(filters.get("PRICE_FILTER", none).tick_size),
        base_increment=_trimmed(filters.get("LOT_SIZE", none).step_size),
        streamable=is_streamable,
        status="" if is_streamable else _STATUSES.get(listed.status, listed.status.lower()),
        native=listed.symbol,
    )


def _trimmed(text: str) -> str:
    """A decimal without the zeros with which the venue fills up eight places."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ticker(day: _Day) -> Ticker:
    return Ticker(
        symbol=day.symbol,
        price=_price(day.last_price),
        change_24h=_finite(day.price_change_percent),
        base_volume_24h=_amount(day.volume),
        quote_volume_24h=_amount(day.quote_volume),
    )


def _price(text: str) -> float | None:
    """Unknown where it is zero: what never traded has none."""
    return _amount(text) or None


def _amount(text: str) -> float | None:
    """A figure for display and ranking; anything odd is unknown."""
    value = _finite(text)
    return None if value is None or value < 0.0 else value


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
