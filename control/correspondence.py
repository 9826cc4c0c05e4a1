"""Commands that were sent, and what has been heard of them.

Rule 1: pure. Whoever waits hands in every text from the responses channel, and reads here whether
    there is anything left to wait for and what is known.
Rule 2: a result is final: a late or repeated acknowledgement never hides it.
Rule 3: a text that cannot be read is another program's mistake and is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from control.protocol import CommandAck, CommandResult, Desired, RuntimeCommand
from control.sending import CommandRefused, Letter, NotSent


class Until(StrEnum):
    """What a sender waits for."""

    ACK = "ack"  # the runtime has it
    RESULT = "result"  # it is done, or will not be


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of a command when the wait is over.

    Args:
        command_id: Its id; the last answer is found by it for an hour.
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


Outcome = Answer | CommandRefused | NotSent


class Correspondence:
    """Some commands of one user on their way, and the answers as far as they have come."""

    def __init__(self, letters: Sequence[Letter | CommandRefused], until: Until) -> None:
        self._letters = letters
        self._until = until
        self._acks: dict[str, CommandAck | None] = dict.fromkeys(
            letter.id for letter in letters if isinstance(letter, Letter)
        )
        self._results: dict[str, CommandResult | None] = dict.fromkeys(self._acks)
        self._heard_by: int | None = None  # None: not on the wire
        self._reason = "nobody tried"

    # -- out

    @property
    def repeats(self) -> list[str]:
        """The ids that may have been answered long ago."""
        return [
            letter.id
            for letter in self._letters
            if isinstance(letter, Letter) and letter.is_callers_id
        ]

    @property
    def to_send(self) -> list[RuntimeCommand]:
        """What has to go on the wire: all that has no result yet."""
        return [
            letter.message
            for letter in self._letters
            if isinstance(letter, Letter) and self._results[letter.id] is None
        ]

    @property
    def is_sent(self) -> bool:
        """Whether Redis has taken it."""
        return self._heard_by is not None

    def sent(self, heard_by: int) -> None:
        """Note that Redis has taken it, and how many listened."""
        self._heard_by = heard_by

    def broke(self, reason: str) -> None:
        """Note that Redis failed; what it had taken before stays sent."""
        self._reason = reason

    # -- in

    @property
    def missing(self) -> list[str]:
        """The commands whose answer has not come."""
        return [
            command_id
            for command_id, result in self._results.items()
            if result is None and (self._until is Until.RESULT or self._acks[command_id] is None)
        ]

    @property
    def is_waiting(self) -> bool:
        """Whether it is worth waiting on: where nobody listened, nobody acknowledges soon."""
        return bool(self.missing) and not (self._until is Until.ACK and self._heard_by == 0)

    def hear(self, text: str | None) -> None:
        """Take a text from the wire; None is silence."""
        if text is None:
            return
        try:
            answer = read_answer(json.loads(text))
        except (ValueError, AttributeError, RecursionError):
            return
        if answer.command_id not in self._results:
            return  # somebody else's; a busy runtime answers thousands
        match answer:
            case CommandAck():
                self._acks[answer.command_id] = answer
            case CommandResult():
                self._results[answer.command_id] = answer

    def outcomes(self) -> list[Outcome]:
        """What is known of each, in the order in which they were asked for."""
        return [self._outcome(letter) for letter in self._letters]

    def _outcome(self, letter: Letter | CommandRefused) -> Outcome:
        if isinstance(letter, CommandRefused):
            return letter
        result = self._results[letter.id]
        if not self.is_sent and letter.recorded is None and result is None:
            return NotSent(
                "Redis did not confirm the command, which may still be carried out where it broke"
                f" off: {self._reason}"
            )
        return Answer(
            command_id=letter.id,
            recorded=letter.recorded,
            sent=self.is_sent or result is not None,
            ack=self._acks[letter.id],
            result=result,
        )


def read_answer(body: Mapping[str, Any]) -> CommandAck | CommandResult:
    """An answer from the wire.

    Raises:
        ValueError: If it is none.
    """
    kind = CommandAck if body.get("status") == "acknowledged" else CommandResult
    return kind.model_validate(body)
