"""What is done about alerts over HTTP.

Rule 1: to be sent again is 202: it waits, and a worker sends it. Where nothing had failed, nothing
    was accepted, and it is 200.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from control.api.alerts.answers import AlertAnswer, RetriedAnswer
from control.api.alerts.routes import alert_of, answer
from control.deliveries import acts
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.requests import Query, no_body
from settings_app.problems import CSRF_FAILED, NOT_FOUND

router = Router()

RETRIED = {200: RetriedAnswer, 202: RetriedAnswer}


@router.post(
    "/alerts/retry",
    **operation(
        "retryAlerts",
        "Have everything that failed sent again",
        tag="alerts",
        answer=RETRIED,
        refusals=(CSRF_FAILED,),
    ),
)
def retry_alerts(request: HttpRequest) -> HttpResponse:
    """Every delivery of yours that failed waits again. What is uncertain may have arrived and is
    left alone. Takes no body.
    """
    Query(request)
    no_body(request)
    return _retried(acts.retry(user_of(request).pk))


@router.post(
    "/alerts/{int:alert_id}/retry",
    **operation(
        "retryAlert",
        "Have one alert sent again",
        tag="alerts",
        answer=RETRIED,
        refusals=(CSRF_FAILED, NOT_FOUND),
    ),
)
def retry_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Its deliveries that failed wait again, and those that are uncertain: they may arrive twice.
    Takes no body.
    """
    Query(request)
    no_body(request)
    alert = alert_of(user_of(request).pk, alert_id)
    return _retried(acts.retry(alert.user_id, [alert.pk], also_uncertain=True))


@router.post(
    "/alerts/{int:alert_id}/acknowledge",
    **operation(
        "acknowledgeAlert",
        "Say that you have seen an alert",
        tag="alerts",
        answer={200: AlertAnswer},
        refusals=(CSRF_FAILED, NOT_FOUND),
    ),
)
def acknowledge_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Once: an alert that is acknowledged keeps its moment. Takes no body."""
    Query(request)
    no_body(request)
    alert = alert_of(user_of(request).pk, alert_id)
    acts.acknowledge(alert.user_id, [alert.pk])
    return answer(AlertAnswer.of(alert_of(alert.user_id, alert.pk)))


def _retried(count: int) -> HttpResponse:
    return answer(RetriedAnswer(retried=count), 202 if count else 200)
