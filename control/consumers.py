"""The browser's WebSocket.

Rule 1: it only listens. Commands are HTTP requests, with their CSRF token and their answer.
Rule 2: whose runtime is shown comes from the session; nothing a browser sends can change it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from control import access, relay, tasks
from control.access import Visitor
from control.backlog import Backlog, BacklogClosed, Slot
from control.protocol import now_ms

LONGEST_MESSAGE = 200  # characters; a browser reports counts and clocks, nothing else


class NoConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # untyped base
    """What answers where no socket is."""

    async def connect(self) -> None:
        """Refuse everyone with a 403, as whoever may not listen."""
        await self.close()


class RuntimeConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # untyped base
    """Sends a signed-in member of staff everything about their own runtime, as it happens.

    To the browser: ``status``, ``ack``, ``result``, ``link``, ``desired``, ``clock`` and the events
    as they are. From the browser: ``{"type": "clock", "sent": ms}``, answered with this server's
    time, and ``{"type": "seen", "count": n}``, which opens the window of the backlog.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visitor: Visitor | None = None
        self._backlog = Backlog()
        self._writer: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Let members of staff in; everyone else gets a 403."""
        self._visitor = access.visitor_of(self.scope)
        if self._visitor is None:
            await self.close()
            return
        await self.accept()
        self._writer = asyncio.create_task(self._write(), name=f"socket of {self._visitor.sub}")
        await relay.here().attach(self._visitor, self._backlog)

    async def disconnect(self, _code: int) -> None:
        """Leave the relay, whoever closed."""
        if self._visitor is not None:
            await relay.here().detach(self._visitor, self._backlog)
        if self._writer is not None:
            await tasks.end(self._writer)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a report or a question about the time; anything else means nothing here."""
        if bytes_data is not None or text_data is None or len(text_data) > LONGEST_MESSAGE:
            return
        try:
            message = json.loads(text_data)
        except ValueError:
            return
        match message:
            case {"type": "seen", "count": int(count)} if count >= 0:
                self._backlog.seen(count)
            case {"type": "clock", "sent": int(sent) | float(sent)}:
                reply = {"type": "clock", "sent": sent, "now": now_ms()}
                self._backlog.offer_newest(Slot.CLOCK, json.dumps(reply))

    async def _write(self) -> None:
        try:
            while True:
                await self.send(text_data=await self._backlog.take())
        except BacklogClosed as closed:
            await self.close(closed.code)
