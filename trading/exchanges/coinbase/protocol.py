"""One connection to Coinbase's market-data WebSocket: frames in, events out.

Rule 1: no state outlives the connection; what was seen before it is known by the core, not here.
Rule 2: within one frame a loss is told first, then the trades, then the clock, so that nobody
    closes a minute before having its trades.
Rule 3: every connection carries ``heartbeats``: it proves the link alive once a second, and keeps
    quiet channels from being closed (after 60 to 90 s, says the documentation).

Source: docs.cdp.coinbase.com, Advanced Trade WebSocket overview and channels, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType

import msgspec

from trading.core.market import Side, Trade
from trading.exchanges.coinbase import frames
from trading.exchanges.ports import (
    Event,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradeGap,
    VenueError,
)

PRODUCTS_PER_MESSAGE = 50
"""Bound of one subscribe message. No figure is published; 100 in one message have worked."""

_TRADES = "market_trades"
_HEARTBEATS = "heartbeats"
# The wire names the maker's side; a bid that was hit (BUY) means that the taker sold.
_TAKER = {"BUY": Side.SELL, "SELL": Side.BUY}
_TENTHS = len("2026-09-30T02:39:53.9")
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})
_trade_id = attrgetter("trade_id")


class CoinbaseProtocol:
    """One connection's worth of state; implements ``MarketDataProtocol``.

    Args:
        aliases: Canonical symbol to the symbol whose order book it shares (``BTC-USDC`` to
            ``BTC-USD``). The venue answers a subscription of the former with frames of the
            latter; trades of the book are told once for each name that was asked for. The mapping
            may change meanwhile: what is asked for follows when it is renewed.
    """

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = _NO_ALIASES if aliases is None else aliases
        self._names: dict[str, tuple[str, ...]] = {}
        self._last_ids: dict[str, int] = {}
        self._received: frozenset[str] = frozenset()  # books, as the venue says
        self._awaited_acks = 0
        self._next_number = 0
        self._is_alive = False
        self._overhears = False
        self._tenth = ""
        self._events: list[Event] = []
        self._to_send: list[str] = []

    @property
    def asked(self) -> frozenset[str]:
        """What was subscribed and not unsubscribed since, in canonical symbols."""
        return frozenset(name for names in self._names.values() for name in names)

    @property
    def missing(self) -> frozenset[str]:
        """What was asked for and left out by the venue, which refuses an unknown product silently.

        Empty as long as an acknowledgement is outstanding.
        """
        return frozenset() if self._awaited_acks else self.asked - self._received_names()

    def subscribe(self, symbols: Collection[str]) -> None:
        """Ask for the trades of these; the first call asks for heartbeats too, even if empty."""
        if not self._is_alive:
            self._is_alive = True
            self._ask("subscribe", _HEARTBEATS)
        added, is_here = [], False
        for symbol in symbols:
            book = self._aliases.get(symbol, symbol)
            names = self._names.get(book, ())
            if symbol in names:
                continue
            self._names[book] = (*names, symbol)
            if not names:
                added.append(book)
            is_here = is_here or book in self._received
        self._ask_for_books("subscribe", added)
        if is_here:
            # Another name of a book that comes already: nothing is asked, so nothing will answer.
            self._events.append(Subscriptions(self._received_names()))

    def unsubscribe(self, symbols: Collection[str]) -> None:
        """Stop asking for these; the book of an alias stays as long as another name needs it."""
        freed = [self._take_off(symbol) for symbol in symbols]
        removed = [book for book in freed if book is not None]
        self._received -= set(removed)
        self._ask_for_books("unsubscribe", removed)

    def renew(self, symbols: Collection[str]) -> None:
        """Leave the books of these and ask for them again, whatever other names they have.

        Of an alias that was not known as one, what is asked for is the book that it shares.
        """
        books = {symbol: book for symbol in symbols if (book := self._book_of(symbol)) is not None}
        left, again = list(dict.fromkeys(books.values())), dict.fromkeys(books.values())
        for symbol, book in books.items():
            now = self._aliases.get(symbol, symbol)
            if now != book:
                self._take_off(symbol)
                self._names[now] = (*self._names.get(now, ()), symbol)
                again[now] = None
        for book in left:
            self._last_ids.pop(book, None)
        self._received -= set(left)
        self._ask_for_books("unsubscribe", left)
        self._ask_for_books("subscribe", [book for book in again if book in self._names])
        self._events.append(Subscriptions(self._received_names()))

    def overhear(self) -> None:
        """Take trades of every symbol under its own name, and a number 0 for a new connection."""
        self._overhears = True

    def receive_text(self, text: str | bytes) -> None:
        """Take one frame.

        Raises:
            Malformed: If it is not what the venue promises; drop the connection.
        """
        frame = frames.decode(text)
        if frame.type == "error":
            self._awaited_acks = max(0, self._awaited_acks - 1)
            self._events.append(VenueError(frame.message))
            return
        if frame.sequence_num == self._next_number:
            self._next_number += 1
        elif not self._is_news(frame.sequence_num):
            return
        if isinstance(frame, frames.MarketTrades):
            if not self._tenth:
                self._take_time(frame.timestamp)  # without any clock no trade could be believed
            self._take_trades(frame)
        elif isinstance(frame, frames.Subscriptions):
            self._take_ack(frame)
        elif isinstance(frame, frames.Other):
            return
        self._take_time(frame.timestamp)

    def events_received(self) -> list[Event]:
        """What happened since the last call, oldest first; emptied by it."""
        events, self._events = self._events, []
        return events

    def say_alive(self) -> None:
        """Nothing: the venue asks for no sign of life in frames."""

    @property
    def has_text(self) -> bool:
        """Whether there is something to send now."""
        return bool(self._to_send)

    def text_to_send(self) -> list[str]:
        """Frames to send now, in order; emptied by the call."""
        texts, self._to_send = self._to_send, []
        return texts

    def _is_news(self, number: int | None) -> bool:
        """Whether a frame out of sequence is. Numbers run over all channels and begin at 0."""
        if number is None:
            return True
        expected = self._next_number
        if number < expected and not (self._overhears and number == 0):
            return False
        self._events.append(SequenceGap(expected, number))
        self._next_number = number + 1
        return True

    def _take_trades(self, frame: frames.MarketTrades) -> None:
        events, last_ids = self._events, self._last_ids
        for row in _oldest_first(frame.events):
            book, trade_id = row.product_id, row.trade_id
            names = self._names.get(book)
            if names is None:
                if not self._overhears:
                    continue
                names = self._names[book] = (book,)
            last = last_ids.get(book, trade_id - 1)
            if trade_id <= last:
                continue
            last_ids[book] = trade_id
            at = frames.unix_us(row.time)
            if trade_id != last + 1:
                events += [TradeGap(name, trade_id - last - 1, at) for name in names]
            for name in names:
                events.append(Trade(name, trade_id, row.price, row.size, at, _TAKER[row.side]))

    def _take_time(self, text: str) -> None:
        """Tell the clock when its tenth of a second changed: finer steps would only cost."""
        tenth = text[:_TENTHS]
        if tenth != self._tenth:
            self._tenth = tenth
            self._events.append(ServerTime(frames.unix_us(text)))

    def _take_ack(self, frame: frames.Subscriptions) -> None:
        self._awaited_acks = max(0, self._awaited_acks - 1)
        for event in frame.events:
            self._received = frozenset(event.subscriptions.get(_TRADES, ()))
            self._events.append(Subscriptions(self._received_names()))

    def _received_names(self) -> frozenset[str]:
        """What comes, by the names under which it was asked for."""
        return frozenset(name for book in self._received for name in self._names.get(book, (book,)))

    def _book_of(self, symbol: str) -> str | None:
        """The book that was asked for by this name; None if none was."""
        return next((book for book, names in self._names.items() if symbol in names), None)

    def _take_off(self, symbol: str) -> str | None:
        """Need a book by this name no more; the book, where no other name needs it."""
        book = self._book_of(symbol)
        if book is None:
            return None
        left = tuple(name for name in self._names[book] if name != symbol)
        if left:
            self._names[book] = left
            return None
        del self._names[book]
        self._last_ids.pop(book, None)
        return book

    def _ask_for_books(self, verb: str, books: Sequence[str]) -> None:
        for start in range(0, len(books), PRODUCTS_PER_MESSAGE):
            self._ask(verb, _TRADES, books[start : start + PRODUCTS_PER_MESSAGE])

    def _ask(self, verb: str, channel: str, books: Sequence[str] = ()) -> None:
        message: dict[str, object] = {"type": verb, "channel": channel}
        if books:
            message["product_ids"] = list(books)
        self._to_send.append(msgspec.json.encode(message).decode())
        self._awaited_acks += 1


def _oldest_first(events: Sequence[frames.TradesEvent]) -> list[frames.TradeRow]:
    rows = events[0].trades if len(events) == 1 else [row for e in events for row in e.trades]
    if len(rows) > 1:
        rows.sort(key=_trade_id)  # cheap where they come newest first, as they do
    return rows
