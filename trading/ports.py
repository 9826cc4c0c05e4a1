"""How facts leave the data plane, and how decisions enter it.

Rule 1: a port call never waits: it hands over and returns. Whoever implements a port
    buffers within a bound and writes from another thread.
Rule 2: everything that belongs to a user carries that user's ``sub``.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

import msgspec

from trading.core.holdings import Holding
from trading.core.indicators import INDICATORS, IndicatorPoint
from trading.core.market import Candle, Market, Timeframe
from trading.core.modes import SignalKind, SignalRules
from trading.core.signals import Direction, Signal


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
class ToldSignal:
    """A signal that a user was told before this process; ``closed_at`` is in unix seconds."""

    market: Market
    timeframe: Timeframe
    kind: SignalKind
    direction: Direction
    closed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """What one user's desk is to do: decided above, carried out below.

    Args:
        mode: Name of the runtime mode the plan was made for.
        markets: Everything to watch. Order is the order of the watchlist.
        timeframes: Where signals are looked for.
        rules: Which signals count, and from where.
        since: From when on it has been wanted without a break, unix seconds; None: not known. A
            signal of an outage that began later was missed, one from before is nobody's.
        markets_since: From when on single markets have been, where that is a moment of their
            own: when a position was opened, its cost entered, or a scan approved.
        held: Which of the markets are positions: they are warmed up before the rest.
        holdings: What is held of the markets, where it is known what it cost.
        indicators: Which are shown, by name. What the others find is not for this user.
        told: What was told before this process, oldest first: cooldowns go on where they were.
            Only of the first plan of a process; a desk remembers the rest itself.
    """

    mode: str
    markets: tuple[Market, ...]
    timeframes: tuple[Timeframe, ...]
    rules: SignalRules
    since: int | None = None
    markets_since: Mapping[Market, int] = field(default_factory=dict)
    held: frozenset[Market] = frozenset()
    holdings: Mapping[Market, Holding] = field(default_factory=dict)
    indicators: tuple[str, ...] = tuple(INDICATORS)
    told: tuple[ToldSignal, ...] = ()

    def since_of(self, market: Market) -> int | None:
        """From when on one of its markets has been wanted without a break; None: not known."""
        if self.since is None:
            return None
        return max(self.since, self.markets_since.get(market, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """How a new plan differs from the one before it, in markets."""

    added: tuple[Market, ...]
    removed: tuple[Market, ...]
    kept: tuple[Market, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredSignal:
    """A signal of one user, ready to become an alert row.

    Args:
        missed: Its candle closed during an outage: recorded, never sent as if new.
        momentum: MACD-V of every timeframe of its market when it fired; None where that has none,
            or has closed again since (in a repair), empty where nothing is known.
    """

    owner: Owner
    signal: Signal
    missed: bool
    momentum: Mapping[Timeframe, float | None] = field(default_factory=dict)


class IndicatorUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A closed candle moved the indicators of one market and timeframe, seen by one user.

    Args:
        point: All of them, as they are computed for everybody.
        indicators: Those that this user sees, by name.
    """

    owner: Owner
    candle: Candle
    point: IndicatorPoint
    indicators: tuple[str, ...] = tuple(INDICATORS)


class BackfillState(StrEnum):
    """What has become of an ordered backfill; it begins at the top and ends in one of three."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing will become of it any more."""
        return self not in {BackfillState.WAITING, BackfillState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOrder:
    """A user's wish to have a market's history read anew.

    Args:
        id: Of the caller's choosing, unique for the user; the same id is carried out once.
        market: Which one.
        timeframes: Which candles. Of all of them the indicators are computed anew, too.
    """

    id: str
    market: Market
    timeframes: tuple[Timeframe, ...] = tuple(Timeframe)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillFacts:
    """An ordered backfill as seen now.

    Args:
        done: Candles asked for and answered, of ``total``.
        ordered_at_ms: When it was ordered, unix milliseconds by this host.
        began_at_ms: When the exchange was first asked for it.
        ended_at_ms: When it ended, whatever the outcome.
        eta_ms: Milliseconds it will still take at the pace so far; None while that is unknown.
        message: What came of it, for a trader.
    """

    id: str
    market: Market
    timeframes: tuple[Timeframe, ...]
    state: BackfillState
    done: int
    total: int
    ordered_at_ms: int
    began_at_ms: int | None = None
    ended_at_ms: int | None = None
    eta_ms: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """An exchange's own history of a market, in the place of whatever was kept of it.

    Args:
        cut: It replaces what was opened before the newest boundary up to here, unix seconds.
        bars: By timeframe, oldest first and without gaps.
    """

    market: Market
    cut: int
    bars: Mapping[Timeframe, Sequence[Candle]]


class Sinks(Protocol):
    """Where the data plane puts what it found. No method blocks; none raises."""

    def signal_fired(self, fired: FiredSignal) -> None: ...

    def indicator_moved(self, update: IndicatorUpdate) -> None: ...

    def candles_closed(self, candles: Sequence[Candle]) -> None: ...

    def history_read(self, candles: Sequence[Candle]) -> None:
        """Closed candles that were before this desk looked: for keeping, they fire nothing."""

    def history_replaced(self, replacement: Replacement) -> None:
        """A history that somebody has ordered: to be swapped in, never missing in between."""


class Shelf(Protocol):
    """Where closed candles were kept before this data plane began."""

    async def kept(
        self, market: Market, owners: Collection[Owner] = ()
    ) -> Mapping[Timeframe, Sequence[Candle]]:
        """All that is kept of a market, oldest first; nothing where it cannot be read in time.

        Args:
            owners: Only as far as all of these were told it. Whoever told it to others may have
                lost the right to tell it to them.
        """


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


Live = Literal["warming", "receiving", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """How much of the history that seeds a market is there.

    Args:
        bars: Bars that were kept, or asked of the exchange and answered, of all timeframes.
        ready: The timeframes of which nothing is missing.
    """

    bars: int
    ready: tuple[Timeframe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """One watched market as seen now; ``warm_up`` while history is being gathered.

    It is mending while minutes of it are in doubt that the exchange's history can settle by now.
    """

    market: Market
    live: Live
    warm_up: WarmUp | None = None
    points: Mapping[Timeframe, IndicatorPoint] = field(default_factory=dict)
    last_candle_at: int | None = None  # opening time of the last closed 1m candle, unix seconds
    trades: int = 0  # trades processed since the plane began
    is_mending: bool = False


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
    backfills: tuple[BackfillFacts, ...] = ()  # in the order in which they were ordered
    extra: Mapping[str, Any] = field(default_factory=dict)
