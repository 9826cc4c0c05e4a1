"""Open pages, as the tests of relay and consumer see them: a socket with a session's cookie."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from livermore.asgi import application
from settings_app.models import User

PATIENCE_SECONDS = 10.0
BACKEND = "django.contrib.auth.backends.ModelBackend"


def cookie_of(user: User) -> str:
    """A signed-in session of a user; its key."""
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def dial(
    session_key: str | None, *, origin: str = "http://testserver", path: str = "/ws/runtime/"
) -> WebsocketCommunicator:
    """A browser's socket, not yet connected."""
    headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
    if session_key is not None:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session_key}".encode()))
    return WebsocketCommunicator(application, path, headers=headers)


class Page:
    """A connected socket and everything it has received."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.received: list[dict[str, Any]] = []

    async def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message from now on that is it; whatever came before stays in ``received``."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message: dict[str, Any] = json.loads(
                    await self.socket.receive_from(PATIENCE_SECONDS)
                )
                self.received.append(message)
                if is_it(message):
                    return message

    async def until_type(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        return await self.until(lambda message: message["type"] == kind)

    async def is_current(self) -> None:
        """Return once the relay serves this page: it has said what it knows of the runtime."""
        if not any(message["type"] == "status" for message in self.received):
            await self.until_type("status")

    async def closed_with(self) -> int:
        """The close code, once the server closes."""
        while True:
            event = await self.socket.receive_output(PATIENCE_SECONDS)
            if event["type"] == "websocket.close":
                return int(event["code"])


@asynccontextmanager
async def opened(user: User, path: str = "/ws/runtime/") -> AsyncIterator[Page]:
    """A page of a signed-in user, connected."""
    socket = dial(await sync_to_async(cookie_of)(user), path=path)
    connected, _ = await socket.connect(PATIENCE_SECONDS)
    assert connected
    try:
        yield Page(socket)
    finally:
        await socket.disconnect()
