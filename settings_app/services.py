"""Reading and writing a user's settings: the only way to them.

Rule 1: what is read is a valid current document, whatever version is stored. Reading writes
    nothing.
Rule 2: every write is one `settings_app.writing.save`; here is only what each of them wants.
Rule 3: every writer has a preview that does the same without writing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from settings_app import interchange, writing
from settings_app.documents import merge_patch, pointer, pointer_keys, set_at, unstorable
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.models import User
from settings_app.schema import CURRENT_VERSION, Settings, default_document
from settings_app.schema.secrecy import IN_PATH, looks_secret
from settings_app.stored import Current, Document, made_current
from settings_app.upgrades import Note
from settings_app.writing import Edit, Preview, Saved, Wanted

__all__ = [
    "SECTIONS",
    "Preview",
    "Saved",
    "Stored",
    "change",
    "default_document",
    "export",
    "load",
    "patch",
    "preview_load",
    "preview_patch",
    "preview_replace",
    "read",
    "replace",
    "reset",
    "set_value",
]

SECTIONS: Final = tuple(key for key in Settings.model_fields if key not in {"version", "sub"})

# The text: PostgreSQL's JSON goes to the validator without a detour over Python.
READ: Final = """
    SELECT sub, settings::text, settings_version, settings_revision, settings_updated_at
      FROM settings_app_user
     WHERE id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A user's settings as of one revision.

    Args:
        version: The version in which they are stored, which may be an older one.
        notes: What upgrading them on this read moved or dropped.
    """

    user_id: int
    sub: str
    document: Settings
    version: int
    revision: int
    updated_at: datetime
    notes: tuple[Note, ...] = ()


def read(user_id: int) -> Stored:
    """A user's settings, made current.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsTooNew: If a newer program stored them.
        SettingsInvalid: If something else than this module stored them.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, [user_id])
        row = cursor.fetchone()
    if row is None:
        raise User.DoesNotExist(f"There is no user with the id {user_id}.")
    sub, text, version, revision, updated_at = row
    upgraded = made_current(text, version, sub=sub)
    return Stored(
        user_id=user_id,
        sub=sub,
        document=upgraded.settings,
        version=version,
        revision=revision,
        updated_at=updated_at,
        notes=upgraded.notes,
    )


# ---------------------------------------------------------------------- writing
def replace(
    user_id: int,
    document: Any,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Save a whole document of the current version.

    Args:
        document: What ``json.loads`` gives. A setting that it leaves out gets its default.
        by: Who saves; the log names them.
        base_revision: The revision that the change was made on; None saves regardless. What was
            saved since and is not touched by this change stays.
        origin: Where the change comes from, for the log and the listeners.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsInvalid: With every field error; nothing was written.
        SettingsTooNew: If a newer program stored what would be replaced.
        StaleRevision: If a save since ``base_revision`` touched the same places.
    """
    edit = _replacement(document)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


def patch(
    user_id: int,
    changes: Any,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Save a merge patch (RFC 7396): objects merge, null resets a setting to its default.

    Args and Raises are those of :func:`replace`.
    """
    edit = _merge(changes)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


def set_value(
    user_id: int,
    path: str,
    value: Any,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Save one value.

    Args:
        path: JSON Pointer to it; ``/watchlist/-`` adds a row to whatever list is stored.
        value: None resets a setting to its default and removes a row.

    The other Args and Raises are those of :func:`replace`.
    """
    edit = _value(path, value)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


def change(
    user_id: int,
    make: Callable[[Document], Document],
    *,
    by: User,
    base_revision: int | None = None,
    rows_of: str | None = None,
    origin: str = "admin",
) -> Saved:
    """Save what ``make`` gives for the current document, which it must leave as it is.

    It is called under the row's lock: whatever it finds there is what is replaced.

    Args:
        rows_of: JSON Pointer to a list of which ``make`` means rows by their numbers: none of
            them may have been saved since ``base_revision``.

    The other Args and Raises are those of :func:`replace`; what ``make`` raises goes on, and then
    nothing was written.
    """
    edit = Edit(lambda current: Wanted(make(current.document)), rows_of=rows_of)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


def reset(
    user_id: int,
    section: str | None = None,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Give settings their defaults again; the identity stays.

    Args:
        section: One of :data:`SECTIONS`; None resets all of them.

    The other Args and Raises are those of :func:`replace`.
    """
    edit = _defaults(section)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


def load(
    user_id: int,
    document: Any,
    *,
    by: User,
    adopt: bool = False,
    ignore_unknown: bool = False,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Import a whole document.

    Args:
        document: What `documents.decode` gives: an export, or a bare document of any version.
        adopt: Take over a document that has somebody else's identity.
        ignore_unknown: Drop keys that are no settings; a hundred of them are noted.

    The other Args and Raises are those of :func:`replace`.
    """
    edit = _import(document, adopt=adopt, ignore_unknown=ignore_unknown)
    return writing.save(user_id, edit, by=by, base_revision=base_revision, origin=origin)


# ---------------------------------------------------------------------- previews
def preview_replace(user_id: int, document: Any, *, by: User) -> Preview:
    """What :func:`replace` would do.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsTooNew: If a newer program stored the settings, or made the document.
    """
    return writing.preview(user_id, _replacement(document))


def preview_patch(user_id: int, changes: Any, *, by: User) -> Preview:
    """What :func:`patch` would do; Raises are those of :func:`preview_replace`."""
    return writing.preview(user_id, _merge(changes))


def preview_load(
    user_id: int, document: Any, *, by: User, adopt: bool = False, ignore_unknown: bool = False
) -> Preview:
    """What :func:`load` would do; Raises are those of :func:`preview_replace`."""
    return writing.preview(user_id, _import(document, adopt=adopt, ignore_unknown=ignore_unknown))


# ---------------------------------------------------------------------- export
def export(user_id: int) -> Document:
    """A user's settings as a file to keep: :func:`load` takes it back without a loss.

    Raises are those of :func:`read`.
    """
    return interchange.envelope(read(user_id).document, at=timezone.now())


# ---------------------------------------------------------------------- what each writer wants
def _replacement(document: Any) -> Edit:
    return Edit(lambda _: Wanted(document), is_whole=True)


def _merge(changes: Any) -> Edit:
    def make(current: Current) -> Wanted:
        if errors := unstorable(changes):  # before anything descends into it
            raise SettingsInvalid(errors)
        return Wanted(merge_patch(current.document, changes))

    return Edit(make)


def _value(path: str, value: Any) -> Edit:
    def make(current: Current) -> Wanted:
        # Its slashes would make keys of it, none of which looks like a secret.
        if looks_secret(path, is_name=True):
            raise SettingsInvalid([FieldError("", IN_PATH)])
        if not path:
            raise SettingsInvalid([FieldError("", "the path must name a setting")])
        return Wanted(set_at(current.document, path, value))

    grows = path.removesuffix("/-") if path.endswith("/-") else None
    return Edit(make, grows=grows, rows_of=_rows_of(path))


def _rows_of(path: str) -> str | None:
    """The outermost list of which a JSON Pointer means a row by its number."""
    keys = pointer_keys(path)
    number = next((index for index, key in enumerate(keys) if key.isdecimal()), None)
    return None if number is None else pointer(*keys[:number])


def _defaults(section: str | None) -> Edit:
    def make(current: Current) -> Wanted:
        if section is None:
            return Wanted({"version": CURRENT_VERSION, "sub": current.sub})
        if section in SECTIONS:
            return Wanted(merge_patch(current.document, {section: None}))
        near = difflib.get_close_matches(section, SECTIONS, n=1, cutoff=0.0)
        raise SettingsInvalid([FieldError("", f"has no such section; the nearest is {near[0]}")])

    return Edit(make)


def _import(document: Any, *, adopt: bool, ignore_unknown: bool) -> Edit:
    def make(current: Current) -> Wanted:
        taken = interchange.take(
            document, sub=current.sub, adopt=adopt, ignore_unknown=ignore_unknown
        )
        return Wanted(taken.document, taken.notes)

    return Edit(make, is_whole=True)
