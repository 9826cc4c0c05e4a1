"""Importing and exporting the watchlist over HTTP.

Rule 1: an import takes two requests: the first shows, the second does what was shown. No address
    does both.
Rule 2: what a file would change is kept for whom it was shown, and for nobody else.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from redis.exceptions import RedisError

from control.api.alerts.bodies import BODY_REFUSALS, REFUSED
from control.api.alerts.routes import answer
from control.api.problems import (
    APPROVAL_UNKNOWN,
    EXCHANGE_UNAVAILABLE,
    IMPORT_OUTDATED,
    INVALID_REQUEST,
    of_approval,
    of_exchange,
)
from control.api.symbols.import_answers import (
    FILE,
    AppliedAnswer,
    ApprovalBody,
    PreviewAnswer,
)
from control.api.symbols.import_bodies import CSV, PLAIN, approval_in, file_in
from control.protocol import Origin
from control.symbols import approvals, importing
from control.symbols.exporting import export
from control.symbols.importing import Applied, ImportOutdated, NotInPreview
from control.symbols.listings import ListingUnknown
from control.symbols.parsing import FileRefused, Format
from control.symbols.previews import Preview
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import JSON, Parameter, Query
from settings_app.documents import pointer
from settings_app.downloads import attachment
from settings_app.errors import FieldError
from settings_app.models import User
from settings_app.problems import (
    INVALID_SETTINGS,
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)

FORMAT = Parameter("format", "How to write it; `csv` without it.", choices=tuple(Format))
ROW_REFUSALS: Final = (SETTINGS_DAMAGED, SETTINGS_TOO_NEW)
AWAY: Final = (RedisError, OSError)
NOT_KEPT: Final = "Redis does not answer, so that this cannot be approved; preview it again later."

router = Router()
get = reader(router)


@get(
    "/symbols/export",
    **operation(
        "exportWatchlist",
        "Download the watchlist",
        tag="symbols",
        content={CSV: {"type": "string"}, JSON: {"type": "object"}},
        parameters=(FORMAT,),
        refusals=ROW_REFUSALS,
    ),
)
def export_watchlist(request: HttpRequest) -> HttpResponse:
    """A file that the import takes, which then says of every row that it is there already."""
    form = Format(Query(request, FORMAT).text(FORMAT) or Format.CSV)
    with errors_of_the_row():
        text = export(user_of(request), form)
    name = f"livermore-watchlist-{timezone.now().date().isoformat()}.{form}"
    kind = JSON if form is Format.JSON else f"{CSV}; charset=utf-8"
    return attachment(name, kind, text.encode())


@router.post(
    "/symbols/import",
    **operation(
        "previewImport",
        "See what importing a file would do",
        tag="symbols",
        answer={200: PreviewAnswer},
        body={JSON: FILE, CSV: {"type": "string"}, PLAIN: {"type": "string"}},
        refusals=(*BODY_REFUSALS, *ROW_REFUSALS, EXCHANGE_UNAVAILABLE),
    ),
)
def preview_import(request: HttpRequest) -> HttpResponse:
    """Row by row; nothing is changed. What is not on the watchlist yet is looked up at its
    exchange. `approval` is what to send to apply it.
    """
    Query(request)
    text, form = file_in(request, (JSON, CSV, PLAIN))
    user = user_of(request)
    try:
        with errors_of_the_row():
            shown = importing.preview(user, text, form)
    except FileRefused as exc:
        raise _of_file(exc) from None
    except ListingUnknown as exc:
        raise of_exchange(exc) from None
    if not shown.changes:
        return answer(PreviewAnswer.of(shown, None))
    try:
        return answer(PreviewAnswer.of(shown, approvals.keep(user, shown)))
    except AWAY:
        return answer(PreviewAnswer.of(shown, None, NOT_KEPT))


@router.post(
    "/symbols/import/apply",
    **operation(
        "applyImport",
        "Apply an import as it was shown",
        tag="symbols",
        answer={200: AppliedAnswer, 202: AppliedAnswer},
        body={JSON: ApprovalBody.model_json_schema()},
        refusals=(
            *BODY_REFUSALS,
            *ROW_REFUSALS,
            NOT_FOUND,
            IMPORT_OUTDATED,
            APPROVAL_UNKNOWN,
            INVALID_SETTINGS,
        ),
    ),
)
def apply_import(request: HttpRequest) -> HttpResponse:
    """All of it, or the rows of `only`: one save, one reload. 200: the runtime says that it is in
    effect; 202: it is saved, and `message` says what of the runtime is known. An approval is good
    once. Where the watchlist was changed under one of its rows since, nothing is: 409.
    """
    Query(request)
    body, user = approval_in(request), user_of(request)
    try:
        shown = approvals.kept(user, body.approval)
    except AWAY as exc:
        raise of_approval(exc, sub=user.sub) from None
    if shown is None:
        raise _no_import()
    done = _applied(user, shown, body)
    return answer(AppliedAnswer.of(done), 200 if done.edited.applied else 202)


def _applied(user: User, shown: Preview, body: ApprovalBody) -> Applied:
    origin = Origin(who=user.get_username(), via="api")
    try:
        importing.chosen_of(shown, body.only)  # before the approval is used up
        if not _taken(user, body.approval):
            raise _no_import()
        return importing.apply(user, shown, by=user, origin=origin, only=body.only)
    except NotInPreview as exc:
        errors = [FieldError(pointer("only"), str(exc))]
        raise Problem(INVALID_REQUEST, REFUSED, errors=errors) from None
    except ImportOutdated as exc:
        names = [{"symbol": row.symbol, "exchange": row.exchange} for row in exc.rows]
        raise Problem(IMPORT_OUTDATED, str(exc), members={"conflicts": names}) from None


def _taken(user: User, approval: str) -> bool:
    try:
        return approvals.take(user, approval)
    except AWAY as exc:
        raise of_approval(exc, sub=user.sub) from None


def _of_file(exc: FileRefused) -> Problem:
    members: dict[str, Any] = {"line": exc.line, "column": exc.column}
    told = {name: value for name, value in members.items() if value is not None}
    return Problem(INVALID_REQUEST, f"The file {exc}. Nothing was changed.", members=told)


def _no_import() -> Problem:
    return Problem(
        NOT_FOUND,
        "You have no such import: it was applied, is too old, or never was. Preview it again.",
    )
