"""What a runtime has been asked and not yet done: reading, ordering, superseding, expiring.

Rule 1: pure: no I/O, and the time comes in as an argument.
Rule 2: order is class first, then arrival. A pause overtakes everything.
Rule 3: whatever arrives becomes an answer: a command to carry out, or the reason why not.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from control.protocol import (
    EXPIRY_SECONDS,
    FOREIGN,
    INTENTS,
    PAYLOADS,
    Command,
    CommandResult,
    Origin,
    RuntimeCommand,
    field_errors,
)

CLASSES: dict[Command, int] = {
    Command.STATUS: 0,  # a question, answered at once
    Command.PAUSE: 1,
    Command.RESUME: 2,
    Command.SWITCH_MODE: 2,
    Command.RELOAD_SETTINGS: 2,
    Command.UNDO: 2,
    Command.ADD_SYMBOL: 3,
    Command.REMOVE_SYMBOL: 3,
    Command.FORCE_BACKFILL: 4,
    Command.CLEAR_CACHE: 4,
}
# What a later pause makes void: it would, or might, bring back what the pause stops.
OVERTAKEN = frozenset({Command.RESUME, Command.UNDO})
CAPACITY = 10_000
MOST_PAUSES = 1_000
LONGEST_ID = 100
LONGEST_REASON = 2_000
LARGEST_BATCH = 1_000


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One stream entry or message; a batch holds several commands and is settled with the last."""

    entry_id: str | None
    sent_ms: int | None  # by Redis' clock; None for a bare PUBLISH
    origin: Origin = FOREIGN
    waiting: int = 0

    def settled_by_one_more(self) -> str | None:
        """Count one command as answered; the entry's id when that was the last of it."""
        self.waiting -= 1
        return self.entry_id if self.waiting <= 0 else None


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """A well-formed command in the queue. Times are this host's: for durations."""

    command: RuntimeCommand
    parcel: Parcel
    arrived_ms: int
    acked_ms: int | None = None

    @property
    def id(self) -> str:
        return str(self.command.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A body that is no command. ``command_id`` is None where none could be read."""

    command_id: str | None
    reason: str
    parcel: Parcel
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In the place of a body that is no JSON, or too long to be looked at."""

    reason: str


def read(
    body: Any,
    *,
    entry_id: str | None,
    sent_ms: int | None,
    now_ms: int,
    origin: Origin = FOREIGN,
) -> list[Request | Refusal]:
    """Read a body: one command, or a batch of them.

    Every item of a batch is answered on its own; an empty batch, one that is too long to be meant,
    and a scalar are refusals.
    """
    items = body if isinstance(body, list) else [body]
    if not 1 <= len(items) <= LARGEST_BATCH:
        items = [Unreadable(f"a batch of {len(items)}; it must have 1 to {LARGEST_BATCH} commands")]
    parcel = Parcel(entry_id=entry_id, sent_ms=sent_ms, origin=origin, waiting=len(items))
    return [_read_one(item, parcel, now_ms) for item in items]


def _read_one(item: Any, parcel: Parcel, now_ms: int) -> Request | Refusal:
    command_id = None
    if isinstance(item, Unreadable):
        return Refusal(command_id=None, reason=item.reason, parcel=parcel, arrived_ms=now_ms)
    if isinstance(item, dict) and "id" in item:
        command_id = storable(str(item["id"]))[:LONGEST_ID]
    try:
        command = RuntimeCommand.model_validate(item)
        PAYLOADS[command.command].model_validate(command.payload or {})
    except ValidationError as exc:
        reason = storable(field_errors(exc))[:LONGEST_REASON]
        return Refusal(command_id=command_id, reason=reason, parcel=parcel, arrived_ms=now_ms)
    return Request(command=command, parcel=parcel, arrived_ms=now_ms)


def storable(text: str) -> str:
    """Foreign text without what neither UTF-8 nor PostgreSQL can hold: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def too_old(request: Request, *, now_ms: int, redis_now_ms: int) -> str | None:
    """Why a command must not be started any more, or None.

    Args:
        now_ms: This host's clock, against which a foreign program's timestamp is read.
        redis_now_ms: Redis' clock, against which a stream entry's age is read.
    """
    command = request.command
    if command.command is Command.PAUSE:
        return None
    if command.expires_at is not None and redis_now_ms > command.expires_at:
        late = (redis_now_ms - command.expires_at) / 1_000
        return f"expiresAt passed {late:.1f} s ago"
    # A late intent is applied, or superseded by a newer one; the rest grows too old to be meant.
    if command.command in INTENTS:
        return None
    if request.parcel.sent_ms is not None:
        age = (redis_now_ms - request.parcel.sent_ms) / 1_000
        if age > EXPIRY_SECONDS:
            return f"waited {age:.1f} s, more than {EXPIRY_SECONDS:.0f} s"
        return None
    age = (now_ms - command.timestamp) / 1_000
    if age > EXPIRY_SECONDS:
        return (
            f"its timestamp is {age:.1f} s behind the worker's clock, more than"
            f" {EXPIRY_SECONDS:.0f} s: it is late, or the clocks differ"
        )
    return None


class Inbox:
    """The waiting commands of one runtime."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Request]] = []
        self._arrivals = 0
        self._waiting: Counter[Command] = Counter()  # what the heap holds
        self.malformed = 0
        """How many bodies were no command."""
        self.at_once: deque[tuple[Request | Refusal, CommandResult | None]] = deque()
        """What needs no decision, with its answer; None: there is nobody to answer, or it is a
        question that is answered with the status."""
        self.void: deque[tuple[Request, CommandResult]] = deque()
        """What is not to be carried out any more, with the answer to put on record."""

    def __len__(self) -> int:
        return len(self._heap)

    def is_full_for(self, command: Command) -> bool:
        """Whether nothing more of it is let in; pauses have room of their own."""
        if command is Command.PAUSE:
            return self._waiting[Command.PAUSE] >= MOST_PAUSES
        return len(self._heap) >= CAPACITY

    def receive(self, items: Iterable[Request | Refusal], now_ms: int) -> None:
        """Take what was read from one body."""
        for item in items:
            if isinstance(item, Refusal):
                self._refuse(item, now_ms)
            elif item.command.command is Command.STATUS:
                self.at_once.append((item, None))
            elif self.is_full_for(item.command.command):
                full = failed(item.id, "the queue of this runtime is full; try again", now_ms)
                self.at_once.append((item, full))
            else:
                for overtaken in self._put(item):
                    void = superseded(overtaken.id, "a later pause", now_ms)
                    self.void.append((overtaken, void))

    def take(self, *, before: Command | None = None) -> Request | None:
        """The next command to carry out, or None.

        Args:
            before: Only what overtakes such a command.
        """
        if not self._heap or (before is not None and self._heap[0][0] >= CLASSES[before]):
            return None
        request = heapq.heappop(self._heap)[2]
        self._waiting[request.command.command] -= 1
        return request

    def _refuse(self, refusal: Refusal, now_ms: int) -> None:
        self.malformed += 1
        answer = None
        if refusal.command_id is not None:
            answer = failed(refusal.command_id, refusal.reason, now_ms)
        self.at_once.append((refusal, answer))

    def _put(self, request: Request) -> list[Request]:
        """Queue a command; what it makes void has left the queue."""
        command = request.command.command
        void = self._overtaken_by(request) if command is Command.PAUSE else []
        self._arrivals += 1
        self._waiting[command] += 1
        heapq.heappush(self._heap, (CLASSES[command], self._arrivals, request))
        return void

    def _overtaken_by(self, pause: Request) -> list[Request]:
        if not any(self._waiting[command] for command in OVERTAKEN):
            return []  # a flood of pauses must not look through the queue for each
        void: list[Request] = []
        waiting, self._heap = self._heap, []
        for entry in sorted(waiting):
            if _is_overtaken(entry[2].command, pause.command):
                void.append(entry[2])
                self._waiting[entry[2].command.command] -= 1
            else:
                self._heap.append(entry)  # sorted, and so a heap
        return void


def _is_overtaken(earlier: RuntimeCommand, pause: RuntimeCommand) -> bool:
    if earlier.command not in OVERTAKEN:
        return False
    if earlier.desired_revision is None or pause.desired_revision is None:
        return True
    return earlier.desired_revision < pause.desired_revision  # a late pause is the older intent


def superseded(command_id: str, by: str, now_ms: int) -> CommandResult:
    """The answer to a command that a newer intent has made void."""
    return failed(command_id, f"superseded by {by}", now_ms)


def failed(
    command_id: str, message: str, now_ms: int, data: dict[str, Any] | None = None
) -> CommandResult:
    """The answer to a command that did not take effect."""
    return CommandResult(
        command_id=command_id,
        status="failed",
        success=False,
        message=message,
        data=data,
        timestamp=now_ms,
    )


def expired(command_id: str, reason: str, now_ms: int) -> CommandResult:
    """The answer to a command that was too old to be started."""
    return CommandResult(
        command_id=command_id,
        status="expired",
        success=False,
        message=f"expired: {reason}",
        timestamp=now_ms,
    )
