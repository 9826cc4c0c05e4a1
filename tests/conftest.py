"""What every test may ask for: the servers, and a clean Redis."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from livermore.embedded.home import remove_state
from tests.livermore.processes import kill_all
from tests.settings import STACK
from tests.stack import LazyStack

# A busy machine is no failure: no test asserts how long something takes.
settings.register_profile("livermore", deadline=None)
settings.load_profile("livermore")


@pytest.fixture(scope="session")
def stack() -> LazyStack:
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


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty state directory, for servers of a test's own.

    Whatever still runs in it at the end is killed. Not under ``tmp_path``: pytest closes that to
    the account as which servers run where the tests run as root.
    """
    directory = Path(tempfile.mkdtemp(prefix="livermore-state-"))
    directory.chmod(0o711)
    yield directory
    kill_all(directory)
    remove_state(directory)


@pytest.fixture(autouse=True)
def _clean_redis() -> Iterator[None]:
    """What one test left in Redis, the next never sees."""
    from control import reloads  # models load only when the apps are ready

    yield
    if STACK.is_running:
        reloads.flush()
        with redis.Redis.from_url(STACK.redis_url) as client:
            client.flushall()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Say last what could not run here, so that nobody takes it for passed; in CI it fails."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if browser := sum("browser" in report.keywords for report in skipped):
        reporter.write_line(
            f"No Chromium on this machine: the {browser} tests that drive a browser did not run. "
            "On Debian and Ubuntu: apt-get install chromium",
            yellow=True,
        )
    if skipped and os.environ.get("TESTS_MUST_ALL_RUN") == "1":
        reporter.write_line(f"{len(skipped)} tests were skipped; here all must run.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
