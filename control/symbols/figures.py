"""Price, change and volume of a user's own symbols: looked at when somebody asks, never streamed.

Rule 1: the figures are those of the listings that all users share: of one exchange they are of one
    moment, and each says which.
Rule 2: an exchange that does not answer takes nothing from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from control.plan import situation
from control.symbols.equivalents import Source
from control.symbols.listings import Listing, ListingUnknown, alisting
from control.symbols.remembered import remembered
from settings_app import services
from settings_app.models import User
from trading.core.market import Market, Ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a user's symbols did in 24 hours.

    Args:
        tickers: Of each market that its exchange lists.
        sources: The exchanges, in the order in which the user's symbols name them.
    """

    tickers: Mapping[Market, Ticker]
    sources: tuple[Source, ...]


def own_markets(user: User) -> list[Market]:
    """The markets of a user: the watchlist in its order, then what is watched or held beside it.

    Raises:
        SettingsInvalid: If the stored settings cannot be used.
        SettingsTooNew: If a newer program stored them.
    """
    now = situation(user.pk)
    document = now.document or services.read(user.pk).document  # which says what is wrong with it
    listed = [Market(row.exchange, row.symbol) for row in document.watchlist]
    planned = now.plan.markets if now.plan else ()
    return list(dict.fromkeys((*listed, *planned, *(one.market for one in now.held))))


def asked_figures(markets: Sequence[Market]) -> Figures:
    """The figures of markets; each exchange is asked, unless that was done within the minute."""
    names = _exchanges(markets)
    found = async_to_sync(_asked)(names)
    return _figures(markets, dict(zip(names, found, strict=True)))


def kept_figures(markets: Sequence[Market]) -> Figures:
    """The figures as they were told last, however long ago; nobody is asked."""
    return _figures(markets, remembered(_exchanges(markets)))


async def _asked(exchanges: Iterable[str]) -> list[Listing | ListingUnknown]:
    return await asyncio.gather(*(_one(exchange) for exchange in exchanges))


async def _one(exchange: str) -> Listing | ListingUnknown:
    try:
        return await alisting(exchange)
    except ListingUnknown as exc:
        return exc


def _exchanges(markets: Iterable[Market]) -> list[str]:
    return list(dict.fromkeys(market.exchange for market in markets))


def _figures(
    markets: Iterable[Market], found: Mapping[str, Listing | ListingUnknown | None]
) -> Figures:
    tickers = {}
    for market in markets:
        listing = found[market.exchange]
        ticker = listing.tickers.get(market.symbol) if isinstance(listing, Listing) else None
        if ticker is not None:
            tickers[market] = ticker
    sources = (_source(exchange, one) for exchange, one in found.items())
    return Figures(tickers=tickers, sources=tuple(sources))


def _source(exchange: str, found: Listing | ListingUnknown | None) -> Source:
    match found:
        case Listing():
            note, read_at = found.note, found.listed.read_at
            return Source(exchange=exchange, label=found.label, read_at=read_at, note=note)
        case ListingUnknown():
            note = f"{found.label} did not tell its figures ({found.reason})."
            return Source(exchange=exchange, label=found.label, read_at=None, note=note)
        case None:
            return Source(exchange=exchange, label=exchange, read_at=None, note="")
