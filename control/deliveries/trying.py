"""Trying a channel: one test alert, sent as any other, while somebody waits for what becomes of it.

Rule 1: the worker sends it, with its variables: what is tried is what will be used.
Rule 2: a channel that the settings turn off is not tried; nothing would be sent by it.
Rule 3: who waits in vain is told so; the row tells the rest later.
"""

from __future__ import annotations

import time
from typing import Final

from control.deliveries import acts
from control.sending import lend_connection
from settings_app import services
from settings_app.schema.notifications import Channel
from trading.models import Delivery, DeliveryChannel

WAIT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1
ON_ITS_WAY: Final = (Delivery.State.WAITING, Delivery.State.SENDING)


class TurnedOff(Exception):
    """The settings do not have this channel send anything; the text is the way out."""


def send_test(user_id: int, channel: DeliveryChannel, *, wait_seconds: float) -> Delivery:
    """Have a test alert sent, and wait until its end, or until nobody can wait any longer.

    Returns:
        The delivery as it is then.

    Raises:
        TurnedOff: If the settings do not enable the channel; nothing was sent.
        SettingsInvalid: If the settings cannot be read, as with whoever else reads them.
    """
    chosen: Channel | None = getattr(services.read(user_id).document.notifications, channel)
    if chosen is None or not chosen.enabled:
        raise TurnedOff(
            f"is turned off in the settings: set /notifications/{channel}/enabled to true first"
        )
    delivery = acts.begin_test(user_id, channel)
    deadline = time.monotonic() + wait_seconds
    while delivery.state in ON_ITS_WAY and time.monotonic() < deadline:
        lend_connection()
        time.sleep(POLL_SECONDS)
        delivery = Delivery.objects.get(pk=delivery.pk, user_id=user_id)
    return delivery
