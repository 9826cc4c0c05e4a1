"""``python -m tests.benchmarks.flood``: Coinbase's market data WebSocket on a very busy day.

Rule 1: it speaks the protocol as far as a feed of ours needs it: subscriptions with their answers,
    numbered frames, heartbeats, trades with ids that leave nothing out. Each message is one trade.
Rule 2: it costs as little as it can, for it shares the machine with what is measured: frames are
    made of templates and written many at a time.
Rule 3: standard input rules it: a line says how many messages a second from now on, and its end
    ends it. To "?" it answers how many it has sent, and in how many milliseconds of pouring. After
    "+" four minutes have passed, and the price is another: bars close, and indicators turn.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from livermore.embedded.ports import LOOPBACK

SLICE_SECONDS = 0.005
MOST_LATE_SECONDS = 0.1  # what was missed before that is not made up for
BEAT_SECONDS = 1.0
FIRST_TRADE = 2**40  # above whatever the simulated exchange's REST has told
MOST_BEHIND = 2**20  # bytes a reader may be behind before the rest of a slice is left out
LONG = 126
LEAP = timedelta(minutes=4)  # no more than a clock is believed to leap
LOW, HIGH = 100, 150


class Connection(asyncio.Protocol):
    """One feed of the worker's, and what it subscribed to."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._protocol = ServerProtocol()
        self._numbers = itertools.count()
        self._books: dict[str, Iterator[int]] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody dials."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the handshake, pings and subscriptions."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                self._flood.connections.add(self)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._obey(json.loads(bytes(event.data)))
        self._flush()

    def connection_lost(self, _reason: Exception | None) -> None:
        """It hung up."""
        self._flood.connections.discard(self)

    def tell(self, trades: Iterable[int], now: str) -> int:
        """Send one message for each trade; how many were sent."""
        books = list(self._books.items())
        if self._transport is None or not books:
            return 0
        if self._transport.get_write_buffer_size() > MOST_BEHIND:
            return 0
        # In turns over the slices too: in small ones only the first books would ever trade.
        numbers = [next(self._numbers) for _ in trades]
        told = [_frame(self._trade(*books[number % len(books)], number, now)) for number in numbers]
        self._transport.write(b"".join(told))
        return len(told)

    def beat(self, now: str) -> None:
        """Send a heartbeat."""
        self._say("heartbeats", [{"current_time": now, "heartbeat_counter": 0}], now)

    def _obey(self, asked: dict[str, Any]) -> None:
        for book in asked.get("product_ids", ()):
            if asked["type"] == "subscribe":
                self._books.setdefault(book, itertools.count(FIRST_TRADE))
            else:
                self._books.pop(book, None)
        held = {"market_trades": list(self._books), "heartbeats": ["heartbeats"]}
        self._say("subscriptions", [{"subscriptions": held}], self._flood.now())

    def _say(self, channel: str, events: list[dict[str, Any]], now: str) -> None:
        envelope = {
            "channel": channel,
            "timestamp": now,
            "sequence_num": next(self._numbers),
            "events": events,
        }
        self._protocol.send_text(json.dumps(envelope).encode())
        self._flush()

    def _flush(self) -> None:
        if self._transport is None:
            return
        for data in self._protocol.data_to_send():
            self._transport.write(data)

    def _trade(self, book: str, ids: Iterator[int], number: int, now: str) -> bytes:
        trade_id = next(ids)
        price = self._flood.price + trade_id % 7
        return (
            f'{{"channel":"market_trades","timestamp":"{now}","sequence_num":{number},'
            f'"events":[{{"type":"update","trades":[{{"product_id":"{book}",'
            f'"trade_id":"{trade_id}","price":"{price}","size":"0.015",'
            f'"time":"{now}","side":"BUY"}}]}}]}}'
        ).encode()


class Flood:
    """Every connection, and how much they are told."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.rate = 0
        self.sent = 0
        self.poured_seconds = 0.0
        self.price = LOW
        self._ahead = timedelta()

    def leap(self) -> None:
        """Let four minutes have passed."""
        self._ahead += LEAP
        self.price = LOW + HIGH - self.price

    def now(self) -> str:
        """The exchange's clock."""
        return (datetime.now(UTC) + self._ahead).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    async def pour(self) -> None:
        """Tell so many trades a second, in small slices, and a heartbeat each second."""
        due, beat_at, last = 0.0, 0.0, time.monotonic()
        while True:
            await asyncio.sleep(SLICE_SECONDS)
            now, text = time.monotonic(), self.now()
            due = min(due + (now - last) * self.rate, self.rate * MOST_LATE_SECONDS)
            self.poured_seconds += (now - last) * bool(self.rate)
            last = now
            for connection in tuple(self.connections):
                self.sent += connection.tell(range(int(due)), text)
            due -= int(due)
            if now - beat_at >= BEAT_SECONDS:
                beat_at = now
                for connection in tuple(self.connections):
                    connection.beat(text)


def _frame(payload: bytes) -> bytes:
    """One unmasked text frame (RFC 6455, section 5.2); none of ours is longer than 64 KB."""
    length = len(payload)
    if length < LONG:
        return bytes((0x81, length)) + payload
    return bytes((0x81, LONG)) + length.to_bytes(2, "big") + payload


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _run(port: int) -> None:
    flood = Flood()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(flood), LOOPBACK, port)
    pouring = asyncio.create_task(flood.pour(), name="pour")
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _say("flood")
    while line := await orders.readline():
        if line == b"?\n":
            _say(f"{flood.sent} {flood.poured_seconds * 1_000:.0f}")
        elif line == b"+\n":
            flood.leap()
        else:
            flood.rate = int(line)
    pouring.cancel()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flood", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    asyncio.run(_run(parser.parse_args().port))
