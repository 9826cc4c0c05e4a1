"""Mutes over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from control.api.problems import INVALID_REQUEST
from control.deliveries import acts
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    UNSUPPORTED_MEDIA_TYPE,
)
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.alerts.muting import WantedMute
from trading.models import Mute

MUTES = "/api/alerts/mutes"


@pytest.fixture
def tomorrow() -> datetime:
    return (timezone.now() + timedelta(days=1)).replace(microsecond=0)


def test_a_mute_is_made_listed_moved_and_ended(anna: User, api: Caller, tomorrow: datetime) -> None:
    until = tomorrow.isoformat().replace("+00:00", "Z")
    made = api.post(MUTES, {"symbol": "btc-usd", "kind": "level", "until": until})
    assert made.status_code == 200, made.content
    mute = made.json()
    assert mute == {
        "id": Mute.objects.get(user=anna).pk,
        "symbol": "BTC-USD",
        "kind": "level",
        "until": until,
        "createdAt": mute["createdAt"],
    }
    assert api.get(MUTES).json() == {"mutes": [mute]}
    later = (tomorrow + timedelta(days=1)).isoformat()
    moved = api.post(MUTES, {"symbol": "BTC-USD", "kind": "level", "until": later}).json()
    assert (moved["id"], moved["until"] > until) == (mute["id"], True)
    ended = api.send("DELETE", f"{MUTES}/{mute['id']}")
    assert (ended.status_code, ended.content) == (204, b"")
    assert api.get(MUTES).json() == {"mutes": []}
    problem(api.send("DELETE", f"{MUTES}/{mute['id']}"), NOT_FOUND)


def test_what_ran_out_is_not_listed(anna: User, api: Caller) -> None:
    Mute.objects.create(user=anna, until=timezone.now())
    assert api.get(MUTES).json() == {"mutes": []}


def test_an_end_with_an_offset_is_that_moment(api: Caller, tomorrow: datetime) -> None:
    shifted = tomorrow + timedelta(hours=9)
    answer = api.post(MUTES, {"until": f"{shifted:%Y-%m-%dT%H:%M:%S}+09:00"})
    assert answer.json()["until"] == f"{tomorrow:%Y-%m-%dT%H:%M:%S}Z"
    assert Mute.objects.get().until == tomorrow


@pytest.mark.parametrize(
    ("body", "pointer", "way_out"),
    [
        ({}, "/until", "must be a time with its zone, such as 2026-"),
        ({"until": "2020-01-01T00:00:00Z"}, "/until", "must be later than now"),
        ({"until": "2999-01-01T00:00:00Z"}, "/until", "must be within 366 days"),
        ({"until": "2026-12-01T00:00:00"}, "/until", "must be a time with its zone"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "/until", "must be a time of our days"),
        ({"symbol": "hunter2secret"}, "/symbol", "base and quote with a dash, such as BTC-USD"),
        ({"symbol": 7}, "/symbol", "must be text, such as BTC-USD"),
        (
            {"exchange": "kraken"},
            "/exchange",
            "must be binance or coinbase or kucoin; leave it empty",
        ),
        ({"kind": "system"}, "/kind", "must be level or crossover"),
        ({"user": "bela"}, "", "has the keys exchange and symbol and kind and until and no other"),
        ([], "", "must be an object with exchange and symbol and kind and until"),
    ],
)
def test_each_error_names_the_field_and_the_way_out_and_repeats_nothing(
    api: Caller, tomorrow: datetime, body: Any, pointer: str, way_out: str
) -> None:
    if isinstance(body, dict) and body:
        body = {"until": tomorrow.isoformat(), **body}
    answer = api.post(MUTES, body)
    [error] = problem(answer, INVALID_REQUEST)["errors"]
    assert error["pointer"] == pointer
    assert way_out in error["detail"]
    assert b"hunter2" not in answer.content
    assert not Mute.objects.exists()


def test_a_body_that_is_no_json_is_refused(api: Caller) -> None:
    problem(api.post(MUTES, "{"), MALFORMED_JSON)
    problem(api.post(MUTES, '{"until": 1, "until": 2}'), INVALID_REQUEST)
    problem(api.send("POST", MUTES, {}, kind="text/plain"), UNSUPPORTED_MEDIA_TYPE)
    problem(api.post(f"{MUTES}?until=x", {}), MALFORMED_REQUEST)


def test_a_strangers_mute_is_not_there(
    anna: User, bela: User, api: Caller, tomorrow: datetime
) -> None:
    mute = acts.mute(bela.pk, WantedMute(symbol="BTC-USD", until=tomorrow))
    assert api.get(MUTES).json() == {"mutes": []}
    problem(api.send("DELETE", f"{MUTES}/{mute.pk}"), NOT_FOUND)
    problem(api.send("DELETE", f"{MUTES}/{10**40}"), NOT_FOUND)
    until = (tomorrow + timedelta(days=1)).isoformat()
    api.post(MUTES, {"symbol": "BTC-USD", "until": until})
    mute.refresh_from_db()
    assert (mute.user, mute.until) == (bela, tomorrow)


def test_nobody_and_no_forged_page_mutes_anything(
    anna: User, bela: User, tomorrow: datetime
) -> None:
    mute = acts.mute(anna.pk, WantedMute(until=tomorrow))
    body = {"symbol": "BTC-USD", "until": tomorrow.isoformat()}
    for method, path, sent in (("POST", MUTES, body), ("DELETE", f"{MUTES}/{mute.pk}", None)):
        problem(Caller().send(method, path, sent), NOT_SIGNED_IN)
        problem(Caller(UserFactory.create(is_staff=False)).send(method, path, sent), NOT_STAFF)
        problem(Caller(anna, checks_csrf=True).send(method, path, sent), CSRF_FAILED)
    assert list(Mute.objects.all()) == [mute]
