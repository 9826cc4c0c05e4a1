"""``python -m tests.benchmarks.audience``: very many open pages in one process.

Rule 1: it costs as little as it can, for it shares the machine with what is measured: it reads the
    length of a frame and not what is in it.
Rule 2: a line on standard output says that every page is open; each further one that the next long
    message (a status) has reached the last of them. The end of standard input ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import sys

from livermore.embedded.ports import LOOPBACK

AT_ONCE = 20  # pages that open at the same time
LONG_BYTES = 1_000
PING, TEXT = 0x89, 0x81


class Page(asyncio.Protocol):
    """One open WebSocket."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._begin = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be upgraded."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._audience.request)

    def data_received(self, data: bytes) -> None:
        """Count what is long, and answer pings."""
        self._buffer += data
        if not self.opened.done():
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._buffer = bytearray(rest)
            self.opened.set_result(None)
        while self._take():
            pass

    def connection_lost(self, _reason: Exception | None) -> None:
        """A page that is closed early can hear nothing: nobody waits for it in vain."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("it was closed"))
        self._audience.closed()

    def _take(self) -> bool:
        """Take one frame, unmasked as a server's are (RFC 6455, section 5.2)."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        start, length = 2, buffer[1]
        if length == 126:
            start, length = 4, int.from_bytes(buffer[2:4], "big")
        elif length == 127:
            start, length = 10, int.from_bytes(buffer[2:10], "big")
        if len(buffer) < start + length or len(buffer) < start:
            return False
        if buffer[0] == PING and self._transport is not None:
            self._transport.write(_pong(bytes(buffer[start : start + length])))
        elif length >= LONG_BYTES:
            self._audience.heard()
        del buffer[: start + length]
        return True


class Audience:
    """All the pages."""

    def __init__(self, *, path: str, port: int, cookie: str, pages: int) -> None:
        self._pages = pages
        self._port = port
        self._heard = 0
        self.ending = asyncio.Event()
        key = base64.b64encode(os.urandom(16)).decode()
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nOrigin: http://{LOOPBACK}:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nCookie: {cookie}\r\n\r\n"
        ).encode()

    async def open(self) -> None:
        """Open every page, a few at a time."""
        loop = asyncio.get_running_loop()
        for start in range(0, self._pages, AT_ONCE):
            few = range(start, min(start + AT_ONCE, self._pages))
            made = [loop.create_connection(lambda: Page(self), LOOPBACK, self._port) for _ in few]
            await asyncio.gather(*(page.opened for _, page in await asyncio.gather(*made)))
        _say("open")

    def heard(self) -> None:
        """One page has a long message."""
        self._heard += 1
        if self._heard == self._pages:
            self._heard = 0
            _say("all")

    def closed(self) -> None:
        """One page was closed."""
        self.ending.set()


def _pong(payload: bytes) -> bytes:
    """A client masks; a mask of zeros changes nothing."""
    return bytes((0x8A, 0x80 | len(payload))) + bytes(4) + payload


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _run(arguments: argparse.Namespace) -> None:
    audience = Audience(**vars(arguments))
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await audience.open()
    end = asyncio.create_task(orders.read(), name="end of input")
    closed = asyncio.create_task(audience.ending.wait(), name="closed")
    await asyncio.wait({end, closed}, return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audience")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--cookie", default="")
    parser.add_argument("--pages", type=int, default=1_000)
    asyncio.run(_run(parser.parse_args()))
