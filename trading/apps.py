"""The app of market data, positions and alerts."""

from __future__ import annotations

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Registers the tables of this package: positions, their readings, and alerts."""

    name = "trading"
    verbose_name = "Trading"
    default_auto_field = "django.db.models.BigAutoField"
