"""Importing and exporting the watchlist over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control.api.problems import (
    APPROVAL_UNKNOWN,
    EXCHANGE_UNAVAILABLE,
    IMPORT_OUTDATED,
    INVALID_REQUEST,
)
from settings_app import services
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    SETTINGS_TOO_NEW,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
)
from tests.control.conftest import trader
from tests.control.running import running_worker, status_when
from tests.settings_app.calling import Caller, Response, problem, row
from tests.settings_app.factories import UserFactory
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

IMPORT = "/api/symbols/import"
APPLY = "/api/symbols/import/apply"
EXPORT = "/api/symbols/export"
SECRET = "hunter2-Correct-Horse"


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD")


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD")


@pytest.fixture
def api(anna: User) -> Caller:
    return Caller(anna)


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def mended(simulator: Simulator) -> Iterator[Simulator]:
    """The exchange, whose troubles end with the test."""
    yield simulator
    simulator.inject(faults.Accept())


def send(api: Caller, text: str | bytes, kind: str = "text/csv") -> Response:
    return api.send("POST", IMPORT, text, kind=kind)


def symbols_of(user: User) -> list[str]:
    return [entry.symbol for entry in services.read(user.pk).document.watchlist]


# ------------------------------------------------------------------ showing
def test_a_preview_answers_each_row_and_an_approval(anna: User, api: Caller) -> None:
    before = row(anna)
    answer = send(api, f"BTC-USD\nSOL-USD,,,fast\nBTCC-USD\n{SECRET}\n")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["message"] == "1 added, 1 already-there, 1 unknown, 1 malformed"
    assert told["counts"]["added"] == 1
    assert told["revision"] == services.read(anna.pk).revision
    btc, sol, unknown, malformed = told["rows"]
    assert (btc["outcome"], btc["before"]) == (
        "already-there",
        {"enabled": True, "categories": []},
    )
    assert sol == {
        "number": 2,
        "line": 2,
        "column": 1,
        "symbol": "SOL-USD",
        "exchange": "coinbase",
        "outcome": "added",
        "after": {"enabled": True, "categories": ["fast"]},
    }
    assert unknown["nearest"][0] == "BTC-USD"
    assert (malformed["line"], malformed["column"], "symbol" in malformed) == (4, 1, False)
    assert SECRET.encode() not in answer.content
    assert len(told["approval"]) == 22
    assert row(anna) == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", "symbol\nSOL-USD"),
        ("text/csv; charset=utf-8", "\ufeffSOL-USD\r\n"),
        ("text/plain", "SOL-USD"),
        ("text/plain", '["SOL-USD"]'),
        ("application/json", '["SOL-USD"]'),
        ("application/json", '{"watchlist": [{"symbol": "SOL-USD"}]}'),
        ("application/json", '{"text": "SOL-USD"}'),
        ("application/json", '{"text": "[\\"SOL-USD\\"]", "format": "json"}'),
    ],
)
def test_a_file_comes_in_many_ways(api: Caller, kind: str, body: str) -> None:
    [told] = send(api, body, kind).json()["rows"]
    assert (told["symbol"], told["outcome"]) == ("SOL-USD", "added")


def test_what_changes_nothing_has_no_approval(api: Caller) -> None:
    told = send(api, "BTC-USD\nNONE-USD").json()
    assert "approval" not in told
    assert send(api, "# nothing").json()["rows"] == []


@pytest.mark.parametrize(
    ("kind", "body", "detail", "place"),
    [
        ("text/plain", '["SOL-USD"\n"ETH-USD"]', "The file must be JSON", (2, 1)),
        ("application/json", '{"text": "[", "format": "json"}', "The file must be JSON", (1, 2)),
        ("text/csv", "symbol;colour\nSOL-USD", "colour is none of them", (1, 8)),
        ("text/csv", b"\xff", "The file must be text in UTF-8", (None, None)),
        ("text/csv", "A-USD\n" * 2_001, "at most 2,000 rows", (2_001, None)),
        ("application/json", '["\\ud800"]', "surrogate", (None, None)),
        ("application/json", "7", "must be a list", (None, None)),
    ],
)
def test_what_is_no_file_says_where(
    api: Caller, kind: str, body: str, detail: str, place: tuple[int | None, int | None]
) -> None:
    told = problem(send(api, body, kind), INVALID_REQUEST)
    assert detail in told["detail"]
    assert (told.get("line"), told.get("column")) == place


def test_a_request_that_is_none_is_refused(api: Caller) -> None:
    told = problem(send(api, '["SOL-USD"', "application/json"), MALFORMED_JSON)
    assert (told["line"], told["column"]) == (1, 11)
    problem(send(api, "SOL-USD", "text/html"), UNSUPPORTED_MEDIA_TYPE)
    problem(send(api, "SOL-USD", "text/csv; charset=latin-1"), UNSUPPORTED_MEDIA_TYPE)
    problem(send(api, "#" * (1024 * 1024 + 1)), TOO_LARGE)
    problem(api.send("POST", f"{IMPORT}?apply=true", "SOL-USD", kind="text/csv"), MALFORMED_REQUEST)
    for body in ({"text": 7}, {"text": "SOL-USD", "format": "xml"}, {"text": "A", SECRET: 1}, {}):
        answer = api.post(IMPORT, body)
        assert problem(answer, INVALID_REQUEST)["errors"]
        assert SECRET.encode() not in answer.content
    [error] = problem(api.post(IMPORT, {"symbols": ["A-USD"], "text": 7}), INVALID_REQUEST)[
        "errors"
    ][:1]
    assert "an object whose watchlist is one" in error["detail"]
    for path in (IMPORT, APPLY):
        problem(api.get(path), METHOD_NOT_ALLOWED)


@pytest.mark.parametrize("how", ["throttled", "malformed", "bad_gateway"])
def test_an_exchange_in_trouble_is_told_and_nothing_changes(
    anna: User, api: Caller, mended: Simulator, how: Trouble
) -> None:
    before = row(anna)
    mended.inject(faults.Fail(how=how, requests=1_000_000))
    answer = send(api, "SOL-USD")
    assert "nothing was changed" in problem(answer, EXCHANGE_UNAVAILABLE)["detail"]
    assert answer["Retry-After"]
    assert row(anna) == before
    assert send(api, "BTC-USD").status_code == 200  # of which no exchange need be asked


def test_an_exchange_that_is_away_is_told_and_nothing_changes(
    anna: User, api: Caller, settings: Configuration
) -> None:
    nowhere = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
    settings.EXCHANGES = {"coinbase": nowhere}
    before = row(anna)
    problem(send(api, "SOL-USD"), EXCHANGE_UNAVAILABLE)
    assert row(anna) == before


# ------------------------------------------------------------------ applying
def test_an_approval_applies_what_was_shown_once(anna: User, api: Caller) -> None:
    approval = send(api, "SOL-USD\nLTC-USD").json()["approval"]
    answer = api.post(APPLY, {"approval": approval, "only": [2]})
    assert answer.status_code == 202, answer.content  # no runtime is there
    told = answer.json()
    assert (told["added"], told["changed"], told["already"], told["applied"]) == (1, 0, 0, False)
    assert told["message"].startswith("1 added, 0 changed; saved; ")
    assert told["revision"] == services.read(anna.pk).revision
    assert symbols_of(anna) == ["BTC-USD", "ETH-USD", "LTC-USD"]
    problem(api.post(APPLY, {"approval": approval}), NOT_FOUND)


def test_an_approval_that_does_not_hold_any_more_is_a_conflict(anna: User, api: Caller) -> None:
    approval = send(api, "SOL-USD\nLTC-USD").json()["approval"]
    sol = {"symbol": "SOL-USD", "exchange": "coinbase", "enabled": False}
    services.set_value(anna.pk, "/watchlist", [sol], by=anna)
    before = row(anna)
    told = problem(api.post(APPLY, {"approval": approval}), IMPORT_OUTDATED)
    assert told["conflicts"] == [{"symbol": "SOL-USD", "exchange": "coinbase"}]
    assert row(anna) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/approval"),
        ({"approval": 7}, "/approval"),
        ({"approval": "x", "only": "all"}, "/only"),
        ({"approval": "x", "only": ["1"]}, "/only"),
        ({"approval": "x", "sub": "bela"}, ""),
        ([], ""),
    ],
)
def test_an_approval_is_read_strictly(api: Caller, body: Any, pointer: str) -> None:
    [error] = problem(api.post(APPLY, body), INVALID_REQUEST)["errors"]
    assert error["pointer"] == pointer


def test_rows_that_change_nothing_cannot_be_chosen_and_the_approval_stays(
    anna: User, api: Caller
) -> None:
    approval = send(api, "BTC-USD\nSOL-USD").json()["approval"]
    [error] = problem(api.post(APPLY, {"approval": approval, "only": [1]}), INVALID_REQUEST)[
        "errors"
    ]
    assert error == {"pointer": "/only", "detail": "the preview has nothing to apply in row 1"}
    assert api.post(APPLY, {"approval": approval}).json()["added"] == 1


def test_without_redis_a_preview_cannot_be_approved(
    anna: User, api: Caller, settings: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control import wire

    approval = send(api, "SOL-USD").json()["approval"]
    before = row(anna)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    wire.shared.cache_clear()
    try:
        told = send(api, "SOL-USD").json()
        assert "approval" not in told
        assert told["note"].startswith("Redis does not answer")
        problem(api.post(APPLY, {"approval": approval}), APPROVAL_UNKNOWN)
    finally:
        wire.shared.cache_clear()
    assert row(anna) == before


@pytest.mark.django_db(transaction=True)
def test_a_running_worker_has_applied_it_when_it_is_answered(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna, bela = trader("BTC-USD", is_paused=False), trader("BTC-USD", is_paused=False)
    with running_worker(endpoints):
        for user in (anna, bela):
            status_when(user, lambda status: bool(status.symbols) and not status.counts.warming)
        api = Caller(anna)
        answer = api.post(APPLY, {"approval": send(api, "SOL-USD\nLTC-USD").json()["approval"]})
        assert (answer.status_code, answer.json()["applied"]) == (200, True), answer.content
        watched = status_when(
            anna, lambda status: len(status.symbols) == 3 and not status.counts.warming
        )
        assert {one.symbol for one in watched.symbols} == {"BTC-USD", "SOL-USD", "LTC-USD"}
        assert [one.symbol for one in status_when(bela, bool).symbols] == ["BTC-USD"]
    assert symbols_of(bela) == ["BTC-USD"]


# ------------------------------------------------------------------ exporting
@pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv"), ("json", "application/json")])
def test_an_export_is_a_file_of_which_everything_is_there(
    anna: User, api: Caller, form: str, kind: str
) -> None:
    answer = api.get(f"{EXPORT}?format={form}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert answer["Content-Disposition"].startswith('attachment; filename="livermore-watchlist-2')
    assert answer["Content-Disposition"].endswith(f'.{form}"')
    told = send(api, answer.content, kind).json()
    assert told["message"] == "2 already-there"
    assert api.get(f"{EXPORT}?format={form}").content == answer.content


def test_an_export_is_csv_unless_it_is_said_otherwise(anna: User, api: Caller) -> None:
    lines = ["symbol,exchange,enabled,categories", "BTC-USD,coinbase,true,"]
    assert api.get(EXPORT).content.decode().splitlines()[:2] == lines
    problem(api.get(f"{EXPORT}?format=xml"), MALFORMED_REQUEST)
    User.objects.filter(pk=anna.pk).update(settings={"version": 3}, settings_version=3)
    problem(api.get(EXPORT), SETTINGS_TOO_NEW)


# ------------------------------------------------------------------ whose it is
def test_what_one_was_shown_is_nothing_to_another(anna: User, bela: User, api: Caller) -> None:
    approval = send(api, "LTC-USD").json()["approval"]
    before = row(bela)
    stranger = Caller(bela).post(APPLY, {"approval": approval})
    never = Caller(bela).post(APPLY, {"approval": "a" * 22})
    problem(stranger, NOT_FOUND)
    assert stranger.content == never.content
    assert row(bela) == before
    assert api.post(APPLY, {"approval": approval}).json()["added"] == 1
    assert b"SOL-USD" in Caller(bela).get(EXPORT).content
    assert b"SOL-USD" not in api.get(EXPORT).content


def test_nobody_and_no_forged_page_imports_anything(anna: User) -> None:
    before = row(anna)
    outsider = Caller(UserFactory.create(is_staff=False))
    for path, body in ((IMPORT, ["SOL-USD"]), (APPLY, {"approval": "a" * 22})):
        problem(Caller().post(path, body), NOT_SIGNED_IN)
        problem(outsider.post(path, body), NOT_STAFF)
        problem(Caller(anna, checks_csrf=True).post(path, body), CSRF_FAILED)
    problem(Caller().get(EXPORT), NOT_SIGNED_IN)
    problem(outsider.get(EXPORT), NOT_STAFF)
    assert row(anna) == before
    assert json.loads(Caller(anna).get(f"{EXPORT}?format=json").content)["watchlist"]
