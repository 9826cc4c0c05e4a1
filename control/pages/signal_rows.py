"""Alerts as the signals page lists them. The same rules as ``rows.js`` of its modules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from control.deliveries import acts
from control.marks import Mark, mark_of_alert
from trading.alerts.reading import rsi_of, scan_of, severity_of
from trading.core.severity import Severity
from trading.models import SYSTEM, Alert, Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alert, told in a line.

    Args:
        at: When its candle closed, unix milliseconds; of what has no candle, when it was told.
        scan: Of what tells of a daily scan, the scan's id.
        note: What its ways have to say.
        may_retry: Whether one of its ways did not get through.
    """

    alert: Alert
    at: int
    rsi: float | None
    severity: Severity | None
    scan: int | None
    mark: Mark
    note: str
    may_retry: bool

    @property
    def is_signal(self) -> bool:
        """Whether it has a candle."""
        return self.alert.kind != SYSTEM


def row_of(alert: Alert) -> Row:
    """An alert, with its deliveries read."""
    deliveries = list(alert.deliveries.all())
    return Row(
        alert=alert,
        at=milliseconds(alert.candle_closed_at or alert.created_at),
        rsi=rsi_of(alert),
        severity=severity_of(alert),
        scan=scan_of(alert),
        mark=mark_of_alert(alert.state),
        note=" · ".join(note_of(delivery) for delivery in deliveries),
        may_retry=any(one.state in acts.NOT_KNOWN_TO_BE_THERE for one in deliveries),
    )


def note_of(delivery: Delivery) -> str:
    """A way, and why it is in its state where that is told."""
    channel = str(delivery.get_channel_display())
    if not delivery.reason:
        return channel
    tries = f" ({delivery.attempts} attempts)" if delivery.attempts > 1 else ""
    return f"{channel}: {delivery.reason}{tries}"


def milliseconds(at: datetime) -> int:
    """A moment as pages write it."""
    return int(at.timestamp() * 1_000)
