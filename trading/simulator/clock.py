"""Simulated time: the real time of the start, going on at a chosen speed.

Rule 1: at speed 1 it is the real time, so a restarted simulator goes on where it would be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """Nanoseconds since 1970 of the simulated world.

    Args:
        speed: Simulated seconds in one real second.
        anchor_ns: Simulated time at the start; the real time if not given.
        steady: The clock that drives it, in real nanoseconds; it never goes back.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        anchor_ns: int | None = None,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, was {speed}")
        self.speed = speed
        self._steady = steady
        self._began = steady()
        self._anchor = time.time_ns() if anchor_ns is None else anchor_ns

    def now_ns(self) -> int:
        """Simulated time, nanoseconds since 1970 UTC."""
        return self._anchor + int((self._steady() - self._began) * self.speed)

    def now_us(self) -> int:
        """Simulated time, microseconds since 1970 UTC."""
        return self.now_ns() // 1_000


def rfc3339(at_ns: int, digits: int = 9) -> str:
    """``2026-09-30T02:39:53.977543Z``; zeros at the end of the fraction are trimmed."""
    fraction = f"{at_ns % 1_000_000_000:09d}"[:digits].rstrip("0")
    return f"{_second(at_ns):%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}Z"


def go_time(at_ns: int, uptime_ns: int) -> str:
    """What Go's ``time.Now().String()`` prints, with the monotonic reading at its end."""
    fraction = f"{at_ns % 1_000_000_000:09d}".rstrip("0")
    point = "." if fraction else ""
    uptime = f"{uptime_ns // 1_000_000_000}.{uptime_ns % 1_000_000_000:09d}"
    return f"{_second(at_ns):%Y-%m-%d %H:%M:%S}{point}{fraction} +0000 UTC m=+{uptime}"


def _second(at_ns: int) -> datetime:
    return _EPOCH + timedelta(seconds=at_ns // 1_000_000_000)
