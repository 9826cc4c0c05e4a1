"""Settings as files: what an export holds, and what an import takes.

Rule 1: pure: documents in, documents out.
Rule 2: export → import is lossless: the ``settings`` of both have the same canonical text.
Rule 3: a file is taken whole or not at all. What its upgrade moved or dropped is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from settings_app import upgrades
from settings_app.documents import ABSENT, MOST_ERRORS, pointer_keys, unstorable
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import Settings, unknown_keys
from settings_app.upgrades import Note

EXPORT_VERSION: Final = 1
ENVELOPE: Final = ("exportedAt", "exportVersion", "settings")


@dataclass(frozen=True, slots=True)
class Taken:
    """A document of the current version out of a file, not yet validated.

    Args:
        notes: What was moved, dropped or replaced on the way.
    """

    document: dict[str, Any]
    notes: tuple[Note, ...]


def envelope(settings: Settings, *, at: datetime) -> dict[str, Any]:
    """What an export holds.

    Args:
        at: When it is made.
    """
    made = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = settings.to_document()
    ordered = {key: document[key] for key in sorted(document)}
    return {"exportedAt": made, "exportVersion": EXPORT_VERSION, "settings": ordered}


def opened(file: Any) -> Any:
    """The settings in a file: out of an export, or as they are where there is no envelope.

    Raises:
        SettingsInvalid: If the envelope is of another version or is damaged.
    """
    if not isinstance(file, Mapping) or "exportVersion" not in file:
        return file
    version = file["exportVersion"]
    if isinstance(version, bool) or version != EXPORT_VERSION:
        message = f"must be {EXPORT_VERSION}: another program, or a newer one, made this export"
        raise SettingsInvalid([FieldError("/exportVersion", message)])
    if "settings" not in file:
        raise SettingsInvalid([FieldError("/settings", "is required in an export")])
    if unknown := [key for key in file if key not in ENVELOPE]:
        message = f"must hold nothing but {', '.join(ENVELOPE)}, and holds {len(unknown)} more"
        raise SettingsInvalid([FieldError("", message)])
    return file["settings"]


def take(file: Any, *, sub: str, adopt: bool, ignore_unknown: bool) -> Taken:
    """Make what a file holds a document of the current version.

    Args:
        file: An export, or a bare document of any version.
        sub: Whose document it becomes.
        adopt: Take it also where it has somebody else's identity.
        ignore_unknown: Drop keys that are no settings; a hundred of them are noted.

    Raises:
        SettingsInvalid: If it is no document, or somebody else's.
        SettingsTooNew: If a newer program made it.
    """
    document = opened(file)
    if errors := unstorable(document):  # before anything descends into it
        raise SettingsInvalid(errors)
    converted = upgrades.convert(document)
    notes = list(converted.notes)
    taken: dict[str, Any] = {**converted.document}
    if taken.get("sub", sub) != sub:
        if not adopt:
            message = "is somebody else's: adopt the document, or leave the identity out"
            raise SettingsInvalid([FieldError("/sub", message)])
        notes.append(Note("/sub", "replaced: the file had another identity"))
    taken["sub"] = sub
    if ignore_unknown:
        taken = _without_unknown(taken, notes)
    return Taken(taken, tuple(notes))


def _without_unknown(document: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """The document, which is changed, without its unknown keys; the first hundred are noted."""
    dropped = [place for place in unknown_keys(document) if _drop(document, pointer_keys(place))]
    notes += [Note(place, "dropped: it is not a setting") for place in dropped[:MOST_ERRORS]]
    if len(dropped) > MOST_ERRORS:
        notes.append(Note("", f"{len(dropped) - MOST_ERRORS} more keys were dropped"))
    return document


def _drop(document: dict[str, Any], keys: list[str]) -> bool:
    """Remove a member in place; False if it went with an object around it."""
    parent: Any = document
    for key in keys[:-1]:
        if isinstance(parent, dict) and key not in parent:
            return False
        parent = parent[int(key)] if isinstance(parent, list) else parent[key]
    return parent.pop(keys[-1], ABSENT) is not ABSENT
