"""How long to wait before starting again what ended. Time comes in as an argument."""

from __future__ import annotations

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0


class Backoff:
    """Pauses that double with each early end, and begin anew after a long life."""

    def __init__(self) -> None:
        self._next = _FIRST_SECONDS

    def pause_after(self, lived_seconds: float) -> float:
        """The pause in seconds after a life of ``lived_seconds``."""
        if lived_seconds >= _HEALTHY_SECONDS:
            self._next = _FIRST_SECONDS
        pause = self._next
        self._next = min(pause * 2, _LONGEST_SECONDS)
        return pause
