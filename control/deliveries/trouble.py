"""What became of a message, and whether the channel that it met is dead: one transaction.

Rule 1: a channel that takes nothing any more is an incident of its user, told once, by the other
    channels too; it ends with the next message that arrives.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from control import incidents
from control.deliveries import queue
from control.deliveries.queue import Claimed, Moved
from control.incidents import Kind
from control.protocol import SystemEvent
from trading.alerts.ports import Delivered, Outcome, Refused
from trading.models import Delivery


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
