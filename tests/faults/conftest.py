"""The stage: servers and an exchange once for the whole directory, the rest for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from settings_app.models import User
from tests.faults.programs import Exchange, simulated_exchange
from tests.faults.servers import BreakableServers, breakable_servers, django_on
from tests.faults.stage import Stage


@pytest.fixture(scope="package")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[BreakableServers]:
    """A durable PostgreSQL and Redis of these tests' own, migrated."""
    with breakable_servers() as servers:
        with django_db_blocker.unblock(), django_on(servers):
            call_command("migrate", interactive=False, verbosity=0)
        yield servers


@pytest.fixture(scope="package")
def exchange() -> Iterator[Exchange]:
    """A simulated exchange."""
    with simulated_exchange() as exchange:
        yield exchange


@pytest.fixture
def stage(
    servers: BreakableServers, exchange: Exchange, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stage]:
    """An empty stage, with this process's Django on it."""
    with django_db_blocker.unblock(), django_on(servers):
        made = Stage(servers, exchange)
        try:
            yield made
        finally:
            made.clear()


@pytest.fixture
def anna(stage: Stage) -> User:
    """A trader whose runtime is to run."""
    return stage.trader("BTC-USD", "ETH-USD")


@pytest.fixture
def bela(stage: Stage) -> User:
    """Another trader, with a market of their own and one that both watch."""
    return stage.trader("ETH-USD", "SOL-USD")
