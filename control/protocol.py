"""The wire between the control panel, the runtime worker and any other program.

Rule 1: every name in Redis and every shape on it stands here and nowhere else.
Rule 2: no I/O. A test holds this module against the table of the design.
Rule 3: on the wire keys are camelCase, in Python snake_case; times are unix milliseconds.
"""

from __future__ import annotations

import time
import uuid
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

CONSUMER_GROUP = "runtime"
RESULT_TTL_SECONDS = 3_600
EXPIRY_SECONDS = 30.0
HISTORY_LENGTH = 1_000
HEARTBEAT_SECONDS = 2.0
STATUS_TTL_SECONDS = 3 * HEARTBEAT_SECONDS


def commands_of(sub: str) -> str:
    """Stream and pub/sub channel on which a user's commands arrive."""
    return f"livermore:commands:{sub}"


def responses_of(sub: str) -> str:
    """Pub/sub channel of acknowledgements and results."""
    return f"livermore:responses:{sub}"


def result_of(sub: str, command_id: str) -> str:
    """Key of the last answer to one command."""
    return f"livermore:result:{sub}:{command_id}"


def status_of(sub: str) -> str:
    """Pub/sub channel and key of the status."""
    return f"livermore:status:{sub}"


def events_of(sub: str) -> str:
    """Pub/sub channel of what a live page needs beside the status."""
    return f"livermore:events:{sub}"


def history_of(sub: str) -> str:
    """Stream of the commands and their answers."""
    return f"livermore:history:{sub}"


def worker_of(worker: str) -> str:
    """Key that a living worker keeps; it holds no user's data."""
    return f"livermore:worker:{worker}"


def candles_of(exchange: str, symbol: str, timeframe: str) -> str:
    """Key of the closed candles of one market, shared by every user."""
    return f"livermore:candles:{exchange}:{symbol}:{timeframe}"


def now_ms() -> int:
    """This host's clock, unix milliseconds."""
    return time.time_ns() // 1_000_000


class Wire(BaseModel):
    """A shape on the wire: camelCase outside, frozen, nothing unknown accepted."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    def to_json(self) -> str:
        """The wire's text; what is not known is left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    def to_dict(self) -> dict[str, Any]:
        """The wire's shape as JSON-ready Python."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Command(StrEnum):
    """What a runtime can be asked to do."""

    PAUSE = "pause"
    RESUME = "resume"
    RELOAD_SETTINGS = "reload-settings"
    SWITCH_MODE = "switch-mode"
    ADD_SYMBOL = "add-symbol"
    REMOVE_SYMBOL = "remove-symbol"
    FORCE_BACKFILL = "force-backfill"
    CLEAR_CACHE = "clear-cache"
    STATUS = "status"
    UNDO = "undo"


class Nothing(Wire):
    """The payload of a command that has none."""


class ReloadSettings(Wire):
    """Payload of ``reload-settings``, where a save sends it: what was saved, and from where."""

    revision: Annotated[int, Field(ge=1, le=2**53)] | None = None
    origin: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,31}$")] | None = None


class SwitchMode(Wire):
    """Payload of ``switch-mode``."""

    mode: Literal["position-monitor", "scalper-macdv", "scalper-orderbook"]


class SymbolPayload(Wire):
    """Payload of ``add-symbol`` and ``remove-symbol``; no exchange means the primary one."""

    symbol: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$")]
    exchange: str | None = None


class BackfillPayload(SymbolPayload):
    """Payload of ``force-backfill``; no timeframes means all of them."""

    timeframes: list[Literal["1m", "5m", "15m", "1h", "4h", "1d"]] | None = None


class ClearCachePayload(Wire):
    """Payload of ``clear-cache``."""

    scope: Literal["all", "symbol", "timeframe"]
    symbol: str | None = None
    exchange: str | None = None
    timeframe: Literal["1m", "5m", "15m", "1h", "4h", "1d"] | None = None


PAYLOADS: dict[Command, type[Wire]] = {
    Command.PAUSE: Nothing,
    Command.RESUME: Nothing,
    Command.RELOAD_SETTINGS: ReloadSettings,
    Command.SWITCH_MODE: SwitchMode,
    Command.ADD_SYMBOL: SymbolPayload,
    Command.REMOVE_SYMBOL: SymbolPayload,
    Command.FORCE_BACKFILL: BackfillPayload,
    Command.CLEAR_CACHE: ClearCachePayload,
    Command.STATUS: Nothing,
    Command.UNDO: Nothing,
}


class RuntimeCommand(Wire):
    """One request to a user's runtime.

    Unknown keys are refused: a misspelt ``expiresAt`` must not be a command that never expires.
    """

    id: uuid.UUID
    command: Command
    payload: dict[str, Any] | None = None
    timestamp: Annotated[int, Field(ge=0, le=2**53)]
    source: Literal["admin", "system"]
    expires_at: Annotated[int, Field(ge=0, le=2**53)] | None = None
    desired_revision: Annotated[int, Field(ge=0, le=2**53)] | None = None


def field_errors(error: ValidationError) -> str:
    """A validation error as one line: every field with what is wrong with it."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'payload'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )


class CommandAck(Wire):
    """The runtime has the command; nothing is done yet."""

    command_id: str
    status: Literal["acknowledged"] = "acknowledged"
    timestamp: int


class CommandResult(Wire):
    """What became of a command. ``succeeded`` means applied, not merely received."""

    command_id: str
    status: Literal["succeeded", "failed", "expired"]
    success: bool
    message: str | None = None
    data: dict[str, Any] | None = None
    timestamp: int


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
    """MACD-V of one symbol and timeframe: value, signal, histogram and stage."""

    v: float | None = None
    s: float | None = None
    h: float | None = None
    stage: str


class SymbolStatus(Wire):
    """One watched symbol; ``tf`` maps a timeframe to its cell."""

    symbol: str
    exchange: str
    live: Literal["warming", "receiving", "stale", "paused"]
    tf: dict[str, Cell]


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
    exchanges: list[ExchangeStatus]
    symbols: list[SymbolStatus]
    errors: list[ErrorLine]
    queue_depth: int = 0
    malformed_commands: int = 0
    credentials_set: list[str] | None = None  # names that may be used and are set; never a value


class SignalEvent(Wire):
    """On the events channel: a signal fired."""

    type: Literal["signal"] = "signal"
    id: int
    symbol: str
    exchange: str
    timeframe: str
    kind: str
    direction: str
    detail: str
    value: float
    stage: str
    price: float
    closed_at: int
    state: str


class IndicatorEvent(Wire):
    """On the events channel: a closed candle moved one cell of the map."""

    type: Literal["indicator"] = "indicator"
    symbol: str
    exchange: str
    timeframe: str
    cell: Cell
    closed_at: int
