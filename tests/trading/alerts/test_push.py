"""Push services, by way of Apprise: one of ours, and one that is spoken to over HTTP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from apprise.decorators import notify
from apprise.manager_plugins import NotificationManager

from tests.trading.alerts.said import NOTICE, digest
from trading.alerts import push
from trading.alerts.ports import Delivered, Later, Message, Outcome, Refused, Uncertain
from trading.alerts.push import Push

SECRET = "s3cret-topic"


@dataclass
class Received:
    """What our own service was told, and what it answers."""

    told: list[dict[str, Any]] = field(default_factory=list)
    answer: bool | Exception = True


@pytest.fixture
def received() -> Iterator[Received]:
    kept = Received()

    @notify(on="livermoretest", name="Livermore's test")  # type: ignore[no-untyped-call, untyped-decorator]
    def keep(body: str, title: str, notify_type: str, *_: Any, **__: Any) -> bool:
        kept.told.append({"body": body, "title": title, "type": str(notify_type)})
        if isinstance(kept.answer, Exception):
            raise kept.answer
        return kept.answer

    yield kept
    NotificationManager().remove("livermoretest")  # type: ignore[no-untyped-call]


class Service(ThreadingHTTPServer):
    """A service on loopback that answers with ``status``; or, with 0, hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.status = 200

    @property
    def url(self) -> str:
        """As Apprise has it."""
        return f"json://127.0.0.1:{self.server_port}/{SECRET}"


class Visit(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if not self.server.status:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing: a test's output is for failures."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def log_of_the_process() -> Iterator[list[str]]:
    """Whatever reaches the root, from the level of INFO on, as in every process of ours."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name}: {record.getMessage()}")

    keeper = Keeper(logging.INFO)
    logging.getLogger().addHandler(keeper)
    yield lines
    logging.getLogger().removeHandler(keeper)


async def sent(url: str = "livermoretest://", message: Message = (NOTICE,)) -> Outcome:
    return await Push(url).send(message)


async def test_notice_arrives_as_title_and_text(received: Received) -> None:
    assert await sent() == Delivered()
    (told,) = received.told
    assert told["title"] == "▲ BTC-USD 1h on coinbase: level through +150"
    assert "MACD-V went from +143.2 to +152.7: through +150." in told["body"]
    assert "Bias: bullish" in told["body"]
    assert "28.11.2026 13:00:00 Europe/Berlin" in told["body"]


async def test_digest_arrives_with_its_first_rows(received: Received) -> None:
    assert await sent(message=digest(100)) == Delivered()
    (told,) = received.told
    assert told["title"] == "100 alerts within 5 min"
    assert told["body"].endswith("… and 85 more")


@pytest.mark.parametrize("answer", [False, RuntimeError("no")])
async def test_no_without_a_reason_leaves_the_message_uncertain(
    received: Received, answer: bool | Exception
) -> None:
    received.answer = answer
    assert isinstance(await sent(), Uncertain)
    assert len(received.told) == 1, "it is not sent again by itself"


@pytest.mark.parametrize("url", ["", "nonsense", "unknown://x", "json://"])
async def test_address_that_apprise_does_not_know_is_said_to_be_none(url: str) -> None:
    assert await sent(url) == Refused(push.NOT_AN_ADDRESS, is_dead=True)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered()),
        (400, Refused("the push service refuses the message (400)")),
        (404, Refused("the push service refuses the address (404)", is_dead=True)),
        (429, Later("the push service asks to wait")),
        (503, Later("the push service has trouble of its own (503)")),
    ],
)
async def test_answer_of_the_service_is_believed(
    service: Service, status: int, outcome: Outcome
) -> None:
    service.status = status
    assert await sent(service.url) == outcome


async def test_service_that_hangs_up_leaves_the_message_uncertain(service: Service) -> None:
    service.status = 0
    assert isinstance(await sent(service.url), Uncertain)


async def test_service_that_cannot_be_reached_was_sent_nothing(unused_tcp_port: int) -> None:
    outcome = await sent(f"json://127.0.0.1:{unused_tcp_port}/{SECRET}")
    assert outcome == Later("the push service cannot be reached")


async def test_no_address_stands_in_a_reason_or_a_log(
    service: Service, log_of_the_process: list[str], unused_tcp_port: int
) -> None:
    outcomes = []
    for service.status in (0, 200, 404, 500):
        outcomes.append(await sent(service.url))
    outcomes.append(await sent(f"json://127.0.0.1:{unused_tcp_port}/{SECRET}"))
    outcomes.append(await sent(f"unknown://{SECRET}"))
    assert SECRET not in repr(outcomes)
    assert not [line for line in log_of_the_process if "apprise" in line or SECRET in line]
