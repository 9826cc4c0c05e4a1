"""The room's entry in Django's registry."""

from __future__ import annotations

from django.apps import AppConfig


class SettingsAppConfig(AppConfig):
    """Users, their settings documents and their desired state."""

    name = "settings_app"
    verbose_name = "Users and settings"
