"""What a request about an import carries.

Rule 1: read strictly, and no refusal repeats what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, ValidationError

from control.api.alerts.bodies import REFUSED
from control.api.problems import INVALID_REQUEST
from control.api.symbols.import_answers import ApprovalBody, ImportBody
from control.symbols.parsing import Format
from settings_app.api.requests import JSON, json_body, raw_body
from settings_app.documents import pointer
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.problems import MALFORMED_JSON, Problem

CSV: Final = "text/csv"
PLAIN: Final = "text/plain"
Body = TypeVar("Body", bound=BaseModel)

RULES: Final = {
    "text": "must be text, the file; or send a list, or an object whose watchlist is one",
    "format": f"must be {' or '.join(Format)}; leave it out to have it found out",
    "approval": "must be text, the approval of a preview",
    "only": "must be a list of numbers of rows; leave it out for every row",
}


def file_in(request: HttpRequest, types: Sequence[str]) -> tuple[str | bytes, Format | None]:
    """The file that a request carries, and how it is written, where that is said.

    A body of JSON is the file itself, or an object with its text.

    Raises:
        Problem: If it carries something else.
    """
    body = raw_body(request, *types)
    if request.content_type != JSON:
        return body, Format.CSV if request.content_type == CSV else None
    try:
        value = json.loads(body)
    except json.JSONDecodeError as exc:
        members = {"line": exc.lineno, "column": exc.colno}
        detail = f"The body must be JSON: {exc.msg}. {REFUSED}"
        raise Problem(MALFORMED_JSON, detail, members=members) from None
    except (ValueError, RecursionError):
        return body, Format.JSON  # whoever reads the file says where it is wrong
    if not isinstance(value, dict) or "watchlist" in value:
        return body, Format.JSON
    wrapped = _read(ImportBody, value)
    return wrapped.text, wrapped.format


def approval_in(request: HttpRequest) -> ApprovalBody:
    """The approval that a request carries.

    Raises:
        Problem: If it carries something else.
    """
    try:
        return _read(ApprovalBody, json_body(request, JSON))
    except SettingsInvalid as exc:
        raise Problem(INVALID_REQUEST, REFUSED, errors=exc.errors) from None


def _read(shape: type[Body], value: object) -> Body:
    try:
        return shape.model_validate(value)
    except ValidationError as exc:
        keys = f"must be an object with {' and '.join(shape.model_fields)} and no other key"
        errors = [
            FieldError(pointer(name), RULES[name]) if name in RULES else FieldError("", keys)
            for name in dict.fromkeys(
                str(item["loc"][0]) if item["loc"] and item["type"] != "extra_forbidden" else ""
                for item in exc.errors(include_url=False, include_input=False)
            )
        ]
        raise Problem(INVALID_REQUEST, REFUSED, errors=errors) from None
