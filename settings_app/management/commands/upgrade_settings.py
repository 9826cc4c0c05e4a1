"""``manage.py upgrade_settings``: rewrite every stored document in the current version.

Reading upgrades by itself, so this is never urgent; it may run beside web processes and workers,
and again. The log says nothing of it: the documents as they are read stay the same.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from settings_app.reporting import counted
from settings_app.rewriting import BATCH_SIZE, rewrite_all
from settings_app.schema import CURRENT_VERSION

MOST_NOTES: Final = 50
EACH_USER: Final = 2  # of --verbosity


class Command(BaseCommand):
    """Says what was moved or dropped; exits 1 if it had to leave a document alone."""

    help = "Rewrite the settings that are stored in an older version in the current one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what it would do, only.")
        parser.add_argument(
            "--batch-size",
            type=_positive,
            default=BATCH_SIZE,
            metavar="ROWS",
            help="How many to write in one transaction (default: %(default)s).",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        versions: Counter[int] = Counter()
        notes: Counter[str] = Counter()
        left_alone = 0
        for rewrite in rewrite_all(batch_size=options["batch_size"], dry_run=options["dry_run"]):
            if rewrite.problem:
                left_alone += 1
                self.stderr.write(f"{rewrite.username}: left alone. {rewrite.problem}")
                continue
            versions[rewrite.version] += 1
            notes.update(map(str, rewrite.notes))
            if options["verbosity"] >= EACH_USER:
                self.stdout.write(f"{rewrite.username}: version {rewrite.version}")
                self._list([str(note) for note in rewrite.notes])
        self._summarise(versions, notes, is_dry=options["dry_run"])
        if left_alone:
            self.stderr.write(f"Left alone: {counted(left_alone, 'document')}.")
            sys.exit(1)

    def _summarise(self, versions: Counter[int], notes: Counter[str], *, is_dry: bool) -> None:
        if not versions:
            self.stdout.write(f"Nothing to rewrite in version {CURRENT_VERSION}.")
            return
        self.stdout.write("Would be rewritten:" if is_dry else "Rewritten:")
        self._list(
            [
                f"{counted(versions[version], 'document')} of version {version}"
                for version in sorted(versions)
            ]
        )
        if notes:
            self.stdout.write("Would be moved or dropped:" if is_dry else "Moved or dropped:")
            self._list([f"{note} ({count:,} ×)" for note, count in notes.most_common(MOST_NOTES)])
        if len(notes) > MOST_NOTES:
            more = len(notes) - MOST_NOTES
            self.stdout.write(f"  and {more:,} other things; --verbosity 2 tells each user's")

    def _list(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(f"  {line}")


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
