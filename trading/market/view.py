"""What can be said of one exchange: of its link, of each market, and of what went wrong lately.

Rule 1: everything is looked at once, some times a second, for all users together; whoever asks gets
    what was seen then.
Rule 2: a look changes nothing of what it looks at, but that trades are credited to the desks.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from trading.core.market import Candle, Market
from trading.exchanges.ports import Exchange
from trading.market.listing import Listing
from trading.market.track import Track
from trading.net.feed import Feed, FeedState
from trading.ports import FailureFacts, FeedFacts, MarketFacts

log = structlog.get_logger(__name__)

REMEMBERED_FAILURES = 20
_WORST_FIRST = (
    FeedState.UNREACHABLE,
    FeedState.CONNECTING,
    FeedState.STALE,
    FeedState.CONNECTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was seen of the links at the last look; symbols are canonical.

    Args:
        link: What every user sees of it.
        stale: Symbols on a dead link, or not confirmed.
        received: Symbols that the exchange says it sends.
        unwatched: Those of them that nobody wants any more.
    """

    link: FeedFacts
    stale: frozenset[str] = frozenset()
    received: frozenset[str] = frozenset()
    unwatched: frozenset[str] = frozenset()


class VenueView:
    """The view of one exchange.

    Args:
        exchange: Which one.
        listing: What it lists.
        tracks: Its markets by canonical symbol, as they are at any time.
    """

    def __init__(self, exchange: Exchange, listing: Listing, tracks: Mapping[str, Track]) -> None:
        self._exchange = exchange
        self._listing = listing
        self._tracks = tracks
        self._retired_reconnects = 0
        self._failures: deque[tuple[str | None, FailureFacts]] = deque(maxlen=REMEMBERED_FAILURES)
        self._seen = _Seen(link=self._link_facts(()))
        self.market_facts: Mapping[Market, MarketFacts] = {}
        """What can be said of each market, as of the last look."""

    def forming(self) -> list[Candle]:
        """The minute that trades fall into, of each market that somebody may look at now."""
        watched = (
            track for track in self._tracks.values() if any(d.is_open for d in track.watchers)
        )
        minutes = (track.series.forming() for track in watched)
        return [minute for minute in minutes if minute is not None]

    def look(self, feeds: Sequence[Feed], retired_reconnects: int) -> None:
        """Look at everything once, for all who ask afterwards.

        Args:
            feeds: The connections at work.
            retired_reconnects: How often those were made anew that are at work no more.
        """
        self._retired_reconnects = retired_reconnects
        carried = frozenset[str]().union(*(feed.wanted for feed in feeds))
        sound: set[str] = set()
        expected = {symbol for symbol in self._tracks if symbol not in carried}
        for feed in feeds:
            if feed.state is FeedState.CONNECTED:
                sound |= feed.wanted - feed.unconfirmed()
            elif feed.state is FeedState.CONNECTING:
                expected |= feed.wanted
        stale: set[str] = set()
        facts: dict[Market, MarketFacts] = {}
        for symbol, track in self._tracks.items():
            track.count()
            # At the beginning nothing was heard yet: that is "warming", unless it cannot come.
            is_awaited = symbol in expected and self._listing.may_stream(symbol)
            if symbol not in sound and not (is_awaited and track.series.needs_warm_up):
                stale.add(symbol)
            if track.series.is_deaf:
                stale.add(symbol)
            facts[track.market] = track.facts(is_stale=symbol in stale)
        received = frozenset[str]().union(*(feed.acknowledged for feed in feeds))
        self.market_facts = facts
        self._seen = _Seen(
            link=self._link_facts(feeds),
            stale=frozenset(stale),
            received=received,
            unwatched=frozenset(s for s in received if not self._is_watched(s)),
        )

    def feed_facts(self, symbols: Sequence[str], *, wanted: bool) -> FeedFacts:
        """The link as one user sees it, who has these symbols listed; as of the last look.

        Args:
            symbols: Canonical symbols of the user's plan.
            wanted: Whether the user wants them now. When not, those count as subscribed that
                are still sent for nobody else.
        """
        seen = self._seen
        subscribed = seen.received if wanted else seen.unwatched
        stale = tuple(s for s in symbols if s in seen.stale) if wanted and seen.stale else ()
        return replace(
            seen.link,
            subscriptions=len(subscribed.intersection(symbols)),
            stale_symbols=stale,
            detail=seen.link.detail or self._detail(stale),
        )

    def failures(self, symbols: Collection[str]) -> list[FailureFacts]:
        """What went wrong lately with the exchange or one of these symbols, oldest first."""
        return [facts for symbol, facts in self._failures if symbol is None or symbol in symbols]

    def deaf(self, symbols: Sequence[str]) -> str:
        """That symbols are not sent, though there are trades of them: in words for a trader."""
        names = ", ".join(symbols)
        return (
            f"{self._exchange.label} sends no trades of {names}, though there are some; its candles"
            " are read from the history."
        )

    def note(self, message: str, symbol: str | None = None) -> None:
        """Remember what went wrong, with a symbol where it concerns that one alone."""
        log.warning("venue.trouble", exchange=self._exchange.name, message=message)
        facts = FailureFacts(
            at_ms=time.time_ns() // 1_000_000,
            where=self._exchange.label,
            level="warning",
            message=message,
        )
        self._failures.append((symbol, facts))

    def _link_facts(self, feeds: Sequence[Feed]) -> FeedFacts:
        """What all users see of the link: the worst of its connections speaks for it."""
        worst = min(feeds, key=lambda feed: _WORST_FIRST.index(feed.state), default=None)
        latencies = [feed.latency_ms for feed in feeds if feed.latency_ms is not None]
        return FeedFacts(
            exchange=self._exchange.name,
            label=self._exchange.label,
            state=str(FeedState.OFF if worst is None else worst.state),
            latency_ms=round(max(latencies), 2) if latencies else None,
            last_message_at_ms=max((f.last_message_at_ms or 0 for f in feeds), default=0) or None,
            reconnects=self._retired_reconnects + sum(feed.reconnects for feed in feeds),
            detail="" if worst is None else worst.detail,
        )

    def _is_watched(self, symbol: str) -> bool:
        track = self._tracks.get(symbol)
        return track is not None and bool(track.watchers)

    def _detail(self, stale: Sequence[str]) -> str:
        """Why symbols are stale on a link that is not."""
        if refused := [symbol for symbol in stale if not self._listing.may_stream(symbol)]:
            if self._listing.symbols is None:  # and its ids are not known without
                return f"{self._exchange.label} has not told what it lists yet."
            return f"{self._exchange.label} does not trade {', '.join(refused)}."
        if deaf := [symbol for symbol in stale if self._tracks[symbol].series.is_deaf]:
            return self.deaf(deaf)
        if stale:
            return f"{self._exchange.label} has not confirmed {', '.join(stale)}."
        return ""
