"""Changing the watchlist over HTTP.

Rule 1: one request, one save, one reload. 200: the runtime says that it is in effect, or nothing
    was to be changed; 202: it is saved, and the message says what is known of the runtime.
Rule 2: whose watchlist it is, the session says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from control.api.alerts.bodies import BODY_REFUSALS
from control.api.alerts.routes import answer
from control.api.problems import EXCHANGE_UNAVAILABLE, INVALID_REQUEST, of_exchange
from control.api.symbols.edit_answers import ChangedAnswer
from control.api.symbols.edit_bodies import (
    ADDITIONS,
    ALTERATION,
    BULK,
    Additions,
    BulkBody,
    additions_in,
    alteration_in,
    bulk_in,
    twice,
)
from control.protocol import Origin
from control.symbols import changes
from control.symbols.admitting import NotAdmitted, Refusal
from control.symbols.changed import Changed
from control.symbols.listings import ListingUnknown
from control.symbols.previews import Outcome as Admission
from control.symbols.watchlist import Categories, Outcome, Tagging
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.requests import JSON, Query, no_body
from settings_app.errors import FieldError
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    INVALID_SETTINGS,
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)
from trading.core.market import Market

CHANGED: Final = {200: ChangedAnswer, 202: ChangedAnswer}
ROW_REFUSALS: Final = (SETTINGS_DAMAGED, SETTINGS_TOO_NEW, INVALID_SETTINGS)

WAIT_SECONDS: Final = 5.0
"""For the runtime's answer, at most."""

router = Router()


# ---------------------------------------------------------------------- several
@router.post(
    "/symbols",
    **operation(
        "addSymbols",
        "Put symbols on the watchlist",
        tag="symbols",
        answer=CHANGED,
        body={JSON: ADDITIONS},
        refusals=(*BODY_REFUSALS, *ROW_REFUSALS, EXCHANGE_UNAVAILABLE),
    ),
)
def add_symbols(request: HttpRequest) -> HttpResponse:
    """One, or a list in `symbols`. What is new is held against its exchange; if one is refused,
    none is added, and `errors` has each with the nearest names. What is there already is turned on;
    categories that are not given stay.
    """
    Query(request)
    body, user = additions_in(request), user_of(request)
    wanted = _wanted(body, _primary_exchange(user))
    try:
        done = changes.add(user, wanted, by=user, origin=_origin(user), wait=WAIT_SECONDS)
    except NotAdmitted as exc:
        raise _not_admitted(exc, body, wanted) from None
    except ListingUnknown as exc:
        raise of_exchange(exc) from None
    return _told(done)


@router.post(
    "/symbols/bulk",
    **operation(
        "changeSymbols",
        "Change several symbols of the watchlist",
        tag="symbols",
        answer=CHANGED,
        body={JSON: BULK},
        refusals=(*BODY_REFUSALS, *ROW_REFUSALS),
    ),
)
def change_symbols(request: HttpRequest) -> HttpResponse:
    """`enable`, `disable`, `remove` or `categorise` them, at once. A symbol is a text, or an object
    where it is not on your primary exchange. What is not on the watchlist is no error: its outcome
    says so.
    """
    Query(request)
    body, user = bulk_in(request), user_of(request)
    primary = _primary_exchange(user)
    return _told(_changed(user, body, [one.market(primary) for one in body.symbols]))


# ---------------------------------------------------------------------- one
@router.patch(
    "/symbols/{exchange}/{symbol}",
    **operation(
        "changeSymbol",
        "Change one symbol of the watchlist",
        tag="symbols",
        answer=CHANGED,
        body={JSON: ALTERATION},
        refusals=(*BODY_REFUSALS, *ROW_REFUSALS, NOT_FOUND),
    ),
)
def change_symbol(request: HttpRequest, exchange: str, symbol: str) -> HttpResponse:
    """Turn it on or off, give it other categories, move it. What is left out stays."""
    Query(request)
    body, user = alteration_in(request), user_of(request)
    _primary_exchange(user)
    done = changes.alter(
        user,
        Market(exchange, symbol),
        enabled=body.enabled,
        categories=None if body.categories is None else tuple(body.categories),
        position=body.position,
        by=user,
        origin=_origin(user),
        wait=WAIT_SECONDS,
    )
    return _told_of_one(done)


@router.delete(
    "/symbols/{exchange}/{symbol}",
    **operation(
        "removeSymbol",
        "Take a symbol off the watchlist",
        tag="symbols",
        answer=CHANGED,
        refusals=(CSRF_FAILED, *ROW_REFUSALS, NOT_FOUND),
    ),
)
def remove_symbol(request: HttpRequest, exchange: str, symbol: str) -> HttpResponse:
    """`stopped` says that it is watched no more, `stillWatched` that it is, and why: a position
    keeps its symbol watched. Takes no body.
    """
    Query(request)
    no_body(request)
    user = user_of(request)
    _primary_exchange(user)
    market = Market(exchange, symbol)
    return _told_of_one(
        changes.remove(user, [market], by=user, origin=_origin(user), wait=WAIT_SECONDS)
    )


# ---------------------------------------------------------------------- done and told
def _changed(user: User, body: BulkBody, markets: list[Market]) -> Changed:
    act = {
        "enable": changes.enable,
        "disable": changes.disable,
        "remove": changes.remove,
    }.get(body.action)
    origin = _origin(user)
    if act is not None:
        return act(user, markets, by=user, origin=origin, wait=WAIT_SECONDS)
    categories, tagging = body.categories or [], Tagging(body.tagging or Tagging.SET)
    return changes.categorise(
        user, markets, categories, tagging, by=user, origin=origin, wait=WAIT_SECONDS
    )


def _wanted(body: Additions, primary: str) -> dict[Market, Categories | None]:
    wanted: dict[Market, Categories | None] = {}
    for number, one in enumerate(body.symbols):
        market = one.market(primary)
        if market in wanted:
            raise twice(body.place(number, "symbol"))
        wanted[market] = None if one.categories is None else tuple(one.categories)
    return wanted


def _not_admitted(exc: NotAdmitted, body: Additions, wanted: Iterable[Market]) -> Problem:
    numbers = {market: number for number, market in enumerate(wanted)}

    def place(refusal: Refusal) -> str:
        field = "exchange" if refusal.why is Admission.EXCHANGE_NOT_ENABLED else "symbol"
        return body.place(numbers[refusal.market], field)

    return Problem(
        INVALID_REQUEST,
        " ".join(["Nothing was changed.", *exc.notes]),
        errors=[FieldError(place(one), one.reason) for one in exc.refusals],
        members={"nearest": {place(one): list(one.nearest) for one in exc.refusals if one.nearest}},
    )


def _told_of_one(done: Changed) -> HttpResponse:
    if Outcome.NOT_ON_THE_LIST in done.outcomes.values():
        detail = "You have no such symbol on the watchlist; GET /api/symbols lists those you have."
        raise Problem(NOT_FOUND, detail)
    return _told(done)


def _told(done: Changed) -> HttpResponse:
    return answer(ChangedAnswer.of(done), 200 if done.applied else 202)


def _primary_exchange(user: User) -> str:
    with errors_of_the_row():
        return changes.primary_exchange(user)


def _origin(user: User) -> Origin:
    return Origin(who=user.get_username(), via="api")
