"""A user's document as it is stored, made current, and what may be stored in its place.

Rule 1: a document is only taken whole and valid: every section, and the rules between them.
Rule 2: a value that did not change is asked of no registry and no grant again: a time zone that
    was abolished holds up no other change, neither a patch beside it nor a whole document that
    has it still. A section that did not change is not searched again for secrets either.
Rule 3: what cannot be read stands in nobody's way: it is a ruin, which can be replaced whole.
Rule 4: nothing is written here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from pydantic import ValidationError

from settings_app.credentials import not_allowed
from settings_app.differences import changed_paths
from settings_app.documents import ABSENT, at, canonical, decode, pointer_keys
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import CURRENT_VERSION, Settings, parse_stored, validate
from settings_app.schema.rules import broken_rules
from settings_app.schema.validation import unacceptable
from settings_app.upgrades import Upgraded, upgrade

Document = dict[str, Any]

LOOK: Final = """
    SELECT username, sub, settings::text, settings_version, settings_revision
      FROM settings_app_user
     WHERE id = %s
"""
# Not the key: rows that point at the user (alerts) need not wait for a save.
LOCK: Final = LOOK + " FOR NO KEY UPDATE"

IN_RUINS: Final = (
    "the stored settings are damaged and cannot be changed in part: "
    "put or import a whole document, or reset them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A stored document, made current.

    Args:
        document: Every setting spelt out. Of a ruin, as it is stored if it has the current version,
            so that a part of it can be mended; else empty.
        settings: The same; None where what is stored is a ruin.
        is_stored: The row holds these very sections: they come from no upgrade and are no ruin.
    """

    user_id: int
    username: str
    sub: str
    revision: int
    document: Document
    settings: Settings | None
    is_stored: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that may be stored, in both forms."""

    settings: Settings
    document: Document


def made_current(text: str, version: int, *, sub: str) -> Upgraded:
    """What a row holds, as a current document: the only way to read one.

    Args:
        text: The column ``settings``. PostgreSQL takes more levels of nesting and more digits than
            Python or this program reads.
        version: The column ``settings_version``.
        sub: Whose row it is.

    Raises:
        SettingsInvalid: If it cannot be read: other hands than this program's wrote it.
        SettingsTooNew: If a newer program wrote it.
    """
    if version > CURRENT_VERSION:
        raise SettingsTooNew(version, known=CURRENT_VERSION)
    if version == CURRENT_VERSION:
        return Upgraded(settings=parse_stored(text), from_version=version, notes=())
    return upgrade(decode(text), sub=sub)


def current(user_id: int, *, lock: bool) -> Current:
    """What is stored of a user now.

    Args:
        lock: Hold the row until the transaction ends; other saves wait for it.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsTooNew: If a newer program stored the document.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK if lock else LOOK, [user_id])
        row = cursor.fetchone()
    if row is None:
        raise User.DoesNotExist(f"There is no user with the id {user_id}.")
    username, sub, text, version, revision = row
    settings: Settings | None = None
    with suppress(SettingsInvalid):
        settings = made_current(text, version, sub=sub).settings
    return Current(
        user_id=user_id,
        username=username,
        sub=sub,
        revision=revision,
        document=_ruin(text, version) if settings is None else settings.to_document(),
        settings=settings,
        is_stored=settings is not None and version == CURRENT_VERSION,
    )


def _ruin(text: str, version: int) -> Document:
    """As much of an unreadable document as a change could build on."""
    if version == CURRENT_VERSION:
        with suppress(SettingsInvalid):
            document: Document = decode(text)
            return document
    return {}


def check(document: Any, now: Current) -> Checked:
    """The document as it would be stored.

    Args:
        document: Whole, of the current version. Its sections may be those of ``now``.
        now: What it would replace.

    Raises:
        SettingsInvalid: With every field error.
    """
    checked = _quickly(document, now)
    if checked is None:
        settings = _validated(document, now)
        checked = Checked(settings, settings.to_document())
    settings = checked.settings
    if settings.sub != now.sub:
        raise SettingsInvalid([FieldError("/sub", "must be your own: it cannot be changed")])
    if errors := not_allowed(now.user_id, now.username, settings, now.settings):
        raise SettingsInvalid(errors)
    return checked


def _quickly(document: Any, now: Current) -> Checked | None:
    """What :func:`validate` would give; None where it must be asked, for words or for doubt.

    A section that an edit has left alone was parsed a moment ago: only the others are validated,
    and the rules between all of them.
    """
    if not (isinstance(document, dict) and now.is_stored and now.settings is not None):
        return None
    fresh = {
        key: value
        for key, value in document.items()
        if not _is_same(value, now.document.get(key, ABSENT))
    }
    if unacceptable(fresh):
        return None
    whose = {key: document[key] for key in ("version", "sub") if key in document}
    with suppress(ValidationError):
        part = Settings.model_validate_json(json.dumps({**whose, **fresh}))
        changed = [*fresh, *(key for key in now.document if key not in document)]
        settings = now.settings.model_copy(update={key: getattr(part, key) for key in changed})
        if not any(broken_rules(settings)):
            new = part.to_document()
            return Checked(settings, {**now.document, **{key: new[key] for key in changed}})
    return None


def _is_same(value: Any, before: Any) -> bool:
    # Most sections of a patched document are the very objects of the stored one.
    return value is before or (value == before and not changed_paths(value, before))


def _validated(document: Any, now: Current) -> Settings:
    """What :func:`validate` gives, had every registry all the values in it that are stored.

    Raises:
        SettingsInvalid: With every error about something that is not stored like that.
    """
    if not now.document and not (isinstance(document, dict) and "version" in document):
        raise SettingsInvalid([FieldError("", IN_RUINS)])
    try:
        return validate(document)
    except SettingsInvalid as exc:
        if now.settings is None or unacceptable(document):
            raise
        fresh = [error for error in exc.errors if not _is_of(now.document, error.pointer, document)]
        if fresh:
            raise SettingsInvalid(fresh) from None
    # As a stored document is read: all is asked of it but the registries.
    settings = parse_stored(json.dumps(document))
    if errors := list(broken_rules(settings)):
        raise SettingsInvalid(errors)
    return settings


def _is_of(stored: Document, path: str, document: Any) -> bool:
    """Whether a document has at a path what is stored there, in whichever row of a list."""
    value = at(document, path)
    before = _values_at(stored, pointer_keys(path))
    return value is not ABSENT and canonical(value) in map(canonical, before)


def _values_at(stored: Any, keys: Sequence[str]) -> Iterator[Any]:
    if not keys:
        yield stored
    elif isinstance(stored, list):
        for row in stored:
            yield from _values_at(row, keys[1:])
    elif isinstance(stored, dict) and keys[0] in stored:
        yield from _values_at(stored[keys[0]], keys[1:])
