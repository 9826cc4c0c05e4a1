"""Candles, trades and a market whose truth is known, made for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from trading.core.candles import carry_forward
from trading.core.market import MICROSECONDS, Candle, Market, Side, Timeframe, Trade

MARKET = Market("coinbase", "BTC-USD")
NOON = 1_790_769_600  # 2026-09-30 12:00:00 UTC


def us(seconds: float) -> int:
    """Unix microseconds, ``seconds`` after noon."""
    return NOON * MICROSECONDS + round(seconds * MICROSECONDS)


def trade(trade_id: int, seconds: float, price: float = 100.0, size: float = 1.0) -> Trade:
    """A trade ``seconds`` after noon."""
    return Trade(MARKET.symbol, trade_id, price, size, us(seconds), Side.BUY)


def candle(
    index: int,
    close: float = 100.0,
    *,
    spread: float = 1.0,
    volume: float = 1.0,
    synthetic: bool = False,
    timeframe: Timeframe = Timeframe.M1,
) -> Candle:
    """The ``index``-th candle after noon; a synthetic one is flat."""
    if synthetic:
        return carry_forward(MARKET, timeframe, NOON + index * timeframe.seconds, close)
    return Candle(
        market=MARKET,
        timeframe=timeframe,
        opened_at=NOON + index * timeframe.seconds,
        open=close,
        high=close + spread,
        low=close - spread,
        close=close,
        volume=volume,
    )


def true_candle(trades: Sequence[Trade], timeframe: Timeframe, opened_at: int) -> Candle:
    """What an exchange says of a bucket, reckoned in decimals."""
    return Candle(
        market=MARKET,
        timeframe=timeframe,
        opened_at=opened_at,
        open=trades[0].price,
        high=max(one.price for one in trades),
        low=min(one.price for one in trades),
        close=trades[-1].price,
        volume=float(sum(Decimal(repr(one.size)) for one in trades)),
    )


def true_candles(
    trades: Iterable[Trade], timeframe: Timeframe, start: int, end: int
) -> list[Candle]:
    """What an exchange says of the buckets in ``[start, end)``; empty ones are absent.

    Trades of one minute count in the order of their ids, minutes in the order of time: so a late
    trade is the last of its minute and not of its hour.
    """
    buckets: dict[int, list[Trade]] = {}
    for one in sorted(trades, key=lambda one: (one.time_us // (60 * MICROSECONDS), one.trade_id)):
        opened_at = timeframe.bucket(one.time_us // MICROSECONDS)
        if start <= opened_at < end:
            buckets.setdefault(opened_at, []).append(one)
    return [true_candle(buckets[at], timeframe, at) for at in sorted(buckets)]
