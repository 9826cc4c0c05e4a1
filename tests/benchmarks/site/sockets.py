"""The bare way to tell many sockets one thing: ASGI and nothing else."""

from __future__ import annotations

from typing import Any

_sends: dict[Any, None] = {}


async def listen(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Let anybody in, and keep what sends to them until they leave."""
    await send({"type": "websocket.accept"})
    _sends[send] = None
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        del _sends[send]


async def speak(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send whatever is said here to everybody who listens, one after the other."""
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] != "websocket.disconnect":
        if (text := event.get("text")) is not None:
            for send_to_one in tuple(_sends):
                await send_to_one({"type": "websocket.send", "text": text})
