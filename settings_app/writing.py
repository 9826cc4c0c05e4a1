"""Saving a document: one transaction from the row's lock to the line in the log.

Rule 1: the row is locked before it is read, and what is written was validated whole under that
    lock. Two saves of one user follow each other.
Rule 2: the document, its revision and its line in the log are one statement. Of a document of the
    current version only the sections travel that changed; any other is written whole.
Rule 3: a save that changes nothing writes nothing and keeps the revision.
Rule 4: listeners are told after the commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any, Final

from django.db import connection, transaction

from settings_app import history, rebase, stored
from settings_app.differences import ABSENT, Difference, changed_paths, diff
from settings_app.documents import at
from settings_app.errors import FieldError, SettingsInvalid, StaleRevision
from settings_app.history import Logged
from settings_app.models import User
from settings_app.schema import CURRENT_VERSION, Settings
from settings_app.signals import settings_saved
from settings_app.stored import Checked, Current, Document
from settings_app.upgrades import Note

# DOCUMENT is what stands in its place; the line in the log follows (`history.RECORD`).
WRITE: Final = """
    WITH saved AS (
        UPDATE settings_app_user
           SET settings = DOCUMENT,
               settings_version = %s,
               settings_revision = %s,
               settings_updated_at = statement_timestamp()
         WHERE id = %s
    )
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A whole document that somebody wants stored, and what to tell them of its making."""

    document: Any
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody wants to become of a user's document.

    Args:
        make: From the current document, which it leaves alone, the wanted one; it may raise
            SettingsInvalid.
        is_whole: The wanted document does not come from the current one: it says nothing of which
            places its author has touched.
        grows: JSON Pointer to a list that gains a row, whatever rows it has.
        rows_of: JSON Pointer to a list of which the change means a row by its number. It is another
            row once somebody has saved that list.
    """

    make: Callable[[Current], Wanted]
    is_whole: bool = False
    grows: str | None = None
    rows_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a save did: nothing, where ``changed_paths`` is empty.

    Args:
        revision: The settings' revision now.
        document: The settings now.
        before: The document as it was, every setting spelt out; empty where it was not valid.
        changed_paths: JSON Pointers to what changed; a list counts as one value.
        notes: What an import moved or dropped.
        rebased_from: The older revision that the change was made on, if it was.
    """

    revision: int
    document: Settings
    before: Document = field(repr=False)
    changed_paths: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    rebased_from: int | None = None

    @cached_property
    def changes(self) -> tuple[Difference, ...]:
        """What changed, row by row; made when first asked for, outside the lock."""
        return diff(self.before, self.document.to_document()) if self.changed_paths else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a save would do, had it been one.

    Args:
        revision: The settings' revision, on which this is made.
        document: The settings as they would be; None where there are errors.
        errors: Why it would be refused.
        changes: What would change.
        notes: What an import would move or drop.
    """

    revision: int
    document: Settings | None
    errors: tuple[FieldError, ...] = ()
    changes: tuple[Difference, ...] = ()
    notes: tuple[Note, ...] = ()


def save(user_id: int, edit: Edit, *, by: User, base_revision: int | None, origin: str) -> Saved:
    """Write what ``edit`` makes of a user's settings.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsInvalid: With every field error; nothing was written.
        SettingsTooNew: If a newer program stored what would be replaced.
        StaleRevision: If a save since ``base_revision`` touched the same places.
    """
    with transaction.atomic():
        now = stored.current(user_id, lock=True)
        base = None if base_revision == now.revision else base_revision
        since = None if base is None else _Since.of(now, base)
        if since is not None and edit.rows_of is not None:
            since.refuse_conflicts([edit.rows_of])
        wanted = edit.make(now)
        checked = stored.check(wanted.document, now)
        if since is not None:
            checked = _rebased(now, edit, checked, since)
        paths = _write(now, checked.document, by=by, origin=origin)
    return Saved(
        revision=now.revision + bool(paths),
        document=checked.settings,
        before=_tellable(now),
        changed_paths=paths,
        notes=wanted.notes,
        rebased_from=base,
    )


def preview(user_id: int, edit: Edit) -> Preview:
    """What a save would do; nothing is locked or written.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsTooNew: If a newer program stored the settings, or made the document.
    """
    now = stored.current(user_id, lock=False)
    try:
        wanted = edit.make(now)
        checked = stored.check(wanted.document, now)
    except SettingsInvalid as exc:
        return Preview(revision=now.revision, document=None, errors=exc.errors)
    return Preview(
        revision=now.revision,
        document=checked.settings,
        changes=diff(_tellable(now), checked.document),
        notes=wanted.notes,
    )


@dataclass(frozen=True, slots=True)
class _Since:
    """What others have saved since a revision, and how to refuse on account of it."""

    saves: tuple[Logged, ...]
    refusal: Callable[..., StaleRevision]

    @classmethod
    def of(cls, now: Current, base: int) -> _Since:
        """What was saved since ``base``.

        Raises:
            StaleRevision: If the log does not have all of it.
        """
        saves = history.saves_since(now.user_id, base, now.revision)
        changes = [save.change for save in saves]
        refusal = partial(StaleRevision, base=base, current=now.revision, changes=changes)
        if not rebase.reaches_back(saves, base=base, current=now.revision):
            raise refusal()
        return cls(saves, refusal)

    def refuse_conflicts(self, own: Iterable[str]) -> None:
        """Let only a change pass whose own places nobody else has touched."""
        if conflicts := rebase.conflicts(own, self.saves):
            raise self.refusal(conflicts=conflicts)


def _rebased(now: Current, edit: Edit, checked: Checked, since: _Since) -> Checked:
    """The wanted document with what others have saved."""
    if now.settings is None:  # other hands wrote it: nothing of it can be merged
        raise since.refusal(conflicts=("",))
    if edit.is_whole:
        digest = partial(history.digest, now.user_id)
        merged = rebase.merge(checked.document, now.document, since.saves, digest)
        if merged.conflicts:
            raise since.refusal(conflicts=merged.conflicts, offered=merged.document)
        return stored.check(merged.document, now)
    touched = changed_paths(now.document, checked.document)
    since.refuse_conflicts(path for path in touched if path != edit.grows)
    return checked


def _write(now: Current, after: Document, *, by: User, origin: str) -> tuple[str, ...]:
    """Store the document if it is another one; what changed."""
    # Of a ruin, what is equal to Python need not be so to the schema: 50.0 is no whole number.
    sections = tuple(
        key
        for key in {**now.document, **after}
        if now.settings is None or _differs(key, now.document, after)
    )
    before = {key: now.document[key] for key in sections if key in now.document}
    paths = changed_paths(before, {key: after[key] for key in sections if key in after})
    if not paths:
        return paths
    if now.settings is None:
        paths = ("",)  # the keys of a ruin are anybody's, and may be secrets
    revision = now.revision + 1
    changed = sections if now.is_stored else ()
    values = [text for key in changed for text in (f"{{{key}}}", json.dumps(after[key]))]
    log = history.values_to_record(
        now.user_id,
        now.username,
        by=by,
        revision=revision,
        before=[(path, at(before, path)) for path in paths],
        origin=origin,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(len(changed)),
            [*(values or [json.dumps(after)]), CURRENT_VERSION, revision, now.user_id, *log],
        )
    _announce(now, revision, origin)
    return paths


def _tellable(now: Current) -> Document:
    """The document as it was, for people; nothing of a ruin."""
    return now.document if now.settings is not None else {}


def _differs(section: str, before: Document, after: Document) -> bool:
    return bool(before.get(section, ABSENT) != after.get(section, ABSENT))


@cache
def _statement(sections: int) -> str:
    """The statement that saves so many sections; none: the whole document."""
    document = "%s::jsonb"
    if sections:
        document = "jsonb_set(" * sections + "settings" + ", %s, %s::jsonb, true)" * sections
    return WRITE.replace("DOCUMENT", document) + history.RECORD


def _announce(now: Current, revision: int, origin: str) -> None:
    transaction.on_commit(
        partial(
            settings_saved.send_robust,  # whoever listens: what is saved stays saved
            sender=User,
            user_id=now.user_id,
            sub=now.sub,
            revision=revision,
            origin=origin,
        )
    )
