"""The backfills that users have ordered, and what became of each.

Rule 1: every method may be called from any thread and returns at once.
Rule 2: what has ended never lives again: whatever the loop says of it later is not heard, and
    neither is a loop that was given up.
Rule 3: one living for each user and market: a newer one cancels the one before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trading.core.market import Market
from trading.market.history import candles_in
from trading.ports import BackfillFacts, BackfillOrder, BackfillState

KEPT_MS = 60_000
"""How long an ended one is still told of."""

MOST_KEPT = 50
"""How many a user is told of, unless more than that live."""

MOST_LIVING = 500
"""How many of one user's may wait and run."""

REPLACED = "replaced by a newer request for the same market"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """An order as one life of the loop carries it out, and for whom."""

    sub: str
    order: BackfillOrder
    life: int


class OrderedBackfills:
    """Every user's orders.

    Args:
        now_ms: This host's clock, unix milliseconds.
    """

    def __init__(self, *, now_ms: Callable[[], int] | None = None) -> None:
        self._now_ms = now_ms or _now_ms
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, _Entry]] = {}
        self._life = 0
        self._turns: dict[str, int] = {}  # when each user was served last
        self._turn = 0

    # -- what users want

    def place(self, sub: str, order: BackfillOrder) -> str | None:
        """Take an order; why not, if there are too many. A known id changes nothing."""
        now_ms = self._now_ms()
        with self._lock:
            mine = self._entries.setdefault(sub, {})
            if order.id in mine:
                return None
            living = [entry for entry in mine.values() if not entry.state.has_ended]
            again = [entry for entry in living if entry.order.market == order.market]
            if len(living) - len(again) >= MOST_LIVING:
                return f"{MOST_LIVING} backfills are under way already; try again when some ended"
            for entry in again:
                entry.cancel(REPLACED, now_ms)
            mine[order.id] = _Entry(sub, order, now_ms)
            _tidy(mine, now_ms)
        return None

    def cancel(self, sub: str, market: Market | None = None, *, reason: str) -> tuple[str, ...]:
        """Cancel a user's orders, of one market or all of them; the ids of those that lived."""
        now_ms = self._now_ms()
        with self._lock:
            cancelled = [
                entry
                for entry in self._entries.get(sub, {}).values()
                if not entry.state.has_ended
                and market in {None, entry.order.market}
                and entry.cancel(reason, now_ms)
            ]
        return tuple(entry.order.id for entry in cancelled)

    def forget(self, sub: str) -> None:
        """Cancel a user's orders, and tell of none of them any more."""
        with self._lock:
            self._entries.pop(sub, None)
            self._turns.pop(sub, None)

    def facts(self, sub: str) -> tuple[BackfillFacts, ...]:
        """A user's orders, in the order in which they were placed."""
        now_ms = self._now_ms()
        with self._lock:
            mine = self._entries.get(sub)
            if not mine:
                return ()
            _tidy(mine, now_ms)
            return tuple(entry.facts(now_ms) for entry in mine.values())

    # -- what the loop does about it

    def begin_life(self) -> int:
        """A new life of the loop; what the life before had not ended begins anew."""
        with self._lock:
            self._life += 1
            for entry in self._living():
                entry.wait()
            return self._life

    def exchanges(self) -> frozenset[str]:
        """The exchanges of which something is wanted."""
        with self._lock:
            return frozenset(entry.order.market.exchange for entry in self._living())

    def take(self, exchange: str, life: int) -> Errand | None:
        """The next to carry out: the oldest of the user who has waited longest for a turn."""
        with self._lock:
            waiting = [
                entry
                for entry in self._living()
                if entry.state is BackfillState.WAITING and entry.order.market.exchange == exchange
            ]
            if not waiting or life != self._life:
                return None
            entry = min(waiting, key=lambda entry: self._turns.get(entry.sub, 0))
            self._turn += 1
            self._turns[entry.sub] = self._turn
            entry.begin(self._now_ms())
            return Errand(sub=entry.sub, order=entry.order, life=life)

    def is_living(self, errand: Errand) -> bool:
        """Whether it is still wanted, of this life."""
        with self._lock:
            return self._heard(errand) is not None

    def moved(self, errand: Errand, candles: int) -> None:
        """So many candles more were answered."""
        with self._lock:
            if (entry := self._heard(errand)) is not None:
                entry.done = min(entry.total, entry.done + candles)

    def claim(self, errand: Errand) -> bool:
        """Whether its history may be handed over; from then on it cannot be cancelled."""
        with self._lock:
            entry = self._heard(errand)
            if entry is not None:
                entry.is_claimed = True
            return entry is not None

    def ended(self, errand: Errand, state: BackfillState, message: str) -> bool:
        """It came to an end; whether that is news."""
        with self._lock:
            entry = self._heard(errand)
            if entry is not None:
                entry.end(state, message, self._now_ms())
            return entry is not None

    def _heard(self, errand: Errand) -> _Entry | None:
        entry = self._entries.get(errand.sub, {}).get(errand.order.id)
        is_heard = errand.life == self._life and entry is not None and not entry.state.has_ended
        return entry if is_heard else None

    def _living(self) -> Iterator[_Entry]:
        for mine in self._entries.values():
            yield from (entry for entry in mine.values() if not entry.state.has_ended)


class _Entry:
    """One order of one user, and how far it has come."""

    __slots__ = (
        "_began_at_ms",
        "_message",
        "_ordered_at_ms",
        "done",
        "ended_at_ms",
        "is_claimed",
        "order",
        "state",
        "sub",
        "total",
    )

    def __init__(self, sub: str, order: BackfillOrder, now_ms: int) -> None:
        self.sub = sub
        self.order = order
        self.state = BackfillState.WAITING
        self.done = 0
        self.total = candles_in(order.timeframes)
        self.ended_at_ms = 0
        self.is_claimed = False
        self._ordered_at_ms = now_ms
        self._began_at_ms: int | None = None
        self._message = ""

    def wait(self) -> None:
        self.state, self.done, self._began_at_ms = BackfillState.WAITING, 0, None
        self.is_claimed = False

    def begin(self, now_ms: int) -> None:
        self.state, self._began_at_ms = BackfillState.RUNNING, now_ms

    def end(self, state: BackfillState, message: str, now_ms: int) -> None:
        self.state, self._message, self.ended_at_ms = state, message, now_ms

    def cancel(self, reason: str, now_ms: int) -> bool:
        if not self.is_claimed:
            self.end(BackfillState.CANCELLED, reason, now_ms)
        return not self.is_claimed

    def facts(self, now_ms: int) -> BackfillFacts:
        return BackfillFacts(
            id=self.order.id,
            market=self.order.market,
            timeframes=self.order.timeframes,
            state=self.state,
            done=self.done,
            total=self.total,
            ordered_at_ms=self._ordered_at_ms,
            began_at_ms=self._began_at_ms,
            ended_at_ms=self.ended_at_ms if self.state.has_ended else None,
            eta_ms=self._eta_ms(now_ms),
            message=self._message,
        )

    def _eta_ms(self, now_ms: int) -> int | None:
        if self.state is not BackfillState.RUNNING or self._began_at_ms is None or not self.done:
            return None
        return (now_ms - self._began_at_ms) * (self.total - self.done) // self.done


def _tidy(mine: dict[str, _Entry], now_ms: int) -> None:
    """Drop what ended long ago, and the first to end where there are too many."""
    ended = sorted(
        (entry for entry in mine.values() if entry.state.has_ended),
        key=lambda entry: entry.ended_at_ms,
    )
    excess = len(mine) - MOST_KEPT
    for number, entry in enumerate(ended):
        if number < excess or now_ms - entry.ended_at_ms >= KEPT_MS:
            del mine[entry.order.id]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
