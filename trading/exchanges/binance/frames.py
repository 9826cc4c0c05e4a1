"""The frames of Binance's market-data WebSocket, as typed values.

Rule 1: shapes and their decoding only; what a sequence of frames means is said in ``protocol``.
Rule 2: unknown keys and unknown events are tolerated, a corrupt known one is not.

An event comes bare (``/ws``) or wrapped with the name of its stream (``/stream``); both are taken.
Prices and sizes travel as text and become the nearest float; one that is no positive number is
refused while decoding. Times are unix milliseconds.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md (2026-07-21), and recorded
frames; that errors come wrapped as well as bare is third parties' word.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from trading.core.errors import Malformed

NAME = "binance"

Price = Annotated[float, msgspec.Meta(gt=0.0, lt=1e30)]
Quantity = Annotated[float, msgspec.Meta(ge=0.0, lt=1e30)]
Identifier = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**14)]


class _Event(msgspec.Struct, tag_field="e"):
    """What every event has that is taken here."""

    time_ms: Milliseconds = msgspec.field(name="E")


class AggregateTrade(_Event, tag="aggTrade", gc=False):
    """What one order of a taker traded at one price: the trades from ``first`` to ``last``."""

    native: str = msgspec.field(name="s")
    trade_id: Identifier = msgspec.field(name="a")
    price: Price = msgspec.field(name="p")
    size: Quantity = msgspec.field(name="q")
    first: Identifier = msgspec.field(name="f")
    last: Identifier = msgspec.field(name="l")
    traded_ms: Milliseconds = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class Bar(msgspec.Struct, gc=False):
    """A candle on its way; final when ``is_closed``."""

    native: str = msgspec.field(name="s")
    opened_ms: Milliseconds = msgspec.field(name="t")
    interval: str = msgspec.field(name="i")
    open: Price = msgspec.field(name="o")
    high: Price = msgspec.field(name="h")
    low: Price = msgspec.field(name="l")
    close: Price = msgspec.field(name="c")
    volume: Quantity = msgspec.field(name="v")
    trades: Identifier = msgspec.field(name="n")
    is_closed: bool = msgspec.field(name="x")


class Kline(_Event, tag="kline", gc=False):
    """A candle as it is now: when it moved, and when it closed."""

    native: str = msgspec.field(name="s")
    bar: Bar = msgspec.field(name="k")


class Shutdown(_Event, tag="serverShutdown"):
    """The exchange will close this connection soon."""


class Complaint(msgspec.Struct):
    """What the exchange did not like."""

    code: int = 0
    msg: str = ""


class Other(msgspec.Struct, kw_only=True):
    """An answer to a message of ours (no event), or an event that is not known here.

    Attributes:
        result: Null, or what was asked for; unset where there is none, as in an error.
        error: An error, where it is wrapped.
        code: Its number, where it is not.
        event: The name of a bare event; empty where there is none.
        time_ms: Of a bare event.
    """

    id: int | str | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Complaint | None = None
    code: int | None = None
    msg: str = ""
    stream: str = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event: str = msgspec.field(name="e", default="")


Event = AggregateTrade | Kline | Shutdown
Frame = Event | Other


class _Wrapped(msgspec.Struct):
    stream: str
    data: AggregateTrade | Kline | Shutdown


class _Named(msgspec.Struct):
    event: str = msgspec.field(name="e", default="")


_wrapped = msgspec.json.Decoder(_Wrapped, strict=False)
_bare = msgspec.json.Decoder(AggregateTrade | Kline | Shutdown, strict=False)
_other = msgspec.json.Decoder(Other)
_named = msgspec.json.Decoder(_Named)
_streams = msgspec.json.Decoder(list[str])
_KNOWN_EVENTS = frozenset({"aggTrade", "kline", "serverShutdown"})


def decode(text: str | bytes) -> Frame:
    """One frame.

    Raises:
        Malformed: If it is no JSON object, or a known event with a shape of another.
    """
    try:
        event: Event = _wrapped.decode(text).data
    except msgspec.ValidationError as error:
        return _decode_other(text, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be JSON: {error}") from error
    return event


def streams(result: msgspec.Raw) -> list[str] | None:
    """The streams that an answer lists; None where it lists none, as one that acknowledges.

    Raises:
        Malformed: If it is something else.
    """
    if bytes(result) == b"null":
        return None
    try:
        return _streams.decode(result)
    except msgspec.DecodeError as error:
        raise Malformed(NAME, f"answer must be null or list streams: {error}") from error


def _decode_other(text: str | bytes, refusal: msgspec.ValidationError) -> Frame:
    try:
        other = _other.decode(text)
        if other.event in _KNOWN_EVENTS:
            event: Event = _bare.decode(text)
            return event
        known = _named_in(other.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be an event or an answer: {error}") from error
    if known in _KNOWN_EVENTS:
        raise Malformed(NAME, f"{known}: {refusal}") from refusal
    return other


def _named_in(data: msgspec.Raw | msgspec.UnsetType) -> str:
    """The event's name in a wrapped frame; an array of several has none."""
    text = b"" if isinstance(data, msgspec.UnsetType) else bytes(data)
    return _named.decode(text).event if text[:1] == b"{" else ""
