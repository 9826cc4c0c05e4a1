"""The two tables of this package: what a user holds, and what a user was told.

Rule 1: rows and their constraints only. What an alert says is composed in
    :mod:`trading.alerts.compose`; who may write one is decided by the lease, in ``control``.
Rule 2: a price is a decimal exactly as the exchange wrote it; an indicator is a float.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.signals import Direction

# Wide enough for a coin worth a billionth and for a billion of them.
DIGITS = 38
PLACES = 18


class Alert(models.Model):
    """A signal of one user, once: the row is the outbox that deliveries are made from."""

    class State(models.TextChoices):
        """What became of it."""

        PENDING = "pending", "Waiting"
        MISSED = "missed", "Missed"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts"
    )
    exchange = models.TextField()
    symbol = models.TextField(help_text="Canonical name, BTC-USD.")
    timeframe = models.TextField(choices=[(t.value, t.value) for t in Timeframe])
    kind = models.TextField(choices=[(k.value, k.value.replace("-", " ")) for k in SignalKind])
    direction = models.TextField(choices=[(d.value, d.value) for d in Direction])
    candle_opened_at = models.DateTimeField()
    candle_closed_at = models.DateTimeField(help_text="By the exchange's clock.")
    value = models.FloatField("MACD-V", help_text="At the candle's close.")
    price = models.DecimalField(
        max_digits=DIGITS, decimal_places=PLACES, help_text="Close, in quote currency."
    )
    level = models.FloatField(null=True, blank=True, help_text="The level crossed, with its sign.")
    stage = models.TextField()
    detail = models.TextField()
    values = models.JSONField(default=dict, help_text="The values that made it fire.")
    state = models.TextField(choices=State, default=State.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "exchange", "symbol", "timeframe", "kind", "candle_closed_at"],
                name="trading_alert_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="trading_alert_newest"),
            models.Index(fields=["user", "-candle_closed_at"], name="trading_alert_latest"),
        ]
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.detail}"


class Position(models.Model):
    """What a user holds of one market, by the exchange or by the user's own word."""

    class Source(models.TextChoices):
        """Who says so."""

        MANUAL = "manual", "Entered by hand"
        EXCHANGE = "exchange", "From the exchange"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="positions"
    )
    exchange = models.TextField(default="coinbase")
    symbol = models.TextField(help_text="Canonical name, BTC-USD.")
    quantity = models.DecimalField(
        max_digits=DIGITS, decimal_places=PLACES, help_text="In base currency."
    )
    cost_basis = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="Average price paid, in quote currency; empty: unknown.",
    )
    source = models.TextField(choices=Source, default=Source.MANUAL)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "exchange", "symbol"], name="trading_position_once"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=0), name="trading_position_not_short"
            ),
        ]
        ordering = ("exchange", "symbol")

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"
