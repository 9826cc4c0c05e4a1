"""The sockets: one port with a venue's REST and WebSocket, and an admin room for tests.

Rule 1: the only room of the simulator that does I/O; it decides nothing a venue could decide.
Rule 2: it listens on loopback and nowhere else.

Addresses: the WebSocket at ``/`` and ``/ws``, REST below the venue's own path, ``/_sim/state``,
``/_sim/key`` and ``/_sim/faults`` for whoever drives the simulation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trading.simulator import faults
from trading.simulator.clock import SimulatedClock, rfc3339
from trading.simulator.interventions import Intervention
from trading.simulator.limits import TokenBucket
from trading.simulator.played import Played, listed
from trading.simulator.venues.known import VENUES
from trading.simulator.venues.ports import Ask, Frame, Moment, Session, Venue
from trading.simulator.world import World

HOST = "127.0.0.1"
TICK_SECONDS = 0.25  # real seconds between two looks at what is due on a connection
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})
_CLOSE_SECONDS = 1.0  # how long a client may take to answer a close frame


@dataclass(eq=False)
class _Connection:
    """One accepted WebSocket: its session, its faults, and the lock that keeps frames in order."""

    socket: web.WebSocketResponse
    request: web.Request
    session: Session
    wire: faults.Wire
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, make: Callable[[], list[Frame]]) -> None:
        """Number frames and send them before anybody else numbers any."""
        async with self.lock:
            for frame in self.wire.through(make()):
                await self.socket.send_str(frame.text)

    async def close(self, code: int) -> None:
        """Close properly, or cut the line for the code that no close frame can carry."""
        if code != faults.ABNORMAL_CLOSURE:
            await self.socket.close(code=code)
        elif self.request.transport is not None:
            self.request.transport.abort()


class KeyFile(Protocol):
    """A key, as it is handed out."""

    def portal_file(self) -> dict[str, str]: ...


class Simulator:
    """One venue over one world, as an aiohttp application.

    Args:
        venue: Speaks the exchange's protocol.
        world: What is told.
        clock: Simulated time.
        key: What the venue's accounts open for; it is handed out to whoever asks on this machine.
        leniency: Factor on the venue's limits; 0 switches them off.
    """

    def __init__(
        self,
        venue: Venue,
        world: World,
        clock: SimulatedClock,
        *,
        key: KeyFile,
        leniency: float = 1.0,
    ) -> None:
        self.world = world
        self.clock = clock
        self.faults = faults.Faults()
        self.port = 0
        self._ending = asyncio.Event()
        self.key = key
        self._venue = venue
        self._connections: set[_Connection] = set()
        self._requests = TokenBucket(rate=venue.requests_per_second * leniency)
        self._private_requests = TokenBucket(rate=venue.private_requests_per_second * leniency)
        self._dials = TokenBucket(rate=venue.connections_per_second * leniency)
        self._messages = TokenBucket(rate=venue.messages_per_second * leniency)

    @property
    def label(self) -> str:
        """What people call the exchange."""
        return self._venue.label

    @property
    def rest(self) -> str:
        """The REST base address."""
        return f"http://{HOST}:{self.port}{self._venue.rest_path}"

    @property
    def websocket(self) -> str:
        """The WebSocket address."""
        return f"ws://{HOST}:{self.port}{self._venue.websocket_path}"

    @property
    def admin(self) -> str:
        """The base address of ``/state``, ``/key`` and ``/faults``."""
        return f"http://{HOST}:{self.port}/_sim"

    @property
    def connections(self) -> int:
        """How many WebSockets are open."""
        return len(self._connections)

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/", self._websocket)
        for path in {"/ws", self._venue.websocket_path or "/ws"}:
            app.router.add_get(path, self._websocket)
        app.router.add_get("/_sim/state", self._state)
        app.router.add_get("/_sim/key", self._key)
        app.router.add_post("/_sim/faults", self._fault)
        app.router.add_route("*", self._venue.rest_path + "/{tail:.*}", self._rest)
        app.on_shutdown.append(self._hang_up)
        return app

    def inject(self, order: faults.AnyOrder) -> faults.AnyOrder:
        """Break or mend something now, or change the world.

        Returns:
            What was ordered, with the times that it left open.

        Raises:
            ValueError: If it cannot be done to this world.
        """
        if isinstance(order, Intervention):
            return self.world.intervene(order, self.clock.now_us())
        if isinstance(order, faults.Freeze | faults.Thaw) and order.product_id is not None:
            self.world.insist_on(order.product_id)
        self.faults.inject(order, self._now().steady)
        for connection in self._connections:
            connection.woken.set()
        return order

    def _now(self) -> Moment:
        return Moment(self.clock.now_ns(), time.monotonic(), self.faults.skew_ns)

    # ------------------------------------------------------------------ REST

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        await self._dawdle("rest")
        at = self._now()
        if self.faults.refuses("rest", at.steady):
            return _cut(request)
        ask = Ask(
            method=request.method,
            path=request.path,
            query=list(request.query.items()),
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        bucket = self._private_requests if self._venue.is_private(ask) else self._requests
        if trouble := self.faults.trouble(request.path):
            answer = self._venue.troubled(trouble)
        elif bucket.take(at.steady):
            # Drawing a long history takes tens of milliseconds: not on the loop that streams.
            answer = await asyncio.to_thread(self._venue.answer, ask, at)
        else:
            answer = self._venue.throttled()
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers={"content-type": answer.content_type, **answer.headers},
        )

    async def _dawdle(self, what: faults.Reached) -> None:
        """Keep whoever comes waiting, if that is ordered; not beyond the end of the server."""
        delay = self.faults.delay(what, time.monotonic())
        if not delay:
            return
        try:
            async with asyncio.timeout(delay):
                await self._ending.wait()
        except TimeoutError:
            return

    # ------------------------------------------------------------------ WebSocket

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        await self._dawdle("websocket")
        at = self._now()
        if self.faults.refuses("websocket", at.steady):
            return _cut(request)
        if not self._dials.take(at.steady):
            return web.Response(status=429, text="Too Many Requests")
        # Pings are answered below, so that a frozen exchange answers none.
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=_CLOSE_SECONDS)
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # gone while it was waiting
            return socket
        session = self._venue.new_session(self._now(), request.query)
        connection = _Connection(socket, request, session, faults.Wire())
        self.faults.wires.add(connection.wire)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(self._speak(connection), name="simulator-speak")
                await self._listen(connection)
                speaking.cancel()
        finally:
            self._connections.discard(connection)
            self.faults.wires.discard(connection.wire)
        return socket

    async def _listen(self, connection: _Connection) -> None:
        """Obey the client's messages until it leaves."""
        socket, session = connection.socket, connection.session
        async for message in socket:
            if self.faults.frozen:
                continue
            try:
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                    session.pinged(self._now())
                elif message.type is WSMsgType.PONG:
                    session.ponged(self._now())
                elif message.type is WSMsgType.TEXT:
                    if self._messages.take(time.monotonic()):
                        await connection.send(partial(self._obey, session, str(message.data)))
                        connection.woken.set()  # what is to be told of it need not wait for a tick
                    else:
                        await connection.send(session.throttled)
            except ConnectionResetError:
                return

    def _obey(self, session: Session, text: str) -> list[Frame]:
        # Called inside the connection's lock: the clock is read then, so stamps are in order.
        return session.receive(text, self._now())

    def _due(self, session: Session) -> list[Frame]:
        return session.advance(self._now(), self.faults.muted, self.faults.late)

    async def _speak(self, connection: _Connection) -> None:
        """Tell what is due, four times a second, until the connection ends."""
        session = connection.session
        while not connection.socket.closed:
            at = self._now()
            code = connection.wire.ending(at.steady) or session.close_code(at)
            try:
                if code is not None:
                    await connection.close(code)
                    return
                if not self.faults.frozen:
                    await self._tell(connection, at)
            except ConnectionResetError:
                return
            rest = TICK_SECONDS - time.monotonic() % TICK_SECONDS
            try:
                async with asyncio.timeout(rest):
                    await connection.woken.wait()
                connection.woken.clear()
            except TimeoutError:
                continue

    async def _tell(self, connection: _Connection, at: Moment) -> None:
        session = connection.session
        if (payload := session.ping_due(at)) is not None:
            await connection.socket.ping(payload)
        await connection.send(partial(self._due, session))
        # Behind what happened before: it tells the time, and a client closes its minutes by that.
        if not connection.wire.is_announced:
            connection.wire.is_announced = True
            await connection.send(partial(session.farewell, at))

    async def _hang_up(self, _: web.Application) -> None:
        """The machine goes away: every client is told so."""
        self._ending.set()
        async with asyncio.TaskGroup() as group:
            for connection in list(self._connections):
                group.create_task(connection.close(WSCloseCode.GOING_AWAY), name="simulator-close")

    # ------------------------------------------------------------------ admin

    async def _state(self, request: web.Request) -> web.Response:
        _insist_on_local_name(request)
        state = {
            "venue": self._venue.name,
            "seed": self.world.seed,
            "speed": self.clock.speed,
            "time": rfc3339(self.clock.now_ns()),
            "connections": self.connections,
            "products": len(self.world.products),
            "frozen": self.faults.frozen,
            "muted": sorted(self.faults.muted),
            "late": sorted(self.faults.late),
            "interventions": msgspec.to_builtins(self.world.interventions),
            "skew_seconds": self.faults.skew_ns / 1_000_000_000,
            "refusing": self.faults.refuses("rest", time.monotonic())
            or self.faults.refuses("websocket", time.monotonic()),
        }
        return web.json_response(state)

    async def _key(self, request: web.Request) -> web.Response:
        _insist_on_local_name(request)
        return web.json_response(self.key.portal_file())

    async def _fault(self, request: web.Request) -> web.Response:
        _insist_on_local_name(request)
        if request.content_type != "application/json":  # what no page of another site can send
            raise web.HTTPUnsupportedMediaType(text="send JSON as application/json\n")
        try:
            done = self.inject(faults.read(await request.read()))
        except ValueError as exc:  # what is no order at all is one, too
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response({"injected": msgspec.to_builtins(done)})


def _cut(request: web.Request) -> web.StreamResponse:
    """End the TCP connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)  # reaches nobody


def _insist_on_local_name(request: web.Request) -> None:
    """A page of another site may point its own name at loopback; such a request is refused."""
    if request.host.rpartition(":")[0] not in _LOCAL_NAMES:
        raise web.HTTPForbidden(text="only by the name of this machine\n")


@asynccontextmanager
async def serve(
    *,
    seed: int = 1,
    speed: float = 1.0,
    products: int | None = None,
    port: int = 0,
    leniency: float | None = None,
    clock: SimulatedClock | None = None,
    key: KeyFile | None = None,
    venue: str = "coinbase",
    played: Mapping[str, Played] | None = None,
) -> AsyncIterator[Simulator]:
    """A running simulator of an exchange on loopback.

    Args:
        seed: Which world.
        speed: Simulated seconds in a real one; ignored when a clock is given.
        products: How many spot products are listed; all of them if not given.
        port: 0 takes a free one.
        leniency: Factor on the exchange's limits, 0 for none. If not given they grow with the
            speed, as a client of a fast world has more to ask.
        clock: Simulated time, for tests that want another than now.
        key: What the accounts open for, of the venue's kind; a new one if not given.
        venue: Which exchange, of :data:`VENUES`.
        played: Recorded candles to be told of some products, instead of drawn ones.

    Raises:
        OSError: If the port is taken.
        ValueError: If what was recorded is not listed.
    """
    clock = clock or SimulatedClock(speed=speed)
    played = played or {}
    kind = VENUES[venue]
    world = World(seed, listed(kind.products(products), played), played=played)
    key = key or kind.new_key()
    leniency = max(1.0, clock.speed) if leniency is None else leniency
    opened = kind.opened(world, key, leniency)
    simulator = Simulator(opened, world, clock, key=key, leniency=leniency)
    runner = web.AppRunner(simulator.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        simulator.port = runner.addresses[0][1]
        yield simulator
    finally:
        await runner.cleanup()
