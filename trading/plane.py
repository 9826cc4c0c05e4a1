"""The data plane: a thread with a loop of its own, and the only door to it.

Rule 1: every method may be called from any thread and returns at once, also while the loop hangs:
    decisions are noted under a lock that the loop never works under, facts are read from a
    snapshot.
Rule 2: what its thread does is a life (:mod:`trading.life`), one after another. Whether and when
    there is to be the next is decided above.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from trading.backfills import OrderedBackfills
from trading.core.market import Candle, Instrument, Market
from trading.desk import Seat
from trading.exchanges.ports import Exchange
from trading.exchanges.registry import EXCHANGES
from trading.life import PlaneFailure, PlaneLife, Valve
from trading.listings import Listed, ListingReader
from trading.market.hub import Hub
from trading.market.shelf import NOTHING_KEPT
from trading.net.endpoints import Endpoints
from trading.ports import (
    BackfillOrder,
    DeskFacts,
    DeskPlan,
    Gate,
    Installed,
    MarketFacts,
    Owner,
    Shelf,
    Sinks,
)
from trading.positions import PositionReader

STOP_SECONDS = 3.0


class DataPlane:
    """All users' market data, in a thread of its own.

    Args:
        endpoints: Addresses by exchange name; an exchange without one is not served.
        sinks: Where signals, indicators and candles go; called from the data plane's thread.
        exchanges: Protocols by exchange name.
        shelf: Where closed candles were kept before; asked from the data plane's loop.
    """

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoints],
        sinks: Sinks,
        exchanges: Mapping[str, Exchange] = EXCHANGES,
        shelf: Shelf = NOTHING_KEPT,
    ) -> None:
        self._endpoints = dict(endpoints)
        self._exchanges = exchanges
        self._shelf = shelf
        self._sinks = sinks
        self._lock = threading.Lock()
        self._seats: dict[str, Seat] = {}
        self._backfills = OrderedBackfills()
        self._life: PlaneLife | None = None

    # -- its life

    def start(self) -> None:
        """Begin to turn. Does nothing while it turns."""
        if self._life is None or self._life.is_over:
            self._begin(before=self._life)

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """End it; whether the thread ended in time. A thread that hangs is given up, and mute."""
        return True if self._life is None else self._life.end(timeout)

    def restart(self) -> None:
        """Begin a new life with the same decisions; a hung thread is left behind, mute."""
        before = self._life
        if before is not None:
            before.end(0.0)
        self._begin(before=before)

    @property
    def beat_age_ms(self) -> int:
        """Milliseconds since the loop last turned; it beats ten times a second."""
        return 0 if self._life is None else round((time.monotonic() - self._life.beat) * 1_000)

    @property
    def failure(self) -> PlaneFailure | None:
        """What ended the loop; None while it turns, and after :meth:`stop`."""
        return None if self._life is None else self._life.failure

    def position_reader(self) -> PositionReader:
        """What reads accounts at the same addresses, on a loop of the caller's."""
        return PositionReader(self._endpoints, exchanges=self._exchanges)

    def listing_reader(self) -> ListingReader:
        """What asks the same addresses what they list, on a loop of the caller's."""
        return ListingReader(self._endpoints, exchanges=self._exchanges)

    def call_soon(self, act: Callable[[], object]) -> None:
        """Run something on the data plane's loop, for drills: block it, or make it fail.

        What ``act`` raises ends the loop as any failure of its own would.
        """
        if self._life is not None:
            self._life.call_soon(act)

    # -- decisions

    def install(
        self, owner: Owner, plan: DeskPlan, gate: Gate, *, paused: bool = False
    ) -> Installed:
        """Work for a user by this plan, behind this gate, until told otherwise.

        Args:
            paused: Want nothing yet: the plan is noted for the resume, as by :meth:`pause`.
        """
        seat = Seat(owner=owner, plan=plan, gate=gate, paused=paused)
        installed = self._decide(owner.sub, seat)
        if paused:
            self.cancel_backfills(owner.sub, reason="cancelled by a pause")
        return installed

    def pause(self, sub: str) -> Installed:
        """Want nothing for a user any more; the plan is kept, for the hole a resume leaves."""
        with self._lock:
            seat = self._seats.get(sub)
        if seat is None:
            return Installed(added=(), removed=(), kept=())
        installed = self._decide(sub, replace(seat, paused=True))
        self.cancel_backfills(sub, reason="cancelled by a pause")
        return installed

    def remove(self, sub: str) -> None:
        """Forget a user."""
        with self._lock:
            self._seats.pop(sub, None)
            self._backfills.forget(sub)
        self._wake()

    def backfill(self, sub: str, order: BackfillOrder) -> str | None:
        """Read a market's history anew for a user; :meth:`facts` tells how far it has come.

        Another order of this user for the same market is cancelled by it.

        Returns:
            Why it was not taken; None if it was.
        """
        with self._lock:
            seat = self._seats.get(sub)
            if seat is None or seat.paused:
                return "nothing is read while the runtime is paused; resume it first"
            refused = self._backfills.place(sub, order)
        self._wake()
        return refused

    def cancel_backfills(
        self, sub: str, market: Market | None = None, *, reason: str = "cancelled"
    ) -> tuple[str, ...]:
        """Ask nothing more for a user's backfills, of one market or all; the ids of those."""
        cancelled = self._backfills.cancel(sub, market, reason=reason)
        if cancelled:
            self._wake()
        return cancelled

    def listed(self, exchange: str) -> Mapping[str, Instrument] | None:
        """Everything that an exchange lists, by symbol and as last seen; None while unknown."""
        return None if self._life is None else self._life.listed(exchange)

    def readings(self) -> list[Listed]:
        """The newest whole reading of each exchange that is served, for whoever keeps it."""
        return [] if self._life is None else self._life.readings()

    def look_at_forming(self, take: Callable[[list[Candle]], None]) -> None:
        """Have the minutes told that trades fall into now, soon and on the data plane's loop.

        A hung data plane tells nothing; nobody waits for it.
        """
        if self._life is not None:
            self._life.look_at_forming(take)

    def facts(self, sub: str) -> DeskFacts | None:
        """What was last seen of a user's desk; None before the first snapshot with it.

        The markets are those of the plan in effect, whether the loop has seen it yet or not.
        """
        with self._lock:
            seat = self._seats.get(sub)
        life = self._life
        facts = None if life is None else life.facts.get(sub)
        if seat is None or life is None or facts is None:
            return None
        if (closed := life.closed_for(sub)) is not None:
            facts = replace(facts, candles_closed=closed[0], last_candle_at=closed[1])
        if backfills := self._backfills.facts(sub):
            facts = replace(facts, backfills=backfills)
        seen = {market.market: market for market in facts.markets}
        listed = seat.plan.markets
        if tuple(seen) == listed:
            return facts
        new = (seen.get(market) or MarketFacts(market=market, live="warming") for market in listed)
        return replace(facts, markets=tuple(new))

    def _decide(self, sub: str, seat: Seat) -> Installed:
        with self._lock:
            before = self._seats.get(sub)
            if before is not None and before.owner == seat.owner and not seat.plan.told:
                # The desk may not have been made of the first plan yet, which alone has it.
                seat = replace(seat, plan=replace(seat.plan, told=before.plan.told))
            self._seats[sub] = seat
        # Who is told to rest has a closed gate already: the next beat leaves the markets, and the
        # answer to the pause goes first.
        self._wake(soon=seat.paused)
        old = () if before is None else before.wanted
        new = seat.wanted
        return Installed(
            added=tuple(market for market in new if market not in old),
            removed=tuple(market for market in old if market not in new),
            kept=tuple(market for market in new if market in old),
        )

    def _decided(self) -> dict[str, Seat]:
        with self._lock:
            return dict(self._seats)

    def _wake(self, *, soon: bool = False) -> None:
        if self._life is not None:
            self._life.wake(soon=soon)

    def _begin(self, before: PlaneLife | None) -> None:
        valve = Valve(self._sinks)
        life = self._backfills.begin_life()

        def new_hub() -> Hub:
            return Hub(
                endpoints=self._endpoints,
                exchanges=self._exchanges,
                sinks=valve,
                backfills=self._backfills,
                life=life,
                shelf=self._shelf,
                before=None if before is None else before.hub,
            )

        self._life = PlaneLife(new_hub, self._decided, valve)
        self._life.begin()
