"""A worker that really runs: its own loop in a thread of this process, on the tests' servers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection, connections

from control import client, wire
from control.protocol import RuntimeStatus
from control.sinks import QueuedSinks
from control.worker import Worker
from trading.net.endpoints import Endpoints
from trading.plane import DataPlane
from trading.ports import Shelf

T = TypeVar("T")
PATIENCE_SECONDS = 20.0


class RunningWorker:
    """A started worker and the way to look at it from a test."""

    def __init__(self, endpoints: Mapping[str, Endpoints], only: tuple[str, ...] = ()) -> None:
        self._endpoints = dict(endpoints)
        self._only = only
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self.worker: Worker | None = None

    def start(self) -> None:
        """Start it and wait until its loop turns."""
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop it as SIGTERM would, and wait."""
        assert self.worker is not None
        assert self._loop is not None
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self.worker.stop)
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), [str(t) for t in asyncio.all_tasks(self._loop)]
        if self._failure is not None:
            raise self._failure

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of its control plane."""
        assert self._loop is not None
        return self._loop

    @property
    def plane(self) -> DataPlane:
        """Its data plane."""
        assert self.worker is not None
        return self.worker.plane

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:  # noqa: BLE001  # raised again where the test waits
            self._failure = exc
        finally:
            self._wait_for_queries()
            connections.close_all()
            self._ready.set()

    def _wait_for_queries(self) -> None:
        """Let queries end that nobody waits for any more, for they lock what is emptied next."""
        if self.worker is not None:
            for thread in tuple(self.worker._database._threads._threads):
                thread.join(PATIENCE_SECONDS / 2)

    async def _serve(self) -> None:
        def plane(sinks: QueuedSinks, shelf: Shelf) -> DataPlane:
            return DataPlane(endpoints=self._endpoints, sinks=sinks, shelf=shelf)

        self.worker = Worker(make_plane=plane, only=self._only)
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._ready.set)
        await self.worker.run()


@contextmanager
def running_worker(
    endpoints: Mapping[str, Endpoints], *, only: tuple[str, ...] = ()
) -> Iterator[RunningWorker]:
    """A worker for the length of a block."""
    worker = RunningWorker(endpoints, only)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def eventually(look: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Wait until ``look()`` is true, and give what it gave.

    The interval bounds how often is asked, not how long something takes.
    """
    deadline = time.monotonic() + seconds
    waited = threading.Event()
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s; last seen: {seen!r}"
        waited.wait(0.02)
    return seen


def status_when(user: client.HasRuntime, holds: Callable[[RuntimeStatus], bool]) -> RuntimeStatus:
    """The first status of a user for which ``holds``."""

    def look() -> RuntimeStatus | None:
        status = client.status(user)
        return status if status is not None and holds(status) else None

    found = eventually(look)
    assert found is not None
    return found


@contextmanager
def postgresql_away() -> Iterator[None]:
    """Whoever connects to PostgreSQL within this block cannot; what is connected stays so."""
    parameters = connections.databases["default"]
    host, parameters["HOST"] = parameters["HOST"], "/nowhere"
    try:
        yield
    finally:
        parameters["HOST"] = host


@contextmanager
def postgresql_read_only() -> Iterator[None]:
    """Whoever connects to PostgreSQL within this block may only read, as on a standby."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:  # it is connected, and so goes on writing
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def publish(channel: str, text: str) -> int:
    """PUBLISH as a foreign program would; how many heard it."""
    with wire.connect() as redis:
        heard: Any = redis.publish(channel, text)
        return int(heard)
