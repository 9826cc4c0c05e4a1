"""How long the candles of Binance are, and when they open.

Rule 1: all but a month are of a fixed length; weeks open on Mondays, months on the first, UTC.

Source: github.com/binance/binance-spot-api-docs (2026-07-21); a week's opening as observed. Where
three days open differs by market; here all open on multiples of three days, as BTC and ETH do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

_DAY = 86_400
_MONDAY = 4 * _DAY  # the first one of 1970
_MONTHS = 12


class Interval(Protocol):
    """The grid on which candles of one kind open; times are unix seconds."""

    @property
    def unit(self) -> int:
        """Length of the bars that make up a candle, seconds; it may be the candle itself."""

    def opening(self, at: int) -> int:
        """When the candle opened that holds this moment."""

    def shifted(self, opened_at: int, count: int) -> int:
        """When the candle opens so many behind that one, or before it."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Candles of one length.

    Args:
        seconds: That length.
        anchor: When one of them opened.
    """

    seconds: int
    anchor: int = 0

    @property
    def unit(self) -> int:
        """A day at most: the world tells nothing longer."""
        return min(self.seconds, _DAY)

    def opening(self, at: int) -> int:
        """See :class:`Interval`."""
        return at - (at - self.anchor) % self.seconds

    def shifted(self, opened_at: int, count: int) -> int:
        """See :class:`Interval`."""
        return opened_at + count * self.seconds


@dataclass(frozen=True, slots=True)
class Month:
    """Candles of a calendar month."""

    unit: int = _DAY

    def opening(self, at: int) -> int:
        """See :class:`Interval`."""
        day = datetime.fromtimestamp(at, UTC)
        return _first_of(day.year * _MONTHS + day.month - 1)

    def shifted(self, opened_at: int, count: int) -> int:
        """See :class:`Interval`."""
        day = datetime.fromtimestamp(opened_at, UTC)
        return _first_of(day.year * _MONTHS + day.month - 1 + count)


def _first_of(month: int) -> int:
    """The first moment of a month, counted from the year 0."""
    year, index = divmod(month, _MONTHS)
    return int(datetime(year, index + 1, 1, tzinfo=UTC).timestamp())


SECOND = Fixed(1)
INTERVALS: dict[str, Interval] = {
    "1s": SECOND,
    "1m": Fixed(60),
    "3m": Fixed(180),
    "5m": Fixed(300),
    "15m": Fixed(900),
    "30m": Fixed(1_800),
    "1h": Fixed(3_600),
    "2h": Fixed(7_200),
    "4h": Fixed(14_400),
    "6h": Fixed(21_600),
    "8h": Fixed(28_800),
    "12h": Fixed(43_200),
    "1d": Fixed(_DAY),
    "3d": Fixed(3 * _DAY),
    "1w": Fixed(7 * _DAY, _MONDAY),
    "1M": Month(),
}
