"""The dead man's switch: heard while all is well, silent otherwise, and its address kept."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection
from pytest_django import Settings as Configuration

from control import deadman, leases
from control.database import Database
from control.deadman import Deadman, client_for
from settings_app.models import User
from tests.control.running import eventually, postgresql_away
from trading.net.endpoints import Endpoints
from trading.plane import DataPlane
from trading.ports import FiredSignal, IndicatorUpdate

SECRET = "5f0c8e2a-secret-check"


class Watcher(ThreadingHTTPServer):
    """A service that expects pings, on loopback; ``status`` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.status = 200
        self.heard: list[str] = []
        self.hangs = threading.Event()
        self.hangs.set()

    @property
    def url(self) -> str:
        """Where it is pinged."""
        return f"http://127.0.0.1:{self.server_port}/{SECRET}"


class Visit(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.heard.append(f"{self.command} {self.path}")
        self.server.hangs.wait(10)
        self.send_response(self.server.status)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing: a test's output is for failures."""


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hangs.set()
        server.shutdown()
        thread.join(10)


async def all_is_well() -> str | None:
    return None


async def something_is_not() -> str | None:
    return "the data plane hangs"


async def nobody_knows() -> str | None:
    await asyncio.Event().wait()
    return None


def beats(url: str, *hindrances: deadman.Ask) -> list[bool]:
    """Whether the pings arrived, one look for each of these answers."""

    answers = iter(hindrances)

    async def next_answer() -> str | None:
        return await next(answers)()

    async def beat() -> list[bool]:
        made = Deadman(url, next_answer)
        async with client_for(url) as client:
            return [await made.beat(client) for _ in hindrances]

    return asyncio.run(beat())


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.msg["event"] for r in caplog.records if isinstance(r.msg, dict)]


def test_while_all_is_well_the_watcher_hears_of_it(watcher: Watcher) -> None:
    assert beats(watcher.url, all_is_well, all_is_well) == [True, True]
    assert watcher.heard == [f"GET /{SECRET}"] * 2


def test_while_something_is_not_the_watcher_hears_nothing(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    assert beats(watcher.url, something_is_not, something_is_not) == [False, False]
    assert watcher.heard == []
    assert lines(caplog) == ["deadman.silent"]


def test_what_nobody_can_find_out_is_not_well(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman, "ASK_SECONDS", 0.01)
    assert beats(watcher.url, nobody_knows) == [False]
    assert watcher.heard == []


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_answer_that_is_no_success_is_none(watcher: Watcher, status: int) -> None:
    watcher.status = status
    assert beats(watcher.url, all_is_well) == [False]
    assert watcher.heard == [f"GET /{SECRET}"]  # and no redirect is followed


def test_a_watcher_that_hangs_holds_up_nothing_for_long(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher.hangs.clear()
    monkeypatch.setattr(deadman, "PING_SECONDS", 0.05)
    assert beats(watcher.url, all_is_well) == [False]


@pytest.mark.parametrize("trouble", ["refused", "redirect", "error", "well"])
def test_no_line_holds_the_address(
    watcher: Watcher, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    watcher.status = {"redirect": 302, "error": 500}.get(trouble, 200)
    url = f"http://127.0.0.1:1/{SECRET}" if trouble == "refused" else watcher.url
    with caplog.at_level(logging.INFO):
        beats(url, all_is_well, something_is_not, all_is_well)
    assert lines(caplog)
    assert SECRET not in caplog.text


def test_a_failure_is_one_line_and_so_is_its_end(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        beats(watcher.url, *[something_is_not] * 3, *[all_is_well] * 3)
    assert lines(caplog) == ["deadman.silent", "deadman.pings_again"]


def test_it_pings_at_once_and_then_by_itself(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman, "EVERY_SECONDS", 0.01)

    async def until_heard() -> None:
        running = asyncio.create_task(Deadman(watcher.url, all_is_well).run())
        await asyncio.to_thread(eventually, lambda: len(watcher.heard) >= 3)
        running.cancel()

    asyncio.run(until_heard())


# ---------------------------------------------------------------------- whether all is well
class Silent:
    """Sinks that take nothing."""

    def signal_fired(self, fired: FiredSignal) -> None: ...
    def indicator_moved(self, update: IndicatorUpdate) -> None: ...
    def candles_closed(self, candles: object) -> None: ...
    def history_read(self, candles: object) -> None: ...
    def history_replaced(self, replacement: object) -> None: ...


@pytest.fixture
def plane(endpoints: dict[str, Endpoints]) -> Iterator[DataPlane]:
    made = DataPlane(endpoints=endpoints, sinks=Silent())
    made.start()
    yield made
    made.stop()


def asked(plane: DataPlane, only: list[str] | None = None) -> str | None:
    database = Database(threads=1)
    try:
        return asyncio.run(deadman.hindrance(database, plane, only))
    finally:
        database.close()


@pytest.mark.usefixtures("transactional_db")
def test_all_is_well_where_everything_answers_and_everybody_has_a_worker(
    anna: User, bela: User, plane: DataPlane
) -> None:
    leases.acquire([anna.pk, bela.pk], "w")
    assert asked(plane) is None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE control_lease SET expires_at = clock_timestamp() WHERE user_id = %s", [bela.pk]
        )
    assert asked(plane) == "users without a worker: 1"
    assert asked(plane, only=[anna.username]) is None


def test_nothing_is_well_while_a_server_is_away(
    anna: User, plane: DataPlane, settings: Configuration
) -> None:
    leases.acquire([anna.pk], "w")
    with postgresql_away():
        assert asked(plane) == "PostgreSQL does not answer"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert asked(plane) == "Redis does not answer"


def test_nothing_is_well_while_the_data_plane_does_not_turn(anna: User, plane: DataPlane) -> None:
    leases.acquire([anna.pk], "w")
    gate = threading.Event()
    plane.call_soon(lambda: gate.wait(20))
    eventually(lambda: plane.beat_age_ms > 1_000)
    assert asked(plane) == "the data plane hangs"
    gate.set()
    plane.call_soon(lambda: 1 // 0)
    eventually(lambda: plane.failure)
    assert "ZeroDivisionError" in (asked(plane) or "")
