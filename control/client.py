"""Sending a command to a runtime and learning what became of it.

Rule 1: this is the one door: panel, API, command line, shell, schedule and settings send and read
    here. Each says who sends and by what (:class:`Origin`).
Rule 2: every function has a twin for code with an event loop, named with an ``a``, which occupies
    neither the loop nor a thread while it waits.
Rule 3: whose runtime it is comes from the ``user`` argument, a User or a :class:`Recipient`, never
    from a payload.
Rule 4: whoever waits listens before the command is on the wire. An answer that is lost on its way
    is read from where it is kept.

In ``manage.py shell``::

    >>> from control import client
    >>> client.send(user, "pause").result.message
    >>> client.status(user).state
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import redis
import redis.asyncio
from channels.db import database_sync_to_async

from control import history as lines
from control import listening, posting, sending, wire
from control.correspondence import Answer, Correspondence, Outcome, Until, read_answer
from control.history import Page
from control.listening import Asked
from control.protocol import (
    Command,
    CommandAck,
    CommandResult,
    Origin,
    RuntimeCommand,
    RuntimeStatus,
    history_of,
    responses_of,
    result_of,
    status_of,
)
from control.sending import CommandRefused, NewCommand, NotSent, Source, compose

__all__ = [
    "DEFAULT_WAIT_SECONDS",
    "SHELL",
    "Answer",
    "CommandRefused",
    "HasRuntime",
    "NewCommand",
    "NotSent",
    "Outcome",
    "Page",
    "Recipient",
    "Until",
    "ahistory",
    "aresult",
    "asend",
    "asend_batch",
    "astatus",
    "compose",
    "history",
    "publish",
    "result",
    "send",
    "send_batch",
    "status",
]

DEFAULT_WAIT_SECONDS = 5.0
HISTORY_LINES = 50
AWAY = (redis.RedisError, OSError)
SHELL = Origin(who="", via="shell")


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


# ---------------------------------------------------------------------- sending
def send(
    user: HasRuntime,
    command: Command | str,
    payload: Mapping[str, Any] | None = None,
    *,
    command_id: uuid.UUID | str | None = None,
    source: Source = "admin",
    origin: Origin = SHELL,
    wait: float | None = DEFAULT_WAIT_SECONDS,
    until: Until = Until.RESULT,
) -> Answer:
    """Send a command and wait for its result.

    Args:
        user: Whose runtime.
        command: One of :class:`Command`.
        payload: As :data:`PAYLOADS` says.
        command_id: The caller's own id. Repeating it does nothing again and answers the same.
        source: ``admin`` for a person, ``system`` for the program itself.
        origin: Who sends it and by what, for the history; by default a person at the shell.
        wait: Seconds to wait at most; None returns as soon as it is sent.
        until: What to wait for.

    Raises:
        CommandRefused: Nothing was recorded or sent.
        NotSent: Redis did not confirm it, and it is not an intent.
    """
    new = NewCommand(command=command, payload=payload, id=command_id)
    [outcome] = send_batch(user, [new], source=source, origin=origin, wait=wait, until=until)
    return _answer_or_raise(outcome)


async def asend(
    user: HasRuntime,
    command: Command | str,
    payload: Mapping[str, Any] | None = None,
    *,
    command_id: uuid.UUID | str | None = None,
    source: Source = "admin",
    origin: Origin = SHELL,
    wait: float | None = DEFAULT_WAIT_SECONDS,
    until: Until = Until.RESULT,
) -> Answer:
    """:func:`send` for code with an event loop."""
    new = NewCommand(command=command, payload=payload, id=command_id)
    [outcome] = await asend_batch(user, [new], source=source, origin=origin, wait=wait, until=until)
    return _answer_or_raise(outcome)


def send_batch(
    user: HasRuntime,
    commands: Sequence[NewCommand],
    *,
    source: Source = "admin",
    origin: Origin = SHELL,
    wait: float | None = DEFAULT_WAIT_SECONDS,
    until: Until = Until.RESULT,
) -> list[Outcome]:
    """Send several commands at once; each has its own outcome, in their order.

    What is refused is not sent, and keeps nothing else from being sent. Arguments as of
    :func:`send`.
    """
    letters = sending.check(commands, source=source)
    with ExitStack() as stack:
        asked = None
        if wait is not None and sending.has_intents(letters):
            # Granted while the intent is recorded.
            asked = stack.enter_context(listening.asking_for(responses_of(user.sub)))
        talk = Correspondence(sending.record(user.pk, letters), until)
        try:
            _hear_kept(user.sub, talk, talk.repeats)
            if wait is None or not talk.to_send:
                _post(user.sub, talk, origin)
            else:
                _converse(user.sub, talk, origin, wait, asked)
        except AWAY as exc:
            talk.broke(str(exc))
    if wait is not None and talk.is_sent:
        with suppress(*AWAY):
            _hear_kept(user.sub, talk, talk.missing)  # a message may have been lost
    return talk.outcomes()


async def asend_batch(
    user: HasRuntime,
    commands: Sequence[NewCommand],
    *,
    source: Source = "admin",
    origin: Origin = SHELL,
    wait: float | None = DEFAULT_WAIT_SECONDS,
    until: Until = Until.RESULT,
) -> list[Outcome]:
    """:func:`send_batch` for code with an event loop."""
    letters = sending.check(commands, source=source)
    if sending.has_intents(letters):
        letters = await database_sync_to_async(sending.record)(user.pk, letters)
    talk = Correspondence(letters, until)
    async with wire.connect_async() as client:
        try:
            await _ahear_kept(client, user.sub, talk, talk.repeats)
            if wait is None or not talk.to_send:
                await _apost(client, user.sub, talk, origin)
            else:
                await _aconverse(client, user.sub, talk, origin, wait)
        except AWAY as exc:
            talk.broke(str(exc))
        if wait is not None and talk.is_sent:
            with suppress(*AWAY):
                await _ahear_kept(client, user.sub, talk, talk.missing)
    return talk.outcomes()


def publish(sub: str, message: RuntimeCommand, origin: Origin) -> None:
    """Put a composed command on the wire, and record nothing.

    Raises:
        redis.RedisError: If Redis did not take it.
    """
    posting.post(sub, [message], origin)


def _answer_or_raise(outcome: Outcome) -> Answer:
    if isinstance(outcome, Answer):
        return outcome
    raise outcome


# ---------------------------------------------------------------------- reading
def status(user: HasRuntime) -> RuntimeStatus | None:
    """The last status of a user's runtime; None when no worker has spoken for three heartbeats.

    Raises:
        redis.RedisError: If Redis is away: then nothing is known, which is not "offline".
        pydantic.ValidationError: If a worker of another version wrote it.
    """
    return _status_of(wire.shared().get(status_of(user.sub)))


async def astatus(user: HasRuntime) -> RuntimeStatus | None:
    """:func:`status` for code with an event loop."""
    async with wire.connect_async() as client:
        return _status_of(await client.get(status_of(user.sub)))


def result(user: HasRuntime, command_id: str) -> CommandAck | CommandResult | None:
    """The last answer to one of this user's commands; None after an hour (``status``: a minute).

    Raises:
        redis.RedisError: If Redis is away.
    """
    return _answer_of(wire.shared().get(result_of(user.sub, command_id)))


async def aresult(user: HasRuntime, command_id: str) -> CommandAck | CommandResult | None:
    """:func:`result` for code with an event loop."""
    async with wire.connect_async() as client:
        return _answer_of(await client.get(result_of(user.sub, command_id)))


def history(user: HasRuntime, *, limit: int = HISTORY_LINES, before: str | None = None) -> Page:
    """The last commands of a user with their answers, newest first.

    Args:
        limit: How many at most.
        before: The ``next`` of the page that was read last; None begins with the newest.

    Raises:
        ValueError: If ``before`` is nothing that a page has told.
        redis.RedisError: If Redis is away.
    """
    newest = lines.newest_allowed(before)
    rows: Any = wire.shared().xrevrange(history_of(user.sub), max=newest, count=limit + 1)
    return lines.page_of(rows, limit=limit)


async def ahistory(
    user: HasRuntime, *, limit: int = HISTORY_LINES, before: str | None = None
) -> Page:
    """:func:`history` for code with an event loop."""
    newest = lines.newest_allowed(before)
    async with wire.connect_async() as client:
        rows: Any = await client.xrevrange(history_of(user.sub), max=newest, count=limit + 1)
    return lines.page_of(rows, limit=limit)


def _status_of(text: Any) -> RuntimeStatus | None:
    return None if text is None else RuntimeStatus.model_validate_json(text)


def _answer_of(text: Any) -> CommandAck | CommandResult | None:
    return None if text is None else read_answer(json.loads(text))


# ---------------------------------------------------------------------- one conversation
def _converse(
    sub: str, talk: Correspondence, origin: Origin, wait: float, asked: Asked | None
) -> None:
    sending.lend_connection()
    with listening.listening_to(responses_of(sub), asked) as responses:
        _post(sub, talk, origin)
        deadline = time.monotonic() + wait
        while talk.is_waiting and (left := deadline - time.monotonic()) > 0:
            talk.hear(_text_of(responses.get_message(timeout=left)))


async def _aconverse(
    client: redis.asyncio.Redis, sub: str, talk: Correspondence, origin: Origin, wait: float
) -> None:
    async with listening.listening_to_async(responses_of(sub)) as responses:
        await _apost(client, sub, talk, origin)
        deadline = time.monotonic() + wait
        while talk.is_waiting and (left := deadline - time.monotonic()) > 0:
            talk.hear(_text_of(await responses.get_message(timeout=left)))


def _post(sub: str, talk: Correspondence, origin: Origin) -> None:
    if talk.to_send:
        talk.sent(heard_by=posting.post(sub, talk.to_send, origin))


async def _apost(
    client: redis.asyncio.Redis, sub: str, talk: Correspondence, origin: Origin
) -> None:
    if talk.to_send:
        talk.sent(heard_by=await posting.apost(client, sub, talk.to_send, origin))


def _hear_kept(sub: str, talk: Correspondence, command_ids: Sequence[str]) -> None:
    """Read the answers that are kept by id."""
    if command_ids:
        texts: Any = wire.shared().mget([result_of(sub, one) for one in command_ids])
        for text in texts:
            talk.hear(text)


async def _ahear_kept(
    client: redis.asyncio.Redis, sub: str, talk: Correspondence, command_ids: Sequence[str]
) -> None:
    if command_ids:
        texts: Any = await client.mget([result_of(sub, one) for one in command_ids])
        for text in texts:
            talk.hear(text)


def _text_of(message: Mapping[str, Any] | None) -> str | None:
    return message["data"] if message is not None and message["type"] == "message" else None
