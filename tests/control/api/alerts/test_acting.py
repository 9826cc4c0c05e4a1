"""Alerts over HTTP: sending again, acknowledging."""

from __future__ import annotations

import pytest

from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
)
from tests.control.alerts import delivery, told
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery

ALERTS = "/api/alerts"


@pytest.fixture
def failed(anna: User) -> Delivery:
    alert = told(anna, state="failed")
    return delivery(alert, state="failed", reason="the webhook is gone", attempts=7)


def state_of(row: Delivery) -> str:
    row.refresh_from_db()
    return row.state


def test_one_alert_is_sent_again(api: Caller, failed: Delivery) -> None:
    address = f"{ALERTS}/{failed.alert_id}/retry"
    answer = api.post(address)
    assert (answer.status_code, answer.json()) == (202, {"retried": 1})
    assert state_of(failed) == "waiting"
    again = api.post(address)
    assert (again.status_code, again.json()) == (200, {"retried": 0})


def test_everything_that_failed_is_sent_again_and_nothing_of_anybody_else(
    anna: User, bela: User, api: Caller, failed: Delivery
) -> None:
    theirs = delivery(told(bela, state="failed"), state="failed")
    unsure = delivery(told(anna, hour=1, state="uncertain"), state="uncertain")
    assert api.post(f"{ALERTS}/retry").json() == {"retried": 1}
    assert [state_of(row) for row in (failed, theirs, unsure)] == [
        *("waiting", "failed", "uncertain"),
    ]
    assert api.post(f"{ALERTS}/{unsure.alert_id}/retry").json() == {"retried": 1}


def test_an_alert_is_acknowledged_once(anna: User, api: Caller) -> None:
    alert = told(anna)
    address = f"{ALERTS}/{alert.pk}/acknowledge"
    first = api.post(address).json()
    assert first["id"] == alert.pk
    assert api.post(address).json()["acknowledgedAt"] == first["acknowledgedAt"]
    alert.refresh_from_db()
    assert alert.acknowledged_at is not None


@pytest.mark.parametrize("act", ["retry", "acknowledge"])
def test_a_strangers_alert_is_a_404_like_one_that_never_was(
    bela: User, failed: Delivery, act: str
) -> None:
    stranger = Caller(bela)
    told_of = problem(stranger.post(f"{ALERTS}/{failed.alert_id}/{act}"), NOT_FOUND)
    assert told_of == problem(stranger.post(f"{ALERTS}/{10**40}/{act}"), NOT_FOUND)
    assert state_of(failed) == "failed"
    assert Alert.objects.get().acknowledged_at is None


@pytest.mark.parametrize("path", ["/retry", "/1/retry", "/1/acknowledge"])
def test_nobody_and_no_forged_page_does_anything(anna: User, failed: Delivery, path: str) -> None:
    problem(Caller().post(ALERTS + path), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).post(ALERTS + path), NOT_STAFF)
    problem(Caller(anna, checks_csrf=True).post(ALERTS + path), CSRF_FAILED)
    problem(Caller(anna).get(ALERTS + path), METHOD_NOT_ALLOWED)
    assert state_of(failed) == "failed"


def test_what_would_be_ignored_is_refused(api: Caller, failed: Delivery) -> None:
    for path in ("/retry", f"/{failed.alert_id}/retry", f"/{failed.alert_id}/acknowledge"):
        problem(api.post(f"{ALERTS}{path}?channel=discord"), MALFORMED_REQUEST)
        problem(api.post(ALERTS + path, {"channel": "discord"}), MALFORMED_REQUEST)
    assert state_of(failed) == "failed"
