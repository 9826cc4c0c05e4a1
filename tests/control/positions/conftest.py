"""An exchange with accounts, and users who have its keys."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from control.protocol import PositionsStatus, RuntimeStatus
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import PATIENCE_SECONDS
from trading.models import Position
from trading.net.endpoints import Endpoints
from trading.simulator.faults import Accept, AnyFault, Skew
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.coinbase.keys import SimulatedKey

READ = ("BTC-USD", "DOGE-USD", "ETH-USD", "LINK-USD", "SHIB-USD", "SOL-USD")


class Exchange:
    """A simulated exchange in a thread of its own."""

    def __init__(self, simulator: Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self.simulator = simulator
        self._loop = loop

    @property
    def endpoints(self) -> dict[str, Endpoints]:
        rest, websocket = self.simulator.rest, self.simulator.websocket
        return {"coinbase": Endpoints(rest=rest, websocket=websocket)}

    def inject(self, fault: AnyFault) -> None:
        self._loop.call_soon_threadsafe(self.simulator.inject, fault)


@contextmanager
def exchange(key: SimulatedKey | None = None) -> Iterator[Exchange]:
    started = threading.Event()
    running: list[Any] = []

    async def host() -> None:
        stop = asyncio.Event()
        async with serve(seed=7, products=120, key=key, leniency=0) as simulator:
            running.extend([simulator, asyncio.get_running_loop(), stop])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(host(),), name="exchange", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_SECONDS)
    simulator, loop, stop = running
    yield Exchange(simulator, loop)
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def venue() -> Iterator[Exchange]:
    with exchange() as running:
        yield running


@pytest.fixture
def coinbase(venue: Exchange) -> Iterator[Exchange]:
    yield venue
    venue.inject(Accept())
    venue.inject(Skew(seconds=0))


def holder(name: str = "COINBASE", **document: Any) -> User:
    """A user who watches what they hold, with keys in the variables of that name."""
    keys = {
        "enabled": True,
        "ApiKeyEnvironmentVariableName": f"{name}_KEY",
        "SecretEnvironmentVariableName": f"{name}_SECRET",
    }
    columns = {"pk": document.pop("pk")} if "pk" in document else {}
    whole = {"exchanges": {"coinbase": keys}, "load_positions_from_exchange": True, **document}
    return trader(runtime_mode="position-monitor", is_paused=False, document=whole, **columns)


@pytest.fixture
def set_key(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_it(key: SimulatedKey, name: str = "COINBASE") -> None:
        file = key.portal_file()
        monkeypatch.setenv(f"{name}_KEY", file["name"])
        monkeypatch.setenv(f"{name}_SECRET", file["privateKey"])

    return set_it


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    return holder()


def told(status: RuntimeStatus) -> PositionsStatus | None:
    return status.positions[0] if status.positions else None


def is_read(status: RuntimeStatus) -> bool:
    now = told(status)
    return now is not None and now.state == "read"


def has_failed(status: RuntimeStatus) -> bool:
    now = told(status)
    return now is not None and now.state == "failed"


def held(user: User) -> dict[str, Position]:
    return {row.symbol: row for row in Position.objects.filter(user=user)}
