"""Errors as HTTP tells them: problem details, RFC 9457.

Rule 1: every kind of problem is a row of the table; whoever refuses a request raises `Problem`.
Rule 2: a problem says what is right and the way out. It never repeats what was sent.
Rule 3: of what nobody expected, nothing is told but that it happened; the log has the place in the
    program, and neither the request nor the exception's text, which may hold some of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from settings_app.conditions import tag_of
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew, StaleRevision
from settings_app.models import User
from settings_app.schema.secrecy import SENTENCES as SECRECY

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 5  # a lost lease is taken over within ten; a database restarts in about five


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Args:
        name: The end of its type, ``urn:livermore:problem:<name>``; empty where the status says
            everything.
        status: The HTTP status it has.
        title: What it is, in a few words that never change.
    """

    name: str
    status: HTTPStatus
    title: str

    @property
    def type(self) -> str:
        """The URI that identifies it."""
        return f"urn:livermore:problem:{self.name}" if self.name else "about:blank"


# ---------------------------------------------------------------------- the table
MALFORMED_REQUEST = Kind(
    "malformed-request", HTTPStatus.BAD_REQUEST, "The request cannot be understood"
)
MALFORMED_JSON = Kind("malformed-json", HTTPStatus.BAD_REQUEST, "The body is not JSON")
NOT_SIGNED_IN = Kind("not-signed-in", HTTPStatus.UNAUTHORIZED, "Nobody is signed in")
NOT_STAFF = Kind("not-staff", HTTPStatus.FORBIDDEN, "This is for staff")
CSRF_FAILED = Kind("csrf-failed", HTTPStatus.FORBIDDEN, "The CSRF token is missing or wrong")
NOT_FOUND = Kind("not-found", HTTPStatus.NOT_FOUND, "There is nothing here")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The method is not possible here"
)
SETTINGS_TOO_NEW = Kind(
    "settings-too-new", HTTPStatus.CONFLICT, "The settings are newer than this program"
)
SETTINGS_DAMAGED = Kind("settings-damaged", HTTPStatus.CONFLICT, "The stored settings are damaged")
STALE_REVISION = Kind(
    "stale-revision", HTTPStatus.PRECONDITION_FAILED, "The settings were changed in between"
)
PRECONDITION_FAILED = Kind(
    "precondition-failed", HTTPStatus.PRECONDITION_FAILED, "The condition does not hold"
)
TOO_LARGE = Kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body has the wrong type"
)
INVALID_SETTINGS = Kind(
    "invalid-settings", HTTPStatus.UNPROCESSABLE_ENTITY, "The settings break a rule"
)
PRECONDITION_REQUIRED = Kind(
    "precondition-required", HTTPStatus.PRECONDITION_REQUIRED, "If-Match is needed"
)
INTERNAL_ERROR = Kind("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Livermore has failed")
UNAVAILABLE = Kind("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer")

KINDS: Final = (
    MALFORMED_REQUEST,
    MALFORMED_JSON,
    NOT_SIGNED_IN,
    NOT_STAFF,
    CSRF_FAILED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    SETTINGS_TOO_NEW,
    SETTINGS_DAMAGED,
    STALE_REVISION,
    PRECONDITION_FAILED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_SETTINGS,
    PRECONDITION_REQUIRED,
    INTERNAL_ERROR,
    UNAVAILABLE,
)


def of_status(status: HTTPStatus) -> Kind:
    """The kind of a refusal of which nothing but its status is known."""
    return _OF_STATUS.get(status) or Kind("", status, status.phrase)


_OF_STATUS: Final = {
    kind.status: kind
    for kind in (MALFORMED_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, INTERNAL_ERROR)
}


class Problem(Exception):
    """A refusal, ready to be told.

    Args:
        kind: A row of the table.
        detail: What is right here, and the way out.
        errors: What is wrong in which field.
        members: Further members of the JSON object.
        headers: Headers that the answer needs.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.members = dict(members or {})
        self.headers = dict(headers or {})
        super().__init__(f"{kind.name}: {detail}")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of RFC 9457, section 3."""
        return {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": int(self.kind.status),
            "detail": self.detail,
            **self.members,
            **({"errors": errors_to_list(self.errors)} if self.errors else {}),
        }

    def to_response(self) -> HttpResponse:
        """The answer."""
        return HttpResponse(
            json.dumps(self.to_dict()),
            content_type=CONTENT_TYPE,
            status=self.kind.status,
            headers=self.headers,
        )


def errors_to_list(errors: Iterable[FieldError]) -> list[dict[str, Any]]:
    """Field errors as JSON: JSON Pointer and sentence, and a mark on what looks like a secret."""
    return [
        {
            "pointer": error.pointer,
            "detail": error.message,
            **({"secret": True} if error.message in SECRECY else {}),
        }
        for error in errors
    ]


# ---------------------------------------------------------------------- from exceptions
@contextmanager
def errors_of_the_row() -> Iterator[None]:
    """Around a read: what is wrong with the stored settings is no error of who asks for them.

    Raises:
        Problem: If something else than this program has written them.
    """
    try:
        yield
    except SettingsInvalid as exc:
        detail = "Another program has written them. Put, import or reset them to replace them."
        raise Problem(SETTINGS_DAMAGED, detail, errors=exc.errors) from None


def problem_of(exc: Exception) -> Problem:
    """What to tell of an exception that ended a request. What nobody expected is logged."""
    return _expected(exc) or _unexpected(exc)


def _expected(exc: Exception) -> Problem | None:
    match exc:
        case Problem():
            return exc
        case SettingsInvalid() | SettingsTooNew() | StaleRevision():
            return _of_settings(exc)
        case Http404():
            return Problem(NOT_FOUND, "No address of the API is like this; see /api/openapi.json.")
        case User.DoesNotExist():  # deleted since the session was looked up
            return Problem(NOT_SIGNED_IN, "This user does not exist any more.")
        case OperationalError() | InterfaceError():
            # The driver's error says which: away, too slow, locked. Its text may hold a document.
            log.warning("api.unavailable", reason=type(exc.__cause__ or exc).__name__)
            detail = "The database is not reachable or too busy. Try again in a few seconds."
            return Problem(UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_SECONDS)})
        case RequestDataTooBig():
            return Problem(TOO_LARGE, "The body must be smaller.")
        case SuspiciousOperation() | BadRequest() | MultiPartParserError() | UnreadablePostError():
            return Problem(MALFORMED_REQUEST, "The request is incomplete or malformed.")
    return None


def _of_settings(exc: SettingsInvalid | SettingsTooNew | StaleRevision) -> Problem:
    if isinstance(exc, SettingsInvalid):
        detail = "Nothing was saved. Each error names the place and what is right there."
        return Problem(INVALID_SETTINGS, detail, errors=exc.errors)
    if isinstance(exc, SettingsTooNew):
        members: dict[str, Any] = {"version": exc.version, "known": exc.known}
        return Problem(SETTINGS_TOO_NEW, str(exc), members=members)
    members = {
        "base": exc.base,
        "revision": exc.current,
        "conflicts": list(exc.conflicts),
        "changes": [
            {
                "revision": change.revision,
                "paths": list(change.paths),
                "by": change.by,
                "at": change.at.isoformat(),
            }
            for change in exc.changes
        ],
    }
    return Problem(STALE_REVISION, str(exc), members=members, headers={"ETag": tag_of(exc.current)})


class Undisclosed(Exception):
    """Stands in the log for an exception whose text may hold what was sent."""


def _unexpected(exc: Exception) -> Problem:
    known_as = Undisclosed(f"{type(exc).__module__}.{type(exc).__qualname__}")
    log.error("api.failed", exc_info=known_as.with_traceback(exc.__traceback__))
    return Problem(INTERNAL_ERROR, "This is an error of the program. Its log says where.")
