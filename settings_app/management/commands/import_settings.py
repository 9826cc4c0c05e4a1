"""``manage.py import_settings FILE --user NAME``: take over a settings file of any version.

A file is taken whole or not at all. The log names the user themself, with the origin "command":
whoever can run this has the whole database, and no name of their own in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from settings_app import interchange, services
from settings_app.documents import decode
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew
from settings_app.management.users import add_user_option, user_named
from settings_app.models import User
from settings_app.reporting import change_lines, counted
from settings_app.services import Preview, Saved
from settings_app.upgrades import version_of

MOST_BYTES: Final = 1_000_000

# Older files name their owner in another program's terms: --user says whose they become.
FIRST_WITH_OUR_IDENTITY: Final = 2


class Command(BaseCommand):
    """Says what was moved or dropped, what changed, and the revision; exits 1 if it refused."""

    help = "Import a settings file of any version, the legacy one included, for one user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON in UTF-8; - reads standard input.")
        add_user_option(parser)
        parser.add_argument("--dry-run", action="store_true", help="Say what it would do, only.")
        parser.add_argument(
            "--ignore-unknown", action="store_true", help="Drop keys that are no settings."
        )
        parser.add_argument(
            "--adopt", action="store_true", help="Take it although it is another user's."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = user_named(options["user"])
        content = read_file(options["file"])
        try:
            self._import(user, content, options)
        except SettingsInvalid as exc:
            self._refuse(exc.errors, options["file"])
        except SettingsTooNew as exc:
            raise CommandError(str(exc)) from exc

    def _import(self, user: User, content: bytes, options: dict[str, Any]) -> None:
        file = decode(content)
        version = version_of(interchange.opened(file))
        wanted = {
            "adopt": options["adopt"] or version < FIRST_WITH_OUR_IDENTITY,
            "ignore_unknown": options["ignore_unknown"],
            "by": user,
        }
        if options["dry_run"]:
            preview = services.preview_load(user.pk, file, **wanted)
            if preview.errors:
                raise SettingsInvalid(preview.errors)
            self._tell(preview, version)
            self.stdout.write(f"Nothing was written; revision {preview.revision} stays.")
            return
        saved = services.load(user.pk, file, **wanted, origin="command")
        self._tell(saved, version)
        if saved.changes:
            self.stdout.write(f"Saved as revision {saved.revision}.")
        else:
            self.stdout.write(f"Nothing to save; revision {saved.revision} stays.")

    def _tell(self, done: Saved | Preview, version: int) -> None:
        self.stdout.write(f"The file has version {version}.")
        self._list("Moved or dropped:", [str(note) for note in done.notes])
        self._list(f"{counted(len(done.changes), 'change')}:", change_lines(done.changes))

    def _list(self, title: str, lines: list[str]) -> None:
        if lines:
            self.stdout.write(title)
        for line in lines:
            self.stdout.write(f"  {line}")

    def _refuse(self, errors: tuple[FieldError, ...], file: str) -> None:
        for error in errors:
            self.stderr.write(f"{error.pointer or file}: {error.message}")
        told = [f"Nothing was imported: {counted(len(errors), 'error')}."]
        if any("is not a setting" in error.message for error in errors):
            told.append("--ignore-unknown drops the keys that are no settings.")
        if any(error.pointer == "/sub" for error in errors):
            told.append("--adopt takes the file over.")
        raise CommandError(" ".join(told))


def read_file(name: str) -> bytes:
    """What a file holds; ``-`` is standard input.

    Raises:
        CommandError: If it cannot be read, or is too large to be settings.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise CommandError(f"There is no file {name}.") from None
    except IsADirectoryError:
        raise CommandError(f"{name} is a directory; name the file in it.") from None
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}.") from None
    if len(content) > MOST_BYTES:
        raise CommandError(f"{name} is larger than {MOST_BYTES:,} bytes: no settings file is.")
    return content
