"""The API as a whole: every error a problem, one guard before all, and its own description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.testing import ApplicationCommunicator
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver

from control.api.problems import KINDS as RUNTIME_KINDS
from livermore.api import api
from livermore.asgi import application
from livermore.boundary import api_boundary
from livermore.env import PROJECT
from settings_app import services
from settings_app.api.requests import MOST_BYTES
from settings_app.models import User
from settings_app.problems import (
    KINDS,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    TOO_LARGE,
)
from tests.control.browsing import cookie_of
from tests.settings_app.calling import SETTINGS, Caller, problem
from tests.settings_app.factories import UserFactory

METHODS = {"get", "put", "patch", "post", "delete"}
TOKEN = "t" * 32  # what the cookie and the header have to agree on
PATIENCE_SECONDS = 10.0


@pytest.fixture
def user(redis_url: str) -> User:
    """Somebody with the default document."""
    return UserFactory.create()


@pytest.fixture
def document(user: User) -> dict[str, Any]:
    """The OpenAPI document, as a program gets it."""
    told: dict[str, Any] = Caller(user).get("/api/openapi.json").json()
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


# ------------------------------------------------------------------ errors
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/settings/",
        "/api/settings/export/",
        "/api/settings%0a",
    ],
)
def test_an_address_that_is_not_there_is_a_problem_and_no_redirect(
    user: User, method: str, path: str
) -> None:
    for caller in (Caller(), Caller(user, checks_csrf=True)):
        problem(caller.send(method, path), NOT_FOUND)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/settings", "GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", "/api/settings/validate", "OPTIONS, POST"),
        ("POST", "/api/settings/export", "GET, HEAD, OPTIONS"),
        ("POST", "/api/openapi.json", "GET, HEAD, OPTIONS"),
        ("DELETE", "/api/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_there_is_told_which_are(
    user: User, method: str, path: str, allowed: str
) -> None:
    for caller in (Caller(), Caller(user, checks_csrf=True)):
        response = caller.send(method, path)
        problem(response, METHOD_NOT_ALLOWED)
        assert response["Allow"] == allowed
        assert response["Content-Length"] == str(len(response.content))


@pytest.mark.django_db
def test_a_refusal_of_django_itself_is_a_problem(user: User) -> None:
    response = Client().get(SETTINGS, headers={"host": "elsewhere.example"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert b"elsewhere" not in response.content


@pytest.mark.parametrize("status", [400, 403, 418, 429, 500, 502])
def test_an_error_page_of_whoever_becomes_a_problem(status: int) -> None:
    def page(_: object) -> HttpResponse:
        return HttpResponse("<h1>No</h1>", status=status, headers={"Retry-After": "7"})

    request = RequestFactory().get(SETTINGS)
    response = api_boundary(page)(request)
    assert isinstance(response, HttpResponse)
    told = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "7"
    assert (told["status"], response.status_code) == (status, status)
    assert told["type"] == "about:blank" or told["type"] in {kind.type for kind in KINDS}
    if told["type"] == "about:blank":
        assert told["title"] == HTTPStatus(status).phrase


@pytest.mark.parametrize("path", ["/", "/apiary", "/admin/api/", "/healthz"])
def test_other_addresses_keep_their_pages(path: str) -> None:
    def page(_: object) -> HttpResponse:
        return HttpResponse("<h1>No</h1>", status=404)

    response = api_boundary(page)(RequestFactory().get(path))
    assert isinstance(response, HttpResponse)
    assert response.content == b"<h1>No</h1>"
    assert "Cache-Control" not in response


# ------------------------------------------------------------------ the guard
@pytest.mark.django_db
def test_no_operation_of_any_router_is_without_the_guard(user: User) -> None:
    names = {pattern.pattern for pattern in get_resolver().url_patterns}
    assert names  # the addresses were built, so the routers are bound
    count = 0
    for router in api._get_bound_routers():  # ninja has no public list of its operations
        for view in router.path_operations.values():
            for operation in view.operations:
                count += 1
                assert list(operation.auth_callbacks) == api.auth, operation.view_func
                assert not operation.csrf_exempt
    assert count == 67


SAMPLES = {"command_id": "8f14e45f-ceea-467f-a83b-0b1f6ff4d1a1"}  # the others may be any number


@pytest.mark.django_db
def test_every_operation_is_reached_at_its_address(document: dict[str, Any]) -> None:
    for method, path, _ in operations(document):
        address = re.sub(r"{(\w+)}", lambda found: SAMPLES.get(found[1], "1"), path)
        problem(Caller().send(method.upper(), address), NOT_SIGNED_IN)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_the_documentation_is_for_staff(user: User, path: str) -> None:
    assert Caller(user).get(path).status_code == 200
    problem(Caller().get(path), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).get(path), NOT_STAFF)


@pytest.mark.django_db
def test_a_browser_that_follows_a_link_to_the_manual_is_asked_to_sign_in() -> None:
    answer = Client().get("/api/docs", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/api/docs"


# ------------------------------------------------------------------ under ASGI
@async_to_sync  # so that the views run in this thread, with the connection that the test closes
async def patch_in_chunks(session: str, chunks: list[bytes]) -> dict[str, Any]:
    """Send a body in chunks, without a length, as HTTP/1.1 lets anybody do; return the answer."""
    headers = {
        "host": "testserver",
        "cookie": f"sessionid={session}; csrftoken={TOKEN}",
        "x-csrftoken": TOKEN,
        "content-type": "application/json",
        "transfer-encoding": "chunked",
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "PATCH",
        "path": SETTINGS,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    communicator = ApplicationCommunicator(application, scope)
    for number, chunk in enumerate(chunks, 1):
        more = number < len(chunks)
        await communicator.send_input({"type": "http.request", "body": chunk, "more_body": more})
    start = await communicator.receive_output(PATIENCE_SECONDS)
    body = await communicator.receive_output(PATIENCE_SECONDS)
    await communicator.wait(PATIENCE_SECONDS)
    told: dict[str, Any] = json.loads(body["body"])
    return {"status": start["status"], **told}


@pytest.mark.django_db(transaction=True)
def test_a_body_without_a_length_is_read_and_bounded(user: User) -> None:
    session = cookie_of(user)
    chunks = [b'{"scanner": ', b'{"top_n"', b": 30}}"]
    told = patch_in_chunks(session, chunks)
    assert told["settings"]["scanner"]["top_n"] == 30
    endless = [b'{"scanner": {"top_n": 40}}', *[b" " * 65_536] * (MOST_BYTES // 65_536)]
    told = patch_in_chunks(session, endless)
    assert (told["status"], told["type"]) == (413, TOO_LARGE.type)
    stored = services.read(user.pk)
    assert (stored.revision, stored.document.scanner.top_n) == (2, 30)


# ------------------------------------------------------------------ the description
@pytest.mark.django_db
def test_the_document_describes_every_operation_and_nothing_else(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    described = {f"{method.upper()} {path}" for method, path, _ in operations(document)}
    assert described == {
        "GET /api/settings",
        "PUT /api/settings",
        "PATCH /api/settings",
        "POST /api/settings/validate",
        "POST /api/settings/import",
        "POST /api/settings/reset",
        "GET /api/settings/export",
        "GET /api/settings/schema",
        "GET /api/settings/templates",
        "POST /api/settings/templates/{name}/preview",
        "GET /api/settings/credentials",
        "POST /api/control/commands",
        "GET /api/control/commands/{command_id}",
        "GET /api/control/status",
        "GET /api/control/history",
        "GET /api/control/modes",
        "GET /api/control/cache",
        "GET /api/alerts",
        "GET /api/alerts/{alert_id}",
        "GET /api/alerts.csv",
        "POST /api/alerts/retry",
        "POST /api/alerts/{alert_id}/retry",
        "POST /api/alerts/{alert_id}/acknowledge",
        "POST /api/alerts/test",
        "GET /api/alerts/mutes",
        "POST /api/alerts/mutes",
        "DELETE /api/alerts/mutes/{mute_id}",
        "GET /api/symbols/search",
        "GET /api/symbols/figures",
        "GET /api/symbols/{exchange}/{symbol}",
        "GET /api/symbols/export",
        "POST /api/symbols/import",
        "POST /api/symbols/import/apply",
        "GET /api/symbols",
        "POST /api/symbols",
        "PATCH /api/symbols/{exchange}/{symbol}",
        "DELETE /api/symbols/{exchange}/{symbol}",
        "POST /api/symbols/bulk",
        "GET /api/scanner",
        "POST /api/scanner/preview",
        "POST /api/scanner/apply",
        "GET /api/candles",
        "GET /api/indicators",
        "GET /api/indicators/map",
    }
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(document):
        assert method in METHODS
        assert operation["summary"]
        assert operation["description"]
        assert operation["security"] == [{"StaffSession": []}]
        assert {"401", "403", "500", "503"} <= operation["responses"].keys(), path


@pytest.mark.django_db
def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for member in node.values():
                yield from references(member)
        elif isinstance(node, list):
            for member in node:
                yield from references(member)

    found = set(references(document))
    assert "#/components/schemas/Settings" in found
    for reference in found:
        node: Any = document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
        assert node


@pytest.mark.django_db
def test_each_setting_is_described_with_when_it_applies(document: dict[str, Any]) -> None:
    def leaves(node: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        below = {
            **node.get("properties", {}),
            **{key: node[key] for key in ("items", "additionalProperties") if key in node},
        }
        members = {key: member for key, member in below.items() if isinstance(member, dict)}
        if not members:
            yield at, node
        for key, member in members.items():
            yield from leaves(member, f"{at}/{key}")

    found = dict(leaves(document["components"]["schemas"]["Settings"]))
    assert len(found) > 80
    for place, node in found.items():
        assert f"Applies {node['x-applies']}." in node["description"], place
        if "x-unit" in node:
            assert f"Unit: {node['x-unit']}." in node["description"], place
        if "/items" not in place:
            assert node["title"], place
    assert found["/scanner/top_n"]["examples"]


@pytest.mark.django_db
def test_the_document_is_the_same_each_time(user: User, document: dict[str, Any]) -> None:
    assert Caller(user).get("/api/openapi.json").json() == document


@pytest.mark.django_db
def test_the_manual_names_every_operation_parameter_and_problem(document: dict[str, Any]) -> None:
    manual = Path(PROJECT / "docs" / "api.md").read_text()
    for method, path, operation in operations(document):
        assert f"`{method.upper()} {path}`" in manual
        for parameter in operation["parameters"]:
            assert parameter["name"] in manual or parameter["in"] == "path"
    for kind in (*KINDS, *RUNTIME_KINDS):
        assert f"| {int(kind.status)} | `{kind.name}` |" in manual
