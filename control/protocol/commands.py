"""Commands and their answers, and who sent them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

from control.protocol.shape import Wire
from settings_app.wording import wording


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


# What a user wants of their runtime, rather than what is to be done once.
INTENTS: Final = frozenset({Command.PAUSE, Command.RESUME, Command.SWITCH_MODE})
PAUSED_BY: Final[Mapping[Command, bool]] = {Command.PAUSE: True, Command.RESUME: False}


class Nothing(Wire):
    """The payload of a command that has none."""


class ReloadSettings(Wire):
    """Payload of ``reload-settings``, where a save sends it: what was saved, and from where."""

    revision: Annotated[int, Field(ge=1, le=2**53)] | None = None
    origin: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,31}$")] | None = None


class SwitchMode(Wire):
    """Payload of ``switch-mode``."""

    mode: Literal["position-monitor", "scalper-macdv", "scalper-orderbook"]


TimeframeName = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
SYMBOL = r"^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$"
EXCHANGE = r"^[a-z][a-z0-9]{1,19}$"
# What to say when a pattern does not match; the pattern itself helps nobody.
PATTERN_MESSAGES = {
    SYMBOL: "must be a symbol in capitals, base and quote, such as BTC-USD",
    EXCHANGE: "must be the name of an exchange, such as coinbase",
}
SymbolName = Annotated[str, StringConstraints(pattern=SYMBOL)]
ExchangeName = Annotated[str, StringConstraints(pattern=EXCHANGE)]


class SymbolPayload(Wire):
    """Payload of ``add-symbol`` and ``remove-symbol``; no exchange means the primary one."""

    symbol: SymbolName
    exchange: ExchangeName | None = None


class BackfillPayload(SymbolPayload):
    """Payload of ``force-backfill``; no timeframes means all of them."""

    timeframes: Annotated[list[TimeframeName], Field(min_length=1, max_length=6)] | None = None


class ClearCachePayload(Wire):
    """Payload of ``clear-cache``.

    ``all`` is everything of the user, ``symbol`` one market on every timeframe, ``timeframe`` one
    timeframe of every market, or of the one named.
    """

    scope: Literal["all", "symbol", "timeframe"]
    symbol: SymbolName | None = None
    exchange: ExchangeName | None = None
    timeframe: TimeframeName | None = None

    @model_validator(mode="after")
    def _has_what_its_scope_needs(self) -> Self:
        if self.scope == "symbol" and self.symbol is None:
            raise ValueError("scope symbol needs a symbol, such as BTC-USD")
        if self.scope == "timeframe" and self.timeframe is None:
            raise ValueError("scope timeframe needs a timeframe, such as 1h")
        if self.scope != "timeframe" and self.timeframe is not None:
            raise ValueError("a timeframe goes with scope timeframe only")
        if self.scope == "all" and (self.symbol or self.exchange):
            raise ValueError("scope all takes neither symbol nor exchange; use scope symbol")
        return self


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
        f"{'.'.join(str(part) for part in item['loc']) or 'payload'}: {rule_of(item)}"
        for item in error.errors(include_url=False, include_input=False)
    )


def rule_of(item: ErrorDetails) -> str:
    """What is right in the place of one error."""
    pattern = item.get("ctx", {}).get("pattern")
    return PATTERN_MESSAGES.get(str(pattern)) or wording(item)


class Origin(Wire):
    """Who sent a command, and by what: for the history. It stands beside the command in the
    stream (field ``origin``), never in it: no right follows from it.
    """

    who: Annotated[str, StringConstraints(max_length=150)]
    via: Literal["panel", "api", "command line", "shell", "settings", "schedule", "program"]


EntryId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}-[0-9]{1,20}$")]


class Posted(Wire):
    """What one sender has put into the stream, told to workers (``livermore:entries:{sub}``).

    Args:
        before: The id that the stream had given last.
        entries: Id and command of each, in order.
        origin: Who sent them.
    """

    before: EntryId
    entries: list[tuple[EntryId, str]]
    origin: str


FOREIGN = Origin(who="", via="program")


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


class HistoryEntry(Wire):
    """One answered command, as the history stream keeps it.

    Args:
        detail: Its payload in a few words.
        at: When it reached the runtime, unix milliseconds.
        ack_ms: From then until it was acknowledged; None: it never was.
        ms: From then until its answer.
    """

    id: str
    command: str  # "malformed" where none could be read
    detail: str = ""
    payload: dict[str, Any] | None = None
    who: str = ""
    via: str = "program"
    status: str
    message: str | None = None
    at: int
    ack_ms: int | None = None
    ms: int
