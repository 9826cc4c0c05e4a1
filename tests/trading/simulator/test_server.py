"""The real server, with a real WebSocket client and a real HTTP client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.trading.simulator.worlds import DAY, NOW, SEED
from trading.core.errors import (
    ExchangeError,
    KeyDoubted,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.coinbase.accounts import CoinbaseAccounts
from trading.exchanges.ports import Response
from trading.simulator.clock import SimulatedClock
from trading.simulator.faults import (
    HUGE_BYTES,
    Accept,
    Close,
    Drop,
    Fail,
    Farewell,
    Freeze,
    Garble,
    Refuse,
    Skew,
    Slow,
    Thaw,
)
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.coinbase.rest import TROUBLES
from trading.simulator.venues.ports import Trouble

SPEED = 60.0
PATIENCE = 10.0


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A minute a second, from half a minute before a midnight."""
    midnight = NOW - NOW % DAY
    clock = SimulatedClock(speed=SPEED, anchor_ns=(midnight - 30) * 1_000_000_000)
    async with serve(seed=SEED, products=40, clock=clock, leniency=0) as running:
        yield running


@pytest.fixture
async def rest(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.rest, timeout=PATIENCE) as client:
        yield client


async def subscribe(socket: ClientConnection, channel: str, *names: str) -> None:
    message = {"type": "subscribe", "channel": channel, "product_ids": names}
    await socket.send(json.dumps(message))


async def receive(socket: ClientConnection, patience: float = PATIENCE) -> dict[str, Any]:
    async with asyncio.timeout(patience):
        frame: dict[str, Any] = json.loads(await socket.recv())
        return frame


async def drain(socket: ClientConnection, patience: float = PATIENCE) -> None:
    """Read until the connection ends or nothing comes."""
    while True:
        await receive(socket, patience)


def candles_of(trades: dict[int, dict[str, Any]]) -> dict[int, tuple[float, ...]]:
    """Open, high, low, close and volume of each minute, from trades by id."""
    minutes: dict[int, list[tuple[float, float]]] = {}
    for _, trade in sorted(trades.items()):
        at = int(datetime.fromisoformat(trade["time"]).timestamp()) // 60 * 60
        minutes.setdefault(at, []).append((float(trade["price"]), float(trade["size"])))
    return {
        at: (
            rows[0][0],
            max(price for price, _ in rows),
            min(price for price, _ in rows),
            rows[-1][0],
            round(sum(size for _, size in rows), 8),
        )
        for at, rows in minutes.items()
    }


async def test_candles_over_rest_are_those_of_the_streamed_trades(
    simulator: Simulator, rest: httpx.AsyncClient
) -> None:
    names = ("BTC-USD", "SOL-USD", "UNI-USD")
    told: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in names}
    sequence = 0
    async with connect(simulator.websocket, max_size=2**24) as socket:
        await subscribe(socket, "market_trades", *names)
        begun = simulator.clock.now_us() // 60_000_000 * 60
        until = begun + 240
        while simulator.clock.now_us() // 1_000_000 < until + 30:
            frame = await receive(socket)
            assert frame["sequence_num"] == sequence
            sequence += 1
            if frame["channel"] == "market_trades":
                for trade in frame["events"][0]["trades"]:
                    told[trade["product_id"]][int(trade["trade_id"])] = trade
    for name in names:
        ids = sorted(told[name])
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        query: dict[str, str | int] = {
            "start": begun + 60,
            "end": until - 60,
            "granularity": "ONE_MINUTE",
        }
        answer = await rest.get(f"/market/products/{name}/candles", params=query)
        served = {
            int(row["start"]): tuple(
                float(row[key]) for key in ("open", "high", "low", "close", "volume")
            )
            for row in answer.json()["candles"]
        }
        built = candles_of(told[name])
        assert len(served) == 3
        assert served == {at: built[at] for at in served}


async def test_both_addresses_and_the_plain_page(
    simulator: Simulator, rest: httpx.AsyncClient
) -> None:
    for address in (simulator.websocket, simulator.websocket + "/ws"):
        async with connect(address) as socket:
            await subscribe(socket, "heartbeats")
            assert (await receive(socket))["channel"] == "subscriptions"
    answer = await rest.get("/time")
    assert abs(int(answer.json()["epochSeconds"]) * 1_000_000 - simulator.clock.now_us()) < 60e6
    assert answer.headers["cache-control"] == "public, max-age=14400"
    assert (await rest.get("/accounts")).status_code == 401


async def test_heartbeats_come_every_real_second_in_simulated_time(simulator: Simulator) -> None:
    async with connect(simulator.websocket) as socket:
        await subscribe(socket, "heartbeats")
        frames = [await receive(socket) for _ in range(4)]
    beats = [frame["events"][0]["heartbeat_counter"] for frame in frames[1:]]
    assert beats == [beats[0], beats[0] + 1, beats[0] + 2]


async def test_dropped_frames_leave_a_gap_in_the_numbers(simulator: Simulator) -> None:
    async with connect(simulator.websocket) as socket:
        await subscribe(socket, "market_trades", "BTC-USD")
        while (frame := await receive(socket))["channel"] != "subscriptions":
            pass
        last = frame["sequence_num"]
        simulator.inject(Drop(frames=2))
        assert (await receive(socket))["sequence_num"] == last + 3


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_a_close_carries_its_code(simulator: Simulator, code: int) -> None:
    async with connect(simulator.websocket) as socket:
        await subscribe(socket, "heartbeats")
        await receive(socket)
        simulator.inject(Close(code=code))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await drain(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_an_abnormal_closure_cuts_the_line(simulator: Simulator) -> None:
    async with connect(simulator.websocket) as socket:
        await subscribe(socket, "heartbeats")
        await receive(socket)
        simulator.inject(Close(code=1006))
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await drain(socket)
    assert closed.value.rcvd is None


async def test_a_frozen_exchange_is_silent_and_answers_no_ping(simulator: Simulator) -> None:
    async with connect(simulator.websocket, ping_interval=None) as socket:
        await subscribe(socket, "market_trades", "BTC-USD")
        while (await receive(socket))["channel"] != "subscriptions":
            pass
        simulator.inject(Freeze())
        pong = asyncio.ensure_future(await socket.ping())
        with pytest.raises(TimeoutError):
            await drain(socket, 0.8)
        assert not pong.done()
        simulator.inject(Thaw())
        assert (await receive(socket))["channel"] == "market_trades"
        async with asyncio.timeout(PATIENCE):
            await (await socket.ping())


async def test_a_refusing_exchange_cuts_whoever_comes(
    simulator: Simulator, rest: httpx.AsyncClient
) -> None:
    simulator.inject(Refuse(seconds=60))
    with pytest.raises(httpx.TransportError):
        await rest.get("/time")
    with pytest.raises((websockets.InvalidHandshake, OSError, EOFError)):
        await connect(simulator.websocket)
    assert (await rest.get(f"{simulator.admin}/state")).json()["refusing"] is True
    simulator.inject(Accept())
    assert (await rest.get("/time")).status_code == 200


READ_AS: list[tuple[Trouble, type[ExchangeError]]] = [
    ("throttled", RateLimited),
    ("business", Rejected),
    ("unauthorized", KeyDoubted),
    ("internal", Unreachable),
    ("bad_gateway", Unreachable),
    ("malformed", Malformed),
]


@pytest.mark.parametrize(("trouble", "error"), READ_AS)
async def test_trouble_reads_as_what_it_is_and_passes(
    simulator: Simulator,
    rest: httpx.AsyncClient,
    trouble: Trouble,
    error: type[ExchangeError],
) -> None:
    simulator.inject(Fail(how=trouble, path="/accounts"))
    assert (await rest.get("/time")).status_code == 200
    answer = await rest.get("/accounts")
    response = Response(
        status=answer.status_code, headers=dict(answer.headers), body=answer.content
    )
    with pytest.raises(ExchangeError) as caught:
        CoinbaseAccounts().reading().receive(response)
    assert type(caught.value) is error
    again = await rest.get("/accounts")
    assert (again.status_code, again.text) == (401, "Unauthorized\n")  # it was not signed


def test_every_trouble_is_tried() -> None:
    assert {trouble for trouble, _ in READ_AS} == set(TROUBLES)


async def test_garbled_frames_arrive_as_ordered(simulator: Simulator) -> None:
    async with connect(simulator.websocket, max_size=2**24) as socket:
        await subscribe(socket, "heartbeats")
        last = (await receive(socket))["sequence_num"]
        simulator.inject(Garble(how="duplicate"))
        assert [(await receive(socket))["sequence_num"] for _ in range(2)] == [last + 1] * 2
        simulator.inject(Garble(how="huge"))
        assert len((await receive(socket))["unheard_of"]) == HUGE_BYTES
        simulator.inject(Garble(how="malformed"))
        with pytest.raises(json.JSONDecodeError):
            await receive(socket)


async def test_late_trades_come_after_the_thaw_with_their_old_times(simulator: Simulator) -> None:
    async with connect(simulator.websocket, max_size=2**24) as socket:
        await subscribe(socket, "market_trades", "BTC-USD")
        while (await receive(socket))["channel"] != "subscriptions":
            pass
        await subscribe(socket, "heartbeats")
        simulator.inject(Freeze(product_id="BTC-USD", late=True))
        newest, clock = 0, datetime.min.replace(tzinfo=UTC)
        beats = 0
        while beats < 3:
            frame = await receive(socket)
            if frame["channel"] == "heartbeats":
                beats += 1
                clock = datetime.fromisoformat(frame["timestamp"])
            elif frame["channel"] == "market_trades":
                newest = int(frame["events"][0]["trades"][0]["trade_id"])
        simulator.inject(Thaw(product_id="BTC-USD"))
        while (frame := await receive(socket))["channel"] != "market_trades":
            pass
    trades = frame["events"][0]["trades"]
    assert datetime.fromisoformat(trades[-1]["time"]) < clock
    assert not newest or int(trades[-1]["trade_id"]) == newest + 1


@pytest.mark.parametrize("seconds", [90, -90])
async def test_a_skewed_clock_shows_in_stamps_and_not_in_trades(
    simulator: Simulator, rest: httpx.AsyncClient, seconds: int
) -> None:
    simulator.inject(Skew(seconds=seconds))
    told = int((await rest.get("/time")).json()["epochMillis"]) / 1_000
    assert abs(told - seconds - simulator.clock.now_us() / 1e6) < SPEED
    async with connect(simulator.websocket, max_size=2**24) as socket:
        await subscribe(socket, "market_trades", "BTC-USD")
        frame = await receive(socket)
    stamp = datetime.fromisoformat(frame["timestamp"]).timestamp()
    traded = datetime.fromisoformat(frame["events"][0]["trades"][0]["time"]).timestamp()
    assert abs(stamp - seconds - traded) < SPEED


async def test_a_slow_exchange_is_waited_for_or_given_up(
    simulator: Simulator, rest: httpx.AsyncClient
) -> None:
    simulator.inject(Slow(delay=60, seconds=60))
    with pytest.raises(httpx.ReadTimeout):
        await rest.get("/time", timeout=0.2)
    with pytest.raises(TimeoutError):
        await connect(simulator.websocket, open_timeout=0.2)
    simulator.inject(Slow(delay=0.3, seconds=60))
    begun = time.monotonic()
    assert (await rest.get("/time")).status_code == 200
    async with connect(simulator.websocket):
        assert time.monotonic() - begun >= 0.6
    simulator.inject(Accept())
    assert (await rest.get("/time")).status_code == 200


async def test_faults_are_ordered_over_http(simulator: Simulator, rest: httpx.AsyncClient) -> None:
    address = f"{simulator.admin}/faults"
    answer = await rest.post(address, json={"kind": "freeze", "product_id": "BTC-USD"})
    injected = {"kind": "freeze", "product_id": "BTC-USD", "late": False}
    assert answer.json() == {"injected": injected}
    assert (await rest.get(f"{simulator.admin}/state")).json()["muted"] == ["BTC-USD"]
    wrong = await rest.post(address, json={"kind": "explode"})
    assert wrong.status_code == 400
    assert "explode" in wrong.json()["error"]


async def test_the_admin_room_is_for_this_machine_and_its_own_pages(
    simulator: Simulator, rest: httpx.AsyncClient
) -> None:
    address = f"{simulator.admin}/faults"
    plain = await rest.post(address, content=b'{"kind":"freeze"}')
    assert plain.status_code == 415
    renamed = await rest.post(address, json={"kind": "freeze"}, headers={"host": "evil.example"})
    assert renamed.status_code == 403
    assert (await rest.get(address)).status_code == 405
    assert not simulator.faults.frozen


async def test_the_state_tells_what_runs(simulator: Simulator, rest: httpx.AsyncClient) -> None:
    async with connect(simulator.websocket) as socket:
        await subscribe(socket, "heartbeats")
        await receive(socket)
        state = (await rest.get(f"{simulator.admin}/state")).json()
    assert state["time"].startswith(("2026-09-29T", "2026-09-30T"))
    del state["time"]
    assert state == {
        "venue": "coinbase",
        "seed": SEED,
        "speed": SPEED,
        "connections": 1,
        "products": len(simulator.world.products),
        "frozen": False,
        "muted": [],
        "late": [],
        "interventions": [],
        "skew_seconds": 0.0,
        "refusing": False,
    }


async def test_limits_hold_at_the_speed_of_real_time() -> None:
    async with serve(seed=SEED, products=5) as running, httpx.AsyncClient() as client:
        answers = [await client.get(f"{running.rest}/time") for _ in range(20)]
        assert [answer.status_code for answer in answers[:10]] == [200] * 10
        assert answers[-1].status_code == 429
        assert answers[-1].json()["errors"][0]["id"] == "rate_limit_exceeded"
        async with connect(running.websocket) as socket:
            for _ in range(12):
                await subscribe(socket, "heartbeats")
            kinds = [(await receive(socket)).get("type") for _ in range(12)]
        assert kinds[:8] == [None] * 8
        assert "error" in kinds


async def test_a_silent_client_is_sent_away() -> None:
    async with serve(seed=SEED, products=5) as running, connect(running.websocket) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_farewell_comes_behind_the_trades_that_were_made_before_it() -> None:
    clock = SimulatedClock(speed=36_000.0, anchor_ns=NOW * 1_000_000_000)  # a trade every ten ms
    async with (
        serve(venue="binance", seed=SEED, products=5, clock=clock, leniency=0) as running,
        connect(running.websocket, max_queue=None) as socket,
    ):
        asked = {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1}
        await socket.send(json.dumps(asked))
        while "data" not in await receive(socket):
            pass
        running.inject(Farewell(seconds=60.0))
        while (told := (await receive(socket)).get("data", {})).get("e") != "serverShutdown":
            pass
        assert (await receive(socket))["data"]["T"] >= told["E"]


async def test_clients_are_told_when_it_stops() -> None:
    async with serve(seed=SEED, products=5) as running:
        socket = await connect(running.websocket)
        await subscribe(socket, "heartbeats")
        await receive(socket)
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await drain(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert running.connections == 0
