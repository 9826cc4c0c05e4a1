"""Rewriting the stored documents of older versions in the current one.

Rule 1: a document as it is read does not change by it. So neither do its revision and its time,
    no runtime has anything to apply, and the log has nothing to say.
Rule 2: a document is made current without its row's lock, and written under it only if the row is
    still the one that was read: whoever saved it in between has made it current already. A save
    or a pause waits for some milliseconds at most.
Rule 3: what cannot be read, or is newer than this program, is left alone and told.
Rule 4: a batch is one transaction. Whatever ends the work, doing it again goes on with the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db import connection, transaction

from settings_app.errors import SettingsError
from settings_app.schema import CURRENT_VERSION
from settings_app.stored import made_current
from settings_app.upgrades import Note

BATCH_SIZE: Final = 100  # rows whose locks are held together

LOOK: Final = """
    SELECT id, username, sub, settings::text, settings_version, settings_revision
      FROM settings_app_user
     WHERE settings_version <> %s AND id > %s
     ORDER BY id
     LIMIT %s
"""
WRITE: Final = """
    UPDATE settings_app_user
       SET settings = %s::jsonb, settings_version = %s
     WHERE id = %s AND settings_version = %s AND settings_revision = %s
"""


class Row(NamedTuple):
    """A document as it is stored."""

    user_id: int
    username: str
    sub: str
    text: str
    version: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What became of one document, or would.

    Args:
        username: Whose it is.
        version: The one in which it was stored.
        notes: What was moved or dropped.
        problem: Why it was left alone; empty where it was not.
    """

    username: str
    version: int
    notes: tuple[Note, ...] = ()
    problem: str = ""


def rewrite_all(*, batch_size: int = BATCH_SIZE, dry_run: bool = False) -> Iterator[Rewrite]:
    """Make every stored document current, in order of the users' ids.

    Args:
        batch_size: How many are written in one transaction.
        dry_run: Only tell what would be done.

    Yields:
        One for each document that is not current, once its batch is committed. One that somebody
        saved meanwhile is told too: it is current.
    """
    last = 0
    while rows := _rows(after=last, batch_size=batch_size):
        last = rows[-1].user_id
        made = [_made_current(row) for row in rows]
        if not dry_run:
            with transaction.atomic():
                for row, (text, _) in zip(rows, made, strict=True):
                    if text is not None:
                        _write(row, text)
        yield from (told for _, told in made)


def _rows(*, after: int, batch_size: int) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [CURRENT_VERSION, after, batch_size])
        return [Row(*row) for row in cursor.fetchall()]


def _made_current(row: Row) -> tuple[str | None, Rewrite]:
    """The document to write, None where there is none, and what to tell of it."""
    try:
        upgraded = made_current(row.text, row.version, sub=row.sub)
    except SettingsError as exc:
        return None, Rewrite(username=row.username, version=row.version, problem=str(exc))
    text = json.dumps(upgraded.settings.to_document())
    return text, Rewrite(username=row.username, version=row.version, notes=upgraded.notes)


def _write(row: Row, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [text, CURRENT_VERSION, row.user_id, row.version, row.revision])
