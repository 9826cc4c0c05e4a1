"""``manage.py export_settings --user NAME``: a user's settings as a file to keep."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from settings_app.downloads import NotExported, export_text
from settings_app.management.users import add_user_option, user_named


class Command(BaseCommand):
    """Writes what ``import_settings`` takes back without a loss."""

    help = "Export a user's settings as JSON; import_settings takes the file back."

    def add_arguments(self, parser: CommandParser) -> None:
        add_user_option(parser)
        parser.add_argument(
            "--output", metavar="FILE", help="Write this file (mode 0600); else standard output."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = user_named(options["user"])
        try:
            text = export_text(user)
        except NotExported as exc:
            raise CommandError(f"Nothing was exported. {exc}") from exc
        if options["output"] is None:
            self.stdout.write(text)
            return
        try:
            write_file(Path(options["output"]), text)
        except OSError as exc:
            raise CommandError(f"{options['output']} cannot be written: {exc.strerror}.") from None


def write_file(path: Path, text: str) -> None:
    """Replace a file in one step: nobody reads half of it, and only its owner reads it at all.

    Raises:
        OSError: If it cannot be written; what was there is untouched.
    """
    # mkstemp makes it with mode 0600.
    descriptor, making = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(making).replace(path)
    except BaseException:
        Path(making).unlink(missing_ok=True)
        raise
