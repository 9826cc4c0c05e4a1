"""Filing the deliveries of new alerts, in the transaction that writes the alerts.

Rule 1: synchronous, inside the caller's transaction: both are there, or neither is.
Rule 2: when a delivery is due is by the database's clock, as the queue reads it.
Rule 3: settings that cannot be read hold up no alert: it is recorded, and goes nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db.models.functions import Now
from django.utils import timezone

from control.deliveries.routing import Route, routes, state_of
from settings_app import services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.schema import Settings
from trading.models import Alert, Delivery, Mute

log = structlog.get_logger(__name__)


def save(user_id: int, alerts: Sequence[Alert]) -> None:
    """Insert new alerts of one user, with the deliveries that their channels are to make.

    Args:
        user_id: Whose they all are.
        alerts: Not saved yet; their state is set, unless they were missed.
    """
    if not alerts:
        return
    settings, now = settings_of(user_id), timezone.now()
    mutes = list(Mute.objects.filter(user_id=user_id, until__gt=now))
    filed: list[tuple[Alert, tuple[Route, ...]]] = []
    for alert in alerts:
        found = () if settings is None else routes(alert, settings, mutes, now)
        alert.state = state_of(found, alert)
        filed.append((alert, found))
    # One statement each: a market-wide move fires hundreds, and each waits for the last.
    Alert.objects.bulk_create(alerts)
    Delivery.objects.bulk_create(
        Delivery(
            alert=alert,
            user_id=user_id,
            channel=route.channel,
            state=route.state,
            reason=route.reason,
            due_at=Now(),
            settled_at=None if route.state == Delivery.State.WAITING else Now(),
        )
        for alert, found in filed
        for route in found
    )


def settings_of(user_id: int) -> Settings | None:
    """A user's settings; None where they cannot be read, which is logged."""
    try:
        return services.read(user_id).document
    except (SettingsInvalid, SettingsTooNew) as exc:
        log.warning("deliveries.settings_unreadable", user=user_id, reason=str(exc))
        return None
