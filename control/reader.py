"""How a user wants times and numbers: in alerts, and on the pages."""

from __future__ import annotations

from settings_app import services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import Settings
from trading.alerts.reader import Reader


def reader_of(settings: Settings) -> Reader:
    """How these settings have times and numbers written."""
    profile = settings.perseus_profile
    return Reader(
        timezone=profile.timezone,
        locale=profile.locale,
        date_format=profile.date_format,
        time_format=profile.time_format,
    )


def reader_for(user: User) -> Reader:
    """How a user reads; settings that cannot be read leave it at the defaults."""
    try:
        return reader_of(services.read(user.pk).document)
    except (SettingsInvalid, SettingsTooNew):
        return Reader()
