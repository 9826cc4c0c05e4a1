"""What is traded, when, and at what price: the values every other room speaks in.

Rule 1: values only; nothing here computes an indicator or knows an exchange.
Rule 2: times are integers in UTC: seconds for buckets, microseconds for trades. The tick path
    makes no ``datetime`` and no ``Decimal``; see ``docs/decisions/`` for why that is still exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

import msgspec

MICROSECONDS = 1_000_000


class Timeframe(StrEnum):
    """A candle length, shortest first. Every bucket is anchored to UTC midnight."""

    seconds: int
    """Length of one bucket."""

    M1 = "1m", 60
    M5 = "5m", 300
    M15 = "15m", 900
    H1 = "1h", 3_600
    H4 = "4h", 14_400
    D1 = "1d", 86_400

    def __new__(cls, word: str, seconds: int = 0) -> Self:
        """A word that knows its length (which looking one up by its word does not name)."""
        timeframe = str.__new__(cls, word)
        timeframe._value_ = word
        timeframe.seconds = seconds
        return timeframe

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and hashed at every close

    def bucket(self, at: int) -> int:
        """The start (unix seconds) of the bucket that holds the unix second ``at``."""
        return at - at % self.seconds


class Side(StrEnum):
    """The side of the taker, the party whose order met the book."""

    BUY = "buy"
    SELL = "sell"


class Market(NamedTuple):
    """One instrument on one exchange, by its canonical name (``BTC-USD``)."""

    exchange: str
    symbol: str


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One match on an exchange.

    Args:
        symbol: Canonical BASE-QUOTE.
        trade_id: The exchange's own id, rising for each symbol, and contiguous unless ``follows``
            says after which one it came.
        price: Quote currency for one base unit.
        size: Base currency.
        time_us: The exchange's trade time, unix microseconds UTC.
        taker: Side of the aggressor.
        follows: The id of the trade before it on the same connection, where ids leave some out;
            0 where they are contiguous, or where none came before it.

    A struct of msgspec because it is the one value made for every trade: a tuple takes four times
    as long to make and twice as long to read, a frozen dataclass more again.
    """

    symbol: str
    trade_id: int
    price: float
    size: float
    time_us: int
    taker: Side
    follows: int = 0

    def is_next_after(self, trade_id: int) -> bool:
        """Whether no trade can be between that one and this."""
        return self.trade_id == trade_id + 1 or self.follows == trade_id


class Candle(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One closed bucket of one market.

    Prices are quote currency, the volume base currency. Each float is the nearest to the
    exchange's decimal, so two candles of one bucket compare equal when their decimals do.

    A struct of msgspec, like a trade: a frozen dataclass takes six times as long to make, and
    thousands are made in the moment in which a day ends.
    """

    market: Market
    timeframe: Timeframe
    opened_at: int  # unix seconds UTC, start of the bucket
    open: float
    high: float
    low: float
    close: float
    volume: float
    synthetic: bool = False  # no trade happened: the previous close carried forward

    @property
    def closes_at(self) -> int:
        """The first unix second behind the bucket."""
        return self.opened_at + self.timeframe.seconds


class InstrumentKind(StrEnum):
    """What a listed product is. Livermore watches spot markets only."""

    SPOT = "spot"
    FUTURE = "future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What an exchange lists: one tradable pair and its steps."""

    market: Market
    base: str
    quote: str
    price_increment: str  # decimal text as the exchange writes it, e.g. "0.01"
    base_increment: str
    streamable: bool  # a spot market, online and open to trade: a feed for it will move
    kind: InstrumentKind = InstrumentKind.SPOT
    name: str = ""  # what people call the base: "Bitcoin"; empty where the exchange does not say
    status: str = ""  # why it cannot be streamed, in words; empty where it can
    alias_of: str | None = None  # canonical symbol whose order book this one shares
    price: float | None = None  # last price, None when it never traded
    native: str = ""  # what the exchange calls it: "BTCUSDT"; empty where that is the symbol

    @property
    def native_id(self) -> str:
        """What the exchange calls it."""
        return self.native or self.market.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """What a market did in the last 24 hours; a figure is None where the exchange gives none."""

    symbol: str  # canonical; as an exchange's folder reads it, the exchange's own id
    price: float | None  # of the last trade, quote currency for one base unit
    change_24h: float | None  # of the price, percent
    base_volume_24h: float | None
    quote_volume_24h: float | None
