"""Alerts, deliveries and mutes as JSON.

Rule 1: these models make the answers and describe them.
Rule 2: a price is a text with every digit that the exchange wrote; an indicator is a number.
Rule 3: what an alert has not (a system alert has no candle) is left out.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from pydantic import Field

from settings_app.api.answers import Answer
from trading.alerts.reading import rsi_of, scan_of, severity_of
from trading.core.severity import Severity
from trading.models import Alert, Delivery, Mute


class DeliveryAnswer(Answer):
    """One alert on its way through one channel."""

    channel: str
    state: str = Field(description=f"One of {', '.join(Delivery.State.values)}.")
    reason: str | None = Field(None, description="Why it is in this state.")
    attempts: int = Field(description="How often it was sent so far.")
    due_at: datetime | None = Field(None, description="When it is sent next, where it waits.")
    settled_at: datetime | None = Field(None, description="When its state became one that lasts.")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """A delivery, told."""
        is_waiting = delivery.state == Delivery.State.WAITING
        return cls(
            channel=delivery.channel,
            state=delivery.state,
            reason=delivery.reason or None,
            attempts=delivery.attempts,
            due_at=delivery.due_at if is_waiting else None,
            settled_at=delivery.settled_at,
        )


class AlertAnswer(Answer):
    """What was told, once."""

    id: int
    kind: str = Field(description="The kind of signal; `system`: Livermore says it of itself.")
    exchange: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    direction: str | None = None
    candle_opened_at: datetime | None = None
    candle_closed_at: datetime | None = Field(None, description="By the exchange's clock.")
    macd_v: float | None = Field(None, description="At the candle's close.")
    rsi: float | None = Field(None, description="At the candle's close.")
    price: str | None = Field(None, description="Close, in quote currency; every digit of it.")
    level: float | None = Field(None, description="The level crossed, with its sign.")
    stage: str | None = None
    severity: str | None = Field(
        None, description=f"One of {', '.join(Severity)}; left out where it is no signal."
    )
    detail: str = Field(description="What happened, in words.")
    scan: int | None = Field(None, description="Of what tells of a daily scan: the id of its run.")
    state: str = Field(description=f"One of {', '.join(Alert.State.values)}.")
    created_at: datetime = Field(description="When it was told.")
    acknowledged_at: datetime | None = Field(None, description="When you said to have seen it.")
    deliveries: list[DeliveryAnswer] = Field(description="One for each channel it goes by.")

    @classmethod
    def of(cls, alert: Alert, **more: Any) -> Self:
        """An alert, told."""
        return cls(
            id=alert.pk,
            kind=alert.kind,
            exchange=alert.exchange or None,
            symbol=alert.symbol or None,
            timeframe=alert.timeframe or None,
            direction=alert.direction or None,
            candle_opened_at=alert.candle_opened_at,
            candle_closed_at=alert.candle_closed_at,
            macd_v=alert.value,
            rsi=rsi_of(alert),
            price=plain(alert.price),
            level=alert.level,
            stage=alert.stage or None,
            severity=severity_of(alert),
            detail=alert.detail,
            scan=scan_of(alert),
            state=alert.state,
            created_at=alert.created_at,
            acknowledged_at=alert.acknowledged_at,
            deliveries=[DeliveryAnswer.of(delivery) for delivery in alert.deliveries.all()],
            **more,
        )


class WholeAlertAnswer(AlertAnswer):
    """An alert with the values that made it fire."""

    values: dict[str, Any] = Field(description="Of its bar, of the bar before, of the position.")

    @classmethod
    def of(cls, alert: Alert, **more: Any) -> Self:
        """An alert, told whole."""
        return super().of(alert, values=alert.values, **more)


class AlertsAnswer(Answer):
    """A page of alerts, newest first."""

    alerts: list[AlertAnswer]
    next: int | None = Field(None, description="Send it as `before` for the page after; or none.")


class RetriedAnswer(Answer):
    """What is to be sent again."""

    retried: int = Field(description="How many deliveries wait again; 0: none had failed.")


class TrialAnswer(Answer):
    """What became of a test alert so far."""

    alert_id: int = Field(description="By which its deliveries are read.")
    channel: str
    state: str = Field(description=f"One of {', '.join(Delivery.State.values)}.")
    reason: str | None = Field(None, description="Why it is in this state.")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """A test alert's delivery, told."""
        return cls(
            alert_id=delivery.alert_id,
            channel=str(delivery.channel),
            state=str(delivery.state),
            reason=delivery.reason or None,
        )


class MuteAnswer(Answer):
    """What is not sent until a moment; it is recorded meanwhile."""

    id: int
    exchange: str | None = Field(None, description="Left out: every exchange.")
    symbol: str | None = Field(None, description="Left out: every symbol.")
    kind: str | None = Field(None, description="Left out: every kind of signal.")
    until: datetime = Field(description="Sent again from then on.")
    created_at: datetime

    @classmethod
    def of(cls, mute: Mute) -> Self:
        """A mute, told."""
        return cls(
            id=mute.pk,
            exchange=mute.exchange or None,
            symbol=mute.symbol or None,
            kind=mute.kind or None,
            until=mute.until,
            created_at=mute.created_at,
        )


class MutesAnswer(Answer):
    """Every mute that has not run out, the one that ends first before the others."""

    mutes: list[MuteAnswer]


def plain(price: Decimal | None) -> str | None:
    """A price without an exponent and without zeros that say nothing."""
    return None if price is None else f"{price.normalize():f}"
