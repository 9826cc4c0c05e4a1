"""What an alert row says of a signal, or of Livermore itself.

Rule 1: pure: facts in, an unsaved row out. Nothing is looked up and nothing is written.
Rule 2: an alert keeps the values that made it fire: of its bar, of the bar before, of the
    position whose price moved, and the momentum of all timeframes at that moment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from trading.core.bias import bias
from trading.core.indicators import IndicatorPoint
from trading.core.market import Timeframe
from trading.core.signals import Signal
from trading.models import SYSTEM, Alert
from trading.ports import FiredSignal

SCAN: Final = "scan"
"""What a system alert is about that tells of a daily scan."""


def alert_of(fired: FiredSignal) -> Alert:
    """The row of a signal, not saved."""
    signal = fired.signal
    return Alert(
        user_id=fired.owner.user_id,
        exchange=signal.market.exchange,
        symbol=signal.market.symbol,
        timeframe=str(signal.timeframe),
        kind=str(signal.kind),
        direction=str(signal.direction),
        candle_opened_at=_utc(signal.opened_at),
        candle_closed_at=_utc(signal.closed_at),
        value=signal.value,
        price=decimal_of(signal.price),
        level=signal.level,
        stage=str(signal.point.stage),
        detail=signal.detail,
        values={**_values_of(signal), **_momentum_of(fired)},
        state=Alert.State.MISSED if fired.missed else Alert.State.PENDING,
    )


def system_alert(user_id: int, *, exchange: str, detail: str, values: dict[str, Any]) -> Alert:
    """The row of what a user is told of Livermore itself, not saved.

    Args:
        user_id: Whom it concerns.
        exchange: Which one it is about; empty where it is about none.
        detail: A sentence.
        values: What is known of it, for programs.
    """
    return Alert(user_id=user_id, kind=SYSTEM, exchange=exchange, detail=detail, values=values)


def decimal_of(price: float) -> Decimal:
    """The exchange's decimal behind a float: the shortest one that is nearest to it."""
    return Decimal(repr(price))


def _values_of(signal: Signal) -> dict[str, Any]:
    values = {"bar": _values(signal.point), "before": _values(signal.previous)}
    holding = signal.holding
    if holding is not None:
        values["position"] = {
            "costBasis": holding.cost_basis,
            "stopLossPercentage": holding.stop_loss_percentage,
            "takeProfitPercentage": holding.take_profit_percentage,
            "stopPrice": holding.stop_price,
            "targetPrice": holding.target_price,
        }
    return values


def _momentum_of(fired: FiredSignal) -> dict[str, Any]:
    """What all timeframes said when it fired, and which side that favours."""
    if not fired.momentum:
        return {}
    return {
        "momentum": {str(timeframe): fired.momentum.get(timeframe) for timeframe in Timeframe},
        "bias": str(bias(fired.momentum)),
    }


def _values(point: IndicatorPoint) -> dict[str, Any]:
    """JSON-ready; keys as on the wire."""
    return {
        "openedAt": point.opened_at,
        "close": point.close,
        "macdV": point.macd_v,
        "signal": point.signal,
        "histogram": point.histogram,
        **point.gauges,
        "atr": point.atr,
        "stage": str(point.stage),
        "bars": point.bars,
        "excursionSince": point.excursion_since,
        "hasReversed": point.has_reversed,
        "trend": point.trend,
    }


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
