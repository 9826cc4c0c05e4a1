"""Everybody's desks over everybody's market data.

Rule 1: who wants which market is counted here; the venues do the work once for all of them.
Rule 2: what others read of it is a snapshot: immutable, replaced as a whole, read without waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from trading.backfills import OrderedBackfills
from trading.core.market import Candle, Instrument, Market
from trading.desk import Desk, Seat
from trading.exchanges.ports import Exchange
from trading.listings import Listed
from trading.market.shelf import NOTHING_KEPT
from trading.market.venue import Venue
from trading.net.endpoints import Endpoints
from trading.ports import (
    BackfillState,
    DeskFacts,
    FailureFacts,
    FeedFacts,
    MarketFacts,
    Shelf,
    Sinks,
)


class Hub:
    """All desks and all venues of one life of the data plane. Lives on one event loop.

    Args:
        endpoints: Addresses by exchange name.
        exchanges: Protocols by exchange name.
        sinks: Where everything found goes.
        backfills: What users have ordered.
        life: Which life of the data plane this is, to them.
        shelf: Where closed candles were kept before.
        before: The hub of the life before: its desks keep what they told, and its markets go on
            where they had stopped, so that the outage between is a hole like any other.
    """

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoints],
        exchanges: Mapping[str, Exchange],
        sinks: Sinks,
        backfills: OrderedBackfills,
        life: int,
        shelf: Shelf = NOTHING_KEPT,
        before: Hub | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._exchanges = exchanges
        self._sinks = sinks
        self._backfills = backfills
        self._life = life
        self._shelf = shelf
        self._venues: dict[str, Venue] = {}
        self._unstarted: list[Venue] = []
        self._changed = asyncio.Event()
        self._desks: dict[str, Desk] = {}
        self._resume_at: dict[Market, int] = {}
        self._desks_before: dict[str, Desk] = {}
        if before is not None:
            self._desks_before = before._desks_before | before._desks  # noqa: SLF001 - its own kind
            self._resume_at = before.resume_points()
        self.facts: Mapping[str, DeskFacts] = MappingProxyType({})
        """The last snapshot by user; safe to read from any thread."""

    def install(self, seats: Mapping[str, Seat]) -> None:
        """Work for exactly these users from now on.

        Args:
            seats: What was decided, by ``sub``.
        """
        desks: dict[str, Desk] = {}
        for sub, seat in seats.items():
            desk = self._desks.get(sub)
            if desk is None:
                before = self._desks_before.pop(sub, None)
                # Never the very desk: a life that was given up may hang, and wake up at it.
                desk = Desk(seat, self._sinks) if before is None else before.twin()
            desks[sub] = desk
            desk.take_seat(seat, self._sinks)
        self._desks = desks
        watchers, kept = self._demand()
        for name in {*self._venues, *kept}:
            venue = self._venue(name)
            if venue is not None:
                by_symbol = {symbol: tuple(them) for symbol, them in watchers[name].items()}
                venue.want(by_symbol, kept[name])
        self._look_at_orders()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for venue in self._unstarted:
                    tasks.create_task(venue.run(), name=f"venue {venue.name}")
                self._unstarted.clear()
                await self._changed.wait()

    def refresh(self) -> None:
        """Replace the snapshot."""
        for venue in self._venues.values():
            venue.refresh()
        at_ms = time.time_ns() // 1_000_000
        self.facts = MappingProxyType(
            {sub: self._facts_of(desk, at_ms) for sub, desk in self._desks.items()}
        )

    def closed_for(self, sub: str) -> tuple[int, int | None] | None:
        """How many minutes have closed for a user by now, and the newest of them.

        Safe to read from any thread, and newer than the snapshot: behind a gate that has just
        closed no number may seem to rise.
        """
        desk = self._desks.get(sub)
        return None if desk is None else (desk.candles_closed, desk.last_candle_at)

    def resume_points(self) -> dict[Market, int]:
        """Where the bars told so far end, unix seconds by market."""
        points = dict(self._resume_at)
        for venue in self._venues.values():
            points |= venue.resume_points()
        return points

    def listed(self, name: str) -> Mapping[str, Instrument] | None:
        """Everything that an exchange lists, as last seen; safe to read from any thread."""
        venue = self._venues.get(name)
        return None if venue is None else venue.listing.instruments

    def readings(self) -> list[Listed]:
        """The newest whole reading of each exchange that is served; safe from any thread."""
        found = (venue.listing.reading for venue in list(self._venues.values()))
        return [reading for reading in found if reading is not None]

    def forming(self) -> list[Candle]:
        """The minute of each watched market that trades fall into now; on this very loop."""
        return [one for venue in self._venues.values() for one in venue.view.forming()]

    def _look_at_orders(self) -> None:
        """Let every venue see what was ordered and cancelled; refuse what no venue can do."""
        for name in self._backfills.exchanges():
            if self._venue(name) is None:
                while (errand := self._backfills.take(name, self._life)) is not None:
                    self._backfills.ended(errand, BackfillState.FAILED, _no_feed(name))
        for venue in self._venues.values():
            venue.orders.look()

    def _demand(self) -> tuple[dict[str, dict[str, list[Desk]]], dict[str, list[str]]]:
        """Who watches what, and what is listed at all: by exchange, then symbol."""
        watchers: dict[str, dict[str, list[Desk]]] = defaultdict(lambda: defaultdict(list))
        kept: dict[str, list[str]] = defaultdict(list)
        for desk in self._desks.values():
            for exchange, symbol in desk.seat.plan.markets:
                kept[exchange].append(symbol)
            for exchange, symbol in dict.fromkeys(desk.seat.wanted):
                watchers[exchange][symbol].append(desk)
        return watchers, kept

    def _venue(self, name: str) -> Venue | None:
        """The venue of an exchange, opened when first needed; None: no such exchange here."""
        venue = self._venues.get(name)
        if venue is None and name in self._exchanges and name in self._endpoints:
            points = {m: at for m, at in self._resume_at.items() if m.exchange == name}
            venue = Venue(
                self._exchanges[name],
                self._endpoints[name],
                self._sinks,
                resume_at=points,
                backfills=self._backfills,
                life=self._life,
                shelf=self._shelf,
            )
            self._venues[name] = venue
            self._unstarted.append(venue)
            self._changed.set()
        return venue

    def _facts_of(self, desk: Desk, at_ms: int) -> DeskFacts:
        feeds: list[FeedFacts] = []
        markets: list[MarketFacts] = []
        failures: list[FailureFacts] = []
        skews: dict[str, float] = {}
        for name, symbols in desk.symbols.items():
            venue = self._venues.get(name)
            if venue is None:
                feeds.append(_unserved(name))
                continue
            feeds.append(venue.view.feed_facts(symbols, wanted=not desk.seat.paused))
            failures += venue.view.failures(symbols)
            if venue.listing.skew is not None:
                skews[name] = round(venue.listing.skew.ms, 1)
        for market in desk.seat.plan.markets:
            venue = self._venues.get(market.exchange)
            known = None if venue is None else venue.view.market_facts.get(market)
            markets.append(known or MarketFacts(market=market, live="stale"))
        extra: dict[str, Any] = {"skewMs": skews} if skews else {}
        return DeskFacts(
            at_ms=at_ms,
            feeds=tuple(feeds),
            markets=tuple(markets),
            candles_closed=desk.candles_closed,
            trades=desk.trades,
            last_candle_at=desk.last_candle_at,
            last_signal_at=desk.last_signal_at,
            failures=tuple(sorted(failures, key=lambda failure: failure.at_ms)),
            extra=extra,
        )


def _unserved(name: str) -> FeedFacts:
    return FeedFacts(
        exchange=name,
        label=name.capitalize(),
        state="off",
        detail=_no_feed(name),
    )


def _no_feed(name: str) -> str:
    return f"Livermore has no feed for {name}."
