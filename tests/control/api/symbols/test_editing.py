"""Changing the watchlist over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control.api.problems import EXCHANGE_UNAVAILABLE, INVALID_REQUEST
from settings_app import services
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
)
from tests.settings_app.calling import Caller, Response, problem, row
from tests.settings_app.factories import UserFactory
from trading.net.endpoints import Endpoints
from trading.simulator.venues.ports import Trouble

SYMBOLS = "/api/symbols"
BULK = "/api/symbols/bulk"
BTC = "/api/symbols/coinbase/BTC-USD"
SOL = "/api/symbols/coinbase/SOL-USD"
SECRET = "hunter2-Correct-Horse"
CHANGES: list[tuple[str, str, Any]] = [
    ("POST", SYMBOLS, {"symbol": "LTC-USD"}),
    ("PATCH", BTC, {"enabled": False}),
    ("DELETE", BTC, None),
    ("POST", BULK, {"action": "remove", "symbols": ["BTC-USD"]}),
]


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a runtime that is not there."""
    monkeypatch.setattr("control.api.symbols.editing.WAIT_SECONDS", 0.0)


def rows_of(user: User) -> list[tuple[str, bool, tuple[str, ...]]]:
    document = services.read(user.pk).document
    return [(one.symbol, one.enabled, one.categories) for one in document.watchlist]


def errors_of(answer: Response) -> dict[str, str]:
    told = problem(answer, INVALID_REQUEST)
    return {error["pointer"]: error["detail"] for error in told["errors"]}


# ------------------------------------------------------------------ adding
def test_one_symbol_is_added_and_recorded_where_no_runtime_is(anna: User, api: Caller) -> None:
    answer = api.post(SYMBOLS, {"symbol": "SOL-USD", "categories": ["fast"]})
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["symbols"] == [{"symbol": "SOL-USD", "exchange": "coinbase", "outcome": "done"}]
    assert (told["applied"], told["revision"]) == (False, services.read(anna.pk).revision)
    assert told["commandId"]
    assert rows_of(anna)[-1] == ("SOL-USD", True, ("fast",))


def test_several_are_added_at_once(anna: User, api: Caller) -> None:
    before = services.read(anna.pk).revision
    names = [{"symbol": name} for name in ("SOL-USD", "BTC-USD", "LTC-USD")]
    told = api.post(SYMBOLS, {"symbols": names}).json()
    assert [one["outcome"] for one in told["symbols"]] == ["done", "already-so", "done"]
    assert told["revision"] == before + 1
    assert [symbol for symbol, *_ in rows_of(anna)][2:] == ["SOL-USD", "LTC-USD"]


def test_if_one_is_refused_each_refusal_is_told_at_its_place(anna: User, api: Caller) -> None:
    before = row(anna)
    names = [
        {"symbol": "SOL-USD"},
        {"symbol": "SOLL-USD"},
        {"symbol": "BTC-USDT", "exchange": "kucoin"},
    ]
    answer = api.post(SYMBOLS, {"symbols": names})
    errors = errors_of(answer)
    assert list(errors) == ["/symbols/1/symbol", "/symbols/2/exchange"]
    assert "did you mean SOL-USD" in errors["/symbols/1/symbol"]
    assert answer.json()["nearest"]["/symbols/1/symbol"][0] == "SOL-USD"
    assert "SOLL" not in answer.content.decode()
    assert list(errors_of(api.post(SYMBOLS, {"symbol": "SOLL-USD"}))) == ["/symbol"]
    assert row(anna) == before


@pytest.mark.parametrize("how", ["bad_gateway", "malformed", "throttled"])
def test_an_exchange_in_trouble_is_told_and_nothing_changes(
    anna: User, api: Caller, in_trouble: Callable[[Trouble], None], how: Trouble
) -> None:
    before = row(anna)
    in_trouble(how)
    answer = api.post(SYMBOLS, {"symbol": "SOL-USD"})
    assert "nothing was changed" in problem(answer, EXCHANGE_UNAVAILABLE)["detail"]
    assert row(anna) == before


def test_an_exchange_that_is_away_hinders_no_other_change(
    anna: User, api: Caller, settings: Configuration
) -> None:
    nowhere = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
    settings.EXCHANGES = {"coinbase": nowhere}
    problem(api.post(SYMBOLS, {"symbol": "SOL-USD"}), EXCHANGE_UNAVAILABLE)
    assert api.send("PATCH", BTC, {"enabled": False}).status_code == 202
    assert api.send("DELETE", BTC).status_code == 202
    assert rows_of(anna) == [("ETH-USD", True, ())]


# ------------------------------------------------------------------ the others
def test_a_row_is_changed_in_what_is_given(anna: User, api: Caller) -> None:
    eth = "/api/symbols/coinbase/ETH-USD"
    told = api.send("PATCH", eth, {"categories": ["slow"], "position": 0}).json()
    assert told["symbols"][0]["outcome"] == "done"
    assert rows_of(anna) == [("ETH-USD", True, ("slow",)), ("BTC-USD", True, ())]
    answer = api.send("PATCH", eth, {"enabled": True})
    assert (answer.status_code, answer.json()["message"]) == (
        200,
        "1 as wanted already; nothing changed",
    )


def test_removing_says_what_stops_and_what_stays(api: Caller) -> None:
    told = api.send("DELETE", BTC).json()
    assert told["stopped"] == [{"symbol": "BTC-USD", "exchange": "coinbase"}]
    assert told["stillWatched"] == []
    problem(api.send("DELETE", BTC), NOT_FOUND)
    problem(api.send("PATCH", BTC, {"enabled": True}), NOT_FOUND)


def test_several_are_changed_by_one_action(anna: User, api: Caller) -> None:
    def act(action: str, *symbols: Any, **more: Any) -> list[str]:
        answer = api.post(BULK, {"action": action, "symbols": list(symbols), **more})
        assert answer.status_code == 202, answer.content
        return [one["outcome"] for one in answer.json()["symbols"]]

    assert act("disable", "BTC-USD", "SOL-USD") == ["done", "not-on-the-list"]
    assert act("enable", {"symbol": "BTC-USD", "exchange": "coinbase"}) == ["done"]
    assert act("categorise", "BTC-USD", "ETH-USD", categories=["fast"]) == ["done", "done"]
    assert act("categorise", "BTC-USD", categories=["slow"], tagging="add") == ["done"]
    assert rows_of(anna) == [("BTC-USD", True, ("fast", "slow")), ("ETH-USD", True, ("fast",))]
    assert act("remove", "BTC-USD", "ETH-USD") == ["done", "done"]
    assert rows_of(anna) == []


# ------------------------------------------------------------------ what is no change
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/symbol"),
        ([], ""),
        ({"symbol": 7}, "/symbol"),
        ({"symbol": "sol-usd"}, "/symbol"),
        ({"symbol": "SOL-USD", "exchange": SECRET}, "/exchange"),
        ({"symbol": "SOL-USD", "categories": ["ok", "UPPER"]}, "/categories/1"),
        ({"symbol": "SOL-USD", "sub": SECRET}, ""),
        ({"symbols": []}, "/symbols"),
        ({"symbols": "SOL-USD"}, "/symbols"),
        ({"symbols": ["SOL-USD"]}, "/symbols/0"),
        ({"symbols": [{"symbol": "SOL-USD"}, {}]}, "/symbols/1/symbol"),
        ({"symbols": [{"symbol": "SOL-USD", SECRET: 1}]}, "/symbols/0"),
        ({"symbols": [{"symbol": "A-USD"}, {"symbol": "A-USD"}]}, "/symbols/1/symbol"),
    ],
)
def test_a_body_that_adds_nothing_names_the_field(
    anna: User, api: Caller, body: Any, pointer: str
) -> None:
    before = row(anna)
    answer = api.post(SYMBOLS, body)
    assert list(errors_of(answer)) == [pointer]
    assert SECRET not in answer.content.decode()
    assert row(anna) == before


def test_an_exchange_that_there_is_not_is_told_with_those_that_there_are(api: Caller) -> None:
    errors = errors_of(api.post(SYMBOLS, {"symbol": "SOL-USD", "exchange": "kraken"}))
    assert "must be coinbase or binance or kucoin" in errors["/exchange"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"enabled": None}, ""),
        ({"enabled": "yes"}, "/enabled"),
        ({"position": -1}, "/position"),
        ({"position": 1.5}, "/position"),
        ({"categories": "fast"}, "/categories"),
        ({"symbol": "ETH-USD"}, ""),
    ],
)
def test_an_alteration_names_the_field(api: Caller, body: Any, pointer: str) -> None:
    assert list(errors_of(api.send("PATCH", BTC, body))) == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "explode", "symbols": ["BTC-USD"]}, "/action"),
        ({"action": "enable"}, "/symbols"),
        ({"action": "enable", "symbols": [7]}, "/symbols/0"),
        ({"action": "enable", "symbols": ["btc"]}, "/symbols/0/symbol"),
        ({"action": "categorise", "symbols": ["BTC-USD"]}, "/categories"),
        ({"action": "remove", "symbols": ["BTC-USD"], "categories": []}, "/categories"),
        ({"action": "enable", "symbols": ["BTC-USD"], "tagging": "add"}, "/tagging"),
    ],
)
def test_an_action_names_the_field(api: Caller, body: Any, pointer: str) -> None:
    assert list(errors_of(api.post(BULK, body))) == [pointer]


def test_what_takes_no_body_and_no_parameter_says_so(api: Caller) -> None:
    problem(api.send("DELETE", BTC, {"enabled": False}), MALFORMED_REQUEST)
    for method, path, body in CHANGES:
        problem(api.send(method, f"{path}?wait=1", body), MALFORMED_REQUEST)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_settings_that_cannot_be_used_are_told_and_stay(
    anna: User, api: Caller, method: str, path: str, body: Any
) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 3}, settings_version=3)
    problem(api.send(method, path, body), SETTINGS_TOO_NEW)
    damaged = {"version": 2, "sub": anna.sub, "watchlst": []}
    User.objects.filter(pk=anna.pk).update(settings=damaged, settings_version=2)
    before = row(anna)
    problem(api.send(method, path, body), SETTINGS_DAMAGED)
    assert row(anna) == before


# ------------------------------------------------------------------ whose it is
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_change_is_of_ones_own_watchlist_only(
    anna: User, bela: User, method: str, path: str, body: Any
) -> None:
    before = row(anna)
    Caller(bela).send(method, path, body)
    assert row(anna) == before


def test_what_only_another_has_is_as_if_nobody_had_it(anna: User, bela: User, api: Caller) -> None:
    theirs = row(bela)
    never = api.send("DELETE", "/api/symbols/coinbase/ADA-USD")
    assert api.send("DELETE", SOL).content == never.content
    problem(never, NOT_FOUND)
    assert row(bela) == theirs


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_nobody_and_no_forged_page_changes_anything(
    anna: User, method: str, path: str, body: Any
) -> None:
    before = row(anna)
    problem(Caller().send(method, path, body), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).send(method, path, body), NOT_STAFF)
    problem(Caller(anna, checks_csrf=True).send(method, path, body), CSRF_FAILED)
    assert row(anna) == before
