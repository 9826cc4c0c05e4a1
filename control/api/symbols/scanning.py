"""The scanner over HTTP.

Rule 1: a preview changes nothing but that it is kept; an approval is one change of the watchlist.
Rule 2: 200: the runtime says that it is in effect; 202: it is saved, and the message says what is
    known of the runtime.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, ConfigDict, Field

from control.api.alerts.bodies import BODY_REFUSALS, body_of
from control.api.alerts.routes import answer
from control.api.problems import (
    EXCHANGE_UNAVAILABLE,
    INVALID_REQUEST,
    SCAN_OUTDATED,
    of_exchange,
)
from control.api.symbols.editing import WAIT_SECONDS
from control.api.symbols.scan_answers import (
    ApprovalAnswer,
    CriteriaAnswer,
    ScanAnswer,
    ScannerAnswer,
)
from control.protocol import Origin
from control.symbols import daily, scanning, scans
from control.symbols.admitting import NotAdmitted
from control.symbols.listings import ListingUnknown
from control.symbols.scanning import NotProposed, ScanMissing, ScanRefused
from settings_app import services
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import JSON, Query, no_body
from settings_app.documents import pointer
from settings_app.errors import FieldError
from settings_app.problems import (
    CSRF_FAILED,
    INVALID_SETTINGS,
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)

ROW_REFUSALS: Final = (SETTINGS_DAMAGED, SETTINGS_TOO_NEW)
MOST_SYMBOLS: Final = 2_000

router = Router()
get = reader(router)


class SelectionBody(BaseModel):
    """What is approved of a scan."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run: int = Field(ge=1, lt=2**63, description="Its `id`.")
    add: list[str] | None = Field(
        None, max_length=MOST_SYMBOLS, description="Of those that it would add; without it, all."
    )
    remove: list[str] = Field(
        [], max_length=MOST_SYMBOLS, description="Of those that it would remove; without it, none."
    )


@get(
    "/scanner",
    **operation(
        "getScanner",
        "See what the scanner is to look for, and has found",
        tag="symbols",
        answer={200: ScannerAnswer},
        refusals=ROW_REFUSALS,
    ),
)
def read_scanner(request: HttpRequest) -> HttpResponse:
    """Its criteria are those of the settings; the last run and the last approved one are kept."""
    Query(request)
    user = user_of(request)
    with errors_of_the_row():
        document = services.read(user.pk).document
    last, approved = scans.last(user.pk), scans.last_approved(user.pk)
    return answer(
        ScannerAnswer(
            enabled=document.scanner.enabled,
            criteria=CriteriaAnswer.of(scans.criteria_of(document)),
            next_at=daily.expected_at(user, document, datetime.now(UTC)),
            last=None if last is None else ScanAnswer.of(last),
            last_approved=None if approved is None else ScanAnswer.of(approved),
        )
    )


@router.post(
    "/scanner/preview",
    **operation(
        "previewScan",
        "Have the scanner propose what to watch",
        tag="symbols",
        answer={200: ScanAnswer},
        refusals=(CSRF_FAILED, *ROW_REFUSALS, INVALID_SETTINGS, EXCHANGE_UNAVAILABLE),
    ),
)
def preview_scan(request: HttpRequest) -> HttpResponse:
    """Nothing is added and nothing removed. `note` says that the figures are old, where the
    exchange does not answer. Takes no body.
    """
    Query(request)
    no_body(request)
    user = user_of(request)
    try:
        with errors_of_the_row():
            run = scanning.preview(user, by=user.get_username())
    except ScanRefused as exc:
        errors = [FieldError(pointer("scanner", "exchange"), str(exc))]
        raise Problem(INVALID_SETTINGS, "Nothing was changed.", errors=errors) from None
    except ListingUnknown as exc:
        raise of_exchange(exc) from None
    return answer(ScanAnswer.of(run))


@router.post(
    "/scanner/apply",
    **operation(
        "approveScan",
        "Approve a selection of a scan",
        tag="symbols",
        answer={200: ApprovalAnswer, 202: ApprovalAnswer},
        body={JSON: SelectionBody.model_json_schema()},
        refusals=(
            *BODY_REFUSALS,
            *ROW_REFUSALS,
            INVALID_SETTINGS,
            NOT_FOUND,
            SCAN_OUTDATED,
            EXCHANGE_UNAVAILABLE,
        ),
    ),
)
def approve_scan(request: HttpRequest) -> HttpResponse:
    """One change of the watchlist and one reload. What stays and what is added is what the modes
    watch from now on whose symbols are the scanner's. Nothing is removed that is not named.
    """
    Query(request)
    body, user = body_of(request, SelectionBody), user_of(request)
    try:
        with errors_of_the_row():
            done = scanning.approve(
                user,
                body.run,
                add=body.add,
                remove=body.remove,
                by=user,
                origin=Origin(who=user.get_username(), via="api"),
                wait=WAIT_SECONDS,
            )
    except (ScanRefused, NotAdmitted, ListingUnknown) as exc:
        raise _refused(exc) from None
    return answer(ApprovalAnswer.of(done), 200 if done.applied else 202)


def _refused(exc: ScanRefused | NotAdmitted | ListingUnknown) -> Problem:
    match exc:
        case ScanMissing():
            return Problem(NOT_FOUND, f"{exc} GET /api/scanner shows the last one.")
        case NotProposed():
            errors = [FieldError(pointer(exc.field), "must be of what the scan proposes there")]
            return Problem(INVALID_REQUEST, "Nothing was changed.", errors=errors)
        case NotAdmitted():
            errors = [
                FieldError(pointer("add"), f"{one.market.symbol}: {one.sentence}")
                for one in exc.refusals
            ]
            return Problem(INVALID_REQUEST, "Nothing was changed.", errors=errors)
        case ListingUnknown():
            return of_exchange(exc)
        case _:
            return Problem(SCAN_OUTDATED, str(exc))
