"""From any JSON value to valid settings, or to errors that a person can act on.

Rule 1: a document is validated whole, from its JSON text, strictly: no text becomes a number.
Rule 2: a message names what is right; it never repeats a text from the document. A pointer shows
    the keys of the document, except one that looks like a secret or is as long as no setting's:
    then it ends before that key.
Rule 3: the first kind of error found hides the later ones: what cannot be stored, secrets in the
    open, what is larger than any settings, what has the wrong shape, broken rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings_app.documents import (
    MOST_ERRORS,
    Finding,
    find_unstorable,
    pointer,
    survey,
    told,
    unstorable,
)
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import legacy
from settings_app.schema.document import Settings
from settings_app.schema.fields import PATTERN_MESSAGES, STORED
from settings_app.schema.rules import broken_rules
from settings_app.schema.secrecy import find_secrets, looks_secret
from settings_app.schema.tree import MOST_LETTERS, keys_at, nearest
from settings_app.wording import wording

# Of all objects and lists together: full ones have 40,000. pydantic keeps half a kilobyte or more
# of every error, and a document of a megabyte has room for half a million.
MOST_VALUES = 50_000

# An object of so few keys names them all, where none of them resembles the one that is not.
FEW = 3
ALIKE = 0.5


def validate(document: Any) -> Settings:
    """Check a whole document of the current version.

    Args:
        document: What ``json.loads`` gives.

    Raises:
        SettingsInvalid: With every error, up to a hundred of them.
    """
    settings, errors = inspect(document, most=MOST_ERRORS)
    if settings is None:
        raise SettingsInvalid(errors)
    return settings


def inspect(document: Any, *, most: int | None = None) -> tuple[Settings | None, list[FieldError]]:
    """The settings, or every error of the first kind that a document has.

    Args:
        most: How many errors are told to people; the others are told of in one more. None is for
            a program: all of them, each with its exact place.
    """
    settings, errors = shaped(document, most=most)
    if settings is not None and (errors := list(broken_rules(settings))):
        return None, _cut(errors, most)
    return settings, errors


def shaped(document: Any, *, most: int | None = None) -> tuple[Settings | None, list[FieldError]]:
    """As :func:`inspect`, without the rules between fields: they may be broken."""
    if errors := _all_unacceptable(document) if most is None else unacceptable(document):
        return None, errors
    try:
        return Settings.model_validate_json(json.dumps(document)), []
    except ValidationError as exc:
        return None, _field_errors(exc, most)


def unacceptable(document: Any) -> list[FieldError]:
    """What no document of any version may hold, up to a hundred errors that people may read.

    That is what cannot be stored, secrets, and what is larger than any settings: pydantic repeats
    the keys around an error with each of them.
    """
    seen = survey(document)
    if not seen.is_storable:
        return unstorable(document)
    if errors := told(find_secrets(document), may_name=may_name):
        return errors
    if seen.longest_key > MOST_LETTERS:
        return told(_long_keys(document, ()), may_name=may_name)
    if seen.values > MOST_VALUES:
        return [FieldError("", f"must hold at most {MOST_VALUES:,} values")]
    return []


def may_name(key: str) -> bool:
    """Whether a pointer may repeat a key."""
    return len(key) <= MOST_LETTERS and not looks_secret(key, is_name=True)


def _all_unacceptable(document: Any) -> list[FieldError]:
    """What a program must remove before pydantic may see a document, with its exact places."""
    found = list(find_unstorable(document)) or list(find_secrets(document))
    found = found or list(_long_keys(document, ()))
    return [FieldError(pointer(*place), message) for place, message in found]


def _long_keys(value: Any, place: tuple[str | int, ...]) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, member in value.items():
            if len(key) > MOST_LETTERS:
                yield (*place, key), "is not a setting"
            else:
                yield from _long_keys(member, (*place, key))
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _long_keys(member, (*place, index))


def parse_stored(text: str | bytes) -> Settings:
    """Read a document of the current version that was validated before it was stored.

    Raises:
        SettingsInvalid: If something else than the services wrote it.
    """
    try:
        return Settings.model_validate_json(text, context=STORED)
    except ValidationError as exc:
        raise SettingsInvalid(_field_errors(exc, MOST_ERRORS)) from None


def unknown_keys(document: Any) -> list[str]:
    """JSON Pointers to every key of a document that no section knows, in document order.

    Args:
        document: What :func:`unacceptable` has nothing against.
    """
    try:
        Settings.model_validate_json(json.dumps(document))
    except ValidationError as exc:
        places = (_place(error) for error in _details(exc))
        return [pointer(*place) for kind, place in places if kind == "extra_forbidden"]
    return []


def _cut(errors: list[FieldError], most: int | None) -> list[FieldError]:
    if most is None or len(errors) <= most:
        return errors
    return [*errors[:most], FieldError("", f"has {len(errors) - most} more errors")]


def _details(exc: ValidationError) -> list[ErrorDetails]:
    # The input stays out: it may be a secret in the wrong place.
    details = exc.errors(include_url=False, include_input=False)
    # A list that is too short for its wrong items alone is not too short.
    short = {error["loc"] for error in details if error["type"] == "too_short"}
    if not short:
        return details
    parents = {error["loc"][:depth] for error in details for depth in range(len(error["loc"]))}
    return [one for one in details if one["type"] != "too_short" or one["loc"] not in parents]


def _field_errors(exc: ValidationError, most: int | None) -> list[FieldError]:
    # Cut before words are made of them: ten thousand unknown keys are compared with none.
    details = _details(exc)
    errors = told(map(_finding, details[:most]), may_name=may_name, most=None)
    if most is not None and len(details) > most:
        errors.append(FieldError("", f"has {len(details) - most} more errors"))
    return errors


def _place(error: ErrorDetails) -> tuple[str, tuple[int | str, ...]]:
    """The kind of an error and its place; a key that a mapping must not have is unknown too."""
    kind, place = error["type"], error["loc"]
    if place and place[-1] == "[key]":
        return "extra_forbidden", place[:-1]
    return kind, place


def _finding(error: ErrorDetails) -> Finding:
    kind, place = _place(error)
    if kind == "extra_forbidden":
        return place, _unknown_key(place)
    if kind == "string_pattern_mismatch":
        return place, PATTERN_MESSAGES[error["ctx"]["pattern"]]
    return place, wording(error)


def _unknown_key(place: tuple[int | str, ...]) -> str:
    key, older = str(place[-1]), legacy.keys_at(place[:-1])
    if key in older:
        return f"is not a setting any more: {older[key]}"
    known = keys_at(place[:-1])
    near = nearest(key, [*known, *older])
    if near is None:
        return "is not a setting"
    if len(known) <= FEW and SequenceMatcher(None, key, near).ratio() < ALIKE:
        return f"is not a setting; here stand {', '.join(known)}"
    if near in older:
        return f"is not a setting; the nearest is {near}, of older versions: {older[near]}"
    return f"is not a setting; the nearest is {near}"
