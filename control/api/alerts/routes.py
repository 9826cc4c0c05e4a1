"""The operations on alerts.

Rule 1: no operation is without the guard that the API puts before all of them.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from pydantic import BaseModel

from control.api.alerts import export
from control.api.alerts.answers import AlertAnswer, AlertsAnswer, WholeAlertAnswer
from control.api.alerts.parameters import BEFORE, LIMIT, SELECTING, USUAL, selection_of
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import Query
from settings_app.problems import NOT_FOUND, Problem
from trading.alerts.selection import Selection, alerts_of
from trading.models import Alert

router = Router()
get = reader(router)


# ---------------------------------------------------------------------- reading
@get(
    "/alerts",
    **operation(
        "listAlerts",
        "Search what you were told",
        tag="alerts",
        answer={200: AlertsAnswer},
        parameters=(*SELECTING, LIMIT, BEFORE),
    ),
)
def list_alerts(request: HttpRequest) -> HttpResponse:
    """Newest first, each with its deliveries. Where there are older ones, `next` is what to send as
    `before`.
    """
    query, user = Query(request, *SELECTING, LIMIT, BEFORE), user_of(request)
    limit, before = int(query.number(LIMIT) or USUAL), query.number(BEFORE)
    rows = alerts_of(user.pk, selection_of(query), before=None if before is None else int(before))
    page = list(rows[: limit + 1])
    shown = page[:limit]
    return answer(
        AlertsAnswer(
            alerts=[AlertAnswer.of(alert) for alert in shown],
            next=shown[-1].pk if len(page) > limit else None,
        )
    )


@get(
    "/alerts.csv",
    **operation(
        "exportAlerts",
        "Download what you were told",
        tag="alerts",
        content={export.CSV: {"type": "string"}},
        parameters=SELECTING,
    ),
)
def export_alerts(request: HttpRequest) -> StreamingHttpResponse:
    """A file for a spreadsheet with every alert of the selection, newest first, in UTC."""
    query, user = Query(request, *SELECTING), user_of(request)
    return export.exported(request, user.pk, selection_of(query))


@get(
    "/alerts/{int:alert_id}",
    **operation(
        "getAlert",
        "Read one alert",
        tag="alerts",
        answer={200: WholeAlertAnswer},
        refusals=(NOT_FOUND,),
    ),
)
def read_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """With its deliveries, and the values that made it fire."""
    Query(request)
    return answer(WholeAlertAnswer.of(alert_of(user_of(request).pk, alert_id)))


def alert_of(user_id: int, alert_id: int) -> Alert:
    """One alert of a user.

    Raises:
        Problem: If there is no such alert, or it is somebody else's.
    """
    alert = alerts_of(user_id, Selection()).filter(pk=alert_id).first()
    if alert is None:
        raise no_alert()
    return alert


def no_alert() -> Problem:
    """There is none of that number that whoever asks may know of."""
    return Problem(NOT_FOUND, "You have no such alert; GET /api/alerts lists those that you have.")


def answer(told: BaseModel, status: int = 200) -> HttpResponse:
    """An answer as JSON, without what there is not."""
    text = told.model_dump_json(by_alias=True, exclude_none=True)
    return HttpResponse(text, content_type="application/json", status=status)
