"""The data plane: a thread with a loop of its own, and the only door to it.

Rule 1: every method may be called from any thread and returns at once, also while the loop hangs:
    decisions are noted under a lock that the loop never works under, facts are read from a
    snapshot.
Rule 2: what escapes from the loop is a failure that can be read, not a dead process. Whether and
    when to restart is decided above.
Rule 3: a life that was given up (it hung, or died) can say nothing any more: its valve is shut.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from trading.backfills import OrderedBackfills
from trading.core.market import Candle, Market
from trading.desk import Seat
from trading.exchanges.ports import Exchange
from trading.exchanges.registry import EXCHANGES
from trading.market.hub import Hub
from trading.market.shelf import NOTHING_KEPT
from trading.net.endpoints import Endpoints
from trading.ports import (
    BackfillOrder,
    DeskFacts,
    DeskPlan,
    FiredSignal,
    Gate,
    IndicatorUpdate,
    Installed,
    MarketFacts,
    Owner,
    Replacement,
    Shelf,
    Sinks,
)
from trading.positions import PositionReader

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.1
FACTS_EVERY_BEATS = 2
STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFailure:
    """Why the data plane stopped.

    Args:
        error: The exception in words.
        where: The line of ours that raised it.
        at_ms: When, unix milliseconds by this host.
    """

    error: str
    where: str
    at_ms: int


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
        self._life: _Life | None = None

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

    def listed(self, exchange: str) -> frozenset[str] | None:
        """The symbols that an exchange can stream, as last seen; None while unknown."""
        return None if self._life is None else self._life.listed(exchange)

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

    def _begin(self, before: _Life | None) -> None:
        valve = _Valve(self._sinks)
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

        self._life = _Life(new_hub, self._decided, valve)
        self._life.begin()


class _Life:
    """One thread with one loop and one hub, from start to stop or failure."""

    def __init__(
        self, new_hub: Callable[[], Hub], seats: Callable[[], dict[str, Seat]], valve: _Valve
    ) -> None:
        self._new_hub = new_hub
        self._seats = seats
        self._valve = valve
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="data-plane", daemon=True)
        self._crash: asyncio.Future[None] | None = None
        self._is_ending = False
        self._is_behind = False
        self.hub: Hub | None = None
        self.beat = time.monotonic()
        self.failure: PlaneFailure | None = None

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def facts(self) -> Mapping[str, DeskFacts]:
        return {} if self.hub is None else self.hub.facts

    def closed_for(self, sub: str) -> tuple[int, int | None] | None:
        return None if self.hub is None else self.hub.closed_for(sub)

    def listed(self, exchange: str) -> frozenset[str] | None:
        return None if self.hub is None else self.hub.listed(exchange)

    def begin(self) -> None:
        self._thread.start()

    def end(self, timeout: float) -> bool:
        self._valve.shut()
        self._is_ending = True
        self._schedule(self._cancel)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def wake(self, *, soon: bool) -> None:
        """Let the loop look at the decisions again: at once, or with its next beat."""
        self._is_behind = True
        if not soon:
            self._schedule(self._install)

    def call_soon(self, act: Callable[[], object]) -> None:
        self._schedule(self._guarded, act)

    def _schedule(self, act: Callable[..., None], *args: object) -> None:
        # A loop that has ended has nothing left to do with it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act, *args)

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._work())
        except asyncio.CancelledError:
            log.info("plane.stopped")
        except Exception as exc:
            # The boundary of the plane: whatever it was becomes a state that can be read.
            self.failure = _failure(exc)
            log.exception("plane.failed", where=self.failure.where)
        finally:
            self._valve.shut()

    async def _work(self) -> None:
        self._crash = self._loop.create_future()
        self.hub = self._new_hub()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self._beat(self.hub), name="beat")
            self._install()
            if self._is_ending:
                self._cancel()
            await self._crash

    async def _beat(self, hub: Hub) -> None:
        beats = 0
        while True:
            self.beat = time.monotonic()
            if self._is_behind:
                self._install()
            if beats % FACTS_EVERY_BEATS == 0:
                hub.refresh()
            beats += 1
            await asyncio.sleep(BEAT_SECONDS)

    def _install(self) -> None:
        hub, self._is_behind = self.hub, False
        if hub is not None and not self._is_ending:
            self._guarded(lambda: hub.install(self._seats()))

    def _cancel(self) -> None:
        if self._crash is not None and not self._crash.done():
            self._crash.cancel()

    def _guarded(self, act: Callable[[], object]) -> None:
        """Call something whose failure is the plane's."""
        try:
            act()
        except Exception as exc:  # noqa: BLE001 - handed on: it ends the plane as its failure
            if self._crash is not None and not self._crash.done():
                self._crash.set_exception(exc)


class _Valve:
    """The sinks of one life; shut, nothing passes."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks
        self._is_shut = False

    def shut(self) -> None:
        self._is_shut = True

    def signal_fired(self, fired: FiredSignal) -> None:
        if not self._is_shut:
            self._sinks.signal_fired(fired)

    def indicator_moved(self, update: IndicatorUpdate) -> None:
        if not self._is_shut:
            self._sinks.indicator_moved(update)

    def candles_closed(self, candles: Sequence[Candle]) -> None:
        if not self._is_shut:
            self._sinks.candles_closed(candles)

    def history_read(self, candles: Sequence[Candle]) -> None:
        if not self._is_shut:
            self._sinks.history_read(candles)

    def history_replaced(self, replacement: Replacement) -> None:
        if not self._is_shut:
            self._sinks.history_replaced(replacement)


def _failure(exc: BaseException) -> PlaneFailure:
    """An exception in words, and the innermost line of this package that it passed."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    where = "data plane"
    for frame in traceback.extract_tb(exc.__traceback__):
        path = frame.filename.replace("\\", "/")
        if (start := path.rfind(f"{__package__}/")) >= 0:
            where = f"{path[start:]}:{frame.lineno}"
    return PlaneFailure(
        error=f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__,
        where=where,
        at_ms=time.time_ns() // 1_000_000,
    )
