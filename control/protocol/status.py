"""What a runtime tells of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import StringConstraints

from control.protocol.shape import Wire


class State(StrEnum):
    """What a runtime is doing."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FAULTED = "faulted"


class Desired(Wire):
    """What the user wants, as PostgreSQL has it."""

    is_paused: bool
    mode: str
    revision: int


class Fault(Wire):
    """Why the data plane does not run."""

    error: str
    where: str
    since: int
    retry_at: int
    attempt: int


class Counts(Wire):
    """Figures for the header of the panel."""

    watched: int
    stale: int
    signals_today: int
    alerts_waiting: int
    trades: int
    candles_closed: int
    warming: int = 0  # of those watched, how many have not their history yet


class WarmUpStatus(Wire):
    """Bars of history that are there, of those that seed the indicators."""

    bars: int
    wanted: int


class SymbolWarmUp(WarmUpStatus):
    """The same of one symbol, and the timeframes that have all of theirs."""

    ready: list[str]


class ExchangeStatus(Wire):
    """One exchange's link."""

    name: str
    label: str
    state: Literal["off", "connecting", "connected", "stale", "unreachable"]
    latency_ms: float | None = None
    latency: list[float] = []
    last_message_at: int | None = None
    reconnects: int = 0
    subscriptions: int = 0
    stale_symbols: list[str] = []
    detail: str = ""


class Cell(Wire):
    """The indicators of one symbol and timeframe, of those that the user has enabled.

    ``v``, ``s``, ``h`` and ``stage`` are MACD-V's: value, signal, histogram and stage; ``g`` has
    the value of every other indicator by its name. ``liquidity`` is left out where it is high.
    Where it is low and there is no value, too little was traded for one.
    """

    v: float | None = None
    s: float | None = None
    h: float | None = None
    stage: str | None = None
    g: dict[str, float] | None = None
    liquidity: Literal["medium", "low"] | None = None


class SymbolStatus(Wire):
    """One watched symbol; ``tf`` maps a timeframe to its cell.

    ``warm_up`` is there while its history is being read, a few symbols at a time; ``mending`` while
    the history is asked of minutes that may have been told otherwise, or wait to be told.
    """

    symbol: str
    exchange: str
    live: Literal["warming", "receiving", "stale", "paused"]
    tf: dict[str, Cell]
    warm_up: SymbolWarmUp | None = None
    mending: Literal[True] | None = None


class ErrorLine(Wire):
    """One line of the errors tail; equal ones are counted, not repeated."""

    at: int
    where: str
    level: Literal["warning", "error"]
    message: str
    count: int = 1


class DataPlane(Wire):
    """Whether the data plane's thread keeps turning."""

    state: Literal["turning", "hangs"]
    beat_age_ms: int


class CacheStatus(Wire):
    """The candles kept in Redis for the markets of one user, which other users may share.

    ``hits`` and ``misses`` count since the worker began; ``limit_bytes`` is the ``maxmemory`` of
    Redis, None where it has none.
    """

    at: int
    keys: int
    memory_bytes: int
    limit_bytes: int | None = None
    hits: int
    misses: int


class BackfillStatus(Wire):
    """History that was asked for. ``done`` of ``total`` candles; an ended one stays a minute."""

    id: str
    symbol: str
    exchange: str
    timeframes: list[str]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    at: int  # when it began; when it ended, if it has
    eta_ms: int | None = None
    message: str = ""


class PositionsStatus(Wire):
    """How reading positions from one exchange goes. What failed changes no position.

    ``waiting`` before the first time, and while nothing is read in a pause.
    """

    exchange: str
    label: str
    state: Literal["waiting", "read", "failed"]
    read_at: int | None = None  # when it worked last
    next_at: int | None = None
    positions: int | None = None  # that there are of the exchange, those entered by hand included
    error: str = ""  # why it failed
    failing_since: int | None = None
    failures: int = 0  # in a row
    needs_you: bool = False  # the key or its variables are wrong: trying again mends nothing
    notes: list[str] = []  # warnings of the key, and what was left out: a sentence each


class HeldStatus(Wire):
    """One position, and what it is worth; amounts are decimals as text, in base or quote currency.

    ``price`` is the close of its market's last 1m candle, which closed at ``priced_at``: there is
    none while the market is not watched. ``value`` and ``gain`` (percent of what was paid) are by
    that price.
    """

    symbol: str
    exchange: str
    quantity: str
    cost_basis: str | None = None  # average price paid; None: unknown
    by_hand: bool = False
    price: float | None = None
    priced_at: int | None = None
    value: float | None = None
    gain: float | None = None


class Undoable(Wire):
    """What ``undo`` would do now."""

    command: str
    text: str


class Planned(Wire):
    """The next command of the schedule."""

    at: int
    command: str
    text: str


class RuntimeStatus(Wire):
    """Everything a page shows of one runtime. ``(epoch, stateVersion)`` orders two of them."""

    sub: Annotated[str, StringConstraints(min_length=1)]
    state: State
    epoch: int  # the lease's fence
    state_version: int
    mode: str
    started_at: int
    since: int  # when the state was entered
    paused_at: int | None = None
    at: int  # when this status was made
    heartbeat_ms: int
    settings_revision: int
    worker: str
    desired: Desired
    data_plane: DataPlane
    fault: Fault | None = None
    last_candle_at: int | None = None
    last_signal_at: int | None = None
    counts: Counts
    timeframes: list[str]
    indicators: dict[str, str] = {}  # those enabled: how a trader writes each, by its name
    exchanges: list[ExchangeStatus]
    symbols: list[SymbolStatus]
    warm_up: WarmUpStatus | None = None  # of all that are watched, while any of them is warming
    errors: list[ErrorLine]
    queue_depth: int = 0
    malformed_commands: int = 0
    credentials_set: list[str] | None = None  # names that may be used and are set; never a value
    credentials_missing: list[str] | None = None  # named in the settings, and not set here
    cache: CacheStatus | None = None
    backfill: list[BackfillStatus] = []
    positions: list[PositionsStatus] = []  # how reading them goes, by exchange
    held: list[HeldStatus] | None = None  # the positions themselves; an older worker tells none
    undo: Undoable | None = None
    planned: Planned | None = None
