"""What became of a message, and whether the channel that it met is dead: one transaction.

Rule 1: a channel that takes nothing any more is an incident of its user, told once, by the other
    channels too; it ends with the next message that arrives, or when it is turned off: who turns on
    one that is still dead is told anew.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from control import incidents
from control.deliveries import queue
from control.deliveries.filing import settings_of
from control.deliveries.queue import Claimed, Moved
from control.deliveries.routing import enabled
from control.incidents import Kind
from control.models import Incident
from control.protocol import SystemEvent
from trading.alerts.ports import Delivered, Outcome, Refused
from trading.models import Delivery, DeliveryChannel


def settle(
    claimed: Claimed,
    state: Delivery.State,
    reason: str,
    *,
    again_seconds: float,
    outcome: Outcome,
) -> tuple[list[Moved], SystemEvent | None]:
    """Write what became of a claimed message.

    Returns:
        The alerts whose state is another one now, and what to tell pages of the channel, if that
        died or lives again.
    """
    lane, now = claimed.lane, timezone.now()
    event = None
    with transaction.atomic():
        moved = queue.settle(claimed.message, state, reason, again_seconds=again_seconds)
        if isinstance(outcome, Refused) and outcome.is_dead:
            detail = f"{lane.channel.label} takes no alerts: {reason}."
            event = incidents.open_incident(
                lane.user_id, Kind.CHANNEL_DEAD, str(lane.channel), detail, now
            )
        elif isinstance(outcome, Delivered):
            detail = f"{lane.channel.label} takes alerts again"
            event = incidents.close_incident(
                lane.user_id, Kind.CHANNEL_DEAD, str(lane.channel), detail, now
            )
    return moved, event


def forget_turned_off(only: Collection[str] = ()) -> list[tuple[str, SystemEvent]]:
    """End the incidents of channels that are turned off; of these users, or of all.

    Returns:
        What to tell pages, each with the ``sub`` of its user.
    """
    dead = Incident.objects.filter(kind=Kind.CHANNEL_DEAD, ended_at__isnull=True)
    if only:
        dead = dead.filter(user__username__in=only)
    told = []
    for user_id, sub, subject in dead.values_list("user_id", "user__sub", "subject"):
        settings, channel = settings_of(user_id), DeliveryChannel(subject)
        if settings is None or channel in dict(enabled(settings)):
            continue
        detail = f"{channel.label} took no alerts and is turned off"
        event = incidents.close_incident(
            user_id, Kind.CHANNEL_DEAD, subject, detail, timezone.now()
        )
        if event is not None:
            told.append((sub, event))
    return told
