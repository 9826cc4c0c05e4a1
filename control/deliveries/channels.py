"""How to send in a lane: the channel as its user's settings have it, and what is said by it.

Rule 1: synchronous, for a database thread. The settings are read for each message, so that what is
    saved counts at once; an address is resolved for each, and kept nowhere.
Rule 2: what is missing is a refusal that says what to do, never an error.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import httpx

from control.deliveries.outbox import Prepared
from control.deliveries.pictures import Pictures
from control.deliveries.queue import Claimed, Lane
from control.reader import reader_of
from settings_app import credentials, services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.schema.notifications import Digest as DigestRule
from settings_app.schema.notifications import Notifications
from trading.alerts.discord import Discord
from trading.alerts.email import Email
from trading.alerts.notices import notice_of
from trading.alerts.ports import Channel, Digest, Message, Refused
from trading.alerts.reader import Reader
from trading.models import DeliveryChannel

TURNED_OFF = "this channel is turned off in the settings: turn it on there, and retry"


class Channels:
    """Makes the channels of all users over one HTTP client.

    Args:
        client: For webhooks.
        pictures: For whoever wants charts; None: nobody gets one.
    """

    def __init__(self, client: httpx.AsyncClient, pictures: Pictures | None = None) -> None:
        self._client = client
        self._pictures = pictures

    def prepare(self, lane: Lane) -> Prepared:
        """How to send in a lane now."""
        try:
            settings = services.read(lane.user_id).document
        except (SettingsInvalid, SettingsTooNew) as exc:
            reason = f"the settings cannot be read: {exc}"
            return _prepared(Refused(reason, is_dead=True), DigestRule(), Reader())
        try:
            channel: Channel | Refused = self._channel(lane, settings.notifications)
        except credentials.CredentialError as exc:
            channel = Refused(str(exc).rstrip("."), is_dead=True)
        prepared = _prepared(channel, settings.notifications.digest, reader_of(settings))
        if self._pictures is not None and _wants_charts(lane, settings.notifications):
            return replace(prepared, illustrate=self._pictures.illustrate)
        return prepared

    def _channel(self, lane: Lane, notifications: Notifications) -> Channel | Refused:
        match lane.channel:
            case DeliveryChannel.DISCORD:
                discord = notifications.discord
                if discord is None or not discord.enabled:
                    return Refused(TURNED_OFF)
                name = discord.webhook_url_environment_variable or ""
                return Discord(credentials.resolve(name, user_id=lane.user_id), self._client)
            case DeliveryChannel.EMAIL:
                email = notifications.email
                if email is None or not email.enabled:
                    return Refused(TURNED_OFF)
                return Email(email.address)
            case DeliveryChannel.PUSH:
                push = notifications.push
                if push is None or not push.enabled:
                    return Refused(TURNED_OFF)
                name = push.url_environment_variable or ""
                # The library behind it takes a second to import, and few have it in use.
                from trading.alerts.push import Push  # noqa: PLC0415

                return Push(credentials.resolve(name, user_id=lane.user_id))


def _wants_charts(lane: Lane, notifications: Notifications) -> bool:
    discord = notifications.discord
    return lane.channel is DeliveryChannel.DISCORD and discord is not None and discord.chart


def _prepared(channel: Channel | Refused, digest: DigestRule, reader: Reader) -> Prepared:
    return Prepared(
        channel=channel,
        more_than=digest.more_than,
        within_seconds=float(digest.within_seconds),
        message=partial(_message, reader),
    )


def _message(reader: Reader, claimed: Claimed, is_digest: bool) -> Message:
    notices = [notice_of(alert, reader) for alert in claimed.alerts]
    if not is_digest:
        return notices
    return Digest(title=f"{len(notices)} signals", notices=notices)
