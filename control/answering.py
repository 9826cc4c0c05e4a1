"""Answers on their way out: one runtime's, in order, beside whatever it decides meanwhile.

Rule 1: whoever decides never waits for Redis: an answer is put here and goes when Redis takes it.
    A pause that PostgreSQL has is applied also while Redis is away.
Rule 2: what was decided goes before what needed no decision: a flood of questions and of malformed
    messages delays no answer to a pause.
Rule 3: the status that goes with an answer is there before it.
Rule 4: a worker that may have lost a user while it stood still says nothing of that user's status
    until it knows; the question stays in the stream for whoever drives the user.
Rule 5: an answer that was not sent when this worker lets go is the next one's to give: its entry is
    in the stream, its receipt in PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from control import history
from control.inbox import Inbox, Refusal, Request
from control.mailbox import Mailbox
from control.protocol import (
    RESULT_TTL_SECONDS,
    STATUS_RESULT_TTL_SECONDS,
    CommandAck,
    CommandResult,
    now_ms,
)
from control.replies import Reply, Telling

MOST_AT_ONCE = 64
ACK_SECONDS = 0.005  # a decision that is sooner goes in one transaction with its acknowledgement
DOUBT_SECONDS = 0.2


def _always() -> bool:
    """Nobody else can have taken the user over."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A reply, whether the status has to be told before it, and who hears that it went."""

    reply: Reply
    tells: bool = False
    sent: Callable[[], None] | None = None


class Answering:
    """The answers of one runtime.

    Args:
        sub: Whose.
        inbox: Where what needs no decision waits.
        tell: Composes the user's status, which goes with the answer of what changed it.
        status: Answers a question for the status.
        done: Told of every answered command, for the log.
        may_speak: Whether this worker speaks for the user, as far as it can know.
    """

    def __init__(
        self,
        sub: str,
        *,
        mailbox: Mailbox,
        inbox: Inbox,
        tell: Callable[[str], Telling | None],
        status: Callable[[Request], CommandResult],
        done: Callable[[Request, CommandResult], None],
        may_speak: Callable[[], bool] = _always,
    ) -> None:
        self._sub = sub
        self._mailbox = mailbox
        self._inbox = inbox
        self._tell = tell
        self._status = status
        self._done = done
        self._may_speak = may_speak
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at what needs no decision."""
        self._wake.set()

    def acknowledge(self, request: Request) -> None:
        """Say that the runtime has a command."""
        request.acked_ms = now_ms()
        ack = CommandAck(command_id=request.id, timestamp=request.acked_ms)
        self._waiting.append(_Waiting(reply=Reply(ack=ack)))
        asyncio.get_running_loop().call_later(ACK_SECONDS, self.wake)

    def answer(self, request: Request, result: CommandResult, *, tells: bool = False) -> None:
        """Say what became of a command; its effect is committed by now.

        Args:
            tells: It has changed what the status says.
        """
        sent = partial(self._done, request, result)
        self._put(_Waiting(reply=self._reply(request, result), tells=tells, sent=sent))

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._next():
                replies = [waiting.reply for waiting in batch]
                if any(waiting.tells for waiting in batch):
                    await self._mailbox.answer(self._sub, replies, partial(self._tell, self._sub))
                else:
                    await self._mailbox.answer(self._sub, replies)
                for waiting in batch:
                    if waiting.sent is not None:
                        waiting.sent()

    def _put(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._wake.set()

    def _next(self) -> list[_Waiting]:
        """The next replies, as many as go well in one transaction."""
        if self._waiting:
            most = min(MOST_AT_ONCE, len(self._waiting))
            return [self._waiting.popleft() for _ in range(most)]
        if self._inbox.at_once and not self._may_speak():
            asyncio.get_running_loop().call_later(DOUBT_SECONDS, self.wake)
            return []
        most = min(MOST_AT_ONCE, len(self._inbox.at_once))
        return [self._at_once(*self._inbox.at_once.popleft()) for _ in range(most)]

    def _at_once(self, item: Request | Refusal, answer: CommandResult | None) -> _Waiting:
        if isinstance(item, Request):
            item.acked_ms = now_ms()
            ack = CommandAck(command_id=item.id, timestamp=item.acked_ms)
            keep_seconds = RESULT_TTL_SECONDS if answer else STATUS_RESULT_TTL_SECONDS
            answer = answer or self._status(item)
            reply = replace(self._reply(item, answer, ack=ack), keep_seconds=keep_seconds)
            return _Waiting(reply=reply, sent=partial(self._done, item, answer))
        return _Waiting(reply=self._reply(item, answer))

    def _reply(
        self,
        item: Request | Refusal,
        result: CommandResult | None,
        *,
        ack: CommandAck | None = None,
    ) -> Reply:
        line = None
        if result is not None:
            line = history.entry_of(
                item,
                result,
                item.parcel.origin,
                arrived_ms=item.arrived_ms,
                acked_ms=item.acked_ms if isinstance(item, Request) else None,
                now_ms=now_ms(),
            )
        entry_id = item.parcel.settled_by_one_more()
        return Reply(ack=ack, result=result, history=line, entry_id=entry_id)
