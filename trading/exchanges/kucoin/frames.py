"""The frames of KuCoin's market-data WebSocket, as typed values.

Rule 1: shapes and their decoding only; what a sequence of frames means is said in ``protocol``.
Rule 2: unknown keys, types and subjects are tolerated, a corrupt known one is not.

Numbers travel as text, in some frames as numbers; both become the nearest float, and a price or a
size that is no positive number is refused while decoding. Ids come back as text, also where a
number was sent.

Source: www.kucoin.com/docs, websocket, read 2026-11-20, and recorded frames.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from trading.core.errors import Malformed

NAME = "kucoin"

Price = Annotated[float, msgspec.Meta(gt=0.0, lt=1e30)]
Quantity = Annotated[float, msgspec.Meta(ge=0.0, lt=1e30)]
Identifier = Annotated[int, msgspec.Meta(ge=0)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, lt=9 * 10**18)]

MATCHES = "trade.l3match"
ADDED, UPDATED = "trade.candles.add", "trade.candles.update"


class Match(msgspec.Struct, gc=False):
    """One trade; ``side`` is the taker's, and the sequence rises but leaves numbers out."""

    symbol: str
    sequence: Identifier
    side: Literal["buy", "sell"]
    size: Quantity
    price: Price
    time: Nanoseconds


class Matched(msgspec.Struct, tag_field="subject", tag=MATCHES, gc=False):
    """What tells a trade."""

    data: Match


class Bar(msgspec.Struct, array_like=True, gc=False):
    """A candle so far. The close comes before the high and the low; none needs a trade."""

    opened_at: Identifier  # unix seconds
    open: Quantity
    close: Quantity
    high: Quantity
    low: Quantity
    volume: Quantity


class Candles(msgspec.Struct, gc=False):
    """The candle of one market, and when it was told."""

    symbol: str
    candles: Bar
    time: Nanoseconds


class Added(msgspec.Struct, tag_field="subject", tag=ADDED, gc=False):
    """The first word on a bucket."""

    topic: str
    data: Candles


class Updated(msgspec.Struct, tag_field="subject", tag=UPDATED, gc=False):
    """A later one."""

    topic: str
    data: Candles


class Other(msgspec.Struct, kw_only=True):
    """An answer, a pong, a welcome, or a message on a subject that is not known here.

    Attributes:
        type: ``welcome``, ``ack``, ``pong``, ``error``, ``message``, …
        id: Which message of ours it answers.
        code: Of an error.
        data: Of an error, its words; of a message, anything.
        timestamp: Of a pong, the venue's clock, unix microseconds; older pongs have none.
    """

    type: str = ""
    id: int | str = ""
    subject: str = ""
    code: int | str = ""
    data: msgspec.Raw = msgspec.Raw(b'""')
    timestamp: int = 0


Frame = Matched | Added | Updated | Other

_known = msgspec.json.Decoder(Matched | Added | Updated, strict=False)
_other = msgspec.json.Decoder(Other)
_words = msgspec.json.Decoder(str)


def decode(text: str | bytes) -> Frame:
    """One frame.

    Raises:
        Malformed: If it is no JSON object, or a known subject with a shape of another.
    """
    try:
        known: Frame = _known.decode(text)
    except msgspec.ValidationError as error:
        return _decode_other(text, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be JSON: {error}") from error
    return known


def words(error: Other) -> str:
    """What an error says."""
    try:
        told = _words.decode(error.data)
    except msgspec.DecodeError:
        told = ""
    return " ".join(f"{error.code} {told}".split()) or "an error without words"


def _decode_other(text: str | bytes, refusal: msgspec.ValidationError) -> Other:
    try:
        other = _other.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"frame must be a message or an answer: {error}") from error
    if other.subject in {MATCHES, ADDED, UPDATED}:
        raise Malformed(NAME, f"{other.subject}: {refusal}") from refusal
    return other
