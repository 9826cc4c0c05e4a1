"""Candles out of finer candles, the empty buckets between them, and the holes in a series.

Rule 1: a coarser candle equals the exchange's own to the last digit.
Rule 2: a bucket without a trade is flat, carries the close before it, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from trading.core.exact import exact_sum
from trading.core.market import Candle, Market, Timeframe

REPAIRABLE_MINUTES = 300
"""A longer hole is not repaired bar by bar: the indicators are warmed up anew."""


class Hole(NamedTuple):
    """Minutes opened in ``[start, end)`` (unix seconds) that only the exchange's history tells.

    ``asked_at_us`` is the exchange's clock when it was reported: a doubt raised later is not
    settled by an answer that may be older.
    """

    start: int
    end: int
    asked_at_us: int


def fold(candles: Sequence[Candle], timeframe: Timeframe) -> Candle:
    """One coarser candle out of all the finer ones of its bucket.

    Synthetic candles have no say where a trade happened: an exchange opens a bucket with its
    first trade, not with the close carried forward.

    Raises:
        ValueError: If there is none, or they do not lie in one bucket.
    """
    if not candles:
        raise ValueError("candles must not be empty")
    first, last = candles[0], candles[-1]
    opened_at = timeframe.bucket(first.opened_at)
    if last.closes_at > opened_at + timeframe.seconds:
        raise ValueError(f"candles must lie in the {timeframe} bucket of {opened_at}")
    traded = [candle for candle in candles if not candle.synthetic]
    if not traded:
        return replace(first, timeframe=timeframe, opened_at=opened_at)
    return Candle(
        market=first.market,
        timeframe=timeframe,
        opened_at=opened_at,
        open=traded[0].open,
        high=max([candle.high for candle in traded]),
        low=min([candle.low for candle in traded]),
        close=traded[-1].close,
        volume=exact_sum([candle.volume for candle in traded]),
    )


def fill(
    candles: Sequence[Candle],
    start: int,
    end: int,
    previous_close: float | None,
    *,
    market: Market,
    timeframe: Timeframe,
) -> list[Candle]:
    """Every bucket opened in ``[start, end)``: the candles there are, the close carried forward.

    Args:
        candles: In any order; those outside the span are left out.
        start: Unix seconds, on a bucket.
        end: Unix seconds, on a bucket.
        previous_close: What an empty bucket before the first candle carries. None: such buckets
            are left out, for a market has no price before its first trade.
        market: Whose candles these are.
        timeframe: Their length.
    """
    known = {candle.opened_at: candle for candle in candles}
    filled: list[Candle] = []
    for opened_at in range(start, end, timeframe.seconds):
        candle = known.get(opened_at)
        if candle is None:
            if previous_close is None:
                continue
            candle = carry_forward(market, timeframe, opened_at, previous_close)
        filled.append(candle)
        previous_close = candle.close
    return filled


def carry_forward(market: Market, timeframe: Timeframe, opened_at: int, close: float) -> Candle:
    """The flat candle of a bucket in which nothing was traded."""
    return Candle(
        market=market,
        timeframe=timeframe,
        opened_at=opened_at,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=0.0,
        synthetic=True,
    )
