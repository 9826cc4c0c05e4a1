"""What is done to the world on order: a spike, silent minutes, a delisting, an amended candle.

Rule 1: an intervention is a value with all its times, so that the same ones make the same world:
    in the process that streams it, in one that is started after it, in a test that only reads it.
Rule 2: what happens, happens to whole minutes that have not begun. Only an amendment reaches back,
    and it does so as an exchange does: by a trade told late, with the next id and an old time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from trading.simulator.chance import Ints
from trading.simulator.days import MINUTES
from trading.simulator.minutes import Bars

MINUTE = 60
_US = 1_000_000
_PART = 50  # an amendment's size is one part in so many of its minute's volume

Minute = Annotated[int, msgspec.Meta(ge=0, le=2**40, multiple_of=MINUTE)]
Length = Annotated[int, msgspec.Meta(ge=1, le=10_080)]


class Intervention(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """Anything that can be done to one product.

    Attributes:
        product_id: As listed; an alias means the book that it shows.
        at: Unix seconds, on a minute: the first one that it changes. None: the next one, or for an
            amendment the last one that closed.
    """

    product_id: str
    at: Minute | None = None


class Spike(Intervention, frozen=True, tag="spike"):
    """For some minutes every price is so many percent higher, or lower."""

    percent: Annotated[float, msgspec.Meta(ge=-90, le=900)]
    minutes: Length = 1


class Quiet(Intervention, frozen=True, tag="quiet"):
    """For some minutes nobody trades."""

    minutes: Length = 1


class Delist(Intervention, frozen=True, tag="delist"):
    """Nobody trades any more; REST and the ``status`` channel say so, and no subscription to it
    is acknowledged. Connections that have one stay open and silent about it."""


class Amend(Intervention, frozen=True, tag="amend"):
    """A closed minute gets one more trade, its last, so many percent from its close: REST has it
    in the candle from then on, the stream tells it with the next id.

    Attributes:
        told_us: Unix microseconds; None: now.
    """

    percent: Annotated[float, msgspec.Meta(ge=-50, le=50)] = 0.2
    told_us: int | None = None


AnyIntervention = Spike | Quiet | Delist | Amend
Interventions = tuple[AnyIntervention, ...]


class LateTrade(NamedTuple):
    """The trade by which a minute is amended; how much is said where its minute is drawn."""

    told_us: int
    minute: int  # unix seconds
    percent: float

    @property
    def time_us(self) -> int:
        """When it is said to have happened: last in its minute."""
        return (self.minute + MINUTE) * _US - 1

    def of(self, close: int, volume: int) -> tuple[int, int]:
        """Its price and its size, in steps, by the close and the volume of its minute."""
        return max(round(close * (1.0 + self.percent / 100.0)), 1), max(volume // _PART, 1)


def late_trades(done: Iterable[AnyIntervention]) -> list[LateTrade]:
    """The amendments in the order in which they are told."""
    trades = (
        LateTrade(one.told_us, one.at, one.percent)
        for one in done
        if isinstance(one, Amend) and one.told_us is not None and one.at is not None
    )
    return sorted(trades)


def delisted_at(done: Iterable[AnyIntervention]) -> int | None:
    """Unix seconds from which on it is not traded; None: it is."""
    ends = (one.at for one in done if isinstance(one, Delist) and one.at is not None)
    return min(ends, default=None)


def happen(bars: Bars, row: int, day: int, done: Sequence[AnyIntervention]) -> None:
    """Change one drawn day of minutes by what happens on it."""
    for one in done:
        match one:
            case Spike(at=int(at), minutes=minutes, percent=percent):
                _move(bars, row, _columns(at, minutes, day), 1.0 + percent / 100.0)
            case Quiet(at=int(at), minutes=minutes):
                _silence(bars, row, _columns(at, minutes, day))
            case Delist(at=int(at)):
                _silence(bars, row, _columns(at, None, day))
            case _:
                continue


def amend(bars: Bars, row: int, day: int, done: Sequence[AnyIntervention]) -> None:
    """Change one drawn day of minutes by its amendments: what the exchange tells of it then."""
    begin = day * MINUTES * MINUTE
    late = [one for one in late_trades(done) if begin <= one.minute < begin + MINUTES * MINUTE]
    # Each is so far from the close that its minute was traded to, not from another amendment.
    drawn = {one.minute: _drawn(bars, row, one.minute) for one in late}
    for one in late:
        at = row, one.minute // MINUTE % MINUTES
        price, size = one.of(*drawn[one.minute])
        bars.high[at] = max(bars.high[at], price)
        bars.low[at] = min(bars.low[at], price)
        bars.close[at] = price
        bars.volume[at] += size
        bars.trades[at] += 1


def days_of_silence(done: Iterable[AnyIntervention]) -> list[int]:
    """The days, since 1970, on which somebody would have traded but for an intervention."""
    spans = [
        (one.at, one.at + one.minutes * MINUTE)
        for one in done
        if isinstance(one, Quiet) and one.at is not None
    ]
    length = MINUTES * MINUTE
    return sorted(
        {day for start, end in spans for day in range(start // length, -(-end // length))}
    )


def _drawn(bars: Bars, row: int, minute: int) -> tuple[int, int]:
    at = row, minute // MINUTE % MINUTES
    return int(bars.close[at]), int(bars.volume[at])


def _columns(at: int, minutes: int | None, day: int) -> slice:
    """Which minutes of a day ``minutes`` of them from ``at`` are; None: all that follow."""
    first = at // MINUTE - day * MINUTES
    last = MINUTES if minutes is None else first + minutes
    return slice(min(max(first, 0), MINUTES), min(max(last, 0), MINUTES))


def _move(bars: Bars, row: int, columns: slice, factor: float) -> None:
    for prices in (bars.open, bars.high, bars.low, bars.close):
        # Rounding keeps the order of the four, and what is equal equal.
        moved: Ints = np.rint(prices[row, columns] * factor).astype(np.int64)
        prices[row, columns] = np.maximum(moved, 1)


def _silence(bars: Bars, row: int, columns: slice) -> None:
    bars.trades[row, columns] = 0
    bars.volume[row, columns] = 0
