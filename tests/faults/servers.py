"""A PostgreSQL and a Redis that a test may kill, freeze, empty and start again.

Rule 1: durable, as ``make run`` starts them: what they acknowledged must outlive a ``kill -9``.
Rule 2: a server keeps its port through every death, so nobody has to be told of a new address.
Rule 3: called from the main thread only: Linux ties a child's life to the thread that forked it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import redis
from django.conf import settings
from django.db import connections

from control import wire
from livermore.embedded.home import remove_state
from livermore.embedded.postgres import EmbeddedPostgres
from livermore.embedded.stack import Server, Stack
from livermore.embedded.valkey import EmbeddedValkey
from tests.livermore.processes import kill_all

ADDRESS = frozenset({"NAME", "USER", "PASSWORD", "HOST", "PORT"})


class Breakable:
    """One server process of a stack."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._server._process is not None
        return self._server._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it lives; a frozen one does."""
        return self._server.exit_status is None

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        process = self._server._process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()

    def start(self) -> None:
        """Start it again at its port, and wait until it answers."""
        self._server.launch(self._server.port)
        self._server.wait_until_ready()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped by SIGSTOP for the length of a block: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


class BreakableRedis(Breakable):
    """The Redis of a stack, which can lose its data as well."""

    def __init__(self, server: EmbeddedValkey) -> None:
        super().__init__(server)
        self.url = server.url
        self._data = server._data

    def empty(self) -> None:
        """Lose all data, as a server without a disk would; only while it does not run."""
        assert not self.is_running
        for path in self._data.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def connect(self) -> redis.Redis:
        """A connection of the test's own, which waits for an answer as long as it takes."""
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)


class BreakableServers:
    """Both servers of a state directory."""

    def __init__(self, stack: Stack, state: Path) -> None:
        self.state = state
        self.stack = stack
        kinds = {type(server): server for server in stack.servers}
        postgres, valkey = kinds[EmbeddedPostgres], kinds[EmbeddedValkey]
        assert isinstance(valkey, EmbeddedValkey)
        self.postgres = Breakable(postgres)
        self.redis = BreakableRedis(valkey)

    def heal(self) -> None:
        """Start whatever a test left dead."""
        for server in (self.postgres, self.redis):
            if not server.is_running:
                server.start()


@contextmanager
def breakable_servers() -> Iterator[BreakableServers]:
    """Servers of the caller's own, removed afterwards with everything that ran on them."""
    state = Path(tempfile.mkdtemp(prefix="livermore-faults-"))
    state.chmod(0o711)  # the servers' account passes through
    stack = Stack(state)
    try:
        stack.start()
        yield BreakableServers(stack, state)
    finally:
        stack.stop()
        kill_all(state)
        remove_state(state)


@contextmanager
def django_on(servers: BreakableServers) -> Iterator[None]:
    """This process's Django, all threads of it, on these servers for the length of a block."""
    database: dict[str, Any] = connections.settings["default"]
    before, redis_url = dict(database), settings.REDIS_URL
    there = dj_database_url.parse(servers.stack.database_url)
    try:
        connections.close_all()
        database.update({name: value for name, value in there.items() if name in ADDRESS})
        settings.REDIS_URL = servers.redis.url
        _forget_clients()
        yield
    finally:
        connections.close_all()
        database.clear()
        database.update(before)
        settings.REDIS_URL = redis_url
        _forget_clients()


def _forget_clients() -> None:
    wire.shared.cache_clear()
