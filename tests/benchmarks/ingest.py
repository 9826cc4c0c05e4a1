"""What market data costs: from the socket to the signals, and nothing but the socket.

Both sides read the same frames from floods of their own, as fast as they can take them in.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from livermore.embedded.ports import LOOPBACK
from tests.benchmarks import processes
from tests.benchmarks.measuring import Contest, Figure, Side
from tests.benchmarks.processes import Running
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalRules
from trading.net.endpoints import Endpoints
from trading.plane import DataPlane
from trading.ports import DeskPlan, Gate, Owner

SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
MESSAGES = 50_000
USERS = 100
AS_MANY_AS_IT_TAKES = "1000000"
LOOK_SECONDS = 0.002
SUBSCRIBE = (
    '{"type":"subscribe","channel":"market_trades","product_ids":["BTC-USD","ETH-USD","SOL-USD"]}'
)


class Silent:
    """Sinks that let everything go."""

    def signal_fired(self, fired: object) -> None: ...
    def indicator_moved(self, update: object) -> None: ...
    def candles_closed(self, candles: object) -> None: ...
    def history_read(self, candles: object) -> None: ...
    def history_replaced(self, replacement: object) -> None: ...


class BareLoop:
    """A WebSocket that is read and not looked at, in a thread with a loop of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.received = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    async def _read(self) -> None:
        async with connect(self._url, compression=None, max_size=None, proxy=None) as connection:
            await connection.send(SUBSCRIBE)
            with suppress(ConnectionClosed):  # at the end
                while True:
                    await connection.recv(decode=False)
                    self.received += 1


@contextmanager
def ingest() -> Iterator[Contest]:
    """A whole data plane, warm, and a bare loop."""
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        ours, bare = (stack.enter_context(processes.flood()) for _ in range(2))
        plane = stack.enter_context(_plane(exchange, ours))
        loop = BareLoop(f"ws://{LOOPBACK}:{bare.port}")
        loop.start()
        yield Contest(
            Side(lambda: _take_in(ours, lambda: _trades(plane)), settle=lambda: _rest(plane)),
            Side(lambda: _take_in(bare, lambda: loop.received)),
        )


@contextmanager
def crowd() -> Iterator[Contest]:
    """A data plane with many users who all watch the same, and one with a single user."""
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        many, one = (stack.enter_context(processes.flood()) for _ in range(2))
        busy = stack.enter_context(_plane(exchange, many, users=USERS))
        calm = stack.enter_context(_plane(exchange, one))
        yield Contest(
            Side(lambda: _take_in(many, lambda: _trades(busy)), settle=lambda: _rest(busy)),
            Side(lambda: _take_in(one, lambda: _trades(calm)), settle=lambda: _rest(calm)),
        )


@contextmanager
def _plane(exchange: Running, feed: Running, *, users: int = 1) -> Iterator[DataPlane]:
    rest = f"http://{LOOPBACK}:{exchange.port}/api/v3/brokerage"
    endpoints = {"coinbase": Endpoints(rest=rest, websocket=f"ws://{LOOPBACK}:{feed.port}")}
    plane = DataPlane(endpoints=endpoints, sinks=Silent())
    plane.start()
    try:
        plan = DeskPlan(
            mode="scalper-macdv",
            markets=tuple(Market("coinbase", symbol) for symbol in SYMBOLS),
            timeframes=tuple(Timeframe),
            rules=SignalRules(),
        )
        for number in range(users):
            owner = Owner(user_id=number + 1, sub=f"bench-{number}", fence=1)
            plane.install(owner, plan, Gate(is_open=True))
        feed.tell("100")
        exchange.wait_until(lambda: _is_warm(plane))
        feed.tell("0")
        yield plane
    finally:
        plane.stop()


def _is_warm(plane: DataPlane) -> bool:
    facts = plane.facts("bench-0")
    return facts is not None and all(market.live == "receiving" for market in facts.markets)


def _trades(plane: DataPlane) -> int:
    """Trades taken in, read where they are counted: a snapshot would be a fifth of a second old."""
    life = plane._life
    assert life is not None
    assert life.hub is not None
    venue = life.hub._venues["coinbase"]
    return sum(track.series.trades for track in venue._tracks.values())


def _take_in(flood: Running, taken: Callable[[], int]) -> None:
    """Let it pour until so much has come through."""
    enough = taken() + MESSAGES
    flood.tell(AS_MANY_AS_IT_TAKES)
    while taken() < enough:
        time.sleep(LOOK_SECONDS)
    flood.tell("0")


def _rest(plane: DataPlane) -> None:
    """Wait until what is on its way has come through."""
    before = -1
    while (now := _trades(plane)) != before:
        before = now
        time.sleep(0.05)


FIGURES = (
    Figure(
        name="ingest",
        title=f"{MESSAGES:,} messages from the socket to the signals, and nothing but the socket",
        contest=ingest,
        most_times=1 / 0.6,
        seconds=20.0,
    ),
    Figure(
        name="crowd",
        title=f"the same for {USERS} users who watch the same markets, and for one",
        contest=crowd,
        most_times=1.3,
        seconds=20.0,
    ),
)
