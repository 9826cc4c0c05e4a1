"""What a replay found, as JSON objects: one for each closed bar, each move, each signal.

Rule 1: figures are those of the pipeline, not rounded; times are unix seconds.
Rule 2: a bar that is told again, with its indicators, replaces what was told of it before.
"""

from __future__ import annotations

from typing import Any

from trading.core.market import Candle
from trading.ports import FiredSignal, IndicatorUpdate
from trading.replay.audience import Fact


def json_of(fact: Fact) -> dict[str, Any]:
    """One fact as it is printed."""
    if isinstance(fact, Candle):
        return _candle(fact)
    return _indicator(fact) if isinstance(fact, IndicatorUpdate) else _signal(fact)


def _candle(candle: Candle) -> dict[str, Any]:
    return {
        "type": "candle",
        "exchange": candle.market.exchange,
        "symbol": candle.market.symbol,
        "timeframe": str(candle.timeframe),
        "openedAt": candle.opened_at,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "synthetic": candle.synthetic,
    }


def _indicator(update: IndicatorUpdate) -> dict[str, Any]:
    point = update.point
    return {
        "type": "indicator",
        "symbol": update.candle.market.symbol,
        "timeframe": str(update.candle.timeframe),
        "openedAt": point.opened_at,
        "macdV": point.macd_v,
        "signal": point.signal,
        "histogram": point.histogram,
        **point.gauges,
        "stage": str(point.stage),
    }


def _signal(fired: FiredSignal) -> dict[str, Any]:
    signal = fired.signal
    return {
        "type": "signal",
        "symbol": signal.market.symbol,
        "timeframe": str(signal.timeframe),
        "openedAt": signal.opened_at,
        "kind": str(signal.kind),
        "direction": str(signal.direction),
        "value": signal.value,
        "level": signal.level,
        "price": signal.price,
        "detail": signal.detail,
        "missed": fired.missed,
    }
