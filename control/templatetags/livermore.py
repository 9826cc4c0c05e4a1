"""How the pages write moments and MACD-V values. The same rules as ``format.js``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from django import template

from control.marks import LOOKS, SAYS_NOTHING, Mark, mark_of_alert
from control.protocol import CacheStatus, HistoryEntry
from trading.alerts.reader import Reader

register = template.Library()

MINUS = "\N{MINUS SIGN}"
BEFORE_A_NUMBER = re.compile(r"(?<![\w.])-(?=\d)")
STEPS = (50.0, 100.0, 150.0, 250.0)


@register.filter
def aware(unix_ms: int) -> datetime:
    """Unix milliseconds as an aware time, for Django's own filters."""
    return datetime.fromtimestamp(unix_ms / 1000, tz=UTC)


@register.filter
def clock(unix_ms: int, reader: Reader) -> str:
    """The time of day as the reader writes it, to the minute."""
    return reader.clock(aware(unix_ms))


@register.filter
def time_of(unix_ms: int, reader: Reader) -> str:
    """The time of day as the reader writes it, to the second."""
    return reader.time(aware(unix_ms))


@register.filter
def day(unix_ms: int, reader: Reader) -> str:
    """The date as the reader writes it."""
    return reader.day(aware(unix_ms))


@register.filter
def moment(unix_ms: int, reader: Reader) -> str:
    """Date and time of day as the reader writes them; today's date goes without saying."""
    at, today = aware(unix_ms), reader.day(datetime.now(UTC))
    day = reader.day(at)
    return reader.clock(at) if day == today else f"{day} {reader.clock(at)}"


@register.filter
def signed(value: float, digits: int = 0) -> str:
    """A number with its sign, whole without another word: as wide for minus as for plus."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


@register.filter
def typeset(detail: str) -> str:
    """A signal's detail with the minus sign before its numbers."""
    return BEFORE_A_NUMBER.sub(MINUS, detail)


@register.filter
def amount(text: str) -> str:
    """A quantity: thousands set apart, and no more than eight decimals of it."""
    whole, _, decimals = f"{Decimal(text):,.8f}".partition(".")
    return f"{whole}.{decimals}".rstrip("0").rstrip(".")


@register.filter
def price(value: str | float) -> str:
    """A price: two to four decimals, and of one below 1 the first four figures."""
    number = Decimal(str(value))
    if abs(number) < 1:
        return f"{Decimal(f'{number:.4g}').normalize():f}"
    if abs(number) >= 1_000:
        return f"{number:,.2f}"
    whole, _, decimals = f"{number:,.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


@register.filter
def percent(value: float) -> str:
    """A gain or a loss, with its sign."""
    text = f"{abs(value):,.1f}"
    sign = "" if text == "0.0" else "+" if value > 0 else MINUS
    return f"{sign}{text} %"


@register.filter
def took(ms: int) -> str:
    """How long a command took."""
    return f"{ms} ms" if ms < 1_000 else f"{ms / 1_000:.1f} s"


@register.filter
def sender(entry: HistoryEntry) -> str:
    """Who sent a command, and by what where it was not the panel."""
    told = [entry.who, "" if entry.via == "panel" else entry.via]
    return ", ".join(filter(None, told))


@register.filter
def round_trip(ms: float) -> str:
    """A latency; what is below a millisecond is not nothing."""
    return "< 1 ms" if ms < 1 else f"{ms:.0f} ms"


@register.filter
def zone(value: float | None) -> str:
    """The step of the heat map, ``-4`` to ``4``; ``n`` where there is no value yet."""
    if value is None:
        return "n"
    step = sum(abs(value) >= bound for bound in STEPS)
    return str(-step if value < 0 else step)


@register.filter
def gauge_zone(value: float) -> str:
    """The step of a gauge from 0 to 100: 60 is the first one, 70 the second, 80 the third."""
    return zone((value - 50) * 5)


@register.filter
def direction(histogram: float | None) -> str:
    """``u`` above the signal line, ``d`` below it, nothing before there is one."""
    if histogram is None:
        return ""
    return "u" if histogram >= 0 else "d"


@register.filter
def short(symbol: str) -> str:
    """A symbol as the lists show it: the usual quote currency goes without saying."""
    return symbol.removesuffix("-USD")


class OfAMarket(Protocol):
    """Whatever says which market it is of."""

    @property
    def symbol(self) -> str:
        """Its canonical name."""

    @property
    def exchange(self) -> str:
        """Where it is traded."""


@register.filter
def hit_rate(cache: CacheStatus) -> str:
    """How often cached candles were found; a dash where none were asked for."""
    reads = cache.hits + cache.misses
    return f"{100 * cache.hits / reads:.1f} %" if reads else "–"


@register.filter
def elsewhere(symbol: OfAMarket) -> str:
    """The exchange of a market whose name several may have: of the usual ones it goes without
    saying.
    """
    return symbol.exchange if short(symbol.symbol) == symbol.symbol else ""


@register.filter
def words(name: str) -> str:
    """A name of the program as people write it: ``price-move`` is a price move."""
    return name.replace("-", " ")


@register.filter
def mark(state: str | None) -> Mark:
    """How an alert's state is shown; one of a newer program by its own name."""
    if not state or state not in LOOKS:
        return Mark(state or "", "off", "unknown")
    return mark_of_alert(state)


@register.filter
def says_nothing(state: str | None) -> bool:
    """Whether a list of signals leaves this state unmarked."""
    return not state or state in SAYS_NOTHING
