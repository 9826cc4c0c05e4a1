"""What was asked for on one connection, since when, and what to ask for again.

Rule 1: what an exchange does not acknowledge in time is named, and stays named until it does.
Rule 2: it is asked for again, each time after twice the pause and a few times only: what does not
    come then waits for the next connection.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

ACK_SECONDS = 10.0
MOST_REPEATS = 3


@dataclass(slots=True)
class _Question:
    asked_at: float
    again_at: float
    repeats: int = 0


class Asked:
    """The symbols that a connection is to carry; times are those of one steady clock, seconds.

    Args:
        patience: How long an answer may take before it is asked again.
    """

    def __init__(self, patience: float = ACK_SECONDS) -> None:
        self._patience = patience
        self._questions: dict[str, _Question] = {}

    def take(self, symbols: Collection[str], now: float) -> None:
        """Exactly these are asked for; what was before keeps its time."""
        known = self._questions
        self._questions = {
            symbol: known.get(symbol) or _Question(now, now + self._patience) for symbol in symbols
        }

    def forget(self, symbols: Collection[str]) -> None:
        """These are asked for anew, by somebody else's wish."""
        for symbol in symbols:
            self._questions.pop(symbol, None)

    def unconfirmed(self, acknowledged: frozenset[str], now: float, after: float) -> frozenset[str]:
        """What was asked for more than ``after`` seconds ago and is still not acknowledged."""
        return frozenset(
            symbol
            for symbol, question in self._questions.items()
            if question.asked_at < now - after and symbol not in acknowledged
        )

    def due(self, acknowledged: frozenset[str], now: float) -> frozenset[str]:
        """What is to be asked for again now; whoever takes it asks."""
        found = set()
        for symbol, question in self._questions.items():
            if symbol in acknowledged or question.repeats >= MOST_REPEATS:
                continue
            if now >= question.again_at:
                question.repeats += 1
                question.again_at = now + self._patience * 2**question.repeats
                found.add(symbol)
        return frozenset(found)
