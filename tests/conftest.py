"""What every test may ask for: the servers, and a clean Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.settings import STACK
from tests.stack import LazyStack


@pytest.fixture(scope="session")
def stack() -> Iterator[LazyStack]:
    """The tests' own PostgreSQL and Valkey, running."""
    STACK.start()
    return STACK


@pytest.fixture(scope="session")
def django_db_modify_db_settings(stack: LazyStack) -> None:
    """pytest-django makes its database once the servers run."""


@pytest.fixture
def redis_url(stack: LazyStack) -> str:
    """Address of the wire's Redis; every logical database of it is empty."""
    return stack.redis_url


@pytest.fixture(autouse=True)
def _clean_redis() -> Iterator[None]:
    """What one test left in Redis, the next never sees."""
    yield
    if STACK.is_running:
        with redis.Redis.from_url(STACK.redis_url) as client:
            client.flushall()


def pytest_unconfigure() -> None:
    STACK.remove()
