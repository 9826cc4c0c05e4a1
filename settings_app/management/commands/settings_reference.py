"""``manage.py settings_reference``: write ``docs/settings.md``, or check that it is up to date."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from settings_app.reference import markdown


class Command(BaseCommand):
    """Writes the reference of settings from the schema."""

    help = "Write docs/settings.md from the schema of the settings."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --check and the file."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if the file is stale"
        )
        parser.add_argument(
            "--file",
            type=Path,
            default=Path(settings.BASE_DIR, "docs", "settings.md"),
            help="where the reference is, docs/settings.md by default",
        )

    def handle(self, *, check: bool, file: Path, **_options: Any) -> None:
        """Write the file, or compare it.

        Raises:
            CommandError: If it is not what the schema says and only a check was asked for.
        """
        text = markdown()
        is_current = file.is_file() and file.read_text(encoding="utf-8") == text
        if check and not is_current:
            raise CommandError(
                f"{file} is not what the schema says: run manage.py settings_reference"
            )
        if not is_current:
            file.write_text(text, encoding="utf-8")
            self.stdout.write(f"Wrote {file}.")
