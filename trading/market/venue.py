"""One exchange, shared by every user: its connections, its tracks, its history.

Rule 1: whatever a frame says goes to the tracks; a frame of a market that nobody may watch is
    dropped unread.
Rule 2: bars move with the exchange's clock as frames show it, and only for markets that it says
    it is sending.
Rule 3: what is missing is asked for here and nowhere else, one request for each hole however many
    users wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from trading.core.errors import ExchangeError
from trading.core.market import MICROSECONDS, Market, Timeframe, Trade
from trading.desk import Desk
from trading.exchanges.ports import Event, Exchange, SequenceGap, ServerTime, VenueError
from trading.market.backfill import (
    Backfill,
    HistoryJob,
    Urgency,
    cut_before,
    hole_spans,
    warm_up_spans,
)
from trading.market.listing import Listing
from trading.market.shards import allot
from trading.market.track import Track
from trading.net.budget import TokenBucket
from trading.net.endpoints import Endpoints
from trading.net.feed import Feed, FeedState
from trading.net.http import ExchangeHttp
from trading.ports import FailureFacts, FeedFacts, MarketFacts, Sinks

log = structlog.get_logger(__name__)

GRACE_SECONDS = 2.0
"""An exchange may still correct a candle this long after its end."""

OLDEST_CUT_SECONDS = 240 * Timeframe.M1.seconds
"""A warm-up that waited longer begins anew, while its trades are still kept."""

OVERLAP_SECONDS = Timeframe.M1.seconds
REMEMBERED_FAILURES = 20
_WORST_FIRST = (
    FeedState.UNREACHABLE,
    FeedState.CONNECTING,
    FeedState.STALE,
    FeedState.CONNECTED,
)


@dataclass(slots=True, eq=False)
class _Line:
    """A connection at work, and how far its markets have heard the exchange's clock."""

    feed: Feed
    task: asyncio.Task[None]
    time_us: int = 0
    swept_second: int = 0


class Venue:
    """Everything that is done with one exchange.

    Args:
        exchange: Its protocol and limits.
        endpoints: Where it is.
        sinks: Where closed candles go.
        resume_at: Where earlier tracks had told everything, unix seconds by market.
    """

    def __init__(
        self,
        exchange: Exchange,
        endpoints: Endpoints,
        sinks: Sinks,
        *,
        resume_at: Mapping[Market, int],
    ) -> None:
        self._exchange = exchange
        self._endpoints = endpoints
        self._sinks = sinks
        self._resume_at = dict(resume_at)
        self._tracks: dict[str, Track] = {}
        self._lines: dict[Feed, _Line] = {}
        self._changed = asyncio.Event()
        self._dials = TokenBucket(exchange.connections_per_second)
        self._messages = TokenBucket(
            exchange.messages_per_second, burst=exchange.messages_per_second / 2
        )
        self._http = ExchangeHttp(exchange, endpoints.rest)
        self._backfill = Backfill(exchange, self._http)
        self._failures: deque[tuple[str | None, FailureFacts]] = deque(maxlen=REMEMBERED_FAILURES)
        self._received: frozenset[str] = frozenset()
        self._expected: frozenset[str] = frozenset()
        self._retired_connections = 0
        self.listing = Listing(exchange, self._http, changed=self._changed.set)

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
            self._tracks.pop(symbol).watch(())
        for symbol in listed:
            track = self._tracks.get(symbol)
            if track is None:
                market = Market(self._exchange.name, symbol)
                resume_at = self._resume_at.pop(market, None)
                track = self._tracks[symbol] = Track(market, self._sinks, resume_at=resume_at)
            track.watch(watchers.get(symbol, ()))
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
            # An alias is subscribed by the name of its book, so the list comes first; a REST
            # interface that is down must not keep the stream waiting for long.
            await self.listing.asked.wait()
            while True:
                self._changed.clear()
                self._spread(tasks)
                await self._changed.wait()

    def _spread(self, tasks: asyncio.TaskGroup) -> None:
        """Put what is wanted on connections; open and close them as needed."""
        if not self._tracks:
            for line in self._lines.values():
                self._retired_connections += line.feed.connections
                line.task.cancel()
            self._lines.clear()
            return
        wanted = [
            symbol
            for symbol, track in self._tracks.items()
            if track.watchers and self.listing.may_stream(symbol)
        ]
        feeds = list(self._lines)
        shards = allot(
            [feed.wanted for feed in feeds], wanted, self._exchange.symbols_per_connection
        )
        for number, symbols in enumerate(shards):
            feed = feeds[number] if number < len(feeds) else self._open(tasks, number)
            feed.want(symbols)

    def _open(self, tasks: asyncio.TaskGroup, number: int) -> Feed:
        feed = Feed(
            self._exchange,
            self._endpoints.websocket,
            self,
            new_protocol=self.listing.new_protocol,
            dials=self._dials,
            messages=self._messages,
        )
        task = tasks.create_task(feed.run(), name=f"feed {self._exchange.name} {number}")
        self._lines[feed] = _Line(feed, task)
        return feed

    # -- what is heard

    def feed_heard(self, feed: Feed, events: Sequence[Event]) -> None:
        """One frame: trades to their tracks, the clock to all of the connection."""
        line = self._lines.get(feed)
        if line is None:
            return
        touched: dict[str, Track | None] = {}
        for event in events:
            if isinstance(event, Trade):
                symbol = event.symbol
                if symbol not in touched:
                    touched[symbol] = self._attended(symbol)
                track = touched[symbol]
                if track is not None:
                    track.series.add(event)
            elif isinstance(event, ServerTime):
                line.time_us = max(line.time_us, event.time_us)
            elif isinstance(event, SequenceGap):
                self._lose(feed, f"{event.received - event.expected} frames were lost")
            elif isinstance(event, VenueError):
                self._note(f"{self._exchange.label} says: {event.message}")
        for track in touched.values():
            if track is not None:
                track.tell()
        if line.time_us // MICROSECONDS != line.swept_second:
            line.swept_second = line.time_us // MICROSECONDS
            self._sweep(line)

    def feed_lost(self, feed: Feed) -> None:
        """A connection is gone; its markets may miss trades until they are heard again."""
        self._lose(feed, "the connection was lost")

    def _sweep(self, line: _Line) -> None:
        """Once for each second of the exchange: close what is over, fetch what is missing."""
        for symbol in line.feed.acknowledged & line.feed.wanted:
            track = self._attended(symbol)
            if track is None:
                continue
            track.series.advance(line.time_us)
            self._go_on(track)

    def _attended(self, symbol: str) -> Track | None:
        track = self._tracks.get(symbol)
        return track if track is not None and track.is_attended() else None

    def _lose(self, feed: Feed, why: str) -> None:
        tracks = [self._tracks[symbol] for symbol in feed.wanted if symbol in self._tracks]
        for track in tracks:
            track.lose()
        if tracks:
            log.info("venue.hole", exchange=self._exchange.name, why=why, symbols=len(tracks))

    # -- what is missing

    def _provide(self, track: Track) -> None:
        """Ask for the history that a track needs now, unless it is on its way."""
        if not track.may_fetch:
            return
        now_us = track.series.server_time_us
        if track.series.needs_warm_up:
            self._warm_up(track, now_us)
        elif hole := track.series.hole():
            track.is_fetching = True

            def repaired(job: HistoryJob, error: ExchangeError | None) -> None:
                if self._is_usable(track, error):
                    track.series.repair(job.candles[Timeframe.M1], hole)
                    self._go_on(track)

            self._backfill.submit(
                HistoryJob(
                    symbol=track.market.symbol,
                    urgency=Urgency.REPAIR,
                    cut=hole.end,
                    left=hole_spans(hole),
                    done=repaired,
                )
            )

    def _warm_up(self, track: Track, now_us: int) -> None:
        cut = cut_before(now_us, GRACE_SECONDS)
        job = track.warm_up
        if job is None or cut - job.cut > OLDEST_CUT_SECONDS:
            # Bars told before the last restart are history; those since then are a hole, and so
            # is the very last one, whose amendment may have been lost with that life.
            certain = None if track.resume_at is None else track.resume_at - OVERLAP_SECONDS
            if certain is not None and 0 <= cut - certain <= OLDEST_CUT_SECONDS:
                cut = certain
            job = track.warm_up = HistoryJob(
                symbol=track.market.symbol,
                urgency=Urgency.WARM_UP,
                cut=cut,
                left=warm_up_spans(cut),
                done=lambda job, error: self._warmed_up(track, job, error),
            )
        track.is_fetching = True
        self._backfill.submit(job)

    def _warmed_up(self, track: Track, job: HistoryJob, error: ExchangeError | None) -> None:
        if not self._is_usable(track, error):
            return
        track.warm_up = None
        track.series.warm_up(job.candles, job.cut)
        log.info("venue.warm", exchange=self._exchange.name, symbol=job.symbol, cut=job.cut)
        self._go_on(track)

    def _is_usable(self, track: Track, error: ExchangeError | None) -> bool:
        """Whether an answer may change a series: not a dropped one, nor behind closed gates."""
        if error is None:
            track.fetched()
        else:
            track.failed(error)
            symbol = track.market.symbol
            self._note(f"No history of {symbol}: {error}", symbol)
        is_current = self._tracks.get(track.market.symbol) is track
        return error is None and is_current and track.is_attended()

    def _go_on(self, track: Track) -> None:
        track.seat_arrivals()
        track.tell()
        self._provide(track)

    # -- what can be said

    def refresh(self) -> None:
        """Look at the links and count the trades, once for all who ask afterwards."""
        for track in self._tracks.values():
            track.count()
        feeds = list(self._lines)
        carried = frozenset[str]().union(*(feed.wanted for feed in feeds))
        received: set[str] = set()
        expected = {symbol for symbol in self._tracks if symbol not in carried}
        for feed in feeds:
            if feed.state is FeedState.CONNECTED:
                received |= feed.wanted - feed.unconfirmed()
            elif feed.state is FeedState.CONNECTING:
                expected |= feed.wanted
        self._received = frozenset(received)
        self._expected = frozenset(filter(self.listing.may_stream, expected))

    def market_facts(self, symbols: Iterable[str]) -> list[MarketFacts]:
        """What can be said of these markets, as of the last refresh."""
        tracks = [self._tracks[symbol] for symbol in symbols if symbol in self._tracks]
        return [track.facts(is_stale=self._is_stale(track)) for track in tracks]

    def feed_facts(self, symbols: Sequence[str], *, wanted: bool) -> FeedFacts:
        """The link as one user sees it, who has these symbols listed.

        Args:
            symbols: Canonical symbols of the user's plan.
            wanted: Whether the user wants them now. When not, those count as subscribed that
                are still sent for nobody else.
        """
        feeds = list(self._lines)
        states = {feed.state for feed in feeds}
        state = next((state for state in _WORST_FIRST if state in states), FeedState.OFF)
        received = frozenset[str]().union(*(feed.acknowledged for feed in feeds))
        tracks = [self._tracks[symbol] for symbol in symbols if symbol in self._tracks]
        mine = [track for track in tracks if wanted or not track.watchers]
        stale = [t.market.symbol for t in tracks if wanted and self._is_stale(t)]
        latencies = [feed.latency_ms for feed in feeds if feed.latency_ms is not None]
        connections = self._retired_connections + sum(feed.connections for feed in feeds)
        return FeedFacts(
            exchange=self._exchange.name,
            label=self._exchange.label,
            state=str(state),
            latency_ms=round(max(latencies), 2) if latencies else None,
            last_message_at_ms=max((f.last_message_at_ms or 0 for f in feeds), default=0) or None,
            reconnects=max(0, connections - max(1, len(feeds))),
            subscriptions=sum(track.market.symbol in received for track in mine),
            stale_symbols=tuple(stale),
            detail=self._detail(feeds, state, stale),
        )

    def failures(self, symbols: Collection[str]) -> list[FailureFacts]:
        """What went wrong lately with the exchange or one of these symbols, oldest first."""
        return [facts for symbol, facts in self._failures if symbol is None or symbol in symbols]

    def _is_stale(self, track: Track) -> bool:
        symbol = track.market.symbol
        if symbol in self._received:
            return False
        # At the beginning nothing was heard yet: that is "warming", unless it cannot come.
        return not (track.series.needs_warm_up and symbol in self._expected)

    def _detail(self, feeds: Sequence[Feed], state: FeedState, stale: Sequence[str]) -> str:
        if state is not FeedState.CONNECTED:
            return next((feed.detail for feed in feeds if feed.state is state), "")
        if refused := [symbol for symbol in stale if not self.listing.may_stream(symbol)]:
            return f"{self._exchange.label} does not trade {', '.join(refused)}."
        if stale:
            return f"{self._exchange.label} has not confirmed {', '.join(stale)}."
        return ""

    def _note(self, message: str, symbol: str | None = None) -> None:
        log.warning("venue.trouble", exchange=self._exchange.name, message=message)
        facts = FailureFacts(
            at_ms=time.time_ns() // 1_000_000,
            where=self._exchange.label,
            level="warning",
            message=message,
        )
        self._failures.append((symbol, facts))
