"""The three kinds of recordings, each driven line by line through the live pipeline.

Rule 1: a line is played at once: what it closes is told before the next is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import structs

from trading.core.errors import Malformed
from trading.core.market import MICROSECONDS, Market, Timeframe, Trade
from trading.core.series import Closed, MarketSeries
from trading.exchanges.ports import (
    Event,
    Exchange,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradesLost,
    VenueError,
)
from trading.replay import rows
from trading.replay.audience import Audience
from trading.replay.errors import Unreadable
from trading.replay.market import LONGEST_GAP_DAYS, LONGEST_GAP_US, RecordedMarket

LONGEST_GAP_BARS = 44_640
"""Empty buckets that are carried forward, a month of minutes; more is taken for a broken time."""

Note = Callable[[str], None]


class Player(Protocol):
    """Plays the lines of one recording to its audience."""

    def play(self, line: str) -> bool:
        """Take one line; False if it holds nothing to play: a header, an empty one.

        Raises:
            Unreadable: If it should hold something and does not.
        """


class TradesPlayer:
    """A table of trades of one market, of which the first minute is taken to be whole.

    Args:
        market: Which one.
        audience: Who hears it.
        note: Takes what the reader of the outcome should know.
        leaves_out_ids: Its exchange leaves out numbers between the ids of trades that follow each
            other: then a table cannot show a loss, and each row is taken to follow the one before.
    """

    def __init__(
        self, market: Market, audience: Audience, note: Note, *, leaves_out_ids: bool = False
    ) -> None:
        self._symbol = market.symbol
        self._audience = audience
        self._table = rows.Table(rows.TRADE_COLUMNS)
        self._leaves_out_ids = leaves_out_ids
        self._last_id = 0
        # No clock but the trades': a minute is over when a later one was seen.
        self._market = RecordedMarket(market, note, begins_whole=True, grace_seconds=0.0)

    def play(self, line: str) -> bool:
        """Take one row."""
        fields = self._table.row(line)
        if fields is None:
            return False
        trade = rows.trade(fields, self._symbol)
        if self._leaves_out_ids:
            trade = structs.replace(trade, follows=self._last_id)
        if not self._market.add(trade):
            raise Unreadable(f"id must rise, was {trade.trade_id}")
        self._last_id = trade.trade_id
        self._audience.hear(self._market.closed())
        return True


class CandlesPlayer:
    """A table of closed candles of one market and timeframe."""

    def __init__(self, market: Market, base: Timeframe, audience: Audience) -> None:
        self._base = base
        self._audience = audience
        self._table = rows.Table(rows.CANDLE_COLUMNS)
        self._series = MarketSeries(market)
        self._next = 0

    def play(self, line: str) -> bool:
        """Take one row."""
        fields = self._table.row(line)
        if fields is None:
            return False
        self._audience.hear(self._closed(fields))
        return True

    def _closed(self, fields: list[str]) -> list[Closed]:
        bar = rows.candle(fields, self._series.market, self._base)
        if self._series.needs_warm_up:
            self._series.warm_up({}, bar.opened_at)
        elif bar.opened_at < self._next:
            raise Unreadable(f"time must be {self._next} or later, was {bar.opened_at}")
        elif bar.opened_at - self._next > LONGEST_GAP_BARS * self._base.seconds:
            raise Unreadable(f"time must be within {LONGEST_GAP_BARS} bars of the row before")
        self._next = bar.closes_at
        return self._series.take(bar)


class FramesPlayer:
    """Frames of one exchange, of one connection or of several one behind the other.

    Args:
        exchange: Whose.
        symbol: Listen to this one only; None: to every one there is.
        audience: Who hears it.
        note: Takes what the reader of the outcome should know.
        natives: The exchange's own ids by canonical symbol; a market that is not among them is
            called by its own id.
    """

    def __init__(
        self,
        exchange: Exchange,
        symbol: str | None,
        audience: Audience,
        note: Note,
        natives: Mapping[str, str] | None = None,
    ) -> None:
        self._exchange = exchange
        self._natives = dict(natives or {})
        canonical = {native: name for name, native in self._natives.items()}
        self._symbol = None if symbol is None else canonical.get(symbol, symbol)
        self.others: set[str] = set()
        """Markets in it that are not listened to."""
        self._audience = audience
        self._note = note
        self._markets: dict[str, RecordedMarket] = {}
        self._clock_us = 0
        # What the connection said it receives; None: it did not say.
        self._received: frozenset[str] | None = None
        self._connect()

    @property
    def misses_symbol(self) -> bool:
        """Whether nothing was heard of the one market that is listened to."""
        return self._symbol is not None and self._symbol not in self._markets

    def play(self, line: str) -> bool:
        """Take one line."""
        frame = rows.frame_line(line)
        if frame.begins_connection:
            self._connect()
        if not frame.text:
            return False
        try:
            self._protocol.receive_text(frame.text)
        except Malformed as error:
            self._lose()
            raise Unreadable(str(error)) from error
        finally:
            self._hear(self._protocol.events_received())
        return True

    def _connect(self) -> None:
        self._protocol = self._exchange.new_protocol(None, self._natives)
        self._protocol.overhear()
        self._received = None
        self._lose()

    def _lose(self) -> None:
        for market in self._markets.values():
            market.doubt()

    def _take_ack(self, received: frozenset[str]) -> None:
        """What is received no more is silent from here on, and silence closes no bar."""
        self._received = received
        for symbol in self._markets.keys() - received:
            self._markets[symbol].doubt()

    def _hear(self, events: list[Event]) -> None:
        """As a venue hears its feed: trades to their markets, once a second the clock to all."""
        touched: dict[str, RecordedMarket] = {}
        for event in events:
            if isinstance(event, Trade):
                if self._symbol in {None, event.symbol}:
                    touched[event.symbol] = market = self._market(event.symbol)
                    market.add(event)
                else:
                    self.others.add(event.symbol)
            elif isinstance(event, ServerTime):
                self._sweep(event.time_us)
            elif isinstance(event, Subscriptions):
                self._take_ack(event.symbols)
            elif isinstance(event, SequenceGap):
                if self._markets:
                    self._note(f"frames are lost: expected {event.expected}, was {event.received}")
                self._lose()
            elif isinstance(event, TradesLost):
                self._note(f"{event.symbol}: trades are lost: its candle holds more than was told")
                if (known := self._markets.get(event.symbol)) is not None:
                    known.doubt()
            elif isinstance(event, VenueError):
                self._note(f"{self._exchange.label} says: {event.message}")
        for market in touched.values():
            self._audience.hear(market.closed())

    def _sweep(self, time_us: int) -> None:
        before, self._clock_us = self._clock_us, max(time_us, self._clock_us)
        if before and abs(time_us - before) > LONGEST_GAP_US:
            self._clock_us = before
            raise Unreadable(f"time must be within {LONGEST_GAP_DAYS} days of the frame before")
        if before // MICROSECONDS == time_us // MICROSECONDS:
            return
        for symbol, market in self._markets.items():
            if self._received is None or symbol in self._received:
                market.advance(time_us)
                self._audience.hear(market.closed())

    def _market(self, symbol: str) -> RecordedMarket:
        market = self._markets.get(symbol)
        if market is None:
            market = self._markets[symbol] = RecordedMarket(
                Market(self._exchange.name, symbol),
                self._note,
                begins_whole=False,
                grace_seconds=2.0,
            )
        return market
