"""When a user trades: ``trading_hours_utc`` and ``trading_days``, both in UTC.

Rule 1: a range that ends before it begins runs past midnight, and belongs to the day on which it
    began: with ``22:00-06:00`` and ``mon-fri`` Saturday at three is within, Monday at three not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class TradingHours:
    """Minutes of the day, from and until, and the days on which such a range begins."""

    begins: int
    ends: int
    days: frozenset[int]

    @classmethod
    def read(cls, hours: str, days: str) -> TradingHours:
        """From the settings, which hold both to their forms: ``22:00-06:00``, ``mon-wed,fri``."""
        begins, _, ends = hours.partition("-")
        return cls(_minutes(begins), _minutes(ends), frozenset(_days(days)))

    def hold(self, at: datetime) -> bool:
        """Whether a moment (aware) is within."""
        at = at.astimezone(UTC)
        minute, today = at.hour * 60 + at.minute, at.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        yesterday = (at - timedelta(days=1)).weekday()
        return (today in self.days and minute >= self.begins) or (
            yesterday in self.days and minute < self.ends
        )


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return min(int(hours) * 60 + int(minutes), _DAY_MINUTES)


def _days(text: str) -> set[int]:
    named: set[int] = set()
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        index = DAYS.index(first)
        named.add(index)
        while is_range and DAYS[index] != last:
            index = (index + 1) % len(DAYS)
            named.add(index)
    return named
