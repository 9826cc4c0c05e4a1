"""One market-data connection: dial, talk, notice that it died, dial again.

Rule 1: a protocol lives and dies with its socket; only what is wanted outlives it.
Rule 2: connected is what was heard lately, not what was dialled: a link that has gone quiet is
    stale, and dropped when it stays so. Pings measure the way; one that is never answered, as in a
    moment's silence, ends no link on which trades arrive.
Rule 3: where an exchange gives out addresses for one connection each, every dial asks for a new
    one; no such address is logged.
Rule 4: the loop that redials is ours. A venue that accepts and then drops is backed off from like
    one that refuses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Protocol, cast

import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from trading.core.errors import ExchangeError
from trading.exchanges.ports import (
    AliveAnswered,
    Event,
    Exchange,
    MarketDataProtocol,
    Subscriptions,
)
from trading.net.asked import ACK_SECONDS, Asked
from trading.net.backoff import Backoff
from trading.net.budget import TokenBucket
from trading.net.connection import Connection
from trading.net.endpoints import is_loopback
from trading.net.reasons import reason_of

log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 16 * 2**20
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
PING_SECONDS = 2.0
STALE_SHARE = 0.5
"""A link is stale after this share of the silence that ends it."""


class FeedState(StrEnum):
    """What a trader is told of a link."""

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    STALE = "stale"
    UNREACHABLE = "unreachable"


class Listener(Protocol):
    """Who is told what a feed hears. Calls come from the feed's loop, one at a time."""

    def feed_heard(self, feed: Feed, events: Sequence[Event]) -> None:
        """What the frames that came together say, oldest first."""

    def feed_lost(self, feed: Feed) -> None:
        """The connection is gone; from its last frame on trades may be lost."""


class _Silent(Exception):
    """The link said nothing for longer than a live one ever does."""


class Feed:
    """One connection to one exchange, kept up until it is cancelled.

    Args:
        exchange: Whose protocol it speaks.
        url: Address of the WebSocket.
        listener: Told of every frame and every loss.
        new_protocol: Makes the protocol of a fresh connection.
        dials: Budget of connection attempts, shared by all feeds of the exchange.
        messages: Budget of frames sent, shared likewise.
        address: Asked before each dial for the address, instead of ``url``.
        patience: How long an acknowledgement may take before it is asked for again, seconds.
    """

    def __init__(
        self,
        exchange: Exchange,
        url: str,
        listener: Listener,
        *,
        new_protocol: Callable[[], MarketDataProtocol],
        dials: TokenBucket,
        messages: TokenBucket,
        backoff: Backoff | None = None,
        address: Callable[[], Awaitable[str]] | None = None,
        patience: float = ACK_SECONDS,
    ) -> None:
        self._exchange = exchange
        self._url = url
        self._address = address
        self.listener = listener
        self._new_protocol = new_protocol
        self._dials = dials
        self._messages = messages
        self._backoff = Backoff() if backoff is None else backoff
        self._wanted: frozenset[str] = frozenset()
        self._renewed: set[str] = set()
        self._patience = patience
        self._asked = Asked(patience)
        self._changed = asyncio.Event()
        self._connection: Connection | None = None
        self._says_alive = False
        self._alive_said_at: float | None = None
        self._alive_round_trip: float | None = None
        self._opened_at: float | None = None
        self._heard_at = 0.0
        self._is_up = False
        self._trouble = ""
        self.acknowledged: frozenset[str] = frozenset()
        """What the exchange says it sends on this connection; empty while there is none."""
        self.connections = 0
        """Connections made so far."""
        self.last_message_at_ms: int | None = None
        """This host's clock at the last frame, unix milliseconds."""

    @property
    def wanted(self) -> frozenset[str]:
        """The canonical symbols that this connection is to carry."""
        return self._wanted

    def want(self, symbols: frozenset[str]) -> None:
        """Carry exactly these from now on, on this connection and every one after it."""
        if symbols != self._wanted:
            self._wanted = symbols
            self._changed.set()

    def renew(self, symbol: str) -> None:
        """Subscribe to a wanted symbol anew: it is acknowledged, and nothing comes of it."""
        self._renewed.add(symbol)
        self._changed.set()

    @property
    def is_up(self) -> bool:
        """Whether anything was heard on the connection that there is."""
        return self._is_up

    @property
    def reconnects(self) -> int:
        """How often the connection was made anew."""
        return max(0, self.connections - 1)

    @property
    def heard_at(self) -> float:
        """When it was heard last, or dialled since, by the steady clock, seconds."""
        return self._heard_at

    @property
    def age_seconds(self) -> float:
        """How old the connection is; 0 while there is none."""
        return self._lasted() if self._is_up else 0.0

    @property
    def state(self) -> FeedState:
        """What can be said of the link now."""
        if self._is_up:
            quiet = time.monotonic() - self._heard_at
            is_stale = quiet > self._exchange.silence_seconds * STALE_SHARE
            return FeedState.STALE if is_stale else FeedState.CONNECTED
        return FeedState.UNREACHABLE if self._backoff.failures > 1 else FeedState.CONNECTING

    @property
    def detail(self) -> str:
        """Why it is not connected, for a trader; empty when it is."""
        match self.state:
            case FeedState.CONNECTED:
                return ""
            case FeedState.STALE:
                quiet = time.monotonic() - self._heard_at
                return f"{self._exchange.label} has said nothing for {quiet:.0f} s."
            case _:
                return self._trouble or f"Connecting to {self._exchange.label}."

    @property
    def latency_ms(self) -> float | None:
        """Round trip of the last ping, milliseconds.

        Not the age of a frame by its own time: that needs the two clocks to agree, and what they
        differ by cannot be told from a delay on the way.
        """
        return None if self._round_trip is None else self._round_trip * 1_000

    @property
    def _round_trip(self) -> float | None:
        """In seconds: of a ping of the WebSocket, or of a sign of life where these are frames."""
        if self._exchange.alive_seconds is not None:
            return self._alive_round_trip
        return None if self._connection is None else self._connection.latency or None

    def unconfirmed(self, after: float = ACK_SECONDS) -> frozenset[str]:
        """What was asked for more than ``after`` seconds ago and is still not acknowledged."""
        return self._asked.unconfirmed(self.acknowledged, time.monotonic(), after)

    async def run(self) -> None:
        """Keep the connection up. Ends by cancellation only."""
        while True:
            await self._dials.take()
            self._opened_at = None
            reason = "it ended"
            try:
                await self._connect()
            except* (OSError, TimeoutError, WebSocketException, ExchangeError, _Silent) as group:
                reason = reason_of(group)
            if _is_cancelled():
                raise asyncio.CancelledError
            delay = self._backoff.next_delay(lasted=self._lasted())
            self._explain(reason, delay)
            await asyncio.sleep(delay)

    def _lasted(self) -> float:
        """How long the last connection held, seconds; 0 if there was none."""
        return 0.0 if self._opened_at is None else time.monotonic() - self._opened_at

    async def _connect(self) -> None:
        url = self._url if self._address is None else await self._address()
        async with connect(
            url,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            # One that is to be told in frames that we are there need not know other pings.
            ping_interval=PING_SECONDS if self._exchange.alive_seconds is None else None,
            ping_timeout=None,  # rule 2: what is heard tells that it lives, not a pong
            compression=None,  # inflating costs half the throughput (docs/decisions)
            proxy=None if is_loopback(url) else True,
            create_connection=Connection,
        ) as opened:
            connection = cast("Connection", opened)
            self._opened_at = self._heard_at = time.monotonic()
            self._connection = connection
            try:
                await self._converse(connection, self._new_protocol())
            finally:
                self._forget_connection()
                await _say_goodbye(connection)

    async def _converse(self, connection: Connection, protocol: MarketDataProtocol) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(connection, protocol), name="feed send")
            tasks.create_task(self._watch(), name="feed watch")
            tasks.create_task(self._ask_again(protocol), name="feed ask again")
            if (seconds := self._exchange.alive_seconds) is not None:
                tasks.create_task(self._say_alive(protocol, seconds), name="feed say alive")
            await connection.listen(partial(self._hear, protocol))

    def _hear(self, protocol: MarketDataProtocol, frames: Sequence[bytes]) -> None:
        if not self._is_up:
            self._is_up = True
            self.connections += 1
            log.info("feed.connected", exchange=self._exchange.name, symbols=len(self._wanted))
        self._heard_at = time.monotonic()
        self.last_message_at_ms = time.time_ns() // 1_000_000
        try:
            for frame in frames:
                protocol.receive_text(frame)
        finally:  # what came before a frame that is refused counts
            self._tell(protocol.events_received())
        if protocol.has_text:
            self._changed.set()

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Subscriptions):
                self.acknowledged = event.symbols
            elif isinstance(event, AliveAnswered) and self._alive_said_at is not None:
                self._alive_round_trip = self._heard_at - self._alive_said_at
        self.listener.feed_heard(self, events)

    async def _send(self, connection: Connection, protocol: MarketDataProtocol) -> None:
        """Say what is wanted, and again whenever that changes, within the budget of frames."""
        asked: frozenset[str] = frozenset()
        # The first call opens the conversation even when nothing is wanted: an exchange closes
        # a connection that does not subscribe to anything within seconds.
        protocol.subscribe(())
        while True:
            self._changed.clear()
            wanted = self._wanted
            self._renew(protocol, asked)
            if gone := asked - wanted:
                protocol.unsubscribe(sorted(gone))
                # An older acknowledgement must not vouch for a subscription made anew.
                self.acknowledged -= gone
            if new := wanted - asked:
                protocol.subscribe(sorted(new))
                if told := protocol.events_received():  # of what comes already, by another name
                    self._tell(told)
            asked = wanted
            await self._say(connection, protocol)
            self._asked.take(wanted, time.monotonic())
            await self._changed.wait()

    async def _say(self, connection: Connection, protocol: MarketDataProtocol) -> None:
        """Send what there is to say, and note when a sign of life, its last, is on its way."""
        texts, says_alive = protocol.text_to_send(), self._says_alive
        self._says_alive = False
        for text in texts:
            await self._messages.take()
            if says_alive and text is texts[-1]:
                self._alive_said_at = time.monotonic()
            await connection.send(text)

    async def _say_alive(self, protocol: MarketDataProtocol, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            protocol.say_alive()
            self._says_alive, self._alive_said_at = True, None
            self._changed.set()

    def _renew(self, protocol: MarketDataProtocol, asked: frozenset[str]) -> None:
        """Subscribe anew to what was asked for and is to be."""
        renewed, self._renewed = asked & self._renewed, set()
        if renewed:
            protocol.renew(sorted(renewed))
            self._tell(protocol.events_received())
            self._asked.forget(asked - self.acknowledged)

    async def _ask_again(self, protocol: MarketDataProtocol) -> None:
        """Subscribe anew to what the exchange does not answer; :meth:`_send` says it."""
        while True:
            await asyncio.sleep(self._patience / 4)
            if due := self._asked.due(self.acknowledged, time.monotonic()):
                log.warning(
                    "feed.unanswered", exchange=self._exchange.name, symbols=sorted(due)[:10]
                )
                protocol.renew(sorted(due))
                self._tell(protocol.events_received())
                self._changed.set()

    async def _watch(self) -> None:
        """End the connection when it has been silent for too long."""
        silence = self._exchange.silence_seconds
        pause = silence / 8
        while True:
            before = time.monotonic()
            await asyncio.sleep(pause)
            now = time.monotonic()
            # When this loop itself was held up, what it has not read yet is no silence.
            if now - before < 2 * pause and now - self._heard_at > silence:
                raise _Silent(f"nothing heard for {now - self._heard_at:.0f} s")

    def _forget_connection(self) -> None:
        self._connection = None
        self._says_alive, self._alive_said_at, self._alive_round_trip = False, None, None
        self._is_up = False
        self._asked = Asked(self._patience)
        self.acknowledged = frozenset()
        self.listener.feed_lost(self)

    def _explain(self, reason: str, delay: float) -> None:
        label = self._exchange.label
        what = f"{label} cannot be reached" if self._opened_at is None else f"{label} was lost"
        self._trouble = f"{what} ({reason}); trying again."
        log.info(
            "feed.dropped",
            exchange=self._exchange.name,
            reason=reason,
            failures=self._backoff.failures,
            seconds=round(delay, 2),
        )


async def _say_goodbye(connection: Connection) -> None:
    """Close a connection, whatever happens meanwhile.

    The goodbye of a task that is cancelled again, as one whose venue lets go of it and then ends,
    is not waited for; the library would leave the socket open then.
    """
    try:
        await connection.close()
    finally:
        connection.transport.abort()


def _is_cancelled() -> bool:
    """Whether the current task was asked to end.

    A task group of Python 3.11 whose child fails as the cancellation arrives raises the failure
    and keeps the cancellation to itself (CPython issue 116720); only this count remembers it.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
