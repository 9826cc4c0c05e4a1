"""What the control plane's tests run against: a simulated exchange, a worker, two users."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from control import wire
from settings_app.models import User
from tests.control.running import PATIENCE_SECONDS, RunningWorker, running_worker
from tests.settings_app.factories import UserFactory
from trading.net.endpoints import Endpoints
from trading.simulator.server import Simulator, serve

SPEED = 60.0  # a simulated minute in a second


@pytest.fixture
def redis_away(settings: Settings) -> Iterator[None]:
    """Nobody listens where Redis should be, neither for the wire nor for Django's cache."""
    wire.shared.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/1"}
    }
    yield
    wire.shared.cache_clear()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """An exchange on loopback whose minutes last a second, in a thread of its own."""
    started = threading.Event()
    running: list[Any] = []

    async def host() -> None:
        stop = asyncio.Event()
        async with serve(seed=7, speed=SPEED, products=60) as exchange:
            running.extend([exchange, asyncio.get_running_loop(), stop])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(host(),), name="simulator", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_SECONDS)
    exchange, loop, stop = running
    yield exchange
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_SECONDS)


@pytest.fixture
def endpoints(simulator: Simulator) -> dict[str, Endpoints]:
    """Where that exchange is reached."""
    return {"coinbase": Endpoints(rest=simulator.rest, websocket=simulator.websocket)}


def trader(*symbols: str, **columns: Any) -> User:
    """A user who watches these symbols in the mode that watches the watchlist."""
    watchlist = [{"symbol": symbol, "exchange": "coinbase"} for symbol in symbols]
    user: User = UserFactory.create(
        runtime_mode=columns.pop("runtime_mode", "scalper-macdv"),
        document={"watchlist": watchlist, **columns.pop("document", {})},
        **columns,
    )
    return user


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    """A trader whose runtime is to run."""
    return trader("BTC-USD", "ETH-USD", is_paused=False)


@pytest.fixture
def bela(transactional_db: None, redis_url: str) -> User:
    """Another trader, with a market of their own and one that both watch."""
    return trader("ETH-USD", "SOL-USD", is_paused=False)


@pytest.fixture
def worker(anna: User, endpoints: dict[str, Endpoints]) -> Iterator[RunningWorker]:
    """A running worker."""
    with running_worker(endpoints) as worker:
        yield worker
