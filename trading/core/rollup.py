"""From minutes to every coarser candle: 1m to 5m to 15m to 1h to 4h to 1d.

Rule 1: a coarser candle closes with the minute that ends it, and is folded from closed candles
    only, so it equals the exchange's own to the last digit of its volume.
Rule 2: candles are kept as far back as a repair may reach, and no further.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from trading.core.candles import REPAIRABLE_MINUTES, fold
from trading.core.market import Candle, Timeframe

CASCADE = tuple(pairwise(Timeframe))

_ABOVE = {
    timeframe: tuple(pair for pair in CASCADE if pair[0].seconds >= timeframe.seconds)
    for timeframe in Timeframe
}

SPARE = 64
"""Candles kept beyond need, so that the oldest are dropped in batches."""


def _reach(timeframe: Timeframe, parent: Timeframe) -> int:
    seconds = REPAIRABLE_MINUTES * Timeframe.M1.seconds + 2 * parent.seconds
    return -(-seconds // timeframe.seconds)


KEPT_CANDLES: dict[Timeframe, int] = {
    timeframe: _reach(timeframe, dict(CASCADE).get(timeframe, timeframe)) for timeframe in Timeframe
}
"""How many candles reach back to the start of any parent that a repair can touch."""


class Rollup:
    """The closed candles of one market in every timeframe, built from its minutes."""

    def __init__(self) -> None:
        self._kept: dict[Timeframe, list[Candle]] = {timeframe: [] for timeframe in Timeframe}
        self._whole_since: dict[Timeframe, int] = dict.fromkeys(Timeframe, 0)

    def seed(self, history: Mapping[Timeframe, Sequence[Candle]], cut: int) -> None:
        """Begin at ``cut`` behind the closed candles of ``history``.

        Args:
            history: Oldest first, without gaps. A timeframe that is absent is unknown before the
                cut, and a parent that began there is never told: it would be a part of itself.
            cut: Unix seconds, on a minute: where the first minute given to :meth:`add` opens.
        """
        self._whole_since[Timeframe.M1] = 0 if Timeframe.M1 in history else cut
        for child, parent in CASCADE:
            opened_at = parent.bucket(cut)
            if self._whole_since[child] > opened_at:
                self._whole_since[parent] = opened_at + parent.seconds
            else:
                self._whole_since[parent] = 0 if parent in history else opened_at
        for timeframe, candles in history.items():
            closed = [candle for candle in candles if candle.closes_at <= cut]
            self._kept[timeframe] = closed[-KEPT_CANDLES[timeframe] :]

    def add(self, bar: Candle) -> list[Candle]:
        """Take the next closed bar; every coarser candle that closed with it, finest first.

        Args:
            bar: A minute; or, where nothing finer than another timeframe is known, one of that.
        """
        self._keep(bar)
        closed: list[Candle] = []
        for child, parent in _ABOVE[bar.timeframe]:
            if bar.closes_at % parent.seconds:
                break
            opened_at = bar.closes_at - parent.seconds
            if opened_at < self._whole_since[child]:
                break
            candle = fold(self._last(child, opened_at, parent.seconds // child.seconds), parent)
            self._keep(candle)
            closed.append(candle)
        return closed

    def amend(self, minutes: Sequence[Candle]) -> list[Candle]:
        """Replace closed minutes; every coarser closed candle that changes with them."""
        for minute in minutes:
            self._replace(minute)
        changed: list[Candle] = []
        touched = list(minutes)
        for child, parent in CASCADE:
            refolded = [
                self._refold(child, parent, opened_at)
                for opened_at in sorted({parent.bucket(candle.opened_at) for candle in touched})
            ]
            touched = [candle for candle in refolded if candle is not None]
            changed += touched
        return changed

    def since(self, timeframe: Timeframe, opened_at: int) -> Sequence[Candle]:
        """The kept candles of one timeframe from ``opened_at`` on, oldest first."""
        kept = self._kept[timeframe]
        return kept[_index(kept, opened_at) :]

    def _refold(self, child: Timeframe, parent: Timeframe, opened_at: int) -> Candle | None:
        """The closed parent folded again; None if it is still open or came out the same."""
        kept = self._kept[parent]
        index = _index(kept, opened_at)
        if index == len(kept) or kept[index].opened_at != opened_at:
            return None
        candle = fold(self._between(child, opened_at, opened_at + parent.seconds), parent)
        if candle == kept[index]:
            return None
        kept[index] = candle
        return candle

    def _between(self, timeframe: Timeframe, start: int, end: int) -> Sequence[Candle]:
        kept = self._kept[timeframe]
        return kept[_index(kept, start) : _index(kept, end)]

    def _last(self, timeframe: Timeframe, start: int, count: int) -> Sequence[Candle]:
        """What is kept from ``start`` on, which is usually so many."""
        kept = self._kept[timeframe]
        if len(kept) >= count and kept[-count].opened_at == start:
            return kept[-count:]
        return kept[_index(kept, start) :]

    def _keep(self, candle: Candle) -> None:
        kept = self._kept[candle.timeframe]
        kept.append(candle)
        # A repaired bar is redone from a checkpoint that lies up to a quarter further back.
        enough = KEPT_CANDLES[candle.timeframe] * 5 // 4 + 1
        if len(kept) > enough + SPARE:
            del kept[:-enough]

    def _replace(self, minute: Candle) -> None:
        kept = self._kept[Timeframe.M1]
        index = _index(kept, minute.opened_at)
        if index < len(kept) and kept[index].opened_at == minute.opened_at:
            kept[index] = minute
        else:
            kept.insert(index, minute)


def _index(candles: list[Candle], opened_at: int) -> int:
    return bisect_left(candles, opened_at, key=_opened_at)


def _opened_at(candle: Candle) -> int:
    return candle.opened_at
