"""What happens to a command before it is on the wire: it is checked, and an intent is recorded.

Rule 1: what can never succeed is refused here, before anything is recorded or sent; the refusal
    names the field and the way out.
Rule 2: an intent (pause, resume, switch-mode) is in PostgreSQL before anything is on the wire, so
    it outlives an offline worker and a lost message.
Rule 3: an id that the caller brought is recorded with its command in the same transaction. Whoever
    repeats it sends that very command again, with its old revision: an intent that has been
    overtaken since does not come back.
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal

from django.db import connection, transaction
from django.utils import timezone
from pydantic import ValidationError

from control.models import SentIntent
from control.protocol import (
    INTENTS,
    PAUSED_BY,
    PAYLOADS,
    Command,
    Desired,
    RuntimeCommand,
    SwitchMode,
    now_ms,
    rule_of,
)
from settings_app import desired
from settings_app.documents import pointer
from settings_app.errors import FieldError

Source = Literal["admin", "system"]

ID_KEPT: Final = timedelta(days=1)  # as long as the runtime knows what it has done
LONGEST_NAME: Final = 40  # that is compared with the known ones


class CommandRefused(Exception):
    """The command can never succeed as it is; nothing was recorded and nothing was sent.

    Args:
        message: For whoever typed it.
        errors: The same by field, for programs; they repeat nothing of what was sent.
    """

    def __init__(self, message: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class NotSent(Exception):
    """Redis did not confirm the command, and it is not an intent that PostgreSQL could keep.

    Where the connection broke at that very moment it may have arrived all the same: whoever
    repeats it under the same id does it once.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """A command as somebody asks for it, unchecked.

    Args:
        command: One of :class:`Command`.
        payload: As :data:`PAYLOADS` says.
        id: The caller's own, under which it is done once however often it is asked for; None
            for a new one.
    """

    command: Command | str
    payload: Mapping[str, Any] | None = None
    id: uuid.UUID | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A checked command, ready to be sent.

    Args:
        recorded: The desired state that it brought about in PostgreSQL; None where it is no intent.
        is_callers_id: Whether it may have been sent before.
    """

    message: RuntimeCommand
    recorded: Desired | None = None
    is_callers_id: bool = False

    @property
    def id(self) -> str:
        """The command's id, as the wire writes it."""
        return str(self.message.id)

    @property
    def is_intent(self) -> bool:
        """Whether PostgreSQL keeps what it wants."""
        return self.message.command in INTENTS


# ---------------------------------------------------------------------- checking
def compose(
    command: Command | str,
    payload: Mapping[str, Any] | None = None,
    *,
    source: Source,
    command_id: uuid.UUID | str | None = None,
) -> RuntimeCommand:
    """Check a command against the static tables and give it an id, unless the caller brings one.

    Raises:
        CommandRefused: If it is unknown, malformed or not implemented.
    """
    checked_id = _checked_id(command_id)
    name = _name_of(command)
    try:
        checked = PAYLOADS[name].model_validate(dict(payload or {}))
    except ValidationError as exc:
        raise _refused_payload(name, exc) from None
    if isinstance(checked, SwitchMode) and checked.mode == "scalper-orderbook":
        text = "mode scalper-orderbook is not implemented"
        raise CommandRefused(text, [FieldError("/payload/mode", "is not implemented")])
    return RuntimeCommand(
        id=checked_id,
        command=name,
        payload=checked.to_dict() or None,
        timestamp=now_ms(),
        source=source,
    )


def _checked_id(command_id: uuid.UUID | str | None) -> uuid.UUID:
    if command_id is None:
        return uuid.uuid4()
    try:
        return uuid.UUID(str(command_id))
    except ValueError:
        rule = "must be a UUID, such as 6f1c3f0e-8a54-4d0b-9d0e-0d5d1f3f7a11"
        raise CommandRefused(f"id {rule}", [FieldError("/id", rule)]) from None


def _name_of(command: Command | str) -> Command:
    try:
        return Command(command)
    except ValueError:
        near = difflib.get_close_matches(str(command)[:LONGEST_NAME], list(Command), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(Command)}"
        rule = f"must be one of {', '.join(Command)}"
        error = FieldError("/command", f"{rule}; the nearest is {near[0]}" if near else rule)
        raise CommandRefused(f"'{command}' is not a command; {hint}", [error]) from None


def _refused_payload(name: Command, exc: ValidationError) -> CommandRefused:
    known = [field.alias or key for key, field in PAYLOADS[name].model_fields.items()]
    errors = field_errors_of(exc, "payload", known=known)
    told = "; ".join(f"{error.pointer[1:].replace('/', '.')}: {error.message}" for error in errors)
    return CommandRefused(f"{name} cannot be sent: {told}", errors)


def field_errors_of(exc: ValidationError, *place: str, known: Sequence[str]) -> list[FieldError]:
    """A validation error by field. A key that is not known is not repeated: it may be a secret.

    Args:
        place: The keys that lead to what was validated.
        known: The keys that it may have.
    """
    keys = f"has the keys {', '.join(known)} and no other" if known else "takes nothing"
    return [
        FieldError(pointer(*place), keys)
        if item["type"] == "extra_forbidden"
        else FieldError(pointer(*place, *item["loc"]), rule_of(item))
        for item in exc.errors(include_url=False, include_input=False)
    ]


def check(commands: Iterable[NewCommand], *, source: Source) -> list[Letter | CommandRefused]:
    """Check each on its own; nothing is recorded yet."""
    return [_checked(new, source) for new in commands]


def _checked(new: NewCommand, source: Source) -> Letter | CommandRefused:
    try:
        message = compose(new.command, new.payload, source=source, command_id=new.id)
    except CommandRefused as refusal:
        return refusal
    return Letter(message=message, is_callers_id=new.id is not None)


# ---------------------------------------------------------------------- recording
def has_intents(letters: Iterable[Letter | CommandRefused]) -> bool:
    """Whether there is anything to record."""
    return any(isinstance(letter, Letter) and letter.is_intent for letter in letters)


def record(
    user_id: int, letters: Iterable[Letter | CommandRefused]
) -> list[Letter | CommandRefused]:
    """Record the intents among some letters; what is refused because of it is a refusal.

    Raises:
        User.DoesNotExist: If there is no such user.
    """
    return [
        _recorded(user_id, letter) if isinstance(letter, Letter) and letter.is_intent else letter
        for letter in letters
    ]


def _recorded(user_id: int, letter: Letter) -> Letter | CommandRefused:
    if not letter.is_callers_id:
        return _newly_recorded(user_id, letter)
    with transaction.atomic():
        return _recorded_once(user_id, letter)


def _newly_recorded(user_id: int, letter: Letter) -> Letter:
    message = letter.message
    mode = (message.payload or {}).get("mode")
    paused = PAUSED_BY.get(message.command)
    row = desired.record(user_id, is_paused=paused, mode=mode)
    return replace(
        letter,
        message=message.model_copy(update={"desired_revision": row.revision}),
        recorded=_told(row),
    )


def _recorded_once(user_id: int, letter: Letter) -> Letter | CommandRefused:
    message, ours = letter.message, SentIntent.objects.filter(user_id=user_id)
    ours.filter(created_at__lt=timezone.now() - ID_KEPT).delete()
    # Of two that come at once, the second waits here for the first to commit.
    row, is_new = ours.get_or_create(
        command_id=message.id, defaults={"user_id": user_id, "message": message.to_dict()}
    )
    if is_new:
        recorded = _newly_recorded(user_id, letter)
        row.message = recorded.message.to_dict()
        row.save(update_fields=["message"])
        return recorded
    first = RuntimeCommand.model_validate(row.message)
    if (first.command, first.payload) != (message.command, message.payload):
        text = "was sent before with another command; every command needs an id of its own"
        return CommandRefused(f"id {text}", [FieldError("/id", text)])
    return replace(letter, message=first, recorded=_told(desired.read_desired(user_id)))


def _told(row: desired.Desired) -> Desired:
    return Desired(is_paused=row.is_paused, mode=str(row.mode), revision=row.revision)


def lend_connection() -> None:
    """Give a pooled database connection back: whoever waits for a runtime needs none.

    Half a minute of waiting in as many requests as the pool is wide would else stop the server.
    """
    is_pooled = "pool" in connection.settings_dict["OPTIONS"]
    if is_pooled and not connection.in_atomic_block:
        connection.close()
