"""KuCoin's public REST interface: requests as data, answers as values.

Rule 1: nothing is sent from here; a shell carries the request and brings the answer.
Rule 2: an answer is whole or an error: a candle that is no candle fails the request.
Rule 3: a market is known by its ``symbol``, which stays, and called by the coins that it is made
    of. Its ``name`` may change, and is not read.

Source: www.kucoin.com/docs, market data, read 2026-11-20; weights after the venue's own client,
github.com/Kucoin/kucoin-universal-sdk.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from math import isfinite
from types import MappingProxyType
from typing import Annotated

import msgspec

from trading.core.errors import Malformed
from trading.core.market import Candle, Instrument, Market, Ticker, Timeframe
from trading.exchanges.kucoin.frames import NAME, Price, Quantity
from trading.exchanges.kucoin.refusals import read
from trading.exchanges.ports import Request, Response

CANDLES_PER_REQUEST = 1_500

ASSETS = MappingProxyType(
    {
        "BCHSV": "BSV",
        "BIFI": "BIFIF",
        "VAI": "VAIOT",
        "WAX": "WAXP",
        "ALT": "APTOSLAUNCHTOKEN",
        "KALT": "ALT",
    }
)
"""What the venue calls a coin, to what everybody else does. Elsewhere its words are our words."""

_WORDS = MappingProxyType(
    {
        Timeframe.M1: "1min",
        Timeframe.M5: "5min",
        Timeframe.M15: "15min",
        Timeframe.H1: "1hour",
        Timeframe.H4: "4hour",
        Timeframe.D1: "1day",
    }
)

Seconds = Annotated[int, msgspec.Meta(ge=0, lt=10**11)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**14)]


class _Row(msgspec.Struct, array_like=True, gc=False):
    """The venue's order: the close comes before the high and the low."""

    opened_at: Seconds
    open: Price
    close: Price
    high: Price
    low: Price
    volume: Quantity
    quote_volume: Quantity


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_currency: str
    quote_currency: str
    base_increment: str
    price_increment: str
    enable_trading: bool


class _Day(msgspec.Struct, rename="camel"):
    """What is null of a market that never traded is unknown."""

    symbol: str
    last: str | None = None
    change_rate: str | None = None
    vol: str | None = None
    vol_value: str | None = None


class _Days(msgspec.Struct):
    ticker: list[_Day]


_candles = msgspec.json.Decoder(list[_Row], strict=False)
_symbols = msgspec.json.Decoder(list[_Symbol])
_days = msgspec.json.Decoder(_Days)
_day = msgspec.json.Decoder(_Day)
_time = msgspec.json.Decoder(Milliseconds)


def instruments_request() -> Request:
    """All symbols."""
    return Request(method="GET", path="/api/v2/symbols", weight=4)


def instruments(response: Response) -> list[Instrument]:
    """All of them, those that are suspended too; the list tells no price."""
    return [_instrument(listed) for listed in read(response, _symbols)]


def tickers_request() -> Request:
    """Of every market, as of the last two seconds."""
    return Request(method="GET", path="/api/v1/market/allTickers", weight=15)


def tickers(response: Response) -> list[Ticker]:
    """What each market did in 24 hours."""
    return [_ticker(day) for day in read(response, _days).ticker]


def ticker_request(native: str) -> Request:
    """Of one market."""
    query = {"symbol": native}
    return Request(method="GET", path="/api/v1/market/stats", query=query, weight=15)


def ticker(response: Response) -> Ticker:
    """What that market did in 24 hours."""
    return _ticker(read(response, _day))


def candles_request(native: str, timeframe: Timeframe, start: int, end: int) -> Request:
    """Candles of the buckets opened in ``[start, end]``, unix seconds.

    Whether the venue counts its ``endAt`` in is not known: a second behind the last opening holds
    that bucket either way, and never the next.

    Raises:
        ValueError: If that is more than one request may ask.
    """
    buckets = (end - start) // timeframe.seconds + 1
    if not 1 <= buckets <= CANDLES_PER_REQUEST:
        raise ValueError(f"a request must span 1 to {CANDLES_PER_REQUEST} candles, was {buckets}")
    query = {
        "symbol": native,
        "type": _WORDS[timeframe],
        "startAt": str(start),
        "endAt": str(end + 1),
    }
    return Request(method="GET", path="/api/v1/market/candles", query=query, weight=3)


def candles(response: Response, symbol: str, timeframe: Timeframe) -> list[Candle]:
    """Oldest first. A bucket told of no volume had no trade, and is left out."""
    market = Market(NAME, symbol)
    rows = {row.opened_at: row for row in read(response, _candles)}
    return [_candle(market, timeframe, rows[at]) for at in sorted(rows) if rows[at].volume]


def server_time_request() -> Request:
    """The venue's clock."""
    return Request(method="GET", path="/api/v1/timestamp", weight=3)


def server_time(response: Response) -> int:
    """Unix microseconds, to the millisecond."""
    return read(response, _time) * 1_000


def asset(native: str) -> str:
    """What everybody calls a coin of the venue, in capitals: it writes ``LYXe``."""
    return ASSETS.get(native, native.upper())


def _candle(market: Market, timeframe: Timeframe, row: _Row) -> Candle:
    inside = row.low <= min(row.open, row.close) and max(row.open, row.close) <= row.high
    if row.opened_at % timeframe.seconds or not inside:
        raise Malformed(NAME, f"{market.symbol} {timeframe}: impossible candle {row}")
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=row.opened_at,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
    )


def _instrument(listed: _Symbol) -> Instrument:
    base, quote = asset(listed.base_currency), asset(listed.quote_currency)
    return Instrument(
        market=Market(NAME, f"{base}-{quote}"),
        base=base,
        quote=quote,
        price_increment=listed.price_increment,
        base_increment=listed.base_increment,
        streamable=listed.enable_trading,
        status="" if listed.enable_trading else "trading is suspended",
        native=listed.symbol,
    )


def _ticker(day: _Day) -> Ticker:
    return Ticker(
        symbol=day.symbol,
        price=_amount(day.last) or None,
        change_24h=_percent(day.change_rate),
        base_volume_24h=_amount(day.vol),
        quote_volume_24h=_amount(day.vol_value),
    )


def _percent(share: str | None) -> float | None:
    """Of a share in decimals, to the nearest float; unknown where it is none."""
    try:
        value = float(Decimal(share or "") * 100)
    except InvalidOperation:
        return None
    return value if isfinite(value) else None


def _amount(text: str | None) -> float | None:
    """A figure for display and ranking; anything odd is unknown."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0.0 else None
