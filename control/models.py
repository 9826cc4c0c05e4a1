"""What the control plane must remember across a crash: who drives a user, and what was done.

Rule 1: a lease is changed only through :mod:`control.leases`, whose clock is the database's.
Rule 2: a receipt is a record against doing a command twice, not a log; it is pruned.
Rule 3: what a runtime writes, it writes under its fence (:func:`control.leases.hold`).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


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


class Reversible(models.Model):
    """The last command of a user that can be undone: one level, replaced by the next one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="reversible_command",
    )
    command = models.TextField()
    text = models.TextField(help_text="What undoing it does, in words.")
    inverse = models.JSONField(help_text="What undoing it writes.")
    revision = models.BigIntegerField(
        help_text="Of the desired state or of the settings: undone only while it is still that."
    )

    def __str__(self) -> str:
        return f"undo of {self.command} for user {self.user_id}"


class PlannedCommand(models.Model):
    """When an entry of a user's schedule is due next; a restart neither forgets nor repeats it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="planned_commands"
    )
    entry = models.TextField(help_text="The entry of the schedule, in canonical JSON.")
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "entry"], name="planned_once_per_entry")
        ]

    def __str__(self) -> str:
        return f"{self.entry} for user {self.user_id}, due {self.due_at}"


class Incident(models.Model):
    """Something of Livermore's own that does not work for a user, from beginning to end."""

    class Kind(models.TextChoices):
        """What fails."""

        FEED_STALE = "feed-stale", "Feed stale"
        FAULTED = "faulted", "Runtime faulted"
        WORKER_GONE = "worker-gone", "Worker gone"
        CHANNEL_DEAD = "channel-dead", "Delivery channel dead"
        POSITIONS_STALE = "positions-stale", "Positions not read"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="incidents"
    )
    kind = models.TextField(choices=Kind)
    subject = models.TextField(blank=True, help_text="Which one: an exchange, a channel.")
    detail = models.TextField(blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "subject"],
                condition=models.Q(ended_at__isnull=True),
                name="incident_open_once",
            )
        ]
        indexes = [models.Index(fields=["user", "-began_at"], name="incident_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()


class SentIntent(models.Model):
    """An intent that was sent under the sender's own id: whoever repeats the id sends it again."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sent_intents"
    )
    command_id = models.UUIDField()
    message = models.JSONField(help_text="The command as it goes over the wire.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "command_id"], name="sent_intent_once_per_command"
            )
        ]

    def __str__(self) -> str:
        return f"intent {self.command_id} of user {self.user_id}"


class ScanRun(models.Model):
    """What the scanner proposed to a user, and what the user approved of it."""

    class Cause(models.TextChoices):
        """How it came about."""

        ASKED = "asked", "Asked for"
        DAILY = "daily", "Daily"

    class State(models.TextChoices):
        """What became of it."""

        PREVIEWED = "previewed", "Waits for approval"
        APPROVED = "approved", "Approved"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scans"
    )
    at = models.DateTimeField(default=timezone.now)
    cause = models.TextField(choices=Cause)
    asked_by = models.TextField(blank=True)
    exchange = models.TextField()
    criteria = models.JSONField(help_text="What was wanted, as the settings had it.")
    state = models.TextField(choices=State, default=State.PREVIEWED)
    reason = models.TextField(blank=True, help_text="Why it failed.")
    note = models.TextField(blank=True, help_text="That the figures are old, and why.")
    seen = models.IntegerField(default=0, help_text="How many markets the exchange lists.")
    rows = models.JSONField(default=list)
    left_out = models.JSONField(default=list)
    left_out_count = models.IntegerField(default=0)
    approved = models.JSONField(
        default=list, help_text="What is watched by it, and since when each is, unix seconds."
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-at"], name="scan_newest"),
            models.Index(
                fields=["user", "-approved_at"],
                condition=models.Q(state="approved"),
                name="scan_approved_newest",
            ),
        ]

    def __str__(self) -> str:
        return f"scan of {self.exchange}, {self.state}"
