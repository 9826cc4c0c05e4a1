"""What requests of the settings API are refused for, before a setting is looked at."""

from __future__ import annotations

import json

import pytest

from settings_app.api.requests import MOST_BYTES
from settings_app.models import User
from settings_app.problems import (
    INVALID_SETTINGS,
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
)
from settings_app.schema import default_document
from tests.settings_app.calling import JSON, MERGE_PATCH, Caller, Response, problem, row
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

BODIES = [("PUT", ""), ("PATCH", ""), ("POST", "/validate"), ("POST", "/import")]
with_a_body = pytest.mark.parametrize(("method", "path"), BODIES)


@pytest.fixture
def user(redis_url: str) -> User:
    """Somebody with the default document."""
    return UserFactory.create()


@pytest.fixture
def caller(user: User) -> Caller:
    """Their program."""
    return Caller(user)


def send(
    caller: Caller, method: str, path: str, body: str | bytes, kind: str = JSON, **headers: str
) -> Response:
    return caller.send(method, path, body, kind=kind, if_match="*", **headers)


# ------------------------------------------------------------------ the query
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "?a=1"),
        ("GET", "/export?a=1"),
        ("GET", "/schema?a=1"),
        ("GET", "/templates?a=1"),
        ("PUT", "?dryRun=true"),
        ("PATCH", "?dryRun=true"),
        ("POST", "/validate?path=/scanner"),
        ("POST", "/import?dryrun=true"),
        ("POST", "/import?section=scanner"),
        ("POST", "/reset?sction=scanner"),
        ("POST", "/templates/paper-demo/preview?a=1"),
    ],
)
def test_a_misspelt_parameter_is_not_ignored(
    user: User, caller: Caller, method: str, path: str
) -> None:
    before = row(user)
    response = caller.send(method, path, default_document(user.sub), if_match="*")
    problem(response, MALFORMED_REQUEST)
    assert row(user) == before


def test_a_misspelt_parameter_is_told_the_nearest_and_not_repeated(caller: Caller) -> None:
    told = problem(caller.post("/import?drRyun=true", {}), MALFORMED_REQUEST)
    assert "dryRun" in told["detail"]
    assert "drRyun" not in told["detail"]


@pytest.mark.parametrize("value", ["", "1", "True", "yes", "true&dryRun=true", "true&dryRun=false"])
def test_a_flag_is_true_or_false_and_given_once(user: User, caller: Caller, value: str) -> None:
    before = row(user)
    document = {**default_document(user.sub), "scanner": {"top_n": 30}}
    told = problem(caller.post(f"/import?dryRun={value}", document), MALFORMED_REQUEST)
    assert "dryRun" in told["detail"]
    assert row(user) == before


# ------------------------------------------------------------------ the body's type
@with_a_body
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "*/*",
    ],
)
def test_a_body_of_another_type_is_refused(
    user: User, caller: Caller, method: str, path: str, kind: str
) -> None:
    before = row(user)
    response = send(caller, method, path, "{}", kind)
    told = problem(response, UNSUPPORTED_MEDIA_TYPE)
    assert JSON in told["detail"]
    assert JSON in response["Accept-Patch" if method == "PATCH" else "Accept"]
    assert row(user) == before


def test_a_merge_patch_is_a_patch_alone(caller: Caller) -> None:
    for method, path in (("PUT", ""), ("POST", "/import")):
        problem(send(caller, method, path, "{}", MERGE_PATCH), UNSUPPORTED_MEDIA_TYPE)


@with_a_body
def test_a_compressed_body_is_refused(caller: Caller, method: str, path: str) -> None:
    response = send(caller, method, path, b"\x1f\x8b", content_encoding="gzip")
    problem(response, UNSUPPORTED_MEDIA_TYPE)
    assert response["Accept-Encoding"] == "identity"


# ------------------------------------------------------------------ its size
@with_a_body
def test_a_body_of_more_than_a_megabyte_is_refused(
    user: User, caller: Caller, method: str, path: str
) -> None:
    before = row(user)
    padding = " " * (MOST_BYTES - 1)
    problem(send(caller, method, path, f"[]{padding}"), TOO_LARGE)
    problem(send(caller, method, path, "x" * 3 * MOST_BYTES), TOO_LARGE)
    assert b"must be an object" in send(caller, method, path, f"[]{padding}"[:-1]).content
    assert row(user) == before


def test_a_length_that_is_no_number_is_refused(caller: Caller) -> None:
    response = caller.client.generic(
        "PATCH", "/api/settings", "{}", content_type=JSON, CONTENT_LENGTH="many"
    )
    problem(response, MALFORMED_REQUEST)


# ------------------------------------------------------------------ its syntax
@with_a_body
@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ('{"a": 1,\n "b": }', 2, 7),
        ("{'a': 1}", 1, 2),
        ("[1, 2] x", 1, 8),
        ('{"a": hunter2}', 1, 7),
        (" ", 1, 2),
    ],
)
def test_what_is_no_json_is_told_its_line_and_column(
    user: User, caller: Caller, method: str, path: str, text: str, line: int, column: int
) -> None:
    before = row(user)
    response = send(caller, method, path, text)
    told = problem(response, MALFORMED_JSON)
    assert (told["line"], told["column"]) == (line, column)
    assert f"line {line}, column {column}" in told["detail"]
    assert b"hunter2" not in response.content
    assert row(user) == before


@with_a_body
@pytest.mark.parametrize(
    "text",
    [b'"\xff"', b'{"a": "\xed\xa0\x80"}', "[" * 100_000, "1" * 5_000, '{"a": NaN}', "Infinity"],
    ids=["not utf-8", "a surrogate", "nested", "digits", "NaN", "Infinity"],
)
def test_what_python_would_read_and_json_forbids_is_refused(
    user: User, caller: Caller, method: str, path: str, text: str | bytes
) -> None:
    before = row(user)
    response = send(caller, method, path, text)
    assert response.status_code in {400, 422}
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"]
    assert row(user) == before


@with_a_body
def test_a_key_that_stands_twice_is_pointed_at(
    user: User, caller: Caller, method: str, path: str
) -> None:
    before = row(user)
    text = '{"scanner": {"top_n": 20, "enabled": false, "top_n": 30}}'
    [error] = problem(send(caller, method, path, text), INVALID_SETTINGS)["errors"]
    assert error["pointer"] == "/scanner/top_n"
    assert "twice" in error["detail"]
    assert row(user) == before


def test_a_byte_order_mark_is_no_error(caller: Caller) -> None:
    assert caller.patch(b'\xef\xbb\xbf{"scanner": {"top_n": 30}}').status_code == 200


@with_a_body
def test_no_text_that_was_sent_comes_back_in_a_refusal(
    user: User, caller: Caller, method: str, path: str
) -> None:
    texts = default_document(user.sub)
    texts["perseus_profile"] |= {"timezone": "planted-1", "locale": "planted-2"}
    texts["exchanges"]["coinbase"]["ApiKeyEnvironmentVariableName"] = "planted 3"
    for text in (
        json.dumps(texts),
        '{"perseus_profile": "planted-4"}',
        '["planted-5"]',
        '"planted-6"',
        '{"perseus_profile": {"public_name": planted-7}}',
        '{"version": 2, "watchlist": [{"symbol": "planted-8", "exchange": "planted-9"}]}',
    ):
        response = send(caller, method, path, text)
        assert response.status_code in {200, 400, 422}
        assert b'"errors"' in response.content
        assert b"planted" not in response.content
