"""Whether this process has stood still so long that its leases may be another's by now.

A process that was stopped (SIGSTOP, a suspended machine, a debugger) wakes up in the middle of
what it did, with statuses to tell and questions to answer. Until it has asked PostgreSQL who drives
whom, it says nothing in a user's name.

Rule 1: pure: the time comes in as an argument, in seconds of a clock that never goes back.
Rule 2: whoever asks is also who notices, so it does not matter which task wakes up first.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Standstill:
    """The longest silences of a loop that asks often.

    Args:
        longest: Seconds between two questions that are no standstill.
        asked_at: When it was last asked.
    """

    longest: float
    asked_at: float
    _noticed: int = 0
    _answered: int = 0

    def noticed(self, at: float) -> int:
        """How many there were so far; to be given to :meth:`answered` when the leases are known."""
        if at - self.asked_at > self.longest:
            self._noticed += 1
        self.asked_at = at
        return self._noticed

    def answered(self, noticed: int) -> None:
        """PostgreSQL was asked after as many standstills as these, and has answered, or is away."""
        self._answered = noticed

    def is_open(self, at: float) -> bool:
        """Whether there was one after which nobody has asked PostgreSQL yet."""
        return self.noticed(at) != self._answered
