"""What pydantic found wrong, as a rule that a person can follow.

One table for the settings and for the wire: the same mistake reads the same wherever it is made.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import ErrorDetails

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
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold at most {max_length}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "extra_forbidden": "is not a key that is known here",
}


def wording(error: ErrorDetails) -> str:
    """One error in words that name what is right, without repeating what was given."""
    if (kind := error["type"]) not in MESSAGES:
        return error["msg"].removeprefix("Value error, ")
    context = error.get("ctx", {})
    return MESSAGES[kind].format(**{key: _plain(bound) for key, bound in context.items()})


def _plain(bound: Any) -> Any:
    """A bound as people write it: 100, not 100.0."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound
