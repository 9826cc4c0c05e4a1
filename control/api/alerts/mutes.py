"""Mutes over HTTP: what is not to be sent for a time."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from control.api.alerts.answers import MuteAnswer, MutesAnswer
from control.api.alerts.bodies import BODY_REFUSALS, MuteBody, body_of
from control.api.alerts.routes import answer
from control.deliveries import acts
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import JSON, Query, no_body
from settings_app.problems import CSRF_FAILED, NOT_FOUND, Problem

router = Router()
get = reader(router)


@get(
    "/alerts/mutes",
    **operation("listMutes", "See what is muted", tag="alerts", answer={200: MutesAnswer}),
)
def list_mutes(request: HttpRequest) -> HttpResponse:
    """Those that have not run out, the one that ends first before the others."""
    Query(request)
    mutes = acts.mutes_of(user_of(request).pk, timezone.now())
    return answer(MutesAnswer(mutes=[MuteAnswer.of(mute) for mute in mutes]))


@router.post(
    "/alerts/mutes",
    **operation(
        "muteAlerts",
        "Mute alerts until a time",
        tag="alerts",
        answer={200: MuteAnswer},
        body={JSON: MuteBody.model_json_schema()},
        refusals=BODY_REFUSALS,
    ),
)
def mute_alerts(request: HttpRequest) -> HttpResponse:
    """What is left out is muted altogether: every exchange, every symbol, every kind of signal.
    Alerts are recorded meanwhile. The same again moves the end. What Livermore says of itself is
    never muted.
    """
    Query(request)
    wanted = body_of(request, MuteBody).wanted()
    return answer(MuteAnswer.of(acts.mute(user_of(request).pk, wanted)))


@router.delete(
    "/alerts/mutes/{int:mute_id}",
    **operation(
        "unmuteAlerts",
        "End a mute",
        tag="alerts",
        answer={204: None},
        refusals=(CSRF_FAILED, NOT_FOUND),
    ),
)
def unmute_alerts(request: HttpRequest, mute_id: int) -> HttpResponse:
    """What comes from now on is sent again; what was muted stays so. Takes no body."""
    Query(request)
    no_body(request)
    if not acts.unmute(user_of(request).pk, mute_id):
        raise Problem(NOT_FOUND, "You have no such mute; GET /api/alerts/mutes lists them.")
    return HttpResponse(status=204)
