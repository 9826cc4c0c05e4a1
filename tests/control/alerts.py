"""Alerts with deliveries, as rows that tests look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from settings_app.models import User
from trading.alerts.compose import system_alert
from trading.models import Alert, Delivery

CLOSED_AT = datetime(2026, 9, 30, 12, tzinfo=UTC)


def told(user: User, *, hour: int = 0, **columns: Any) -> Alert:
    """A signal of a user, on a candle of its own ``hour``."""
    alert = signal(user, hour=hour, **columns)
    alert.save()
    return alert


def signal(user: User, *, hour: int = 0, **columns: Any) -> Alert:
    """The same, not saved."""
    closed_at = CLOSED_AT + timedelta(hours=hour)
    return Alert(
        **{
            "user": user,
            "exchange": "coinbase",
            "symbol": "BTC-USD",
            "timeframe": "1h",
            "kind": "level",
            "direction": "up",
            "candle_opened_at": closed_at - timedelta(hours=1),
            "candle_closed_at": closed_at,
            "value": 160.25,
            "price": Decimal("0.000000001200"),
            "level": 150.0,
            "stage": "rallying",
            "detail": "through +150",
            "values": {"bar": {"macdV": 160.25}},
            **columns,
        }
    )


def troubled(user: User, detail: str = "Nothing comes from Coinbase.") -> Alert:
    """What Livermore says of itself."""
    alert = system_alert(user.pk, exchange="coinbase", detail=detail, values={"state": "began"})
    alert.save()
    return alert


def delivery(alert: Alert, channel: str = "discord", **columns: Any) -> Delivery:
    """A delivery of an alert; settled, where its state lasts."""
    lasting = {"settled_at": CLOSED_AT} if columns.get("state", "waiting") != "waiting" else {}
    return Delivery.objects.create(
        **{
            "alert": alert,
            "user_id": alert.user_id,
            "channel": channel,
            "due_at": CLOSED_AT,
            **lasting,
            **columns,
        }
    )
