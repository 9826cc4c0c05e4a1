"""What a request says: its query, its body, its conditions; all of it read strictly.

Rule 1: a parameter that does not exist is refused: a misspelt ``dryRun`` must not save.
Rule 2: a body is read up to its limit, whatever its length claims, and goes to
    `documents.decode`, which loses nothing of it.
Rule 3: a refusal never repeats what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from django.http import HttpRequest

from settings_app import documents
from settings_app.api.access import user_of
from settings_app.conditions import Tags, parse_tags
from settings_app.errors import SettingsInvalid
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
)
from settings_app.schema import nearest

MOST_BYTES: Final = 1024 * 1024  # of a body; the largest valid document has a fifth of it

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"  # RFC 7396

A_MOMENT: Final = "2026-11-28T09:30:00Z"

_UNESCAPED_PLUS: Final = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


# ---------------------------------------------------------------------- the query
@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query.

    Args:
        description: What it does.
        is_flag: It is ``true`` or ``false``, else a text.
        bounds: It is a number from the one to the other; whole, where they are.
        choices: It is one of these words.
        is_moment: It is a time with its zone.
    """

    name: str
    description: str
    is_flag: bool = False
    bounds: tuple[int, int] | tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    is_moment: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return self.bounds is not None and all(isinstance(bound, int) for bound in self.bounds)


class Query:
    """The query of a request, of which every parameter is known and given once."""

    def __init__(self, request: HttpRequest, *known: Parameter) -> None:
        """Read it.

        Raises:
            Problem: If it holds a parameter that is not known, or one twice.
        """
        names = [parameter.name for parameter in known]
        for name, values in request.GET.lists():
            if name not in names:
                _refuse(f"This address has no such parameter. {_way_out(name, names)}")
            if len(values) > 1:
                _refuse(f"The parameter {name} must be given once.")
        self._values = {name: request.GET[name] for name in request.GET}

    def flag(self, parameter: Parameter) -> bool:
        """Whether a flag is set; it is not where it is left out."""
        value = self._values.get(parameter.name, "false")
        if value not in {"true", "false"}:
            _refuse(f"The parameter {parameter.name} must be true or false.")
        return value == "true"

    def text(self, parameter: Parameter) -> str | None:
        """The value, one of its words where it has some; None where it is left out."""
        value = self._values.get(parameter.name)
        if value is not None and parameter.choices and value not in parameter.choices:
            words = " or ".join(parameter.choices)
            _refuse(f"The parameter {parameter.name} must be {words}.")
        if value is not None and "\0" in value:  # PostgreSQL has no such letter
            _refuse(f"The parameter {parameter.name} must be text without NUL.")
        return value

    def moment(self, parameter: Parameter) -> datetime | None:
        """A time with its zone; None where it is left out."""
        value = self._values.get(parameter.name)
        moment = None if value is None else _moment(value)
        if value is not None and moment is None:
            _refuse(f"The parameter {parameter.name} must be a time with its zone: {A_MOMENT}.")
        return moment

    def number(self, parameter: Parameter) -> float | None:
        """A number within its bounds; None where it is left out."""
        value = self._values.get(parameter.name)
        if value is None or parameter.bounds is None:
            return None
        least, most = parameter.bounds
        pattern = _WHOLE if parameter.is_whole else _DECIMAL
        if pattern.fullmatch(value) is None or not least <= float(value) <= most:
            kind = "a whole number" if parameter.is_whole else "a number"
            _refuse(f"The parameter {parameter.name} must be {kind} from {least} to {most}.")
        return float(value)


def _moment(text: str) -> datetime | None:
    with suppress(ValueError, OverflowError):
        # A plus that was not escaped arrives as a blank.
        moment = datetime.fromisoformat(_UNESCAPED_PLUS.sub("+", text))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    return None


def _way_out(name: str, known: Sequence[str]) -> str:
    if not known:
        return "It has none."
    near = nearest(name, known)
    return f"It has {' and '.join(known)}." if near is None else f"The nearest is {near}."


# ---------------------------------------------------------------------- the body
def json_body(request: HttpRequest, *types: str) -> Any:
    """The JSON value that a request carries.

    Args:
        types: The media types that it may have here.

    Raises:
        Problem: If it has another type, is too large, or is no JSON.
        SettingsInvalid: If it is JSON that no document can be, as with a key that stands twice.
    """
    _check_type(request, types)
    text = _read(request)
    try:
        return documents.decode(text)
    except SettingsInvalid as exc:
        if _is_json(text):
            raise
        raise _not_json(text, exc) from None


def raw_body(request: HttpRequest, *types: str) -> bytes:
    """What a request carries, as it came.

    Args:
        types: The media types that it may have here.

    Raises:
        Problem: If it has another type, or is too large.
    """
    _check_type(request, types)
    return _read(request)


def no_body(request: HttpRequest) -> None:
    """Make sure that a request carries nothing.

    Raises:
        Problem: If it does: what somebody sends must not be ignored.
    """
    if _claimed_length(request) or request.read(1):
        _refuse("This address takes no body.")


def _check_type(request: HttpRequest, types: Sequence[str]) -> None:
    # Charset is no parameter of JSON (RFC 8259, section 11); where it is given, it must be true.
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type not in types or charset != "utf-8":
        accepted = " or ".join(types)
        header = "Accept-Patch" if request.method == "PATCH" else "Accept"
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            f"Send Content-Type: {accepted}, in UTF-8.",
            headers={header: ", ".join(types)},
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            "Send the body as it is, without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )


def _read(request: HttpRequest) -> bytes:
    text = b"" if _claimed_length(request) > MOST_BYTES else request.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES or _claimed_length(request) > MOST_BYTES:
        raise Problem(TOO_LARGE, f"The body must have at most {MOST_BYTES} bytes.")
    return text


def _claimed_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        _refuse("Content-Length must be a whole number.")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _not_json(text: bytes, exc: SettingsInvalid) -> Problem:
    members = {}
    try:
        json.loads(text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        members = {"line": error.lineno, "column": error.colno}
    except (ValueError, RecursionError):
        pass  # not UTF-8, a number with thousands of digits, nested too deep: no place to tell
    detail = f"The body {exc.errors[0].message}."
    return Problem(MALFORMED_JSON, detail, errors=exc.errors, members=members)


# ---------------------------------------------------------------------- the conditions
def base_revision(request: HttpRequest, *, is_required: bool = False) -> int | None:
    """The revision that a change was made on; None where the caller overwrites whatever is there.

    Several tags in ``If-Match`` mean "one of these": the stored revision where it is among them,
    else the oldest, so that nothing which was saved since can be overwritten.

    Args:
        is_required: ``If-Match`` must be there.

    Raises:
        Problem: If a condition is missing, malformed, or cannot hold.
    """
    if "If-Unmodified-Since" in request.headers:
        _refuse("Use If-Match: a date cannot tell two saves of one second apart.")
    unless = _tags(request, "If-None-Match")
    if unless is not None and (unless.is_any or unless.matches_weakly(_stored_revision(request))):
        raise Problem(PRECONDITION_FAILED, "The settings exist, with a tag of If-None-Match.")
    tags = _tags(request, "If-Match")
    if tags is None:
        if is_required:
            raise Problem(
                PRECONDITION_REQUIRED,
                "Send If-Match with the ETag of the settings that were edited, or * to overwrite "
                "whatever is there.",
            )
        return None
    return None if tags.is_any else _base_of(tags, request)


def is_known(request: HttpRequest, revision: int) -> bool:
    """Whether the caller of a read has this revision already (304).

    Raises:
        Problem: If a condition is malformed, or ``If-Match`` does not hold.
    """
    wanted = _tags(request, "If-Match")
    if wanted and not wanted.is_any and revision not in wanted.strong_revisions:
        raise Problem(PRECONDITION_FAILED, "The settings have none of the tags of If-Match.")
    known = _tags(request, "If-None-Match")
    return known is not None and known.matches_weakly(revision)


def _base_of(tags: Tags, request: HttpRequest) -> int:
    revisions = tags.strong_revisions
    if not revisions:
        raise Problem(
            PRECONDITION_FAILED,
            "The settings never had a tag of If-Match: send the ETag of GET /api/settings as it "
            'is, such as "7". Weak tags never match.',
        )
    if len(revisions) == 1:
        return revisions[0]
    current = _stored_revision(request)
    return current if current in revisions else min(revisions)


def _stored_revision(request: HttpRequest) -> int:
    revisions = User.objects.values_list("settings_revision", flat=True)
    return revisions.get(pk=user_of(request).pk)


def _tags(request: HttpRequest, name: str) -> Tags | None:
    header = request.headers.get(name)
    if header is None:
        return None
    try:
        return parse_tags(header)
    except ValueError as exc:
        _refuse(f"{name} {exc}.")


def _refuse(detail: str) -> NoReturn:
    raise Problem(MALFORMED_REQUEST, detail) from None
