"""One webhook, against the stand-in: what becomes of a message, whatever the other side does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading.alerts.said import NOTICE, digest, notices
from trading.alerts import discord
from trading.alerts.discord import Discord, client, endpoint_of, outcome_of
from trading.alerts.ports import Delivered, Later, Message, Notice, Outcome, Refused, Uncertain
from trading.simulator.discord.server import Fault, StandIn, serve

TOKEN = "s3cret-t0ken-of-the-webhook"


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with serve(StandIn()) as running:
        yield running


async def sent(url: str, message: Message = (NOTICE,)) -> Outcome:
    async with client() as http:
        return await Discord(url, http).send(message)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://discord.com/api/webhooks/1/t-_T", "https://discord.com/api/v10/webhooks/1/t-_T"),
        ("https://discordapp.com/api/webhooks/1/t", "https://discord.com/api/v10/webhooks/1/t"),
        ("https://ptb.discord.com/api/v9/webhooks/1/t", "https://ptb.discord.com/api/v10/webhooks/1/t"),
        ("https://canary.discord.com/api/v10/webhooks/1/t/ ", "https://canary.discord.com/api/v10/webhooks/1/t"),
        ("http://127.0.0.1:81/api/webhooks/1/t", "http://127.0.0.1:81/api/v10/webhooks/1/t"),
        ("http://localhost:81/api/webhooks/1/t", "http://localhost:81/api/v10/webhooks/1/t"),
    ],
)  # fmt: skip
def test_address_of_a_webhook_is_brought_to_the_tenth_version(url: str, endpoint: str) -> None:
    assert str(endpoint_of(url)) == f"{endpoint}?wait=true"


def test_thread_of_a_webhook_is_kept() -> None:
    endpoint = endpoint_of("https://discord.com/api/webhooks/1/t?thread_id=12&wait=false")
    assert endpoint is not None
    assert dict(endpoint.params) == {"wait": "true", "thread_id": "12"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "discord.com/api/webhooks/1/t",
        "http://discord.com/api/webhooks/1/t",
        "https://discord.com.evil.org/api/webhooks/1/t",
        "https://discord.com@evil.org/api/webhooks/1/t",
        "https://me@discord.com/api/webhooks/1/t",
        "https://discord.com:8443/api/webhooks/1/t",
        "https://discord.com/api/webhooks/1",
        "https://discord.com/api/webhooks/1/t/../../users",
        "https://discord.com/api/webhooks/one/t",
        "https://[::1",
        "http://169.254.169.254/api/webhooks/1/t",
        "https://127.0.0.1/api/webhooks/1/t",
    ],
)
async def test_other_address_is_asked_nothing(url: str) -> None:
    assert await sent(url) == Refused(discord.NOT_A_WEBHOOK, is_dead=True)


async def test_notice_arrives_as_an_embed_that_calls_nobody(stand_in: StandIn) -> None:
    assert await sent(stand_in.webhook()) == Delivered()
    (arrived,) = stand_in.messages
    assert arrived.payload["embeds"][0]["title"] == NOTICE.title
    assert arrived.payload["allowed_mentions"] == {"parse": []}


async def test_ten_notices_arrive_as_one_message(stand_in: StandIn) -> None:
    assert await sent(stand_in.webhook(), [NOTICE] * Discord.most) == Delivered()
    assert [len(arrived.payload["embeds"]) for arrived in stand_in.messages] == [10]


async def test_digest_arrives_as_one_table(stand_in: StandIn) -> None:
    assert await sent(stand_in.webhook(), digest(300)) == Delivered()
    (embed,) = stand_in.messages[0].payload["embeds"]
    assert embed["title"] == "300 alerts within 5 min"


async def test_charts_arrive_beside_the_embeds_they_belong_to(stand_in: StandIn) -> None:
    charted = replace(NOTICE, chart=b"\x89PNG of a chart")
    assert await sent(stand_in.webhook(), [NOTICE, charted]) == Delivered()
    (arrived,) = stand_in.messages
    assert arrived.files == {"chart-1.png": b"\x89PNG of a chart"}
    images = [embed.get("image") for embed in arrived.payload["embeds"]]
    assert images == [None, {"url": "attachment://chart-1.png"}]


async def test_empty_bucket_is_told_before_anything_is_refused(stand_in: StandIn) -> None:
    outcomes = [await sent(stand_in.webhook()) for _ in range(5)]
    assert outcomes[:4] == [Delivered()] * 4
    last = outcomes[4]
    assert isinstance(last, Delivered)
    assert last.next_after_seconds is not None
    assert 0 < last.next_after_seconds <= 2
    early = await sent(stand_in.webhook())
    assert isinstance(early, Later)
    assert early.after_seconds is not None
    assert early.after_seconds <= 2
    assert not early.is_global
    assert await sent(stand_in.webhook(number=2)) == Delivered(), "another webhook has its own"


async def test_global_limit_is_told_apart(stand_in: StandIn) -> None:
    stand_in.order(Fault.LIMITED_GLOBALLY, seconds=3.5)
    outcome = await sent(stand_in.webhook())
    assert outcome == Later("Discord asks this machine to wait 3.5 s", 3.5, is_global=True)
    other = await sent(stand_in.webhook(number=2))
    assert isinstance(other, Later)
    assert other.is_global


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.LIMITED, Later("Discord asks this webhook to wait 1 s", 1.0)),
        (Fault.BROKEN, Later("Discord has trouble of its own (500)")),
        (Fault.DELETED, Refused("the webhook was deleted in Discord", is_dead=True)),
        (Fault.REFUSED, Refused("Discord refuses the message (400): Cannot send an empty message")),
    ],
)
async def test_message_that_was_not_taken_is_said_not_to_be(
    stand_in: StandIn, fault: Fault, outcome: Outcome
) -> None:
    stand_in.order(fault)
    assert await sent(stand_in.webhook()) == outcome
    assert not stand_in.messages
    assert isinstance(await sent(stand_in.webhook()), Delivered)


async def test_answer_that_breaks_off_leaves_the_message_uncertain(stand_in: StandIn) -> None:
    stand_in.order(Fault.CUT)
    outcome = await sent(stand_in.webhook())
    assert isinstance(outcome, Uncertain)
    assert len(stand_in.messages) == 1, "it had arrived"


async def test_answer_that_takes_too_long_leaves_the_message_uncertain(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord, "SECONDS", 0.2)
    stand_in.order(Fault.HANGING, seconds=30)
    outcome = await asyncio.wait_for(sent(stand_in.webhook()), 10)
    assert isinstance(outcome, Uncertain)
    assert len(stand_in.messages) == 1, "it had arrived"


async def test_discord_that_cannot_be_reached_was_sent_nothing(unused_tcp_port: int) -> None:
    outcome = await sent(f"http://127.0.0.1:{unused_tcp_port}/api/webhooks/1/{TOKEN}")
    assert outcome == Later("Discord cannot be reached (ConnectError)")


@pytest.mark.parametrize(
    "status", [200, 204, 301, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503]
)
@pytest.mark.parametrize("body", [None, b"", b"<html>", b"[]", b'{"retry_after": "soon"}'])
def test_every_answer_means_something(status: int, body: bytes | None) -> None:
    outcome = outcome_of(status, httpx.Headers(), body)
    is_taken = status < 300
    assert isinstance(outcome, Delivered | Uncertain) == is_taken
    assert isinstance(outcome, Later) == (status == 429 or status >= 500)


def test_waiting_time_stands_in_the_header_where_the_body_has_none() -> None:
    headers = httpx.Headers({"Retry-After": "65"})
    assert outcome_of(429, headers, b"<html>banned</html>") == Later(
        "Discord asks this webhook to wait 65 s", 65.0
    )


def test_refusal_names_the_fields() -> None:
    errors = {
        "embeds": {"0": {"title": {"_errors": [{"code": "X", "message": "Must be shorter."}]}}},
        "_errors": [{"message": "Bad."}],
    }
    body = json.dumps({"message": "Invalid Form Body", "errors": errors}).encode()
    outcome = outcome_of(400, httpx.Headers(), body)
    assert outcome == Refused(
        "Discord refuses the message (400): embeds.0.title: Must be shorter.; the message: Bad."
    )


async def test_no_token_stands_in_a_reason_or_a_log(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture, unused_tcp_port: int
) -> None:
    caplog.set_level(logging.INFO)
    outcomes = []
    for fault in Fault:
        stand_in.order(fault, seconds=0)
        outcomes.append(await sent(stand_in.webhook(token=TOKEN)))
    outcomes.append(await sent(f"http://127.0.0.1:{unused_tcp_port}/api/webhooks/1/{TOKEN}"))
    outcomes.append(await sent(f"https://discord.invalid/api/webhooks/1/{TOKEN}"))
    assert TOKEN not in repr(outcomes)
    assert TOKEN not in caplog.text


async def test_token_that_an_answer_repeats_is_left_out() -> None:
    def repeat(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"message": f"{request.url.path} is no good"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(repeat)) as http:
        url = f"https://discord.com/api/webhooks/1/{TOKEN}"
        outcome = await Discord(url, http).send([NOTICE])
    assert outcome == Refused(
        "Discord refuses the message (400): /api/v10/webhooks/1/... is no good"
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(notices, min_size=1, max_size=10))
def test_stand_in_takes_whatever_an_alert_holds(said: list[Notice]) -> None:
    async def play() -> None:
        async with serve(StandIn(requests=100)) as running:
            assert await sent(running.webhook(), said) == Delivered()
            assert running.refusals == []

    asyncio.run(play())
