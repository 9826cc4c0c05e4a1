"""What can be watched and what it does, to look at before it is added; for one user's eyes.

Rule 1: nothing here changes anything.
Rule 2: a search may use what was read before, and says how old that is. The figures of one market
    are of now, or there are none: somebody decides by them.
Rule 3: whether a market is on the watchlist is said of the user who asks, from their own document.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from control.symbols import listings
from control.symbols.equivalents import Related, related
from control.symbols.listings import Listing, listing, listing_with
from settings_app import services
from settings_app.models import User
from settings_app.schema import Settings
from trading.core.errors import Rejected, TradingError
from trading.core.market import Instrument, Market, Ticker
from trading.core.search import nearest, search

MOST: Final = 100
USUAL: Final = 20


class MarketUnknown(Exception):
    """There is no such market; the text says so without the name that was asked for.

    Args:
        near: The names most like it that there are.
    """

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"{message}{hint}")
        self.near = near


class FiguresUnknown(Exception):
    """An exchange did not say what a market does now; the text has the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMarket:
    """One market, as a user sees it.

    Args:
        ticker: What it did in 24 hours; None where the exchange does not say.
        is_on_watchlist: Whether it has a row there, switched on or off.
    """

    instrument: Instrument
    ticker: Ticker | None
    is_on_watchlist: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search has found.

    Args:
        label: What people call the exchange.
        markets: The best first.
        read_at: When the exchange told the figures, unix seconds.
        note: That they are old, from when and why; empty where they are not.
    """

    exchange: str
    label: str
    markets: tuple[SeenMarket, ...]
    read_at: float
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One market with its figures of now.

    Args:
        read_at: When the exchange told the figures, unix seconds.
        note: That what it lists is an older word of it; empty where it is not.
        related: Its related markets, here and elsewhere.
    """

    market: SeenMarket
    read_at: float
    note: str
    related: Related


def search_markets(
    user: User,
    query: str,
    *,
    exchange: str | None = None,
    quote: str | None = None,
    limit: int = USUAL,
) -> Found:
    """Markets that fit what somebody typed.

    Args:
        user: Whose watchlist is told of.
        query: Part of a symbol, a base or a name; an empty one fits everything.
        exchange: Where; the user's primary exchange without it.
        quote: Only those quoted in this.
        limit: How many at most.

    Raises:
        MarketUnknown: If Livermore knows no such exchange.
        ListingUnknown: If it does not say what it lists, and was never read.
        SettingsTooNew: If a newer program stored the user's settings.
    """
    document = services.read(user.pk).document
    name = _known(exchange or document.perseus_profile.primary_exchange)
    known = listing(name)
    fitting = [
        one
        for one in known.instruments.values()
        if quote is None or one.quote.casefold() == quote.strip().casefold()
    ]
    hits = search(fitting, query, tickers=known.tickers, limit=limit)
    watched = _watchlist(document, name)
    return Found(
        exchange=name,
        label=known.label,
        markets=tuple(_seen(one, known.tickers, watched) for one in hits),
        read_at=known.listed.read_at,
        note=known.note,
    )


def market_of(user: User, exchange: str, symbol: str) -> Measured:
    """One market with what the exchange says of it now.

    Raises:
        MarketUnknown: If there is none of that name, with the nearest.
        ListingUnknown: If the exchange does not say what it lists, and was never read.
        FiguresUnknown: If it does not say what the market does.
        SettingsTooNew: If a newer program stored the user's settings.
    """
    document = services.read(user.pk).document
    known = holding(listing_with(_known(exchange), symbol), symbol)
    try:
        ticker = listings.ticker(exchange, symbol, native=known.instruments[symbol].native_id)
    except Rejected as exc:
        known = holding(listing(exchange, fresh=0.0), symbol)  # it may have been taken off since
        raise FiguresUnknown(_no_figures(known, "it refused the question")) from exc
    except TradingError as exc:
        raise FiguresUnknown(_no_figures(known, str(exc))) from exc
    watched = _watchlist(document, exchange)
    return Measured(
        market=_seen(known.instruments[symbol], {symbol: ticker}, watched),
        read_at=time.time(),
        note=known.note,
        related=related(document, [Market(exchange, symbol)]),
    )


def _known(exchange: str) -> str:
    if exchange not in settings.EXCHANGES:
        names = " and ".join(sorted(settings.EXCHANGES))
        raise MarketUnknown(f"Livermore knows no such exchange; it knows {names}.")
    return exchange


def holding(known: Listing, symbol: str) -> Listing:
    """A listing that has a market of this name.

    Raises:
        MarketUnknown: If it has none, with the nearest.
    """
    if symbol not in known.instruments:
        near = tuple(nearest(symbol, known.instruments))
        old = f" {known.note}" if known.note else ""
        raise MarketUnknown(f"{known.label} lists no market of that name.{old}", near)
    return known


def _no_figures(known: Listing, reason: str) -> str:
    return f"{known.label} did not say what this market does ({reason}). Try again later."


def _watchlist(document: Settings, exchange: str) -> frozenset[str]:
    return frozenset(row.symbol for row in document.watchlist if row.exchange == exchange)


def _seen(one: Instrument, tickers: Mapping[str, Ticker], watched: frozenset[str]) -> SeenMarket:
    symbol = one.market.symbol
    return SeenMarket(instrument=one, ticker=tickers.get(symbol), is_on_watchlist=symbol in watched)
