"""Asking the web process over HTTP whether it answers."""

from __future__ import annotations

import asyncio
import contextlib

from livermore.embedded.ports import LOOPBACK

_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.1


async def answers_ok(port: int, path: str) -> bool:
    """Whether ``GET path`` on this loopback port answers 200 now."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            with contextlib.closing(writer):
                request = f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n"
                writer.write(request.encode())
                status_line = await reader.readline()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status_line


async def until_ok(port: int, path: str) -> None:
    """Return once ``GET path`` answers 200."""
    while not await answers_ok(port, path):  # noqa: ASYNC110 - nobody could set an event
        await asyncio.sleep(_POLL_SECONDS)
