"""Sending a command to a runtime and learning what became of it.

Rule 1: this is the one place that sends: panel, command line, shell and settings use it alike.
Rule 2: an intent (pause, resume, switch-mode) is in PostgreSQL before anything is on the wire,
    so it outlives an offline worker and a lost message.
Rule 3: whose runtime it is comes from the ``user`` argument, never from a payload.

In ``manage.py shell``::

    >>> from control import client
    >>> client.send(user, "pause").result.message
    >>> client.status(user).state
"""

from __future__ import annotations

import asyncio
import difflib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import redis
from pydantic import ValidationError
from redis.client import PubSub

from control import wire
from control.protocol import (
    PAYLOADS,
    Command,
    CommandAck,
    CommandResult,
    Desired,
    Origin,
    RuntimeCommand,
    RuntimeStatus,
    SwitchMode,
    commands_of,
    field_errors,
    now_ms,
    responses_of,
    result_of,
    status_of,
)
from settings_app import desired

DEFAULT_WAIT_SECONDS = 5.0
SHELL = Origin(who="", via="shell")
INTENTS = frozenset({Command.PAUSE, Command.RESUME, Command.SWITCH_MODE})


class HasRuntime(Protocol):
    """A user, as far as this module cares."""

    @property
    def pk(self) -> Any: ...

    @property
    def sub(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whose runtime is meant, where no row is at hand."""

    pk: int
    sub: str


class CommandRefused(Exception):
    """The command can never succeed as it is; nothing was recorded and nothing was sent."""


class NotSent(Exception):
    """Redis did not take the command, or not in time; and PostgreSQL keeps intents alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of a command when the wait is over.

    Args:
        command_id: Its id; :func:`result` finds the last answer by it for an hour.
        recorded: The desired state as PostgreSQL has it, for an intent; else None.
        sent: Whether Redis took the command.
        ack: The runtime has it.
        result: What became of it. None: not known yet. An intent that was recorded is applied as
            soon as a worker reads it, within one poll.
    """

    command_id: str
    recorded: Desired | None
    sent: bool
    ack: CommandAck | None = None
    result: CommandResult | None = None

    @property
    def applied(self) -> bool:
        """Whether the runtime says that it is done."""
        return self.result is not None and self.result.success


def compose(
    command: Command | str,
    payload: Mapping[str, Any] | None,
    *,
    source: Literal["admin", "system"],
) -> RuntimeCommand:
    """Check a command against the static tables and give it an id.

    Raises:
        CommandRefused: If the command or its payload is unknown, malformed or not implemented;
            the text names the field and the way out.
    """
    try:
        name = Command(command)
    except ValueError:
        near = difflib.get_close_matches(str(command), list(Command), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(Command)}"
        raise CommandRefused(f"'{command}' is not a command; {hint}") from None
    try:
        checked = PAYLOADS[name].model_validate(dict(payload or {}))
    except ValidationError as exc:
        raise CommandRefused(f"payload of {name}: {field_errors(exc)}") from None
    if isinstance(checked, SwitchMode) and checked.mode == "scalper-orderbook":
        raise CommandRefused("mode scalper-orderbook is not implemented")
    return RuntimeCommand(
        id=uuid.uuid4(),
        command=name,
        payload=checked.to_dict() or None,
        timestamp=now_ms(),
        source=source,
    )


def send(
    user: HasRuntime,
    command: Command | str,
    payload: Mapping[str, Any] | None = None,
    *,
    source: Literal["admin", "system"] = "admin",
    origin: Origin | None = None,
    wait: float | None = DEFAULT_WAIT_SECONDS,
) -> Answer:
    """Send a command and wait until its result is there.

    Args:
        user: Whose runtime.
        command: One of :class:`Command`.
        payload: As :data:`PAYLOADS` says.
        source: ``admin`` for a person, ``system`` for the program itself.
        origin: Who sends it and by what, for the history; by default a person at the shell.
        wait: Seconds to wait for the result; None returns as soon as it is sent.

    Raises:
        CommandRefused: Nothing was recorded or sent.
        NotSent: Redis is away and the command is not an intent.
    """
    message = compose(command, payload, source=source)
    message, recorded = _record(user, message)
    answer = Answer(command_id=str(message.id), recorded=recorded, sent=False)
    origin = origin or SHELL
    try:
        if wait is None:
            publish(user.sub, message, origin)
            return _sent(answer)
        with wire.listening_to(responses_of(user.sub)) as responses:
            publish(user.sub, message, origin)
            return _await_result(responses, user.sub, _sent(answer), time.monotonic() + wait)
    except redis.RedisError as exc:
        if recorded is None:
            raise NotSent(_why_not(exc)) from exc
        return answer


async def asend(
    user: HasRuntime,
    command: Command | str,
    payload: Mapping[str, Any] | None = None,
    *,
    source: Literal["admin", "system"] = "admin",
    origin: Origin | None = None,
    wait: float | None = DEFAULT_WAIT_SECONDS,
) -> Answer:
    """:func:`send` for code with an event loop; the loop is never blocked."""
    return await asyncio.to_thread(
        send, user, command, payload, source=source, origin=origin, wait=wait
    )


def status(user: HasRuntime) -> RuntimeStatus | None:
    """The last status of a user's runtime; None when no worker has spoken for three heartbeats.

    Raises:
        redis.RedisError: If Redis is away: then nothing is known, which is not "offline".
    """
    text: Any = wire.shared().get(status_of(user.sub))
    return None if text is None else RuntimeStatus.model_validate_json(text)


def result(user: HasRuntime, command_id: str) -> CommandAck | CommandResult | None:
    """The last answer to one of this user's commands; kept for an hour."""
    text: Any = wire.shared().get(result_of(user.sub, command_id))
    return None if text is None else read_answer(json.loads(text))


def read_answer(body: Mapping[str, Any]) -> CommandAck | CommandResult:
    """An answer from the wire."""
    kind = CommandAck if body.get("status") == "acknowledged" else CommandResult
    return kind.model_validate(body)


def _record(user: HasRuntime, message: RuntimeCommand) -> tuple[RuntimeCommand, Desired | None]:
    if message.command not in INTENTS:
        return message, None
    mode = (message.payload or {}).get("mode")
    paused = {Command.PAUSE: True, Command.RESUME: False}.get(message.command)
    row = desired.record(user.pk, is_paused=paused, mode=mode)
    recorded = Desired(is_paused=row.is_paused, mode=str(row.mode), revision=row.revision)
    return message.model_copy(update={"desired_revision": row.revision}), recorded


def publish(sub: str, message: RuntimeCommand, origin: Origin) -> None:
    """Put a composed command on the wire.

    Raises:
        redis.RedisError: If Redis did not take it.
    """
    # One transaction: whoever hears the message finds it in the stream.
    text = message.to_json()
    with wire.shared().pipeline(transaction=True) as pipe:
        pipe.xadd(commands_of(sub), {"command": text, "origin": origin.to_json()})
        pipe.publish(commands_of(sub), text)
        pipe.execute()


def _why_not(exc: redis.RedisError) -> str:
    if isinstance(exc, redis.TimeoutError):  # a server that is slow may have read it already
        return f"Redis did not answer in time; the command may still be carried out: {exc}"
    return f"Redis did not take the command: {exc}"


def _sent(answer: Answer) -> Answer:
    return Answer(command_id=answer.command_id, recorded=answer.recorded, sent=True)


def _await_result(responses: PubSub, sub: str, answer: Answer, deadline: float) -> Answer:
    ack: CommandAck | None = None
    outcome: CommandResult | None = None
    while outcome is None and (left := deadline - time.monotonic()) > 0:
        try:
            message = responses.get_message(timeout=left)
        except redis.RedisError:
            break  # it was sent; the result key will tell when Redis is back
        if message is None or message["type"] != "message":
            continue
        body = json.loads(message["data"])
        if body.get("commandId") != answer.command_id:
            continue
        match read_answer(body):
            case CommandAck() as received:
                ack = received
            case CommandResult() as final:
                outcome = final
    if outcome is None:
        outcome = _kept_result(sub, answer.command_id)  # its message may have been lost
    return Answer(
        command_id=answer.command_id,
        recorded=answer.recorded,
        sent=True,
        ack=ack,
        result=outcome,
    )


def _kept_result(sub: str, command_id: str) -> CommandResult | None:
    try:
        kept: Any = wire.shared().get(result_of(sub, command_id))
    except redis.RedisError:
        return None
    answer = None if kept is None else read_answer(json.loads(kept))
    return answer if isinstance(answer, CommandResult) else None
