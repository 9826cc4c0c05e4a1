"""The alert rows of one market."""

from __future__ import annotations

from datetime import UTC, datetime

from settings_app.models import User
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalKind
from trading.core.signals import Direction
from trading.models import Alert
from trading.ports import ToldSignal


def alerts(
    user: User, market: Market, since: int, until: int
) -> tuple[list[ToldSignal], list[Alert]]:
    """What was told of bars that closed by ``since``, and the rows of those after it."""
    rows = Alert.objects.signals().filter(user=user, exchange=market.exchange, symbol=market.symbol)
    begin, end = (datetime.fromtimestamp(at, tz=UTC) for at in (since, until))
    before = rows.filter(candle_closed_at__lte=begin).order_by("candle_closed_at")
    judged = rows.filter(candle_closed_at__gt=begin, candle_closed_at__lte=end)
    return [_told(row) for row in before], list(judged.order_by("candle_closed_at"))


def _told(row: Alert) -> ToldSignal:
    assert row.candle_closed_at is not None
    return ToldSignal(
        market=Market(row.exchange, row.symbol),
        timeframe=Timeframe(row.timeframe),
        kind=SignalKind(row.kind),
        direction=Direction(row.direction),
        closed_at=int(row.candle_closed_at.timestamp()),
    )
