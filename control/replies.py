"""What a worker says of commands, and how it is put into one trip to Redis.

Rule 1: nothing here waits; :mod:`control.mailbox` sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis.asyncio.client import Pipeline

from control.protocol import (
    CONSUMER_GROUP,
    HISTORY_LENGTH,
    RESULT_TTL_SECONDS,
    STATUS_TTL_SECONDS,
    CommandAck,
    CommandResult,
    HistoryEntry,
    commands_of,
    history_of,
    responses_of,
    result_of,
    status_of,
)


def _untold() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A status that goes with answers: kept for who asks, and published if its turn has come.

    Args:
        told: Called when Redis has taken it.
    """

    text: str
    publishes: bool
    told: Callable[[], None] = _untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said of one command.

    Args:
        result: None where nobody can be answered, or there is no answer yet.
        history: Its line in the history.
        entry_id: The entry that is done with; None while a batch still has commands waiting.
        keep_seconds: How long the answer can be asked for.
    """

    ack: CommandAck | None = None
    result: CommandResult | None = None
    history: HistoryEntry | None = None
    entry_id: str | None = None
    keep_seconds: int = RESULT_TTL_SECONDS

    @property
    def answers(self) -> list[CommandAck | CommandResult]:
        """What the sender hears, in order."""
        return [answer for answer in (self.ack, self.result) if answer is not None]


def queue(pipe: Pipeline, sub: str, said: Sequence[Reply], telling: Telling | None) -> None:
    """Put answers, and the status before them, into a transaction."""
    if telling is not None:
        pipe.set(status_of(sub), telling.text, px=int(STATUS_TTL_SECONDS * 1_000))
        _publish_status(pipe, sub, telling)
    for reply in said:
        for answer in reply.answers:
            text, is_final = answer.to_json(), answer is reply.result
            # The acknowledgement of a repeated command must not hide its result.
            if is_final or reply.result is None:  # else the result would take its place at once
                name = result_of(sub, answer.command_id)
                pipe.set(name, text, ex=reply.keep_seconds, nx=not is_final)
            pipe.publish(responses_of(sub), text)
        if reply.history is not None:
            line = reply.history.to_json()
            pipe.xadd(history_of(sub), {"entry": line}, maxlen=HISTORY_LENGTH, approximate=True)
        _settle(pipe, sub, reply)


def queue_unkept(pipe: Pipeline, sub: str, said: Sequence[Reply], telling: Telling | None) -> None:
    """Put in only what takes no room: messages, and the removal of what is done with."""
    if telling is not None:
        _publish_status(pipe, sub, telling)
    for reply in said:
        for answer in reply.answers:
            pipe.publish(responses_of(sub), answer.to_json())
        _settle(pipe, sub, reply)


def _publish_status(pipe: Pipeline, sub: str, telling: Telling) -> None:
    if telling.publishes:
        pipe.publish(status_of(sub), telling.text)


def _settle(pipe: Pipeline, sub: str, reply: Reply) -> None:
    if reply.entry_id is not None:
        pipe.xack(commands_of(sub), CONSUMER_GROUP, reply.entry_id)
        pipe.xdel(commands_of(sub), reply.entry_id)
