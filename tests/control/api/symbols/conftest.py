"""Two users with watchlists of their own, and a simulated exchange that can be in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings as Configuration

from settings_app.models import User
from tests.control.conftest import trader
from tests.settings_app.calling import Caller
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

OFTEN = 1_000_000


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD")


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD")


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    """The simulated exchange is where the settings say that Coinbase is."""
    settings.EXCHANGES = endpoints


@pytest.fixture
def api(anna: User) -> Caller:
    return Caller(anna)


@pytest.fixture
def in_trouble(simulator: Simulator) -> Iterator[Callable[[Trouble], None]]:
    """From now on the exchange answers everything with a trouble; it ends with the test."""

    def begin(how: Trouble) -> None:
        simulator.inject(faults.Fail(how=how, requests=OFTEN))

    yield begin
    simulator.inject(faults.Accept())
