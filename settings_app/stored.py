"""A user's document as it is stored, made current, and what may be stored in its place.

Rule 1: a document is only taken whole and valid: every section, and the rules between them.
Rule 2: what did not change is not searched again for secrets, nor asked of registries again: a
    time zone that was abolished, or a grant that was withdrawn, holds up no other change.
Rule 3: nothing is written here.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from pydantic import ValidationError

from settings_app.credentials import not_allowed
from settings_app.documents import ABSENT
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.models import User
from settings_app.schema import CURRENT_VERSION, Settings, parse_stored, validate
from settings_app.schema.rules import broken_rules
from settings_app.schema.validation import unacceptable
from settings_app.upgrades import upgrade

Document = dict[str, Any]

LOOK: Final = """
    SELECT username, sub, settings::text, settings_version, settings_revision
      FROM settings_app_user
     WHERE id = %s
"""
# Not the key: rows that point at the user (alerts) need not wait for a save.
LOCK: Final = LOOK + " FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A stored document, made current.

    Args:
        document: Every setting spelt out; as it is stored where that is not valid.
        settings: The same; None where it is not valid.
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
    settings: Settings | None
    if version == CURRENT_VERSION:
        try:
            settings = parse_stored(text)
        except SettingsInvalid:  # other hands wrote it: it can still be replaced
            settings = None
    else:
        settings = upgrade(json.loads(text), sub=sub).settings
    return Current(
        user_id=user_id,
        username=username,
        sub=sub,
        revision=revision,
        document=json.loads(text) if settings is None else settings.to_document(),
        settings=settings,
        is_stored=settings is not None and version == CURRENT_VERSION,
    )


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
        settings = validate(document)
        checked = Checked(settings, settings.to_document())
    settings = checked.settings
    if settings.sub != now.sub:
        raise SettingsInvalid([FieldError("/sub", "must be your own: it cannot be changed")])
    if errors := not_allowed(now.user_id, now.username, settings, now.settings):
        raise SettingsInvalid(errors)
    return checked


def _quickly(document: Any, now: Current) -> Checked | None:
    """What :func:`validate` would give; None where it must be asked, for words or for doubt.

    A section that an edit has left alone is the very object of the stored document, and was parsed
    a moment ago: only the others are validated, and the rules between all of them.
    """
    if not (isinstance(document, dict) and now.is_stored and now.settings is not None):
        return None
    fresh = {
        key: value for key, value in document.items() if value is not now.document.get(key, ABSENT)
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
