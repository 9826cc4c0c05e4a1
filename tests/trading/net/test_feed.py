"""One connection, against a simulated exchange and against a server that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from websockets.asyncio.server import ServerConnection, serve

from tests.trading import running
from tests.trading.running import SwiftCoinbase, until
from trading.core.errors import Malformed
from trading.core.market import Trade
from trading.exchanges.coinbase.protocol import CoinbaseProtocol
from trading.exchanges.ports import Event
from trading.net.backoff import Backoff
from trading.net.budget import TokenBucket
from trading.net.feed import Feed, FeedState
from trading.simulator.faults import Close, Freeze, Thaw


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
    url: str, exchange: SwiftCoinbase, *symbols: str
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
