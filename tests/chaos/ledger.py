"""What was sent and what the senders were told, and a trace of everything that happened.

Rule 1: a sender writes down what it knows: what is unsure is written down as unsure.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

TRACED = 400


class Via(StrEnum):
    """How a command was sent."""

    CLIENT = "client"  # an intent is recorded before it is sent
    STREAM = "stream"  # a foreign program that uses the stream
    MESSAGE = "message"  # a bare PUBLISH: nothing is promised if nobody listens


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One command as its sender knows it.

    Args:
        taken: Redis said that it has it, and had not been emptied while it said so.
        generation: How often Redis had been emptied by then.
        recorded: The revision of the intent that PostgreSQL has; None for any other command.
    """

    user_id: int
    command_id: str
    command: str
    via: Via
    taken: bool
    generation: int
    recorded: int | None = None


@dataclass(slots=True)
class Ledger:
    """Written by many threads at once."""

    sent: list[Sent] = field(default_factory=list)
    unsure: dict[int, int] = field(default_factory=dict)  # intents that may have been recorded
    generation: int = 0
    _trace: deque[str] = field(default_factory=lambda: deque(maxlen=TRACED))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    def note(self, sent: Sent) -> None:
        """A command was sent, or was not."""
        with self._lock:
            self.sent.append(sent)
        state = "taken" if sent.taken else "not taken"
        self.tell(f"user {sent.user_id} {sent.command} {sent.command_id} by {sent.via}: {state}")

    def note_unsure(self, user_id: int, command: str, reason: str) -> None:
        """PostgreSQL broke off while an intent was recorded."""
        with self._lock:
            self.unsure[user_id] = self.unsure.get(user_id, 0) + 1
        self.tell(f"user {user_id} {command}: perhaps recorded ({reason})")

    def tell(self, line: str) -> None:
        """Put a line into the trace."""
        self._trace.append(f"{time.monotonic() - self._began:8.3f}  {line}")

    def last(self, count: int) -> list[str]:
        """The end of the trace."""
        return list(self._trace)[-count:]
