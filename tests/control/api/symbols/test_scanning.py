"""The scanner over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from control.api.problems import EXCHANGE_UNAVAILABLE, INVALID_REQUEST, SCAN_OUTDATED
from control.models import ScanRun
from control.symbols import scans
from settings_app import desired, services
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    INVALID_SETTINGS,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
)
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.simulator.venues.ports import Trouble

SCANNER = "/api/scanner"
PREVIEW = f"{SCANNER}/preview"
APPLY = f"{SCANNER}/apply"


@pytest.fixture(autouse=True)
def _ten(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"top_n": 10}}, by=anna)


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is there to be waited for."""
    monkeypatch.setattr("control.api.symbols.scanning.WAIT_SECONDS", 0.1)


def proposed(told: dict[str, Any], verdict: str = "add") -> list[str]:
    return [row["symbol"] for row in told["rows"] if row["verdict"] == verdict]


def watched(user: User) -> list[str]:
    return [row.symbol for row in services.read(user.pk).document.watchlist]


def test_a_preview_says_what_and_why_and_changes_nothing(api: Caller, anna: User) -> None:
    before = services.read(anna.pk).revision
    told = api.post(PREVIEW).json()
    assert (told["state"], told["cause"], told["askedBy"]) == ("previewed", "asked", anna.username)
    assert len(proposed(told)) + len(proposed(told, "stays")) == 10
    assert [row["rank"] for row in told["rows"]][:10] == list(range(1, 11))
    assert all(row["reason"] for row in told["leftOut"])
    assert told["rows"][0]["quoteVolume24h"] > told["rows"][1]["quoteVolume24h"]
    assert services.read(anna.pk).revision == before


def test_what_is_approved_is_saved_and_told_once(api: Caller, anna: User) -> None:
    told = api.post(PREVIEW).json()
    first = proposed(told)[0]
    response = api.post(APPLY, {"run": told["id"], "add": [first]})
    assert response.status_code == 202, "no worker has said that it is in effect"
    done = response.json()
    assert (done["added"], done["removed"], done["applied"]) == ([first], [], False)
    assert watched(anna) == ["BTC-USD", "ETH-USD", first]
    refused = problem(api.post(APPLY, {"run": told["id"]}), SCAN_OUTDATED)
    assert "approved already" in refused["detail"]
    told = api.get(SCANNER).json()
    assert (told["enabled"], told["criteria"]["topN"]) == (False, 10)
    assert told["lastApproved"]["approved"] == told["last"]["approved"] != []


def test_no_daily_scan_is_said_to_come_in_a_pause(api: Caller, anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"enabled": True}}, by=anna)
    desired.record(anna.pk, is_paused=False)
    assert "nextAt" in api.get(SCANNER).json()
    desired.record(anna.pk, is_paused=True)
    assert "nextAt" not in api.get(SCANNER).json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"add": []}, "/run"),
        ({"run": "seven"}, "/run"),
        ({"run": 7, "add": "SOL-USD"}, "/add"),
        ({"run": 7, "remove": [7]}, "/remove"),
        ({"run": 7, "more": 1}, ""),
        ([7], ""),
    ],
)
def test_a_body_that_is_wrong_names_the_field(api: Caller, body: Any, pointer: str) -> None:
    told = problem(api.post(APPLY, body), INVALID_REQUEST)
    assert [error["pointer"] for error in told["errors"]] == [pointer]


def test_only_what_was_proposed_is_approved(api: Caller, anna: User) -> None:
    run = api.post(PREVIEW).json()["id"]
    told = problem(api.post(APPLY, {"run": run, "add": ["NOPE-USD"]}), INVALID_REQUEST)
    assert told["errors"][0]["pointer"] == "/add"
    assert "NOPE" not in str(told)
    assert watched(anna) == ["BTC-USD", "ETH-USD"]


def test_an_exchange_that_is_off_names_the_setting(api: Caller, anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"exchange": "kucoin"}}, by=anna)
    told = problem(api.post(PREVIEW), INVALID_SETTINGS)
    assert told["errors"][0]["pointer"] == "/scanner/exchange"


@pytest.mark.parametrize("how", ["malformed", "throttled", "bad_gateway"])
def test_an_exchange_in_trouble_is_said_and_nothing_is_kept(
    api: Caller, anna: User, in_trouble: Callable[[Trouble], None], how: Trouble
) -> None:
    in_trouble(how)
    told = problem(api.post(PREVIEW), EXCHANGE_UNAVAILABLE)
    assert "nothing was changed" in told["detail"]
    assert not ScanRun.objects.exists()


def test_the_scan_of_one_user_is_nothing_to_another(api: Caller, anna: User, bela: User) -> None:
    run = api.post(PREVIEW).json()["id"]
    other = Caller(bela)
    problem(other.post(APPLY, {"run": run}), NOT_FOUND)
    assert other.get(SCANNER).json().get("last") is None
    assert watched(bela) == ["SOL-USD"]
    assert scans.last_approved(anna.pk) is None


def test_nobody_else_may_scan(anna: User) -> None:
    for path in (PREVIEW, APPLY):
        problem(Caller().post(path), NOT_SIGNED_IN)
        problem(Caller(UserFactory.create(is_staff=False)).post(path), NOT_STAFF)
        problem(Caller(anna, checks_csrf=True).post(path), CSRF_FAILED)
    problem(Caller().get(SCANNER), NOT_SIGNED_IN)
