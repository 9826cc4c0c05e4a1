"""Alert rows: writing them once, and what a page is told of them.

Rule 1: a row is written only under the fence it was found with, and its deliveries with it.
Rule 2: what a row says is composed in :mod:`trading.alerts.compose`, and where it goes is decided
    in :mod:`control.deliveries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction

from control import leases
from control.deliveries import filing
from control.protocol import SignalEvent
from trading.alerts.compose import alert_of
from trading.models import Alert
from trading.ports import FiredSignal, Owner

ALERT_KEY = ("exchange", "symbol", "timeframe", "kind", "candle_closed_at")  # of one user


class SignalLog:
    """When each user's last signal fired and how many did today, for the status."""

    def __init__(self) -> None:
        self._last_at_ms: dict[str, int] = {}
        self._days: dict[str, tuple[str, int]] = {}
        self._waiting: dict[str, int] = {}

    def note(self, sub: str, closed_at: int) -> None:
        """A signal has fired on a candle that closed at ``closed_at`` (unix seconds)."""
        self._last_at_ms[sub] = max(self._last_at_ms.get(sub, 0), closed_at * 1_000)
        day = _today()
        known, count = self._days.get(sub, (day, 0))
        self._days[sub] = (day, count + 1 if known == day else 1)

    def start(self, sub: str, *, today: int, last_at_ms: int | None) -> None:
        """Begin with what the rows tell."""
        self._days[sub] = (_today(), today)
        if last_at_ms is not None:
            self._last_at_ms[sub] = last_at_ms

    def today(self, sub: str) -> int:
        """Signals since midnight UTC."""
        day, count = self._days.get(sub, ("", 0))
        return count if day == _today() else 0

    def last_at_ms(self, sub: str) -> int | None:
        """When the candle of the last signal closed."""
        return self._last_at_ms.get(sub)

    def set_waiting(self, counts: dict[str, int]) -> None:
        """How many signals of each user wait for PostgreSQL."""
        self._waiting = counts

    def waiting(self, sub: str) -> int:
        """Signals of a user that are not rows yet."""
        return self._waiting.get(sub, 0)


def write_alerts(owner: Owner, batch: Sequence[FiredSignal]) -> list[tuple[FiredSignal, Alert]]:
    """Insert one user's rows that are not there yet, and their deliveries, under that fence.

    Returns:
        What was new, with its row.

    Raises:
        Fenced: If the lease is lost: whoever has it now tells them.
        django.db.Error: If PostgreSQL did not take them; call again with the same batch.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        new = _new_alerts(owner, batch)
        filing.save(owner.user_id, [alert for _, alert in new])
    return new


def _new_alerts(owner: Owner, batch: Sequence[FiredSignal]) -> list[tuple[FiredSignal, Alert]]:
    """What has no row yet, once each; only who holds the lease makes such rows."""
    alerts: dict[tuple[object, ...], tuple[FiredSignal, Alert]] = {}
    for fired in batch:
        alert = alert_of(fired)
        alerts.setdefault(tuple(getattr(alert, name) for name in ALERT_KEY), (fired, alert))
    closes = {alert.candle_closed_at for _, alert in alerts.values()}
    mine = Alert.objects.filter(user_id=owner.user_id, candle_closed_at__in=closes)
    known = set(mine.values_list(*ALERT_KEY))
    return [new for key, new in alerts.items() if key not in known]


def signal_event(alert: Alert) -> SignalEvent:
    """A signal's row as a live page is told of it.

    Raises:
        ValueError: If the alert is no signal.
    """
    if alert.value is None or alert.price is None or alert.candle_closed_at is None:
        raise ValueError(f"alert {alert.pk} must be a signal, was of kind {alert.kind}")
    return SignalEvent(
        id=alert.pk,
        symbol=alert.symbol,
        exchange=alert.exchange,
        timeframe=alert.timeframe,
        kind=alert.kind,
        direction=alert.direction,
        detail=alert.detail,
        value=alert.value,
        stage=alert.stage,
        price=float(alert.price),
        closed_at=int(alert.candle_closed_at.timestamp() * 1_000),
        state=alert.state,
    )


def signals_so_far(user_id: int) -> tuple[int, int | None]:
    """How many signals a user had today (UTC), and when the last one's candle closed (ms)."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Alert.objects.signals().filter(user_id=user_id)
    last = rows.order_by("-candle_closed_at").values_list("candle_closed_at", flat=True).first()
    today = rows.filter(created_at__gte=midnight).count()
    return today, None if last is None else int(last.timestamp() * 1_000)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
