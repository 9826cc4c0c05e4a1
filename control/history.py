"""The history of a user's commands: how a line of it is made, and how lines are read back.

Rule 1: pure. Who writes the stream is :mod:`control.mailbox`, who reads it :mod:`control.client`.
Rule 2: a line tells what was asked, by whom, what became of it and how long that took. What a
    malformed message held is not told: nobody has looked at what it is.
Rule 3: a line that another version wrote is read as far as it is understood. One that cannot be
    read is left out; it makes no other line unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from control.inbox import Refusal, Request
from control.protocol import HISTORY_LENGTH, Command, CommandResult, HistoryEntry, Origin

MALFORMED: Final = "malformed"
MOST_AT_ONCE: Final = HISTORY_LENGTH
STREAM_ID: Final = re.compile(r"[0-9]{1,19}(-[0-9]{1,19})?", re.ASCII)

_KNOWN: Final = frozenset(
    name for key, field in HistoryEntry.model_fields.items() for name in (key, field.alias)
)

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some lines, newest first.

    Args:
        entries: What could be read.
        next: Where the older ones begin: the stream id to ask ``before``; None at the end.
    """

    entries: tuple[HistoryEntry, ...]
    next: str | None = None


# ---------------------------------------------------------------------- writing
def entry_of(
    item: Request | Refusal,
    result: CommandResult | None,
    origin: Origin,
    *,
    arrived_ms: int,
    acked_ms: int | None,
    now_ms: int,
) -> HistoryEntry:
    """The line of a command that has its answer.

    Args:
        item: What was asked, or why it could not be read.
        result: The answer; None where there was nobody to give it to.
        origin: Who sent it.
        arrived_ms: When it reached the runtime; the three times are of one clock.
        acked_ms: When it was acknowledged; None: it never was.
        now_ms: When it was answered.
    """
    if isinstance(item, Request):
        command, payload = item.command.command, item.command.payload or {}
        told = {"id": item.id, "command": str(command), "detail": detail(command, payload)}
        message = None
    else:
        command_id = item.command_id or ""
        told, payload = {"id": command_id, "command": MALFORMED}, {}
        message = item.reason
    return HistoryEntry(
        **told,
        payload=payload or None,
        who=origin.who,
        via=origin.via,
        status=result.status if result else "failed",
        message=result.message if result else message,
        at=arrived_ms,
        ack_ms=None if acked_ms is None else max(0, acked_ms - arrived_ms),
        ms=max(0, now_ms - arrived_ms),
    )


def detail(command: Command, payload: Mapping[str, Any]) -> str:
    """A payload that has been validated, in a few words."""
    words = _WORDS.get(command)
    return words(payload) if words else ""


def _market(payload: Mapping[str, Any]) -> str:
    exchange = payload.get("exchange")
    where = f" on {exchange}" if exchange else ""
    return f"{payload.get('symbol') or ''}{where}".strip()


def _backfill(payload: Mapping[str, Any]) -> str:
    timeframes = payload.get("timeframes")
    return _market(payload) + (f", {' '.join(timeframes)}" if timeframes else "")


def _cache(payload: Mapping[str, Any]) -> str:
    what = (payload.get("timeframe") or "", _market(payload))
    return " ".join(("scope", payload["scope"], *filter(None, what)))


def _reload(payload: Mapping[str, Any]) -> str:
    if payload.get("revision") is None:
        return ""
    origin = payload.get("origin")
    return f"revision {payload['revision']}" + (f", saved by {origin}" if origin else "")


_WORDS: Final[dict[Command, Callable[[Mapping[str, Any]], str]]] = {
    Command.SWITCH_MODE: lambda payload: f"mode {payload['mode']}",
    Command.ADD_SYMBOL: _market,
    Command.REMOVE_SYMBOL: _market,
    Command.FORCE_BACKFILL: _backfill,
    Command.CLEAR_CACHE: _cache,
    Command.RELOAD_SETTINGS: _reload,
}


# ---------------------------------------------------------------------- reading
def page_of(rows: Iterable[tuple[str, Fields]], *, limit: int) -> Page:
    """A page from what XREVRANGE answers.

    Args:
        rows: Newest first, one more than ``limit`` where there are older ones.
    """
    rows = list(rows)
    shown = rows[:limit]
    entries = tuple(filter(None, (read(fields) for _, fields in shown)))
    return Page(entries=entries, next=shown[-1][0] if len(rows) > limit else None)


def newest_allowed(before: str | None) -> str:
    """Where XREVRANGE begins to read: behind ``before``, which the reader has already.

    Raises:
        ValueError: If that is no id of a stream.
    """
    if before is None:
        return "+"
    if STREAM_ID.fullmatch(before) is None or not before.strip("0-"):  # nothing is before 0-0
        raise ValueError("must be an id of the history, such as 1790000000000-0")
    return f"({before}"


def read(fields: Fields) -> HistoryEntry | None:
    """One line as it is stored; None where it cannot be understood at all."""
    try:
        stored = json.loads(fields["entry"])
        known = {key: value for key, value in stored.items() if key in _KNOWN}
        if "origin" in stored:  # as it was written before the line had a "who" and a "via"
            known.setdefault("via", stored["origin"])
        return HistoryEntry.model_validate(known)
    except (KeyError, ValueError, AttributeError, TypeError, RecursionError):
        return None
