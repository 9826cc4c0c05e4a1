"""The control plane as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ControlConfig(AppConfig):
    """Wires the reload of settings to their saving."""

    name = "control"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from control import reloads  # noqa: PLC0415  # models load only when the apps are ready

        reloads.connect()
