"""The tables of this package: what a user holds, when that was read, and what a user was told.

Rule 1: rows and their constraints only. What an alert says is composed in
    :mod:`trading.alerts.compose`; who may write one is decided by the lease, in ``control``.
Rule 2: a price is a decimal exactly as the exchange wrote it; an indicator is a float.
Rule 3: an alert is a signal, or it is of kind ``system``: something of Livermore's own fails or
    works again. That one has no candle, and whoever shows or counts signals asks for
    ``Alert.objects.signals()``.
Rule 4: an alert and its deliveries are written in one transaction, a delivery for each channel
    that was to have it; what became of the alert follows from what became of those.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.signals import Direction

# Wide enough for a coin worth a billionth and for a billion of them.
DIGITS = 38
PLACES = 18

SYSTEM = "system"  # the kind of an alert that is no signal


class Alerts(models.QuerySet["Alert"]):
    """Alerts, of which some are signals."""

    def signals(self) -> Self:
        """What a candle gave rise to."""
        return self.exclude(kind=SYSTEM)


class Alert(models.Model):
    """What a user is told, once: the row is the outbox that deliveries are made from."""

    class State(models.TextChoices):
        """What became of it; where its channels differ, the worst of them that is not over."""

        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        UNCERTAIN = "uncertain", "Uncertain"
        FAILED = "failed", "Failed"
        MISSED = "missed", "Missed"
        QUIET = "quiet", "Quiet hours"
        MUTED = "muted", "Muted"
        RECORDED = "recorded", "Recorded only"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts"
    )
    exchange = models.TextField(blank=True)
    symbol = models.TextField(blank=True, help_text="Canonical name, BTC-USD.")
    timeframe = models.TextField(blank=True, choices=[(t.value, t.value) for t in Timeframe])
    kind = models.TextField(
        choices=[*((k.value, k.value.replace("-", " ")) for k in SignalKind), (SYSTEM, SYSTEM)]
    )
    direction = models.TextField(blank=True, choices=[(d.value, d.value) for d in Direction])
    candle_opened_at = models.DateTimeField(null=True, blank=True)
    candle_closed_at = models.DateTimeField(
        null=True, blank=True, help_text="By the exchange's clock."
    )
    value = models.FloatField("MACD-V", null=True, blank=True, help_text="At the candle's close.")
    price = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="Close, in quote currency.",
    )
    level = models.FloatField(null=True, blank=True, help_text="The level crossed, with its sign.")
    stage = models.TextField(blank=True)
    detail = models.TextField()
    values = models.JSONField(default=dict, help_text="The values that made it fire.")
    state = models.TextField(choices=State, default=State.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(
        null=True, blank=True, help_text="When its owner has said to have seen it."
    )

    objects = Alerts.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "exchange", "symbol", "timeframe", "kind", "candle_closed_at"],
                name="trading_alert_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=SYSTEM)
                | models.Q(
                    candle_opened_at__isnull=False,
                    candle_closed_at__isnull=False,
                    value__isnull=False,
                    price__isnull=False,
                ),
                name="trading_alert_signal_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="trading_alert_newest"),
            models.Index(fields=["user", "-candle_closed_at"], name="trading_alert_latest"),
        ]
        ordering = ("-id",)

    def __str__(self) -> str:
        if self.kind == SYSTEM:
            return self.detail
        return f"{self.symbol} {self.timeframe} {self.detail}"


class DeliveryChannel(models.TextChoices):
    """A way by which alerts reach a trader; named as in the settings."""

    DISCORD = "discord", "Discord"
    EMAIL = "email", "E-mail"
    PUSH = "push", "Push"


class Delivery(models.Model):
    """One alert on its way through one channel: the queue that workers share, and its record."""

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        DELIVERED = "delivered", "Delivered"
        UNCERTAIN = "uncertain", "Uncertain: no answer came"
        FAILED = "failed", "Failed"
        QUIET = "quiet", "Quiet hours"
        MUTED = "muted", "Muted"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.TextField(choices=DeliveryChannel)
    state = models.TextField(choices=State, default=State.WAITING)
    reason = models.TextField(blank=True, help_text="Why it is in this state, without a secret.")
    attempts = models.PositiveIntegerField(default=0, help_text="How often it was sent so far.")
    due_at = models.DateTimeField(help_text="When it is to be sent next, by the database's clock.")
    claimed_by = models.TextField(blank=True, help_text="The worker that is sending it.")
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="When that worker is taken for dead."
    )
    message = models.UUIDField(
        null=True, blank=True, help_text="What was sent together has the same one."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When its state became one that lasts."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "channel"], name="trading_delivery_once"),
            models.CheckConstraint(
                condition=~models.Q(state="sending") | models.Q(claimed_until__isnull=False),
                name="trading_delivery_sending_is_claimed",
            ),
        ]
        indexes: ClassVar = [
            # What is to be done is little, what is done is much: the queue is an index of its own.
            models.Index(
                fields=["channel", "due_at"],
                condition=models.Q(state__in=["waiting", "sending"]),
                name="trading_delivery_queue",
            ),
            models.Index(fields=["user", "-id"], name="trading_delivery_newest"),
            # What a channel was sent in the last minute is asked before each message.
            models.Index(fields=["user", "channel", "settled_at"], name="trading_delivery_pace"),
        ]
        ordering = ("-id",)
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"alert {self.alert_id} by {self.channel}"


class Mute(models.Model):
    """Alerts that a user does not want to be sent until a moment; they are recorded meanwhile."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes"
    )
    exchange = models.TextField(blank=True, help_text="Empty: every exchange.")
    symbol = models.TextField(blank=True, help_text="Canonical name, BTC-USD; empty: every symbol.")
    kind = models.TextField(
        blank=True,
        choices=[(k.value, k.value.replace("-", " ")) for k in SignalKind],
        help_text="Empty: every kind of signal. What Livermore says of itself is never muted.",
    )
    until = models.DateTimeField(help_text="Sent again from then on.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "exchange", "symbol", "kind"], name="trading_mute_once"
            ),
        ]
        ordering = ("until",)

    def __str__(self) -> str:
        return f"{self.kind or 'every kind'} of {self.symbol or 'every symbol'} until {self.until}"


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


class PositionReading(models.Model):
    """How reading a user's positions from one exchange went last; the rows say what was found."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="position_readings"
    )
    exchange = models.TextField()
    read_at = models.DateTimeField(null=True, help_text="When it worked last.")
    failed_at = models.DateTimeField(null=True, help_text="When it failed, unless it works again.")
    error = models.TextField(blank=True, help_text="Why it failed.")
    notes = models.JSONField(default=list, help_text="What the owner should know, a sentence each.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "exchange"], name="trading_position_reading_once"
            ),
        ]

    def __str__(self) -> str:
        return f"positions of user {self.user_id} on {self.exchange}"
