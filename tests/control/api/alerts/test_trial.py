"""Trying a channel over HTTP."""

from __future__ import annotations

import pytest

from control.api.problems import INVALID_REQUEST, NOT_DELIVERED
from settings_app.models import User
from settings_app.problems import CSRF_FAILED, MALFORMED_REQUEST, NOT_SIGNED_IN, NOT_STAFF
from tests.control.deliveries.worker import worker_saying
from tests.control.running import running_worker
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery
from trading.net.endpoints import Endpoints

TEST = "/api/alerts/test"
DISCORD = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
State = Delivery.State


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    user: User = UserFactory.create(document={"notifications": {"discord": DISCORD}})
    return user


@pytest.fixture
def bela(transactional_db: None, redis_url: str) -> User:
    return UserFactory.create()


def test_a_message_that_arrived_is_200(anna: User, bela: User, api: Caller) -> None:
    with worker_saying(State.DELIVERED):
        answer = api.post(TEST, {"channel": "discord"})
    assert answer.status_code == 200, answer.content
    alert = Alert.objects.get()
    assert alert.user == anna
    assert answer.json() == {"alertId": alert.pk, "channel": "discord", "state": "delivered"}
    [shown] = api.get(f"/api/alerts/{alert.pk}").json()["deliveries"]
    assert shown["state"] == "delivered"


@pytest.mark.parametrize("state", [State.FAILED, State.UNCERTAIN])
def test_a_message_that_did_not_arrive_is_a_problem_with_its_reason(
    anna: User, api: Caller, state: State
) -> None:
    with worker_saying(state, "Discord has no such webhook"):
        told = problem(api.post(TEST, {"channel": "discord"}), NOT_DELIVERED)
    assert "Discord has no such webhook." in told["detail"]
    assert (told["channel"], told["state"]) == ("discord", state)
    assert told["reason"] == "Discord has no such webhook"
    assert told["alertId"] == Alert.objects.get().pk


def test_a_worker_says_which_variable_it_lacks(
    anna: User, api: Caller, endpoints: dict[str, Endpoints]
) -> None:
    with running_worker(endpoints):
        told = problem(api.post(f"{TEST}?timeout=30", {"channel": "discord"}), NOT_DELIVERED)
    assert "DISCORD_WEBHOOK is not set" in told["reason"]


def test_where_nobody_sends_it_waits_and_is_202(anna: User, api: Caller) -> None:
    answer = api.post(f"{TEST}?timeout=0", {"channel": "discord"})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert api.post(f"{TEST}?timeout=0.3", {"channel": "discord"}).status_code == 202


def test_a_channel_that_is_turned_off_is_refused_with_the_way_out(
    bela: User, anna: User, api: Caller
) -> None:
    for caller, channel in ((api, "email"), (Caller(bela), "discord")):
        [error] = problem(caller.post(TEST, {"channel": channel}), INVALID_REQUEST)["errors"]
        assert error["pointer"] == "/channel"
        assert f"set /notifications/{channel}/enabled to true" in error["detail"]
    assert not Alert.objects.exists()


def test_what_cannot_be_tried_is_refused(anna: User, api: Caller) -> None:
    for body in ({}, {"channel": "fax"}, {"channel": None}):
        [error] = problem(api.post(TEST, body), INVALID_REQUEST)["errors"]
        assert error == {
            "pointer": "/channel",
            "detail": "must be discord or email or push",
        }
    problem(api.post(f"{TEST}?timeout=31", {"channel": "discord"}), MALFORMED_REQUEST)
    assert not Alert.objects.exists()


def test_nobody_and_no_forged_page_sends_anything(anna: User) -> None:
    body = {"channel": "discord"}
    problem(Caller().post(TEST, body), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).post(TEST, body), NOT_STAFF)
    problem(Caller(anna, checks_csrf=True).post(TEST, body), CSRF_FAILED)
    assert not Alert.objects.exists()
