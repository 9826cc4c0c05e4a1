"""``manage.py prepare``: database, static files and demo user up to date, nothing done twice.

One process for three steps: starting Django costs more than any of them when all is up to date.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from livermore.management.commands.ensure_demo import USERNAME
from settings_app.models import User

_FINGERPRINT = "sources.sha256"


class Command(BaseCommand):
    help = "Migrate, collect static files and ensure the demo user, as far as needed."
    requires_system_checks: list[str] = []  # CI runs them; a start must be quick

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="ensure the demo user too")

    def handle(self, *args: Any, **options: Any) -> None:
        if migrations := _pending_migrations():
            self.stdout.write(f"applying {migrations} migrations")
            call_command("migrate", interactive=False, verbosity=0)
        if settings.ENVIRONMENT.hashed_static:
            self._collect_static()
        if options["demo"]:
            self._ensure_demo()

    def _ensure_demo(self) -> None:
        """The demo user, except where people of their own have replaced it."""
        if User.objects.filter(username=USERNAME).exists() or not User.objects.exists():
            call_command("ensure_demo", stdout=self.stdout)
        else:
            settings.ENVIRONMENT.state.demo_password.unlink(missing_ok=True)

    def _collect_static(self) -> None:
        wanted, kept = _static_fingerprint(), Path(settings.STATIC_ROOT) / _FINGERPRINT
        if kept.exists() and kept.read_text() == wanted:
            return
        self.stdout.write("collecting static files")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        kept.write_text(wanted)


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _static_fingerprint() -> str:
    """Changes when a source file is added, removed or written."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()
