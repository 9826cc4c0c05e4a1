"""Worlds, moments and folds that the simulator's tests share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from trading.simulator.catalog import products
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.ports import Frame, Moment
from trading.simulator.world import World

SEED = 20
NOW = int(datetime(2026, 9, 30, 2, 39, 54, tzinfo=UTC).timestamp())
NOW_US = NOW * 1_000_000 + 123_456
DAY = 86_400
LIQUID = (
    "BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD", "AVAX-USD",
    "LINK-USD", "DOGE-USD", "DOT-USD", "LTC-USD", "BCH-USD", "UNI-USD",
)  # fmt: skip
THIN = "RARI-USD"


@cache
def world() -> World:
    """One world for all tests: it has no state, so nobody can spoil it."""
    return World(SEED, products())


def moment(now_us: int = NOW_US, steady: float = 1_000.0) -> Moment:
    """An instant of simulated and of real time."""
    return Moment(now_us * 1_000, steady)


def fold_trades(trades: Iterable[Print], seconds: int) -> list[Bar]:
    """Candles of trades, built the obvious way."""
    bars: dict[int, Bar] = {}
    for trade in trades:
        at = trade.time_us // 1_000_000 // seconds * seconds
        bar = bars.get(at, Bar(at, trade.price, trade.price, trade.price, 0, 0, 0))
        bars[at] = bar._replace(
            high=max(bar.high, trade.price),
            low=min(bar.low, trade.price),
            close=trade.price,
            volume=bar.volume + trade.size,
            trades=bar.trades + 1,
        )
    return list(bars.values())


def fold_bars(bars: Iterable[Bar], seconds: int) -> list[Bar]:
    """Longer candles of shorter ones, built the obvious way."""
    longer: dict[int, Bar] = {}
    for bar in bars:
        at = bar.opened_at // seconds * seconds
        known = longer.get(at)
        longer[at] = (
            bar._replace(opened_at=at)
            if known is None
            else known._replace(
                high=max(known.high, bar.high),
                low=min(known.low, bar.low),
                close=bar.close,
                volume=known.volume + bar.volume,
                trades=known.trades + bar.trades,
            )
        )
    return list(longer.values())


def decoded(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """The JSON of frames."""
    return [json.loads(frame.text) for frame in frames]
