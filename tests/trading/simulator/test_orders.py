"""What is ordered over HTTP, and the limits that whoever asks runs into."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.trading.simulator.worlds import SEED
from trading.simulator.server import serve

PATIENCE = 10.0


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        frame: dict[str, Any] = json.loads(await socket.recv())
        return frame


async def test_requests_with_a_key_have_a_limit_of_their_own() -> None:
    async with (
        serve(seed=SEED, products=5, leniency=1.0) as running,
        httpx.AsyncClient(base_url=running.rest, timeout=PATIENCE) as client,
    ):
        public = [(await client.get("/time")).status_code for _ in range(14)]
        private = [(await client.get("/accounts")).status_code for _ in range(20)]
    assert 429 in public
    assert private == [401] * 20


async def test_the_world_is_changed_on_order_and_tells_how() -> None:
    async with (
        serve(seed=SEED, products=5, speed=60.0) as simulator,
        httpx.AsyncClient(base_url=simulator.rest, timeout=PATIENCE) as client,
    ):

        async def order(**fault: Any) -> httpx.Response:
            return await client.post(f"{simulator.admin}/faults", json=fault)

        refused = await order(kind="amend", product_id="XYZZY")
        assert (refused.status_code, refused.json()) == (400, {"error": "XYZZY is not listed"})
        mistyped = await order(kind="freeze", product_id="BTCUSD")
        assert mistyped.json()["error"].startswith("BTCUSD is not listed: BTC-USD or ")
        async with connect(simulator.websocket) as socket:
            asked = {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]}
            await socket.send(json.dumps(asked))
            while (await receive(socket))["channel"] != "subscriptions":
                continue
            done = (await order(kind="amend", product_id="BTC-USD", percent=3)).json()["injected"]
            late: list[dict[str, Any]] = []
            while not late:
                events = (await receive(socket))["events"]
                late = [t for t in events[0]["trades"] if _second(t["time"]) == done["at"] + 59]
        state = (await client.get(f"{simulator.admin}/state")).json()
        query = {"start": done["at"], "end": done["at"], "granularity": "ONE_MINUTE"}
        answer = await client.get("/market/products/BTC-USD/candles", params=query)
    assert state["interventions"] == [done]
    (candle,) = answer.json()["candles"]
    assert candle["high"] == candle["close"] == late[0]["price"]


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
