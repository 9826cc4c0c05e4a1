"""The app of market data, positions and alerts."""

from __future__ import annotations

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Registers the two tables of this package: positions and alerts."""

    name = "trading"
    verbose_name = "Trading"
    default_auto_field = "django.db.models.BigAutoField"
