"""Messages are handed over as they come: whole, in order, and until somebody refuses one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from trading.net.connection import Connection

PATIENCE_SECONDS = 10.0
SPEECH = [b"one", b"two", b"three" * 1_000, b"", b"five"]


async def heard_of(
    behave: Callable[[ServerConnection], Awaitable[None]],
    hear: Callable[[Sequence[bytes]], None],
    *,
    max_size: int | None = None,
) -> None:
    """Listen to a server until it is over."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        serve(behave, "127.0.0.1", 0) as server,
        connect(
            f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            proxy=None,
            max_size=max_size,
            create_connection=Connection,
        ) as connection,
    ):
        await cast("Connection", connection).listen(hear)


async def test_messages_are_heard_whole_and_in_order() -> None:
    async def speak(connection: ServerConnection) -> None:
        for text in SPEECH:
            await connection.send(text, text=True)
        await connection.send(iter([b"in ", b"", b"parts"]), text=True)

    heard: list[bytes] = []
    with pytest.raises(ConnectionClosedOK):
        await heard_of(speak, heard.extend)
    assert heard == [*SPEECH, b"in parts"]


async def test_what_came_before_anybody_listened_is_heard_first() -> None:
    spoken = asyncio.Event()

    async def speak(connection: ServerConnection) -> None:
        await connection.send("early")
        await connection.ping()
        spoken.set()
        await connection.recv()
        await connection.send("late")

    heard: list[bytes] = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        serve(speak, "127.0.0.1", 0) as server,
        connect(
            f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            proxy=None,
            create_connection=Connection,
        ) as connection,
    ):
        await spoken.wait()
        await (await connection.ping())  # answered behind what was said early
        await connection.send("go on")
        with pytest.raises(ConnectionClosedOK):
            await cast("Connection", connection).listen(heard.extend)
    assert heard == [b"early", b"late"]


async def test_who_refuses_a_message_hears_no_other() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.wait_closed()

    calls = 0

    def refuse(messages: Sequence[bytes]) -> None:
        nonlocal calls
        calls += 1
        raise ValueError(messages[0].decode())

    with pytest.raises(ValueError, match="one"):
        await heard_of(speak, refuse)
    assert calls == 1


async def test_message_over_the_limit_ends_the_connection_also_in_parts() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(iter([b"a" * 600, b"b" * 600]), text=True)

    heard: list[bytes] = []
    with pytest.raises(ConnectionClosedError, match="1009"):
        await heard_of(speak, heard.extend, max_size=1_000)
    assert heard == []


def wire(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """A frame as a server sends it."""
    return Frame(opcode, data, fin).serialize(mask=False)


FRAMES = (
    wire(Opcode.TEXT, b"short"),
    wire(Opcode.PING, b"?"),
    wire(Opcode.TEXT, b"L" * 125) + wire(Opcode.TEXT, b"M" * 126) + wire(Opcode.TEXT, b""),
    wire(Opcode.TEXT, b"N" * 66_000),
    wire(Opcode.TEXT, b"in ", fin=False) + wire(Opcode.PING, b"") + wire(Opcode.CONT, b"parts"),
    wire(Opcode.BINARY, b"binary"),
)
BAD_FRAMES = {
    "masked": b"\x81\x85abcdHELLO",
    "unknown opcode": b"\x83\x00",
    "compressed": b"\xc1\x01a",
    "message within a message": wire(Opcode.TEXT, b"a", fin=False) + wire(Opcode.TEXT, b"b"),
    "too long": b"\x81\x7f" + (2**24 + 1).to_bytes(8, "big"),
}


class Line(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data


async def heard_in_reads(stream: bytes, cuts: list[int]) -> tuple[list[bytes], State]:
    """What is heard when the answer to the handshake, and this behind it, comes in such reads."""
    protocol = ClientProtocol(parse_uri("ws://exchange"), max_size=2**24)
    connection = Connection(protocol, ping_interval=None)
    line = Line()
    connection.connection_made(line)
    request = protocol.connect()
    protocol.send_request(request)
    connection.send_data()
    server = ServerProtocol()
    server.receive_data(line.written)
    [asked] = server.events_received()
    assert isinstance(asked, Request)
    server.send_response(server.accept(asked))
    received = b"".join(server.data_to_send()) + stream
    heard: list[bytes] = []
    connection._hear = heard.extend
    edges = [0, *sorted(cut % len(received) for cut in cuts), len(received)]
    for start, end in pairwise(edges):
        if start < end:
            connection.data_received(received[start:end])
    connection.response_rcvd.cancel()
    return heard, protocol.state


@given(st.lists(st.sampled_from(FRAMES), max_size=6), st.lists(st.integers(0, 2**20), max_size=8))
def test_however_reads_fall_the_same_is_heard(frames: list[bytes], cuts: list[int]) -> None:
    whole = ClientProtocol(parse_uri("ws://exchange"), state=State.OPEN, max_size=2**24)
    whole.receive_data(b"".join(frames))
    expected, begun = [], b""
    for event in whole.events_received():
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            begun += event.data
            if event.fin:
                expected.append(begun)
                begun = b""
    assert asyncio.run(heard_in_reads(b"".join(frames), cuts)) == (expected, State.OPEN)


@given(st.sampled_from(sorted(BAD_FRAMES)), st.lists(st.integers(0, 2**10), max_size=4))
def test_frame_against_the_rules_ends_the_connection(kind: str, cuts: list[int]) -> None:
    stream = FRAMES[0] + BAD_FRAMES[kind] + FRAMES[0]
    heard, state = asyncio.run(heard_in_reads(stream, cuts))
    assert heard == [b"short"]
    assert state is State.CLOSING
