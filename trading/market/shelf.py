"""What was kept of a market's history, and what of it need not be asked for again.

Rule 1: nothing kept is trusted that could not be a closed candle of its place, or that may have
    been amended behind our back; what is not trusted is asked for.
Rule 2: whoever keeps it may be away: then everything is asked for, and nobody waits long.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from trading.core.market import Candle, Market, Timeframe
from trading.ports import Owner, Shelf

Bars = Mapping[Timeframe, Sequence[Candle]]

OVERLAP_SECONDS: Final = Timeframe.M1.seconds
"""The last minute that was kept may have been amended since: it is asked for again."""

DOUBTED_SILENCE_SECONDS: Final = 60 * Timeframe.M1.seconds
"""Empty minutes at the end, as far as this, may be a stream that had fallen silent, and the market
was traded all the same. A longer silence is a market that is hardly traded."""


class Span(NamedTuple):
    """Buckets of one timeframe opened in ``[start, end)``, unix seconds."""

    timeframe: Timeframe
    start: int
    end: int


class EmptyShelf:
    """Nothing is kept anywhere."""

    async def kept(self, _market: Market, _owners: Collection[Owner] = ()) -> Bars:
        """Nothing."""
        return {}


NOTHING_KEPT: Final[Shelf] = EmptyShelf()


def usable(kept: Bars) -> dict[Timeframe, list[Candle]]:
    """The kept candles that are trusted, oldest first, one for each bucket.

    A bar of any timeframe is certain if it had closed a minute before the newest minute did, or
    before the newest that was traded.
    """
    minutes = [candle for candle in kept.get(Timeframe.M1, ()) if is_plausible(candle)]
    if not minutes:
        return {}
    newest = max(candle.closes_at for candle in minutes)
    traded = max((c.closes_at for c in minutes if not c.synthetic), default=newest)
    if newest - traded > DOUBTED_SILENCE_SECONDS:
        traded = newest
    certain = traded - OVERLAP_SECONDS
    return {
        timeframe: _in_order(
            candle
            for candle in candles
            if candle.timeframe is timeframe
            and candle.closes_at <= certain
            and is_plausible(candle)
        )
        for timeframe, candles in kept.items()
    }


def is_plausible(candle: Candle) -> bool:
    """Whether an exchange could have told it: on the grid, finite, its extremes at the ends."""
    values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    if not all(map(math.isfinite, values)) or candle.opened_at % candle.timeframe.seconds:
        return False
    body = (candle.open, candle.close)
    if not 0.0 < candle.low <= min(body) <= max(body) <= candle.high:
        return False
    if candle.synthetic:
        return candle.low == candle.high and candle.volume == 0.0
    return candle.volume > 0.0


def missing(span: Span, known: Sequence[Candle]) -> list[Span]:
    """The parts of a span that no candle is known of, oldest first."""
    timeframe, step = span.timeframe, span.timeframe.seconds
    parts: list[Span] = []
    start = span.start
    for candle in known:
        if not span.start <= candle.opened_at < span.end:
            continue
        if candle.opened_at > start:
            parts.append(Span(timeframe, start, candle.opened_at))
        start = candle.opened_at + step
    if start < span.end:
        parts.append(Span(timeframe, start, span.end))
    return parts


def _in_order(candles: Iterable[Candle]) -> list[Candle]:
    return sorted({candle.opened_at: candle for candle in candles}.values(), key=_opened_at)


def _opened_at(candle: Candle) -> int:
    return candle.opened_at
