"""One exchange, shared by every user: its connections and its tracks.

Rule 1: whatever a frame says goes to the tracks; a frame of a market that nobody may watch is
    dropped unread.
Rule 2: bars move with the exchange's clock as frames show it, and only for markets that it says
    it is sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from trading.backfills import OrderedBackfills
from trading.core.bank import MacdVBank, close_together
from trading.core.clock import ServerClock
from trading.core.market import MICROSECONDS, Market, Trade
from trading.desk import Desk
from trading.exchanges.ports import (
    Event,
    Exchange,
    Farewell,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradesLost,
    VenueError,
)
from trading.market.backfill import Backfill
from trading.market.history import History
from trading.market.listing import Listing
from trading.market.ordered import Orders
from trading.market.rotation import Rotation, Successor
from trading.market.shards import allot
from trading.market.shelf import NOTHING_KEPT
from trading.market.supply import Supply
from trading.market.track import Track
from trading.market.view import VenueView
from trading.net.address import address_to_dial
from trading.net.budget import TokenBucket
from trading.net.endpoints import Endpoints
from trading.net.feed import Feed, Listener
from trading.net.http import ExchangeHttp
from trading.ports import Shelf, Sinks

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Line:
    """A connection at work, and how far its markets have heard the exchange's clock.

    Args:
        acknowledged: What it was said to carry last.
        refused: Trades that were left out since it was dialled, for they cannot be.
    """

    feed: Feed
    task: asyncio.Task[None]
    clock: ServerClock = field(default_factory=ServerClock)
    acknowledged: frozenset[str] = frozenset()
    swept_second: int = 0
    refused: int = 0


class Venue:
    """Everything that is done with one exchange.

    Args:
        exchange: Its protocol and limits.
        endpoints: Where it is.
        sinks: Where closed candles go.
        resume_at: Where earlier tracks had told everything, unix seconds by market.
        backfills: What users have ordered.
        life: Which life of the data plane this is.
        shelf: Where closed candles were kept before.
    """

    def __init__(
        self,
        exchange: Exchange,
        endpoints: Endpoints,
        sinks: Sinks,
        *,
        resume_at: Mapping[Market, int],
        backfills: OrderedBackfills,
        life: int,
        shelf: Shelf = NOTHING_KEPT,
    ) -> None:
        self._exchange = exchange
        self._endpoints = endpoints
        self._sinks = sinks
        self._resume_at = dict(resume_at)
        self._tracks: dict[str, Track] = {}
        self._lines: dict[Feed, _Line] = {}
        self._changed = asyncio.Event()
        self._bank = MacdVBank()
        self._rotation = Rotation(exchange, replace=self._succeed)
        self._dials = TokenBucket(exchange.connections_per_second)
        self._messages = TokenBucket(
            exchange.messages_per_second, burst=exchange.messages_per_second / 2
        )
        self._http = ExchangeHttp(exchange, endpoints.rest)
        self._retired_reconnects = 0  # of feeds that are at work no more
        self.listing = Listing(exchange, self._http, changed=self._changed.set)
        self._backfill = Backfill(exchange, self._http, shelf=shelf, names=self.listing.names)
        self.view = VenueView(exchange, self.listing, self._tracks)
        """What can be said of it."""
        self._supply = Supply(exchange, self._backfill, complain=self.view.note)
        self.orders = Orders(
            exchange,
            self._http,
            self._backfill,
            self.listing,
            backfills=backfills,
            life=life,
            deliver=self._replace,
        )
        """The backfills that users have ordered of it."""

    @property
    def name(self) -> str:
        """The exchange's name."""
        return self._exchange.name

    # -- what is wanted

    def want(self, watchers: Mapping[str, tuple[Desk, ...]], kept: Iterable[str]) -> None:
        """Who watches which symbol from now on.

        Args:
            watchers: Desks by canonical symbol, in the order of the watchlists.
            kept: Symbols that some plan names, paused or not: their series are kept, so that a
                resume repairs a hole instead of starting anew.
        """
        listed = dict.fromkeys((*watchers, *kept))
        for symbol in [symbol for symbol in self._tracks if symbol not in listed]:
            track = self._tracks.pop(symbol)
            track.watch(())
            self._supply.leave(track)
        for symbol in listed:
            if symbol not in self._tracks:
                market = Market(self._exchange.name, symbol)
                resume_at = self._resume_at.pop(market, None)
                self._tracks[symbol] = Track(market, self._sinks, resume_at=resume_at)
            self._tracks[symbol].watch(watchers.get(symbol, ()))
        self._changed.set()

    def resume_points(self) -> dict[Market, int]:
        """Where the bars told so far end, unix seconds by market."""
        told = {t.market: t.resume_at for t in self._tracks.values() if t.resume_at is not None}
        return self._resume_at | told

    async def run(self) -> None:
        """Work until cancelled."""
        async with self._http, asyncio.TaskGroup() as tasks:
            name = self._exchange.name
            tasks.create_task(self.listing.run(), name=f"listing {name}")
            tasks.create_task(self._backfill.run(), name=f"backfill {name}")
            tasks.create_task(self.orders.run(), name=f"orders {name}")
            # An alias is subscribed by the name of its book, so the list comes first; a REST
            # interface that is down must not keep the stream waiting for long.
            await self.listing.asked.wait()
            rotating = self._rotation.run(lambda: self._lines, partial(self._dial, tasks))
            tasks.create_task(rotating, name=f"rotation {name}")
            while True:
                self._changed.clear()
                self._spread(tasks)
                await self._changed.wait()

    def _spread(self, tasks: asyncio.TaskGroup) -> None:
        """Put what is wanted on connections; open and close them as needed."""
        if not self._tracks:
            for line in self._lines.values():
                self._retired_reconnects += line.feed.reconnects
                line.task.cancel()
            self._lines.clear()
            return
        wanted = [
            symbol
            for symbol, track in self._tracks.items()
            if track.watchers and self.listing.may_stream(symbol)
        ]
        feeds, moved = list(self._lines), self.listing.take_moved()
        for feed in feeds:
            for symbol in feed.wanted & moved:
                feed.renew(symbol)
        shards = allot(
            [feed.wanted for feed in feeds], wanted, self._exchange.symbols_per_connection
        )
        for number, symbols in enumerate(shards):
            feed = feeds[number] if number < len(feeds) else self._open(tasks, number)
            # What is taken off while it is wanted, as in a halt, is not heard of meanwhile.
            self._lose(feed.wanted - symbols)
            feed.want(symbols)

    def _open(self, tasks: asyncio.TaskGroup, number: int) -> Feed:
        feed, task = self._dial(tasks, self, str(number))
        self._lines[feed] = _Line(feed, task)
        return feed

    def _dial(
        self, tasks: asyncio.TaskGroup, listener: Listener, which: str = "next"
    ) -> tuple[Feed, asyncio.Task[None]]:
        feed = Feed(
            self._exchange,
            self._endpoints.websocket,
            listener,
            new_protocol=self.listing.new_protocol,
            dials=self._dials,
            messages=self._messages,
            address=partial(address_to_dial, self._exchange, self._http, self._endpoints.websocket),
        )
        task = tasks.create_task(feed.run(), name=f"feed {self._exchange.name} {which}")
        return feed, task

    def _succeed(self, feed: Feed, successor: Successor) -> None:
        """Put a connection in the place of another; nothing is lost where the two were heard."""
        line = self._lines[feed]
        if not successor.is_seamless:
            self._lose(feed.wanted)
        line.task.cancel()
        self._retired_reconnects += feed.reconnects
        following = replace(line, feed=successor.feed, task=successor.task)
        self._lines = {
            following.feed if one is feed else one: following if one is feed else each
            for one, each in self._lines.items()
        }
        successor.feed.listener = self
        self.feed_heard(successor.feed, successor.heard)

    # -- what is heard

    def feed_heard(self, feed: Feed, events: Sequence[Event]) -> None:
        """Some frames: trades to their tracks, the clock to all of the connection."""
        line = self._lines.get(feed)
        if line is None:
            return
        touched: dict[str, Track | None] = {}
        clock = line.clock
        for event in events:
            if isinstance(event, Trade):
                if not clock.allows(event.time_us):
                    self._refuse(line, event)
                    continue
                symbol = event.symbol
                if symbol in touched:
                    track = touched[symbol]
                else:
                    track = touched[symbol] = self._attended(symbol)
                if track is not None:
                    track.series.add(event)
            elif isinstance(event, ServerTime):
                clock.hear(event.time_us)
            else:
                self._hear_of_link(line, event)
        for track in touched.values():
            # What the clock alone closes, the sweep tells; asking at each trade costs a fifth.
            if track is not None and track.series.is_due:
                track.tell()
        # A clock that nothing is believed of yet would tell every market that it is 1970.
        if clock.time_us and clock.time_us // MICROSECONDS != line.swept_second:
            line.swept_second = clock.time_us // MICROSECONDS
            self._sweep(line)

    def _hear_of_link(self, line: _Line, event: Event) -> None:
        wanted = line.feed.wanted
        if isinstance(event, SequenceGap):
            log.info("venue.gap", exchange=self.name, frames=event.received - event.expected)
            self._lose(wanted)
        elif isinstance(event, TradesLost):
            log.info("venue.trades_lost", exchange=self.name, symbol=event.symbol)
            if (track := self._tracks.get(event.symbol)) is not None:
                track.series.doubt(event.since_us, event.until_us)
        elif isinstance(event, Farewell):
            self._rotation.take_farewell(line.feed)
        elif isinstance(event, VenueError):
            self.view.note(f"{self._exchange.label} says: {event.message}")
        elif isinstance(event, Subscriptions):
            # What is wanted and not carried any more is not heard of until it is again.
            self._lose((line.acknowledged & wanted) - event.symbols)
            line.acknowledged = event.symbols

    def feed_lost(self, feed: Feed) -> None:
        """A connection is gone; its markets may miss trades until they are heard again."""
        if (line := self._lines.get(feed)) is None or self._rotation.succeeds(feed):
            return
        self._lose(feed.wanted)
        if line.refused:
            log.warning("venue.refused", exchange=self.name, trades=line.refused)
        line.clock, line.refused, line.swept_second = ServerClock(), 0, 0
        line.acknowledged = frozenset()

    def _refuse(self, line: _Line, trade: Trade) -> None:
        """Leave out a trade that its exchange's clock contradicts; say so once a connection."""
        line.refused += 1
        if line.refused == 1:
            ahead = (trade.time_us - line.clock.time_us) // MICROSECONDS
            label, symbol = self._exchange.label, trade.symbol
            self.view.note(
                f"{label} told a trade of {symbol} {ahead} s ahead of its own clock; it and any "
                "other like it are left out."
            )

    def _sweep(self, line: _Line) -> None:
        """Once for each second of the exchange: close what is over, fetch what is missing."""
        live = line.feed.acknowledged & line.feed.wanted
        # In the order of the watchlists: so are histories asked for.
        tracks = [track for symbol, track in self._tracks.items() if symbol in live]
        tracks = [track for track in tracks if track.is_attended()]
        for track in tracks:
            track.series.advance(line.clock.time_us)
        closed = close_together([track.series for track in tracks], self._bank)
        for track, _ in zip(tracks, closed, strict=True):
            symbol = track.market.symbol
            self._supply.go_on(track)
            if track.needs_renewal():
                self.view.note(self.view.deaf([symbol]), symbol)
                line.feed.renew(symbol)
            elif track.is_heard_again():
                self.view.note(f"{self._exchange.label} sends trades of {symbol} again.", symbol)

    def _attended(self, symbol: str) -> Track | None:
        track = self._tracks.get(symbol)
        return track if track is not None and track.is_attended() else None

    def _lose(self, symbols: Collection[str]) -> None:
        for symbol in symbols:
            if symbol in self._tracks:
                self._tracks[symbol].lose()

    def _replace(self, history: History) -> None:
        """Swap an ordered history in, and compute from it whatever is live."""
        track = self._tracks.get(history.market.symbol) if history.is_whole else None
        refreshed = None if track is None else track.refresh(history)
        self._sinks.history_replaced(refreshed or history.replacement())
        if track is not None and refreshed is not None:
            self._supply.go_on(track)

    def refresh(self) -> None:
        """Look at everything once, for all who ask :attr:`view` afterwards."""
        self.view.look(list(self._lines), self._retired_reconnects)
