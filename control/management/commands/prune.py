"""``manage.py prune``: remove what is older than it is kept for."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from control import retention
from control.management.users import the_user
from settings_app.reporting import counted

MOST_DAYS = 36_500


class Command(BaseCommand):
    """The worker does the same by itself. Exits 0 when it is done, or was only counted."""

    help = (
        "Remove old alerts with their deliveries, incidents, mutes that ran out, what is known of"
        " commands, sign-ins and ended sessions; what is open or on its way stays."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="Whose; without it everybody's.")
        parser.add_argument(
            "--days",
            type=int,
            metavar="N",
            help="Keep the last N days of alerts, incidents, mutes and sign-ins; without it as many"
            f" days of alerts as the settings say, and {retention.KEPT_DAYS} of the rest. What is"
            " known of commands, and sessions, have a time of their own.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what would go, only.")

    def handle(self, *_args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}")
        user_id = None if options["user"] is None else the_user(options["user"]).pk
        act = retention.count if options["dry_run"] else retention.prune
        would = "Would remove" if options["dry_run"] else "Removed"
        found = act(user_id, days=days)
        told = [counted(number, name) for name, number in found.items() if number]
        self.stdout.write(f"{would} {', '.join(told)}." if told else "Nothing is old enough.")
