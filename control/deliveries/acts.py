"""What a user may do about alerts: have them sent again, acknowledge them, mute what is to come.

Rule 1: a row of somebody else is a row that is not there: whose they are is an argument of
    everything here.
Rule 2: to send again is to wait again: who sends is the dispatcher, as if it were the first time.
Rule 3: what is being sent, waits or was delivered is never sent again; what is uncertain only by
    its alert's own name, for it may have arrived.
Rule 4: synchronous, for a database thread; moments are by the database's clock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from control.deliveries import queue
from control.deliveries.telling import tell_pages
from trading.alerts.compose import system_alert
from trading.alerts.muting import WantedMute
from trading.models import Alert, Delivery, DeliveryChannel, Mute

FAILED: Final = (Delivery.State.FAILED,)
NOT_KNOWN_TO_BE_THERE: Final = (Delivery.State.FAILED, Delivery.State.UNCERTAIN)


def retry(
    user_id: int, alert_ids: Collection[int] | None = None, *, also_uncertain: bool = False
) -> int:
    """Have failed deliveries of a user sent again.

    Args:
        alert_ids: Those of these alerts; None: of all.
        also_uncertain: What may have arrived is sent again as well.

    Returns:
        How many deliveries wait now that had ended.
    """
    states = NOT_KNOWN_TO_BE_THERE if also_uncertain else FAILED
    ended = Delivery.objects.filter(user_id=user_id, state__in=states)
    if alert_ids is not None:
        ended = ended.filter(alert_id__in=alert_ids)
    with transaction.atomic():
        found = list(ended.select_for_update().values_list("pk", "alert_id"))
        waiting: dict[str, Any] = {
            "state": Delivery.State.WAITING,
            "reason": "",
            "attempts": 0,
            "created_at": Now(),  # it is given up a day from now, not a day from then
            "due_at": Now(),
            "claimed_by": "",
            "claimed_until": None,
            "message": None,
            "settled_at": None,
        }
        Delivery.objects.filter(user_id=user_id, pk__in=[pk for pk, _ in found]).update(**waiting)
        moved = queue.follow({alert_id for _, alert_id in found})
        transaction.on_commit(partial(tell_pages, moved))
    return len(found)


def failed_count(user_id: int) -> int:
    """How many deliveries of a user failed, and would be sent again by :func:`retry`."""
    return Delivery.objects.filter(user_id=user_id, state__in=FAILED).count()


def begin_test(user_id: int, channel: DeliveryChannel) -> Delivery:
    """Have a test alert sent by one channel, whatever the settings would have it do otherwise.

    It is sent as any other: by the worker, from the queue, with its variables.

    Returns:
        The delivery, which waits; its row tells what becomes of it.
    """
    alert = system_alert(
        user_id, exchange="", detail=f"A test: {channel.label} is reached.", values={"test": True}
    )
    with transaction.atomic():
        alert.save()
        row = Delivery.objects.create(alert=alert, user_id=user_id, channel=channel, due_at=Now())
    row.refresh_from_db(fields=["due_at"])
    return row


def acknowledge(user_id: int, alert_ids: Collection[int]) -> int:
    """A user has seen these alerts; what was acknowledged before keeps its moment.

    Returns:
        How many were not yet.
    """
    mine = Alert.objects.filter(user_id=user_id, pk__in=alert_ids, acknowledged_at__isnull=True)
    return mine.update(acknowledged_at=Now())


def mute(user_id: int, wanted: WantedMute) -> Mute:
    """Hold back what a user does not want to be sent for a time.

    The same exchange, symbol and kind again is the same mute with another end.

    Args:
        wanted: Without a fault.
    """
    row, _ = Mute.objects.update_or_create(
        user_id=user_id,
        exchange=wanted.exchange,
        symbol=wanted.symbol,
        kind=wanted.kind,
        defaults={"until": wanted.until},
    )
    return row


def unmute(user_id: int, mute_id: int) -> bool:
    """End a mute now; whether there was one."""
    return Mute.objects.filter(user_id=user_id, pk=mute_id).delete()[0] > 0


def mutes_of(user_id: int, now: datetime) -> QuerySet[Mute]:
    """A user's mutes that have not run out, the one that ends first before the others."""
    return Mute.objects.filter(user_id=user_id, until__gt=now).order_by("until", "pk")
