"""The user's own program beside a page."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page


class Api:
    """Their settings over HTTP, with the session of a page."""

    def __init__(self, page: Page, url: str) -> None:
        self._page, self._address = page, f"{url}/api/settings"

    def settings(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._page.request.get(self._address).json()
        return answer

    def revision(self) -> int:
        return int(self._page.request.get(self._address).headers["etag"].strip('"'))

    def patch(self, changes: dict[str, Any]) -> None:
        self._send("PATCH", changes, {"Content-Type": "application/merge-patch+json"})

    def replace(self, settings: dict[str, Any]) -> None:
        self._send("PUT", settings, {"Content-Type": "application/json", "If-Match": "*"})

    def _send(self, method: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        cookies = {cookie["name"]: cookie["value"] for cookie in self._page.context.cookies()}
        response = self._page.request.fetch(
            self._address,
            method=method,
            data=json.dumps(body),
            headers=headers | {"X-CSRFToken": cookies["csrftoken"]},
        )
        assert response.ok, response.text()
