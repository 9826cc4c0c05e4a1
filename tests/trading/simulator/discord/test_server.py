"""The stand-in for Discord, as it is met over HTTP and as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from trading.simulator.discord.server import Fault, StandIn, serve

ROOT = Path(__file__).parents[4]
HELLO = {"content": "hello"}


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with serve(StandIn(requests=2, seconds=60)) as running:
        yield running


def webhook(stand_in: StandIn, number: int = 1) -> str:
    return f"http://127.0.0.1:{stand_in.port}/api/v10/webhooks/{number}/token"


async def test_message_is_kept_and_answered_as_was_asked(stand_in: StandIn) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.post(webhook(stand_in), json=HELLO)).status_code == 204
        answer = await http.post(f"{webhook(stand_in)}?wait=true", json=HELLO)
        assert (answer.status_code, answer.json()["webhook_id"]) == (200, "1")
        assert answer.headers["x-ratelimit-remaining"] == "0"
        kept = await http.get(f"http://127.0.0.1:{stand_in.port}/__messages")
    assert [message["payload"] for message in kept.json()] == [HELLO, HELLO]


async def test_bucket_is_of_one_webhook(stand_in: StandIn) -> None:
    async with httpx.AsyncClient() as http:
        answers = [await http.post(webhook(stand_in), json=HELLO) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [204, 204, 429]
        assert answers[2].json()["global"] is False
        assert 0 < answers[2].json()["retry_after"] <= 60
        assert (await http.post(webhook(stand_in, 2), json=HELLO)).status_code == 204
    assert len(stand_in.messages) == 3


async def test_message_over_a_limit_is_not_kept(stand_in: StandIn) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(webhook(stand_in), json={"content": "x" * 2_001})
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid Form Body")
    assert not stand_in.messages
    assert len(stand_in.refusals) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("limited", 429),
        ("limited-globally", 429),
        ("refused", 400),
        ("deleted", 404),
        ("broken", 500),
    ],
)
async def test_fault_is_met_by_so_many_requests(stand_in: StandIn, fault: str, status: int) -> None:
    order = {"kind": fault, "requests": 2, "seconds": 0}
    async with httpx.AsyncClient() as http:
        faults = f"http://127.0.0.1:{stand_in.port}/__faults"
        assert (await http.post(faults, json=order)).status_code == 204
        answers = [await http.post(webhook(stand_in), json=HELLO) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 204]


async def test_message_that_is_cut_off_has_arrived(stand_in: StandIn) -> None:
    stand_in.order(Fault.CUT)
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(f"{webhook(stand_in)}?wait=true", json=HELLO)
    assert len(stand_in.messages) == 1


@pytest.mark.parametrize(
    "order", ["", "[]", "{}", '{"kind": "worse"}', '{"kind": "cut", "requests": "x"}']
)
async def test_order_that_means_nothing_is_refused(stand_in: StandIn, order: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"http://127.0.0.1:{stand_in.port}/__faults", content=order)
    assert answer.status_code == 400
    assert "limited-globally" in answer.json()["message"]


def test_process_says_where_its_webhook_is_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "trading.simulator.discord", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/api/webhooks/\S+", process.stdout.readline())
        assert found
        url = found[0].replace("/api/", "/api/v10/")
        assert httpx.post(url, json=HELLO).status_code == 204
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
