"""What one line of a recording says.

Rule 1: pure: a line in, a value out, or :class:`Unreadable`.

==========  ================================================================================
recording   a line
==========  ================================================================================
frames      a frame as the exchange sent it, optionally behind ``<receive time>: ``; what a client
            sent stands behind `` <- ``; an address (``wss://…``) begins a new connection
trades      ``time_ms,id,side,price,size``: unix milliseconds, the exchange's id, the taker's side
candles     ``time,open,high,low,close,volume``: unix seconds, when the bucket opened
==========  ================================================================================

A table may begin with a header; then its columns may come in another order, with others between.
"""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import NamedTuple

from trading.core.market import Candle, Market, Side, Timeframe, Trade
from trading.replay.errors import Unreadable

TRADE_COLUMNS = ("time_ms", "id", "side", "price", "size")
CANDLE_COLUMNS = ("time", "open", "high", "low", "close", "volume")

_LAST_SECOND = 10**11
_LARGEST = 1e30  # as on the wire: sums stay finite
_LONGEST_NUMBER = 30
_SENT = " <- "
_ADDRESSES = ("ws://", "wss://")


class FrameLine(NamedTuple):
    """A line of recorded frames.

    Args:
        text: The frame; empty if the line holds none that the exchange sent.
        begins_connection: The line is the address of a new connection.
    """

    text: str
    begins_connection: bool = False


def frame_line(line: str) -> FrameLine:
    """Raises: Unreadable, if it is neither a frame nor anything known to stand between frames."""
    start = min((at for at in map(line.find, "{[") if at >= 0), default=len(line))
    before, text = line[:start], line[start:]
    if _SENT in before or not line.strip():
        return FrameLine("")
    if not text and line.startswith(_ADDRESSES):
        return FrameLine("", begins_connection=True)
    if text and (not before.strip() or before.rstrip().endswith(":")):
        return FrameLine(text)
    raise Unreadable("line must be a frame of JSON, optionally behind `<receive time>: `")


class Table:
    """The columns of a table, as its header names them, else in the documented order."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._at = tuple(range(len(columns)))
        self._width = len(columns)
        self._may_be_header = True

    def row(self, line: str) -> list[str] | None:
        """The fields in the documented order; None for a header and for an empty line.

        Raises:
            Unreadable: If it has not the fields that it should.
        """
        if not line.strip():
            return None
        try:
            fields = [field.strip() for field in next(csv.reader([line], strict=True))]
        except csv.Error as error:
            raise Unreadable(f"line must be a row of a table: {error}") from error
        if self._may_be_header:
            self._may_be_header = False
            names = [field.lower() for field in fields]
            if self._columns[0] in names:
                self._take_header(names)
                return None
        if len(fields) != self._width:
            raise Unreadable(f"row must have {self._width} fields, had {len(fields)}")
        return [fields[at] for at in self._at]

    def _take_header(self, names: list[str]) -> None:
        missing = [column for column in self._columns if column not in names]
        if missing:
            raise Unreadable(f"header must name {', '.join(missing)}")
        self._width = len(names)
        self._at = tuple(names.index(column) for column in self._columns)


def trade(fields: list[str], symbol: str) -> Trade:
    """Raises: Unreadable."""
    time_ms, trade_id, side, price, size = fields
    try:
        taker = Side(side.lower())
    except ValueError:
        raise Unreadable(f"side must be buy or sell, was {side!r}") from None
    at = _decimal("time_ms", time_ms)
    if not 0 <= at < _LAST_SECOND * 1_000:
        raise Unreadable(f"time_ms must be unix milliseconds, was {time_ms}")
    number = _whole("id", trade_id)
    if number == 0:
        raise Unreadable("id must be at least 1, was 0")
    return Trade(
        symbol, number, _price("price", price), _size("size", size), int(at * 1_000), taker
    )


def opened_at(fields: list[str]) -> int:
    """When the bucket of a row of candles opened, unix seconds. Raises: Unreadable."""
    at = _whole("time", fields[0])
    if at >= _LAST_SECOND:
        raise Unreadable(f"time must be unix seconds, was {at}")
    return at


def candle(fields: list[str], market: Market, timeframe: Timeframe) -> Candle:
    """A bar in which nothing was traded, flat and without volume, is synthetic.

    Raises: Unreadable.
    """
    at = opened_at(fields)
    if at % timeframe.seconds:
        raise Unreadable(f"time must begin a {timeframe} bucket, was {at}")
    prices = zip(CANDLE_COLUMNS[1:5], fields[1:5], strict=True)
    first, high, low, last = (_price(name, text) for name, text in prices)
    if not low <= min(first, last) <= max(first, last) <= high:
        raise Unreadable(f"open and close must lie between low and high, was {fields[1:5]}")
    volume = _size("volume", fields[5])
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=at,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        synthetic=volume == 0.0 and low == high,
    )


def base_of(openings: list[int]) -> Timeframe | None:
    """The timeframe of candles that opened at these moments, by their most common distance.

    None, if they are too few or no timeframe is of that length.
    """
    distances = Counter(later - earlier for earlier, later in pairwise(openings))
    distance = max(distances, key=lambda one: (distances[one], -one), default=0)
    return next((timeframe for timeframe in Timeframe if timeframe.seconds == distance), None)


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise Unreadable(f"{name} must be a whole number, was {text!r}")
    return int(text)


def _decimal(name: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise Unreadable(f"{name} must be a number, was {text!r}")
    return value


def _price(name: str, text: str) -> float:
    value = _size(name, text)
    if value == 0.0:
        raise Unreadable(f"{name} must be above 0, was {text}")
    return value


def _size(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value < _LARGEST:
        raise Unreadable(f"{name} must be a number from 0 to below {_LARGEST:g}, was {text!r}")
    return value
