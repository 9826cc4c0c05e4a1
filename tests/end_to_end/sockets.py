"""The socket of a page without a worker: what that would tell, a test puts on it."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import WebSocketRoute

from settings_app.models import User
from tests.control.statuses import a_status

PATIENT_MS = 600_000  # a status grows old for a test that asks for it, and for no slow one


class Socket:
    """The page's socket, on which a test says what a runtime would."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._route: WebSocketRoute | None = None
        self._version = 10
        self._is_cut = False

    def take(self, route: WebSocketRoute) -> None:
        """Hold the line that the page opens."""
        if self._is_cut:
            route.close()
        else:
            self._route = route

    def cut(self) -> None:
        """End the line where there is one, and let the page open no other."""
        self._is_cut = True
        if self._route is not None:
            self._route.close()

    def mend(self) -> None:
        """Let the page open a line again."""
        self._is_cut = False

    def tell(self, **changes: Any) -> None:
        """Send a status, later than every one before."""
        self._version += 1
        facts = {"heartbeat_ms": PATIENT_MS, "state_version": self._version, **changes}
        status = a_status(self._user.sub, **facts)
        self.send({"type": "status", "status": status.to_dict()})

    def send(self, message: dict[str, Any]) -> None:
        """Send anything."""
        assert self._route is not None
        self._route.send(json.dumps(message))
