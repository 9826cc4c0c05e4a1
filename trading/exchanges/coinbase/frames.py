"""The frames of Coinbase's market-data WebSocket, as typed values.

Rule 1: shapes and their decoding only; what a sequence of frames means is said in ``protocol``.
Rule 2: unknown keys and unknown channels are tolerated, a corrupt known one is not.

Numbers travel as text. They are decoded to the nearest float and never to ``Decimal``; a price or
a size that is no positive number is refused while decoding.

Source: docs.cdp.coinbase.com, Advanced Trade WebSocket overview and channels, read 2026-11-20;
what the documentation leaves open (``client_id`` absent, int counters) after recorded frames.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from trading.core.errors import Malformed

NAME = "coinbase"

Price = Annotated[float, msgspec.Meta(gt=0.0, lt=1e30)]
Quantity = Annotated[float, msgspec.Meta(ge=0.0, lt=1e30)]
Identifier = Annotated[int, msgspec.Meta(ge=0)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TradeRow(msgspec.Struct, gc=False):
    """One trade. ``side`` is the *maker's*: BUY means that a resting bid was hit."""

    product_id: str
    trade_id: Identifier
    price: Price
    size: Quantity
    time: str
    side: Literal["BUY", "SELL"]


class TradesEvent(msgspec.Struct, gc=False):
    """A snapshot or an update of trades, usually newest first, products mixed."""

    trades: list[TradeRow]


class SubscriptionsEvent(msgspec.Struct):
    """What the connection receives by channel, cumulative."""

    subscriptions: dict[str, list[str]]


class _Envelope(msgspec.Struct, kw_only=True, tag_field="channel"):
    type: str = ""
    message: str = ""
    timestamp: str = ""
    sequence_num: Identifier | None = None


class MarketTrades(_Envelope, tag="market_trades", gc=False):
    """Trades of one or several products."""

    events: list[TradesEvent]


class Subscriptions(_Envelope, tag="subscriptions"):
    """The answer to a subscribe or unsubscribe message."""

    events: list[SubscriptionsEvent]


class Heartbeat(_Envelope, tag="heartbeats"):
    """Once a second; its envelope says all there is to know."""


class Other(msgspec.Struct, kw_only=True):
    """An error (no channel, no number) or a channel that is not known here."""

    channel: str = ""
    type: str = ""
    message: str = ""
    timestamp: str = ""
    sequence_num: Identifier | None = None


Frame = MarketTrades | Subscriptions | Heartbeat | Other

_known = msgspec.json.Decoder(MarketTrades | Subscriptions | Heartbeat, strict=False)
_other = msgspec.json.Decoder(Other, strict=False)
_KNOWN_CHANNELS = frozenset({"market_trades", "subscriptions", "heartbeats"})


def decode(text: str | bytes) -> Frame:
    """One frame.

    Raises:
        Malformed: If it is no JSON object, or a known channel with a shape of another.
    """
    try:
        known: Frame = _known.decode(text)
    except msgspec.ValidationError as error:
        return _decode_other(text, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be JSON: {error}") from error
    return known


def _decode_other(text: str | bytes, refusal: msgspec.ValidationError) -> Other:
    try:
        other = _other.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be an envelope: {error}") from error
    if other.type != "error" and other.channel in _KNOWN_CHANNELS:
        raise Malformed(NAME, f"{other.channel}: {refusal}") from refusal
    return other


def unix_us(text: str) -> int:
    """Microseconds since 1970 of a time such as ``2026-09-30T02:39:53.977543Z``.

    The fraction has none to nine digits. What is below a microsecond is cut, not rounded: a trade
    at 59.9999999 belongs to the minute that it closes.

    Raises:
        Malformed: If it is no such time.
    """
    if text[-1:] != "Z":
        raise Malformed(NAME, f"time must be RFC 3339 in UTC, was {text!r}")
    try:
        # A product below 6e7 errs by less than 1e-8, a nanosecond counts 1e-3: half of it is safe.
        return _minute_us(text[:17]) + int(float(text[17:-1]) * 1e6 + 0.0005)
    except (ValueError, OverflowError) as error:
        raise Malformed(NAME, f"time must be RFC 3339 in UTC, was {text!r}") from error


@lru_cache(maxsize=256)
def _minute_us(text: str) -> int:
    at = datetime.strptime(f"{text}+0000", "%Y-%m-%dT%H:%M:%z")
    return (at - _EPOCH) // _MICROSECOND
