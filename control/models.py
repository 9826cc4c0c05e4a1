"""What the control plane must remember across a crash: who drives a user, and what was done.

Rule 1: a lease is changed only through :mod:`control.leases`, whose clock is the database's.
Rule 2: a receipt is a record against doing a command twice, not a log; it is pruned.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Lease(models.Model):
    """The right to drive one user's runtime. ``fence`` rises each time it changes hands."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="runtime_lease",
    )
    owner = models.CharField(max_length=120, help_text="The worker that drives this user.")
    fence = models.BigIntegerField(default=1)
    expires_at = models.DateTimeField(help_text="By the database's clock.")

    class Meta:
        indexes = [models.Index(fields=["owner"], name="lease_of_worker")]

    def __str__(self) -> str:
        return f"user {self.user_id} driven by {self.owner} (fence {self.fence})"


class Receipt(models.Model):
    """The answer to a command that took effect, written in the transaction of the effect."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts"
    )
    command_id = models.UUIDField()
    result = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "command_id"], name="receipt_once_per_command")
        ]
        indexes = [models.Index(fields=["created_at"], name="receipt_age")]

    def __str__(self) -> str:
        return f"receipt of command {self.command_id}"
