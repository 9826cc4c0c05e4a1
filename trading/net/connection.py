"""A WebSocket that hands its messages over where they arrive.

Rule 1: what one read of the socket brought is handed over at once, before anything else happens on
    the loop: no queue, and no task that is woken for each message.
Rule 2: the protocol of WebSockets stays the library's. Only what nearly all frames are, a text in
    one unmasked frame, is cut out here, in a fraction of the time; every other frame goes through
    the library whole, and all of them from the first on that breaks a rule.

Source: RFC 6455, section 5.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import OPEN, Event

Hear = Callable[[Sequence[bytes]], None]

MAX_HEAD_BYTES = 2**16
END_OF_HEAD = b"\r\n\r\n"

WHOLE_TEXT = 0x81
LONG, MASKED = 126, 128


class Connection(ClientConnection):
    """A connection that is listened to, not received from: ``connect(create_connection=…)``."""

    _ended: asyncio.Future[None] | None = None
    _hear: Hear | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        self._messages: list[bytes] = []
        self._begun = bytearray()
        self._is_amid = False  # a message of several frames
        self._unread = bytearray()
        self._enough = 0  # bytes without which nothing can be done
        self._receive = self._receive_head
        super().connection_made(transport)

    async def listen(self, hear: Hear) -> None:
        """Hand over every message until the connection ends or ``hear`` raises.

        What came before this call is handed over first; what comes after it is let go.

        Args:
            hear: Told the messages that came together, oldest first, never none.

        Raises:
            ConnectionClosed: It ended.
            Exception: Whatever ``hear`` raised.
        """
        self._ended = asyncio.get_running_loop().create_future()
        self._hear = hear
        try:
            self._hand_over()
            if self.connection_lost_waiter.done():
                self._end(self.protocol.close_exc)
            await self._ended
        finally:
            self._hear = _let_go

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._receive(data)
        self._hand_over()

    def process_event(self, event: Event) -> None:
        """Take a frame of a message; leave the others, and the handshake, to the library."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        self._begun += event.data  # the library bounds the size of the whole
        if event.fin:
            self._messages.append(bytes(self._begun))
            self._begun.clear()
        self._is_amid = not event.fin

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        super().connection_lost(exc)
        self._end(self.protocol.close_exc)

    def _receive_head(self, data: bytes) -> None:
        """Give the answer to the handshake to the library, and not what came behind it."""
        self._unread += data
        end = self._unread.find(END_OF_HEAD) + len(END_OF_HEAD)
        if end < len(END_OF_HEAD):
            if len(self._unread) > MAX_HEAD_BYTES:
                self._leave_to_library()
            return
        head = bytes(self._unread[:end])
        del self._unread[:end]
        super().data_received(head)
        if self.protocol.state is not OPEN:
            self._leave_to_library()
            return
        self._receive = self._receive_frames
        self._receive_frames(b"")

    def _receive_frames(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) < self._enough:
            return
        unread = bytes(self._unread)
        del self._unread[: self._cut(unread)]
        if self.protocol.state is not OPEN or self._breaks_a_rule(self._unread):
            self._leave_to_library()

    def _cut(self, unread: bytes) -> int:
        """Take every whole frame, up to one that breaks a rule; how many bytes they were."""
        messages, size, start = self._messages, len(unread), 0
        self._enough = 0
        while start + 2 <= size:
            length, begin = unread[start + 1], start + 2
            if length >= LONG:
                begin += 2 if length == LONG else 8
                length = int.from_bytes(unread[start + 2 : begin], "big")
                if begin > size or self._breaks_a_rule(unread[start:begin]):
                    break
            end = begin + length
            if end > size:
                self._enough = end - start
                break
            if unread[start] == WHOLE_TEXT and not self._is_amid:
                messages.append(unread[begin:end])
            else:
                super().data_received(unread[start:end])
                if self.protocol.state is not OPEN:
                    return end
            start = end
        return start

    def _breaks_a_rule(self, head: Sequence[int]) -> bool:
        """Whether a frame that begins like this must not come from an exchange."""
        most = self.protocol.max_message_size
        if len(head) < 2 or head[1] < LONG:
            return False
        size = 2 if head[1] == LONG else 8
        extended = head[2 : 2 + size]
        is_long = most is not None and int.from_bytes(extended, "big") > most
        return head[1] >= MASKED or (len(extended) == size and is_long)

    def _leave_to_library(self, data: bytes = b"") -> None:
        """From here on the library judges every byte."""
        unread, self._unread = bytes(self._unread) + data, bytearray()
        self._receive = self._leave_to_library
        if unread:
            super().data_received(unread)

    def _hand_over(self) -> None:
        if self._hear is None or not self._messages:
            return
        messages, self._messages = self._messages, []
        try:
            self._hear(messages)
        except Exception as exc:  # noqa: BLE001 - raised again, in who listens
            self._hear = _let_go
            self._end(exc)

    def _end(self, reason: Exception) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(reason)


def _let_go(_messages: Sequence[bytes]) -> None:
    """Hear nothing any more."""
