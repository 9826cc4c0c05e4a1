"""The markets that are related to a user's: the same coin elsewhere, or in other money.

Rule 1: looked up in what exchanges were read to list, never asked for; what is old is said to be,
    and an exchange of which nothing is known is named.
Rule 2: related is not equal: each says what it is priced in, and how that compares.
Rule 3: what is listed is the same for everybody; which of it they watch is said of one user, by
    their own document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings

from control.incidents import in_words
from control.symbols.listings import Listing
from control.symbols.remembered import remembered
from settings_app.schema import Settings
from trading.core.equivalents import Equivalents, Quoted, money
from trading.core.market import Instrument, Market, Ticker
from trading.exchanges.registry import EXCHANGES

OLD_SECONDS: Final = 3_600.0
"""From when on a listing is called old: a running worker reads it twice in that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """A market that is related to another.

    Args:
        quoted: In what it is priced, beside that other.
        ticker: What it did in the 24 hours before its exchange was read; None: unknown.
        is_on_watchlist: Whether it has a row of the user's watchlist, switched on or off.
        is_exchange_enabled: Whether the user's settings let its exchange be listened to.
    """

    instrument: Instrument
    quoted: Quoted
    ticker: Ticker | None
    is_on_watchlist: bool
    is_exchange_enabled: bool

    @property
    def status(self) -> str:
        """Whether it trades, in a word."""
        return "trading" if self.instrument.streamable else "disabled"

    @property
    def note(self) -> str:
        """In what it is priced, as it is told to people."""
        quote = self.instrument.quote
        if self.quoted is Quoted.SAME:
            return f"quoted in {quote}"
        worth = money(quote)
        if worth == quote:
            return f"quoted in {quote} itself"
        return f"quoted in {quote}, pegged to {worth}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is known of an exchange's list.

    Args:
        label: What people call it.
        read_at: When it was read, unix seconds; None: nothing is known of it.
        note: That it is old, or not known; empty where it is neither.
    """

    exchange: str
    label: str
    read_at: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """The related markets of some.

    Args:
        of: By market; a market that no list has is not in it.
        sources: What that rests on, each exchange that Livermore knows.
    """

    of: Mapping[Market, tuple[Equivalent, ...]]
    sources: tuple[Source, ...]

    @property
    def notes(self) -> list[str]:
        """What to tell people of what is old, and of what is not known."""
        return [source.note for source in self.sources if source.note]


def related(document: Settings, markets: Iterable[Market]) -> Related:
    """What is related to some markets, on every exchange that Livermore knows.

    Args:
        document: Of the user who asks.
        markets: Theirs, or any.
    """
    listings = remembered(tuple(settings.EXCHANGES))
    known = {name: one for name, one in listings.items() if one is not None}
    index = _index(*(_Reading(one) for one in known.values()))
    watched = frozenset(Market(row.exchange, row.symbol) for row in document.watchlist)
    enabled = frozenset(name for name, one in document.exchanges.items() if one.enabled)

    def told(one: Instrument, quoted: Quoted) -> Equivalent:
        return Equivalent(
            instrument=one,
            quoted=quoted,
            ticker=known[one.market.exchange].tickers.get(one.market.symbol),
            is_on_watchlist=one.market in watched,
            is_exchange_enabled=one.market.exchange in enabled,
        )

    return Related(
        of={
            market: tuple(told(one, quoted) for one, quoted in index.of(market))
            for market in dict.fromkeys(markets)
        },
        sources=tuple(_source(name, one) for name, one in listings.items()),
    )


class _Reading:
    """A listing, told from others by when it was read: what an index is remembered by."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._key = listing.exchange, listing.listed.read_at, len(listing.listed.instruments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reading) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=2)
def _index(*readings: _Reading) -> Equivalents:
    return Equivalents(one for reading in readings for one in reading.listing.listed.instruments)


def _source(exchange: str, listing: Listing | None) -> Source:
    known = EXCHANGES.get(exchange)
    label = exchange.capitalize() if known is None else known.label
    if listing is None:
        note = f"What {label} lists has not been read yet: its related markets are unknown."
        return Source(exchange=exchange, label=label, read_at=None, note=note)
    age = listing.age_seconds
    is_old = age >= OLD_SECONDS
    words = f"What {label} lists was read {in_words(timedelta(seconds=age))} ago."
    read_at = listing.listed.read_at
    return Source(exchange=exchange, label=label, read_at=read_at, note=words if is_old else "")
