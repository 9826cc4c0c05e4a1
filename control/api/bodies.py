"""What a command looks like in the body of a request, and what is known of it in the answer.

Rule 1: these models read, make and describe the bodies; none of the three can leave the others
    behind.
Rule 2: a batch is read command by command; one that is malformed keeps no other from being read.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control import sending
from control.api.problems import INVALID_COMMAND
from control.client import CommandRefused, NewCommand
from control.protocol import PAYLOADS, Command, CommandAck, CommandResult, Desired, HistoryEntry
from settings_app.api.answers import Answer
from settings_app.api.requests import JSON, json_body
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.problems import Problem

MOST_IN_BATCH: Final = 100


# ---------------------------------------------------------------------- what is sent
class CommandBody(BaseModel):
    """One command."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command: str
    payload: dict[str, Any] | None = None
    id: str | None = None


Read = NewCommand | CommandRefused


def commands_in(request: HttpRequest) -> Read | list[Read]:
    """The command that a request carries, or the batch.

    Raises:
        Problem: If it is neither.
    """
    try:
        body = json_body(request, JSON)
    except SettingsInvalid as exc:
        detail = "Nothing was recorded and nothing was sent."
        raise Problem(INVALID_COMMAND, detail, errors=exc.errors) from None
    if not isinstance(body, list):
        return _read(body)
    if not 1 <= len(body) <= MOST_IN_BATCH:
        raise Problem(INVALID_COMMAND, f"A batch has 1 to {MOST_IN_BATCH} commands.")
    return [_read(item) for item in body]


def _read(item: Any) -> Read:
    if not isinstance(item, dict):
        rule = 'must be an object, such as {"command": "pause"}'
        return CommandRefused(rule, [FieldError("", rule)])
    try:
        body = CommandBody.model_validate(item)
    except ValidationError as exc:
        errors = sending.field_errors_of(exc, known=tuple(CommandBody.model_fields))
        return CommandRefused("malformed", errors)
    return NewCommand(command=body.command, payload=body.payload, id=body.id)


def described() -> dict[str, Any]:
    """JSON Schema of a body: one of the commands, or a batch."""
    commands = [_described(command) for command in Command]
    one = {"oneOf": commands}
    batch = {"type": "array", "minItems": 1, "maxItems": MOST_IN_BATCH, "items": one}
    return {"oneOf": [*commands, {"title": "A batch", **batch}]}


def _described(command: Command) -> dict[str, Any]:
    payload = PAYLOADS[command].model_json_schema(by_alias=True)
    is_needed = "required" in payload
    return {
        "title": command.value,
        "type": "object",
        "additionalProperties": False,
        "required": ["command", *(["payload"] if is_needed else [])],
        "properties": {
            "command": {"const": command.value},
            "payload": payload,
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "Yours: repeated within a day, the command is not done again.",
            },
        },
    }


# ---------------------------------------------------------------------- what is answered
class CommandAnswer(Answer):
    """What is known of a command."""

    command_id: str = Field(description="By which its last answer is found for an hour.")
    sent: bool = Field(description="Whether it is on its way; false while Redis is away.")
    desired: Desired | None = Field(
        None, description="What is wanted now, recorded; only for pause, resume and switch-mode."
    )
    ack: CommandAck | None = Field(None, description="There where the runtime has it.")
    result: CommandResult | None = Field(None, description="There where it is answered already.")


class ProblemAnswer(Answer):
    """A problem in the place of a command that was not sent."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = Field([], description="What is wrong in which field.")


class HistoryAnswer(Answer):
    """A page of the history, newest first."""

    entries: list[HistoryEntry]
    next: str | None = Field(None, description="Send it as `before` for the page after; or none.")
