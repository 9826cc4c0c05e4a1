"""How a reader writes times and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.numbers import format_decimal

_DATES: Final = {
    "YYYY-MM-DD": "yyyy-MM-dd",
    "DD.MM.YYYY": "dd.MM.yyyy",
    "DD/MM/YYYY": "dd/MM/yyyy",
    "MM/DD/YYYY": "MM/dd/yyyy",
    "D MMM YYYY": "d MMM yyyy",
}
_TIMES: Final = {"24h": "HH:mm:ss", "12h": "h:mm:ss a"}
_CLOCKS: Final = {"24h": "HH:mm", "12h": "h:mm a"}
_ALL_DIGITS: Final = "#,##0.##################"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How a trader writes times and numbers: of the settings' ``perseus_profile``.

    Args:
        timezone: By its IANA name.
        locale: BCP 47: ``en-GB``.
        date_format: As the settings name it: ``DD.MM.YYYY``.
        time_format: ``24h`` or ``12h``.
    """

    timezone: str = "UTC"
    locale: str = "en-US"
    date_format: str = "YYYY-MM-DD"
    time_format: str = "24h"

    def moment(self, at: datetime) -> str:
        """A moment with the zone that it is told in.

        Args:
            at: Aware.
        """
        _, name = self._zone()
        return f"{self.day(at)} {self.time(at)} {name}"

    def day(self, at: datetime) -> str:
        """The date of a moment."""
        return self._written(at, _DATES.get(self.date_format, "yyyy-MM-dd"))

    def time(self, at: datetime) -> str:
        """The time of day, to the second."""
        return self._written(at, _TIMES.get(self.time_format, "HH:mm:ss"))

    def clock(self, at: datetime) -> str:
        """The time of day, to the minute."""
        return self._written(at, _CLOCKS.get(self.time_format, "HH:mm"))

    def minute(self, at: datetime) -> str:
        """Date and time of day, to the minute."""
        return f"{self.day(at)} {self.clock(at)}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone that moments are told in."""
        return self._zone()[0]

    def number(self, value: Decimal) -> str:
        """A number with all of its digits."""
        return format_decimal(
            value.normalize(), _ALL_DIGITS, locale=self._locale(), decimal_quantization=False
        )

    def _written(self, at: datetime, pattern: str) -> str:
        return format_datetime(at.astimezone(self.zone), pattern, locale=self._locale())

    def _zone(self) -> tuple[ZoneInfo, str]:
        try:
            return ZoneInfo(self.timezone), self.timezone
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC"), "UTC"

    def _locale(self) -> Locale:
        try:
            return Locale.parse(self.locale, sep="-")
        except (UnknownLocaleError, ValueError):
            return Locale("en", "US")


PLAIN: Final = Reader()

_READING: Final[ContextVar[Reader]] = ContextVar("reader")


def current_reader() -> Reader:
    """Who reads what is written now; UTC and plain where nobody is named."""
    return _READING.get(PLAIN)


@contextmanager
def reading_as(reader: Reader) -> Iterator[None]:
    """Have what is written meanwhile be for this reader."""
    token = _READING.set(reader)
    try:
        yield
    finally:
        _READING.reset(token)
