"""Trying a channel over HTTP.

Rule 1: 200 says that the message arrived, 202 that nobody knows yet. What failed is a problem.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from control.api.alerts.answers import TrialAnswer
from control.api.alerts.bodies import BODY_REFUSALS, REFUSED, TrialBody, body_of
from control.api.alerts.routes import answer
from control.api.problems import INVALID_REQUEST, NOT_DELIVERED
from control.deliveries.trying import ON_ITS_WAY, WAIT_SECONDS, TurnedOff, send_test
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.requests import JSON, Parameter, Query
from settings_app.documents import pointer
from settings_app.errors import FieldError
from settings_app.problems import SETTINGS_DAMAGED, SETTINGS_TOO_NEW, Problem, errors_of_the_row
from trading.models import Delivery, DeliveryChannel

TIMEOUT = Parameter(
    "timeout",
    f"For how many seconds to wait at most; {WAIT_SECONDS:g} without it.",
    bounds=(0.0, 30.0),
)
BODY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["channel"],
    "properties": {"channel": {"enum": list(DeliveryChannel.values)}},
}

router = Router()


@router.post(
    "/alerts/test",
    **operation(
        "tryChannel",
        "See whether alerts arrive by a channel",
        tag="alerts",
        answer={200: TrialAnswer, 202: TrialAnswer},
        parameters=(TIMEOUT,),
        body={JSON: BODY},
        refusals=(*BODY_REFUSALS, NOT_DELIVERED, SETTINGS_DAMAGED, SETTINGS_TOO_NEW),
    ),
)
def try_channel(request: HttpRequest) -> HttpResponse:
    """Has the worker send you a test alert, and waits for what becomes of it: 200 when it arrived,
    409 when it did not, 202 when that is not known in time; then `alertId` tells it later.
    """
    seconds, user = Query(request, TIMEOUT).number(TIMEOUT), user_of(request)
    channel = body_of(request, TrialBody).channel
    try:
        with errors_of_the_row():
            delivery = send_test(
                user.pk, channel, wait_seconds=WAIT_SECONDS if seconds is None else seconds
            )
    except TurnedOff as exc:
        errors = [FieldError(pointer("channel"), str(exc))]
        raise Problem(INVALID_REQUEST, REFUSED, errors=errors) from None
    if delivery.state == Delivery.State.DELIVERED or delivery.state in ON_ITS_WAY:
        return answer(TrialAnswer.of(delivery), 202 if delivery.state in ON_ITS_WAY else 200)
    raise _not_delivered(delivery)


def _not_delivered(delivery: Delivery) -> Problem:
    told = TrialAnswer.of(delivery)
    detail = f"{delivery.get_channel_display()}: {delivery.get_state_display().lower()}"
    members = told.model_dump(by_alias=True, exclude_none=True)
    reason = f"; {told.reason}" if told.reason else ""
    return Problem(NOT_DELIVERED, f"{detail}{reason}.", members=members)
