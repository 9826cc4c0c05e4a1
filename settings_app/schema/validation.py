"""From any JSON value to valid settings, or to errors that a person can act on.

Rule 1: a document is validated whole, from its JSON text, strictly: no text becomes a number.
Rule 2: a message names what is right; it never repeats a text from the document, except the
    unknown key itself, which the pointer shows anyway.
"""

from __future__ import annotations

import difflib
import json
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings_app.documents import pointer, unstorable
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema.document import Settings
from settings_app.schema.fields import PATTERN_MESSAGES, Section
from settings_app.schema.rules import broken_rules

MOST_ERRORS = 100

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

# Keys of older versions that have a successor under another name.
SUCCESSORS: Final[dict[str, str]] = {
    "symbols": "watchlist",
    "sparse_symbols": "watchlist",
    "scanner_to_maintain_symbols_enabled": "scanner.enabled",
    "scanner_exchange": "scanner.exchange",
    "notification_preferences": "notifications",
    "discord_integration": "notifications.discord",
}


def validate(document: Any) -> Settings:
    """Check a whole document of the current version.

    Args:
        document: What ``json.loads`` gives.

    Raises:
        SettingsInvalid: With every error, up to a hundred of them.
    """
    settings, errors = inspect(document)
    if settings is None:
        if len(errors) > MOST_ERRORS:
            more = FieldError("", f"has {len(errors) - MOST_ERRORS} more errors")
            errors = [*errors[:MOST_ERRORS], more]
        raise SettingsInvalid(errors)
    return settings


def inspect(document: Any) -> tuple[Settings | None, list[FieldError]]:
    """The settings, or every error of the first kind that a document has.

    What cannot be stored hides what has the wrong shape, and that hides broken rules.
    """
    if errors := unstorable(document):
        return None, errors
    try:
        settings = Settings.model_validate_json(json.dumps(document))
    except ValidationError as exc:
        return None, _field_errors(exc)
    if errors := list(broken_rules(settings)):
        return None, errors
    return settings, []


def parse_stored(text: str | bytes) -> Settings:
    """Read a document of the current version that was validated before it was stored.

    Raises:
        SettingsInvalid: If something else than the services wrote it.
    """
    try:
        return Settings.model_validate_json(text)
    except ValidationError as exc:
        raise SettingsInvalid(_field_errors(exc)) from None


def _field_errors(exc: ValidationError) -> list[FieldError]:
    # The input stays out: it may be a secret in the wrong place.
    return [_field_error(error) for error in exc.errors(include_url=False, include_input=False)]


def _field_error(error: ErrorDetails) -> FieldError:
    kind, place, context = error["type"], error["loc"], error.get("ctx", {})
    if place and place[-1] == "[key]":
        kind, place = "extra_forbidden", place[:-1]
    at = pointer(*place)
    if kind == "extra_forbidden":
        return FieldError(at, _unknown_key(place))
    if kind == "string_pattern_mismatch":
        return FieldError(at, PATTERN_MESSAGES[context["pattern"]])
    if kind in MESSAGES:
        return FieldError(at, MESSAGES[kind].format(**context))
    return FieldError(at, error["msg"])


def _unknown_key(place: tuple[int | str, ...]) -> str:
    key = str(place[-1])
    if key in SUCCESSORS:
        return f"is not a setting any more: see {SUCCESSORS[key]}"
    known = _keys_at(place[:-1])
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return f"is not a setting; the nearest is {near[0]}" if near else "is not a setting"


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The keys that an object at this place of the document may have."""
    kind: Any = Settings
    for key in place:
        kind = _member(_plain(kind), key)
    kind = _plain(kind)
    if get_origin(kind) is dict:
        return [str(name) for name in get_args(get_args(kind)[0])]
    fields = kind.model_fields if _is_section(kind) else {}
    return [field.alias or name for name, field in fields.items()]


def _member(kind: Any, key: int | str) -> Any:
    if _is_section(kind):
        for name, field in kind.model_fields.items():
            if key == (field.alias or name):
                return field.annotation
    arguments = get_args(kind)
    return arguments[1] if get_origin(kind) is dict else arguments[0]


def _plain(kind: Any) -> Any:
    """A type without its annotations and without its "or nothing"."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if type(None) in get_args(kind):
        return _plain(next(one for one in get_args(kind) if one is not type(None)))
    return kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
