"""Calls of the settings API through Django's test client, and what a problem has to look like."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from settings_app.models import User
from settings_app.problems import Kind
from tests.control.browsing import BACKEND

SETTINGS = "/api/settings"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

# Django's stubs keep the type of a test client's answer to themselves.
Response = Any


class Caller:
    """A program with the session of a user, or of nobody."""

    def __init__(self, user: User | None = None, *, checks_csrf: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=checks_csrf, raise_request_exception=False)
        if user is not None:
            self.client.force_login(user, backend=BACKEND)

    def get(self, path: str = "", **headers: str) -> Response:
        """GET below the settings' address; ``if_match`` is the header If-Match."""
        return self.send("GET", path, **headers)

    def put(self, body: Any, path: str = "", **headers: str) -> Response:
        """PUT a JSON value; text and bytes go as they are."""
        return self.send("PUT", path, body, **headers)

    def patch(self, body: Any, path: str = "", **headers: str) -> Response:
        """PATCH with a JSON value; text and bytes go as they are."""
        return self.send("PATCH", path, body, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        """POST a JSON value; None sends no body."""
        return self.send("POST", path, body, **headers)

    def send(
        self, method: str, path: str, body: Any = None, *, kind: str = JSON, **headers: str
    ) -> Response:
        """Any request; a path that begins with /api is taken as it is."""
        if body is None:
            data: str | bytes = b""
        else:
            data = body if isinstance(body, str | bytes) else json.dumps(body)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith("/api") else SETTINGS + path
        return self.client.generic(method, address, data, content_type=kind, headers=names)


def problem(response: Response, kind: Kind) -> dict[str, Any]:
    """The problem in an answer, which must be of this kind and of the right form."""
    assert response.status_code == kind.status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert "Location" not in response
    told: dict[str, Any] = response.json()
    assert told["type"] == f"urn:livermore:problem:{kind.name}"
    assert (told["title"], told["status"]) == (kind.title, kind.status)
    assert told["detail"]
    return told


def row(user: User) -> tuple[Any, ...]:
    """Everything that a refused request must leave alone."""
    columns = ("settings", "settings_version", "settings_revision", "settings_updated_at")
    values: tuple[Any, ...] = User.objects.values_list(*columns).get(pk=user.pk)
    return values
