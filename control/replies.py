"""What a worker says of commands, and how it is put into one trip to Redis.

Rule 1: nothing here waits; :mod:`control.mailbox` sends.
Rule 2: one script and not a MULTI: whoever waits for a pause waits for our client library as well,
    which packs and reads one command in half the time of nine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

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

Words = tuple[str, ...]

SAY: Final = """
local at, failed = 1, nil
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local answer = redis.pcall(unpack(ARGV, at + 1, last))
  if type(answer) == 'table' and answer.err then
    if string.find(answer.err, 'OOM', 1, true) then return answer end
    failed = failed or answer
  end
  at = last + 1
end
return failed
"""
"""Does the commands that it is given, each as the number of its words and the words. As in a MULTI,
one that fails does not stop the others, and is what is answered; a full Redis does nothing at all.
"""


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


def words_of(
    sub: str, said: Sequence[Reply], telling: Telling | None, *, keeps: bool = True
) -> list[str]:
    """What :data:`SAY` is given for answers, and the status that is there before them.

    What is kept comes first: where Redis has no room, nothing has been said yet.

    Args:
        keeps: Not only what takes no room: messages, and the removal of what is done with.
    """
    kept: list[Words] = []
    messages: list[Words] = []
    settled: list[Words] = []
    if telling is not None:
        name = status_of(sub)
        kept.append(("SET", name, telling.text, "PX", str(int(STATUS_TTL_SECONDS * 1_000))))
        if telling.publishes:
            messages.append(("PUBLISH", name, telling.text))
    for reply in said:
        _add(sub, reply, kept, messages)
        if reply.entry_id is not None:
            stream = commands_of(sub)
            settled.append(("XACK", stream, CONSUMER_GROUP, reply.entry_id))
            settled.append(("XDEL", stream, reply.entry_id))
    commands = [*(kept if keeps else ()), *messages, *settled]
    return [word for command in commands for word in (str(len(command)), *command)]


def _add(sub: str, reply: Reply, kept: list[Words], messages: list[Words]) -> None:
    for answer in reply.answers:
        text, is_final = answer.to_json(), answer is reply.result
        messages.append(("PUBLISH", responses_of(sub), text))
        if is_final or reply.result is None:  # else the result would take its place at once
            name = result_of(sub, answer.command_id)
            # The acknowledgement of a repeated command must not hide its result.
            never_hides = () if is_final else ("NX",)
            kept.append(("SET", name, text, "EX", str(reply.keep_seconds), *never_hides))
    if reply.history is not None:
        line, most = reply.history.to_json(), str(HISTORY_LENGTH)
        kept.append(("XADD", history_of(sub), "MAXLEN", "~", most, "*", "entry", line))
