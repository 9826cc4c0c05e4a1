"""How facts leave the data plane, and how decisions enter it.

Rule 1: a port call never waits: it hands over and returns. Whoever implements a port
    buffers within a bound and writes from another thread.
Rule 2: everything that belongs to a user carries that user's ``sub``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trading.core.indicators import IndicatorPoint
from trading.core.market import Candle, Market, Timeframe
from trading.core.modes import SignalRules
from trading.core.signals import Signal


class Gate:
    """The door between a user's two planes. Closing it takes effect at once, from any thread.

    Behind a closed gate no candle closes, no indicator moves and no signal leaves: the data
    plane asks ``is_open`` before each of these, the control plane closes it without asking.
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self._open = threading.Event()
        if is_open:
            self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether market data may be processed for this user now."""
        return self._open.is_set()

    def open(self) -> None:
        """Let market data through."""
        self._open.set()

    def close(self) -> None:
        """Stop everything behind it at once."""
        self._open.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose work this is, and by which right: the lease's fence travels with every write."""

    user_id: int
    sub: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """What one user's desk is to do: decided above, carried out below.

    Args:
        mode: Name of the runtime mode the plan was made for.
        markets: Everything to watch. Order is the order of the watchlist.
        timeframes: Where signals are looked for.
        rules: Which signals count, and from where.
    """

    mode: str
    markets: tuple[Market, ...]
    timeframes: tuple[Timeframe, ...]
    rules: SignalRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """How a new plan differs from the one before it, in markets."""

    added: tuple[Market, ...]
    removed: tuple[Market, ...]
    kept: tuple[Market, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredSignal:
    """A signal of one user, ready to become an alert row."""

    owner: Owner
    signal: Signal
    missed: bool  # its candle closed during an outage: recorded, never sent as if new


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorUpdate:
    """A closed candle moved the indicators of one market and timeframe, seen by one user."""

    owner: Owner
    candle: Candle
    point: IndicatorPoint


class Sinks(Protocol):
    """Where the data plane puts what it found. No method blocks; none raises."""

    def signal_fired(self, fired: FiredSignal) -> None: ...

    def indicator_moved(self, update: IndicatorUpdate) -> None: ...

    def candles_closed(self, candles: Sequence[Candle]) -> None: ...

    def history_read(self, candles: Sequence[Candle]) -> None:
        """Closed candles that were before this desk looked: for keeping, they fire nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """One exchange's link as seen now.

    ``state`` is one of off, connecting, connected, stale, unreachable.
    """

    exchange: str
    label: str
    state: str
    latency_ms: float | None = None
    last_message_at_ms: int | None = None
    reconnects: int = 0
    subscriptions: int = 0
    stale_symbols: tuple[str, ...] = ()
    detail: str = ""  # why it is not connected, in words for a trader


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """One watched market as seen now. ``live`` is one of warming, receiving, stale."""

    market: Market
    live: str
    points: Mapping[Timeframe, IndicatorPoint] = field(default_factory=dict)
    last_candle_at: int | None = None  # opening time of the last closed 1m candle, unix seconds
    trades: int = 0  # trades processed since the plane began


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFacts:
    """Something went wrong below, for the status' list of errors."""

    at_ms: int
    where: str
    level: str  # "warning" or "error"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFacts:
    """Everything a user's status shows of the data plane, as of ``at_ms``."""

    at_ms: int
    feeds: tuple[FeedFacts, ...]
    markets: tuple[MarketFacts, ...]
    candles_closed: int  # 1m candles closed for this desk since it opened
    trades: int
    last_candle_at: int | None
    last_signal_at: int | None  # closing time of the candle that fired last, unix seconds
    failures: tuple[FailureFacts, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
