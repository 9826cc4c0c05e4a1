"""One connection, against a simulated exchange and against a server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from tests.trading import running
from tests.trading.running import SwiftCoinbase, until
from trading.core.errors import Malformed
from trading.core.market import Trade
from trading.exchanges.coinbase.protocol import CoinbaseProtocol
from trading.exchanges.ports import AliveAnswered, Event, Request, Response, Sessions
from trading.net import feed as feeds
from trading.net.address import address_to_dial
from trading.net.asked import ACK_SECONDS, MOST_REPEATS
from trading.net.backoff import Backoff
from trading.net.budget import TokenBucket
from trading.net.feed import Feed, FeedState
from trading.net.http import ExchangeHttp
from trading.simulator.faults import Close, Freeze, Thaw

GOODBYE = 0x80 | Opcode.CLOSE


class Ears:
    """Keeps what a feed tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.losses = 0

    def feed_heard(self, feed: Feed, events: Sequence[Event]) -> None:
        self.events.extend(events)

    def feed_lost(self, feed: Feed) -> None:
        self.losses += 1

    def have_lost(self, times: int) -> bool:
        return self.losses == times

    def symbols(self) -> set[str]:
        return {event.symbol for event in self.events if isinstance(event, Trade)}


class Quick(SwiftCoinbase):
    """Notices silence within a second."""

    silence_seconds = 1.0


@asynccontextmanager
async def feeding(
    url: str,
    exchange: SwiftCoinbase,
    *symbols: str,
    address: Callable[[], Awaitable[str]] | None = None,
    patience: float = ACK_SECONDS,
) -> AsyncIterator[tuple[Feed, Ears]]:
    """A feed at work on these symbols."""
    ears = Ears()
    feed = Feed(
        exchange,
        url,
        ears,
        new_protocol=exchange.new_protocol,
        dials=TokenBucket(100.0),
        messages=TokenBucket(100.0),
        backoff=Backoff(first=0.05, longest=0.1),
        address=address,
        patience=patience,
    )
    feed.want(frozenset(symbols))
    task = asyncio.create_task(feed.run(), name="feed under test")
    try:
        yield feed, ears
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def misbehaving(
    behave: Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server with manners of its own; its address."""
    async with serve(behave, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"ws://{host}:{port}"


async def test_wanted_symbols_are_heard_and_others_left() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, SwiftCoinbase(), "BTC-USD") as (feed, ears),
    ):
        await until(lambda: ears.symbols() == {"BTC-USD"}, "trades of BTC-USD")
        assert feed.state is FeedState.CONNECTED
        assert feed.detail == ""
        feed.want(frozenset({"ETH-USD"}))
        await until(lambda: feed.acknowledged == {"ETH-USD"}, "ETH-USD instead")
        await until(lambda: "ETH-USD" in ears.symbols(), "trades of ETH-USD")
        feed.want(frozenset())
        await until(lambda: feed.acknowledged == frozenset(), "nothing")
        assert feed.connections == 1
        assert simulator.connections == 1
        assert ears.losses == 0


async def test_idle_connection_is_kept_open() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, SwiftCoinbase()) as (feed, ears),
    ):
        await until(lambda: feed.state is FeedState.CONNECTED, "a connection")
        heard = len(ears.events)
        # Six real seconds: an exchange closes after five what has subscribed to nothing.
        await running.passed(simulator, 6 * running.SPEED)
        assert len(ears.events) > heard
        assert feed.connections == 1


async def test_round_trip_is_measured() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, SwiftCoinbase(), "BTC-USD") as (feed, _),
    ):
        await until(lambda: feed.latency_ms, "a round trip")
        assert 0.0 < (feed.latency_ms or 0.0) < 1_000.0


async def test_link_that_talks_is_kept_though_it_answers_no_ping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "PING_SECONDS", 0.02)
    pings = 0

    async def talk(connection: ServerConnection) -> None:
        def swallow(frame: Frame) -> None:
            nonlocal pings
            if frame.opcode is Opcode.PONG:
                pings += 1
            else:
                send(frame)

        send = connection.protocol.send_frame
        monkeypatch.setattr(connection.protocol, "send_frame", swallow)
        async for _ in connection:
            await connection.send('{"channel":"heartbeats","sequence_num":0,"events":[]}')

    async with misbehaving(talk) as url, feeding(url, SwiftCoinbase(), "BTC-USD") as (feed, ears):
        await until(lambda: pings >= 5, "pings that nobody answered")
        assert feed.state is FeedState.CONNECTED
        assert (feed.connections, ears.losses) == (1, 0)


async def test_closed_connection_is_dialled_again_with_what_is_wanted() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, SwiftCoinbase(), "BTC-USD") as (feed, ears),
    ):
        for number, code in enumerate((1000, 1001, 1006, 1011, 1012, 1013), start=1):
            await until(lambda: feed.acknowledged == {"BTC-USD"}, "BTC-USD")
            simulator.inject(Close(code=code))
            await until(partial(ears.have_lost, number), f"the loss by {code}")
        await until(lambda: feed.acknowledged == {"BTC-USD"}, "BTC-USD")
        assert feed.connections == 7


async def test_silent_link_goes_stale_and_is_dialled_again() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, Quick(), "BTC-USD") as (feed, ears),
    ):
        await until(lambda: feed.acknowledged, "BTC-USD")
        simulator.inject(Freeze())
        await until(lambda: feed.state is FeedState.STALE, "a stale link")
        assert feed.detail.startswith("Coinbase has said nothing for")
        await until(lambda: ears.losses == 1, "the loss")
        assert feed.acknowledged == frozenset()
        simulator.inject(Thaw())
        await until(lambda: feed.state is FeedState.CONNECTED, "a connection")
        assert feed.connections == 2


async def test_nobody_there_is_unreachable_in_words() -> None:
    async with feeding("ws://127.0.0.1:9", SwiftCoinbase(), "BTC-USD") as (feed, ears):
        assert feed.state is FeedState.CONNECTING
        assert feed.detail == "Connecting to Coinbase."
        await until(lambda: feed.state is FeedState.UNREACHABLE, "an unreachable exchange")
        assert feed.detail.startswith("Coinbase cannot be reached (")
        assert "trying again" in feed.detail
        assert ears.events == []


async def test_venue_that_accepts_and_drops_is_backed_off_from() -> None:
    dials = 0

    async def drop(connection: ServerConnection) -> None:
        nonlocal dials
        dials += 1
        await connection.close(1013)

    async with misbehaving(drop) as url, feeding(url, SwiftCoinbase(), "BTC-USD") as (feed, ears):
        await until(lambda: dials >= 3, "a third attempt")
        assert feed.state is FeedState.UNREACHABLE
        assert feed.connections == 0
        assert "1013" in feed.detail
        assert ears.events == []


async def test_feed_ends_although_its_connection_fails_in_the_same_instant() -> None:
    ended: list[asyncio.Task[None]] = []

    class Failing(CoinbaseProtocol):
        def subscribe(self, symbols: Iterable[str]) -> None:
            ended[0].cancel()
            raise Malformed("coinbase", "no more of this")

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with misbehaving(listen) as url:
        exchange = SwiftCoinbase()
        feed = Feed(
            exchange,
            url,
            Ears(),
            new_protocol=Failing,
            dials=TokenBucket(100.0),
            messages=TokenBucket(100.0),
            backoff=Backoff(first=0.05, longest=0.1),
        )
        ended.append(asyncio.create_task(feed.run(), name="feed under test"))
        done, _ = await asyncio.wait(ended, timeout=running.PATIENCE_SECONDS)
        still_running = [task for task in ended if task not in done]
        for task in still_running:
            task.cancel()
        assert still_running == []
        assert ended[0].cancelled()


@asynccontextmanager
async def never_saying_goodbye() -> AsyncIterator[tuple[str, list[asyncio.Event]]]:
    """A server that answers no goodbye: its address; that something, and that one, was said to it,
    and that it was left.
    """
    talking, parting, left = (asyncio.Event() for _ in range(3))

    async def host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        [key] = [line[19:] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key")]
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines.append(f"Sec-WebSocket-Accept: {accept_key(key)}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        with contextlib.suppress(ConnectionError):
            while said := await reader.read(2**16):
                (parting if said[0] == GOODBYE else talking).set()
        left.set()
        writer.close()

    server = await asyncio.start_server(host, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}", [talking, parting, left]


async def test_feed_that_is_cancelled_twice_leaves_no_connection_open() -> None:
    async with never_saying_goodbye() as (url, [talking, parting, left]):
        feed = Feed(
            SwiftCoinbase(),
            url,
            Ears(),
            new_protocol=SwiftCoinbase().new_protocol,
            dials=TokenBucket(100.0),
            messages=TokenBucket(100.0),
        )
        task = asyncio.create_task(feed.run())
        await talking.wait()
        task.cancel()
        await parting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(feeds.CLOSE_SECONDS / 2):  # sooner than patience would
            await left.wait()


async def test_nonsense_drops_the_connection() -> None:
    async def babble(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("{not json")
        await connection.wait_closed()

    async with misbehaving(babble) as url, feeding(url, SwiftCoinbase(), "BTC-USD") as (feed, ears):
        await until(lambda: ears.losses >= 2, "a second loss")
        assert ears.events == []
        assert "Coinbase was lost" in feed.detail


async def test_what_is_never_acknowledged_is_named() -> None:
    async with (
        running.serving() as simulator,
        feeding(simulator.websocket, SwiftCoinbase(), "BTC-USD", "NOPE-USD") as (feed, _),
    ):
        await until(lambda: feed.acknowledged == {"BTC-USD"}, "BTC-USD")
        assert feed.unconfirmed(after=0.0) == {"NOPE-USD"}
        assert feed.unconfirmed() == frozenset(), "it is given some seconds"


@pytest.mark.parametrize("answers_to", [2, MOST_REPEATS + 2])
async def test_what_is_never_answered_is_asked_again_a_few_times(answers_to: int) -> None:
    subscribed = 0

    async def forget(connection: ServerConnection) -> None:
        """Acknowledge the subscription to trades of this number, and none before it."""
        nonlocal subscribed
        number = 0
        async for text in connection:
            asked = json.loads(text)
            is_it = asked["type"] == "subscribe" and asked["channel"] == "market_trades"
            subscribed += is_it
            received = {"market_trades": ["BTC-USD"]} if subscribed >= answers_to else {}
            frame = {"sequence_num": number, "events": [{"subscriptions": received}]}
            await connection.send(json.dumps({"channel": "subscriptions", **frame}))
            number += 1

    swift = 0.05
    async with (
        misbehaving(forget) as url,
        feeding(url, SwiftCoinbase(), "BTC-USD", patience=swift) as (feed, ears),
    ):
        if answers_to == 2:
            await until(lambda: feed.acknowledged == {"BTC-USD"}, "the second answer")
            assert feed.unconfirmed(after=0.0) == frozenset()
        else:
            await until(lambda: subscribed == MOST_REPEATS + 1, "the last question")
            assert feed.unconfirmed(after=swift) == {"BTC-USD"}
        assert (feed.connections, ears.losses) == (1, 0)


class Talkative(CoinbaseProtocol):
    def say_alive(self) -> None:
        self._to_send.append("here")


class Tickets:
    def request(self) -> Request:
        return Request(method="POST", path="/ticket")

    def address(self, response: Response, nonce: str) -> str:
        return f"{response.body.decode()}/?ticket={nonce}"


class Ticketed(Quick):
    """Lets nobody dial without a ticket, and wants to be told that somebody is there."""

    silence_seconds = 10.0
    alive_seconds: float | None = 0.01
    sessions: Sessions | None = Tickets()

    def new_protocol(
        self,
        aliases: Mapping[str, str] | None = None,
        natives: Mapping[str, str] | None = None,
    ) -> CoinbaseProtocol:
        return Talkative(aliases)


@asynccontextmanager
async def ticket_office(answer: str) -> AsyncIterator[tuple[ExchangeHttp, list[str]]]:
    """The REST interface of somebody who answers so, and what was asked of it."""
    asked: list[str] = []

    async def tell(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_route("*", "/ticket", tell)
    async with (
        TestServer(app) as server,
        ExchangeHttp(Ticketed(), f"http://127.0.0.1:{server.port}") as http,
    ):
        yield http, asked


async def test_each_dial_asks_anew_where_to_and_the_link_says_that_it_is_there() -> None:
    dialled: list[str] = []

    async def listen(connection: ServerConnection) -> None:
        assert connection.request is not None
        dialled.append(connection.request.path)
        async for text in connection:
            if text == "here":
                return

    async with misbehaving(listen) as url, ticket_office(url) as (http, asked):
        exchange = Ticketed()
        address = partial(address_to_dial, exchange, http, "ws://nobody.invalid")
        async with feeding("ws://nobody.invalid", exchange, address=address):
            await until(lambda: len(dialled) > 1, "two connections")

    assert len(set(dialled)) == len(dialled)
    assert dialled[0].startswith("/?ticket=")
    assert asked[:2] == ["POST /ticket"] * 2


async def test_round_trip_is_that_of_the_sign_of_life_where_this_is_a_frame() -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    answers = asyncio.Event()

    async def listen(connection: ServerConnection) -> None:
        async for text in connection:
            if text == "here":
                said.put_nowait("here")
                await answers.wait()
                await connection.send("there")

    class Hearing(Talkative):
        def receive_text(self, text: str | bytes) -> None:
            self._events.append(AliveAnswered())

    class Echoing(Ticketed):
        sessions: Sessions | None = None

        def new_protocol(
            self,
            aliases: Mapping[str, str] | None = None,
            natives: Mapping[str, str] | None = None,
        ) -> CoinbaseProtocol:
            return Hearing(aliases)

    async with misbehaving(listen) as url, feeding(url, Echoing()) as (feed, _):
        await asyncio.wait_for(said.get(), running.PATIENCE_SECONDS)
        assert not feed.latency_ms
        answers.set()
        await until(lambda: 0.0 < (feed.latency_ms or 0.0) < 1_000.0, "a round trip")


async def test_address_of_an_exchange_that_gives_none_out_is_the_known_one() -> None:
    async with ticket_office("") as (http, asked):
        assert await address_to_dial(SwiftCoinbase(), http, "wss://known") == "wss://known"
    assert asked == []


@pytest.mark.parametrize("answer", ["ws://elsewhere.example", "https://elsewhere.example", ""])
async def test_address_that_is_not_encrypted_is_not_dialled(answer: str) -> None:
    async with ticket_office(answer) as (http, _):
        with pytest.raises(Malformed, match="must be wss"):
            await address_to_dial(Ticketed(), http, "wss://known")


async def test_exchange_that_gives_no_ticket_is_unreachable_in_its_words() -> None:
    async with ExchangeHttp(Ticketed(), "http://127.0.0.1:9") as http:
        address = partial(address_to_dial, Ticketed(), http, "")
        async with feeding("", Ticketed(), address=address) as (feed, _):
            await until(lambda: feed.state is FeedState.UNREACHABLE, "two failures")
            assert feed.detail.startswith("Coinbase cannot be reached (coinbase: no answer")
