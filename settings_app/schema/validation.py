"""From any JSON value to valid settings, or to errors that a person can act on.

Rule 1: a document is validated whole, from its JSON text, strictly: no text becomes a number.
Rule 2: a message names what is right; it never repeats a text from the document. A pointer shows
    the keys of the document, except one that looks like a secret: then it ends before that key.
Rule 3: the first kind of error found hides the later ones: what cannot be stored, secrets in the
    open, what has the wrong shape, broken rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings_app.documents import pointer, pointer_keys, unstorable
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import legacy
from settings_app.schema.document import Settings
from settings_app.schema.fields import PATTERN_MESSAGES, STORED
from settings_app.schema.rules import broken_rules
from settings_app.schema.secrecy import disguised_secrets, looks_secret
from settings_app.schema.tree import keys_at, nearest

MOST_ERRORS = 100

# Python writes whole numbers of up to 4,300 digits, which is a little more than this.
MOST_BITS = 14_000

MESSAGES: Final[dict[str, str]] = {
    "missing": "is required",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold at most {max_length}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


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
        most: How many errors are of interest; the others are counted in one more.
    """
    settings, errors = shaped(document, most=most)
    if settings is not None and (errors := list(broken_rules(settings))):
        return None, _cut(errors, most)
    return settings, errors


def shaped(document: Any, *, most: int | None = None) -> tuple[Settings | None, list[FieldError]]:
    """As :func:`inspect`, without the rules between fields: they may be broken."""
    if errors := unacceptable(document):
        return None, _cut(errors, most)
    try:
        return Settings.model_validate_json(json.dumps(document)), []
    except ValidationError as exc:  # before ValueError, of which it is one
        return None, _field_errors(exc, most)
    except ValueError:
        return None, _cut(list(_oversized(document, "")), most)


def unacceptable(document: Any) -> list[FieldError]:
    """What no document of any version may hold: what cannot be stored, and secrets."""
    errors = unstorable(document) or disguised_secrets(document)
    return [_discreet(error) for error in errors]


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


def _oversized(value: Any, at: str) -> Iterator[FieldError]:
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            yield FieldError(at, "must be a smaller number")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _oversized(member, at + pointer(key))
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _oversized(member, f"{at}/{index}")


def _discreet(error: FieldError) -> FieldError:
    """The error with a pointer that ends before the first key that looks like a secret."""
    keys = pointer_keys(error.pointer)
    for depth, key in enumerate(keys):
        if looks_secret(key, is_name=True):
            return FieldError(pointer(*keys[:depth]), error.message)
    return error


def _cut(errors: list[FieldError], most: int | None) -> list[FieldError]:
    if most is None or len(errors) <= most:
        return errors
    return [*errors[:most], FieldError("", f"has {len(errors) - most} more errors")]


def _details(exc: ValidationError) -> list[ErrorDetails]:
    # The input stays out: it may be a secret in the wrong place.
    details = exc.errors(include_url=False, include_input=False)
    # A list that is too short for its wrong items alone is not too short.
    parents = {error["loc"][:depth] for error in details for depth in range(len(error["loc"]))}
    return [one for one in details if one["type"] != "too_short" or one["loc"] not in parents]


def _field_errors(exc: ValidationError, most: int | None) -> list[FieldError]:
    # Cut before words are made of them: a hundred thousand unknown keys are compared with none.
    details = _details(exc)
    errors = [_discreet(_field_error(error)) for error in details[:most]]
    if len(details) > len(errors):
        errors.append(FieldError("", f"has {len(details) - len(errors)} more errors"))
    return errors


def _place(error: ErrorDetails) -> tuple[str, tuple[int | str, ...]]:
    """The kind of an error and its place; a key that a mapping must not have is unknown too."""
    kind, place = error["type"], error["loc"]
    if place and place[-1] == "[key]":
        return "extra_forbidden", place[:-1]
    return kind, place


def _field_error(error: ErrorDetails) -> FieldError:
    kind, place = _place(error)
    context = error.get("ctx", {})
    at = pointer(*place)
    if kind == "extra_forbidden":
        return FieldError(at, _unknown_key(place))
    if kind == "string_pattern_mismatch":
        return FieldError(at, PATTERN_MESSAGES[context["pattern"]])
    if kind in MESSAGES:
        return FieldError(at, MESSAGES[kind].format(**{k: _plain(v) for k, v in context.items()}))
    return FieldError(at, error["msg"])


def _plain(bound: Any) -> Any:
    """A bound as people write it: 100, not 100.0."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _unknown_key(place: tuple[int | str, ...]) -> str:
    key, older = str(place[-1]), legacy.keys_at(place[:-1])
    if key in older:
        return f"is not a setting any more: {older[key]}"
    near = nearest(key, [*keys_at(place[:-1]), *older])
    if near is None:
        return "is not a setting"
    if near in older:
        return f"is not a setting; the nearest is {near}, of older versions: {older[near]}"
    return f"is not a setting; the nearest is {near}"
