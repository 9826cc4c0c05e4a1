"""Alerts into a Discord channel, through its webhook.

Rule 1: one request a message, never a second by itself, and never longer than ten seconds in all.
Rule 2: what was not yet written to the wire was not sent; what was written and not answered, nobody
    knows.
Rule 3: the address is a secret: it goes to Discord's own hosts alone, follows no redirect, and no
    reason holds any of it.

Source: https://docs.discord.com/developers/resources/webhook#execute-webhook and
https://docs.discord.com/developers/topics/rate-limits, read 2026-11-28.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from trading.alerts import embeds
from trading.alerts.ports import (
    Delivered,
    Digest,
    Later,
    Message,
    Notice,
    Outcome,
    Refused,
    Uncertain,
)
from trading.net.endpoints import is_loopback

SECONDS: Final = 10.0
HOSTS: Final = frozenset(
    {"discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com"}
    | {"canary.discordapp.com", "ptb.discordapp.com"}
)
NOT_A_WEBHOOK: Final = (
    "the address must be one that Discord gives for a webhook, "
    "https://discord.com/api/webhooks/ and two parts behind it"
)
_PATH = re.compile(r"/api(?:/v\d+)?/webhooks/(\d{1,20})/([\w-]{1,200})/?", re.ASCII)
_BODY_BYTES = 65_536
_WORDS = 300  # of what Discord says, in a reason
_DEAD: Final = {
    401: "Discord does not take the webhook's token: make a new webhook",
    403: "Discord forbids this webhook to write there",
    404: "the webhook was deleted in Discord",
}


def client() -> httpx.AsyncClient:
    """A client for webhooks. It follows no redirect and asks no proxy for what is on loopback."""
    return httpx.AsyncClient(
        headers={"user-agent": "livermore"},
        timeout=SECONDS,
        mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
    )


class Discord:
    """One webhook.

    Args:
        url: Its address, as Discord gives it; of a stand-in on loopback with ``http``.
        client: Shared by all; see :func:`client`.
    """

    most = embeds.EMBEDS

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._endpoint = endpoint_of(url)
        self._client = client

    async def send(self, message: Message) -> Outcome:
        """Send one message; what became of it."""
        if self._endpoint is None:
            return Refused(NOT_A_WEBHOOK, is_dead=True)
        written = _Written()
        try:
            async with asyncio.timeout(SECONDS):
                return await self._post(message, written)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as exc:
            # Its own words may hold the address.
            return written.outcome_of(exc)

    async def _post(self, message: Message, written: _Written) -> Outcome:
        assert self._endpoint is not None  # noqa: S101 - asked before
        async with self._client.stream(
            "POST",
            self._endpoint,
            **_body_of(message),
            extensions={"trace": written.trace},
            follow_redirects=False,
        ) as answer:
            body = await _read(answer)
            if body is not None:  # whatever it repeats of what it was asked
                body = body.replace(self._endpoint.path.rpartition("/")[2].encode(), b"...")
            return outcome_of(answer.status_code, answer.headers, body)


def endpoint_of(url: str) -> httpx.URL | None:
    """Where a webhook's messages are posted; None where that is no address of a webhook.

    An address without a version of the interface, or with an old one, is brought to the tenth.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    path = _PATH.fullmatch(parts.path)
    host = parts.hostname or ""
    is_discords = parts.scheme == "https" and host in HOSTS and port in {None, 443}
    is_stand_in = parts.scheme == "http" and is_loopback(url.strip())
    if path is None or parts.username is not None or not (is_discords or is_stand_in):
        return None
    if is_discords:
        host = host.replace("discordapp.com", "discord.com")
    thread = parse_qs(parts.query).get("thread_id", [""])[0]
    return httpx.URL(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=f"/api/v10/webhooks/{path[1]}/{path[2]}",
        params={"wait": "true"} | ({"thread_id": thread} if thread.isdecimal() else {}),
    )


@dataclass(slots=True)
class _Written:
    """Whether any of a request went out."""

    any: bool = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        """Hear what the client does: headers go first."""
        if event.endswith("send_request_headers.started"):
            self.any = True

    def outcome_of(self, exc: Exception) -> Outcome:
        """What an error means for the message."""
        word = "in time" if isinstance(exc, (httpx.TimeoutException, TimeoutError)) else "whole"
        if self.any:
            return Uncertain(f"Discord's answer did not come {word} ({type(exc).__name__})")
        return Later(f"Discord cannot be reached ({type(exc).__name__})")


def outcome_of(status: int, headers: Mapping[str, str], body: bytes | None) -> Outcome:
    """What an answer means.

    Args:
        headers: With names in any case.
        body: None where it broke off.
    """
    if 200 <= status < 300:
        if body is None:
            return Uncertain("Discord's answer broke off")
        return Delivered(_pause(headers))
    said = _said(body)
    if status == 429:
        after = _seconds(said.get("retry_after"))
        if after is None:
            after = _seconds(headers.get("retry-after"))
        is_global = said.get("global") is True or "x-ratelimit-global" in headers
        whom = "this machine" if is_global else "this webhook"
        wait = "" if after is None else f" {after:g} s"
        return Later(f"Discord asks {whom} to wait{wait}", after, is_global)
    if status >= 500 or status == 408:
        return Later(f"Discord has trouble of its own ({status})")
    if status in _DEAD:
        return Refused(_DEAD[status], is_dead=True)
    if 300 <= status < 400:
        return Refused(f"Discord sends elsewhere ({status}), which is not followed", is_dead=True)
    return Refused(f"Discord refuses the message ({status}): {_complaint(said)}")


def _pause(headers: Mapping[str, str]) -> float | None:
    """How long the bucket of this address is empty."""
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    return _seconds(headers.get("x-ratelimit-reset-after"))


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _said(body: bytes | None) -> dict[str, Any]:
    try:
        said = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _complaint(said: Mapping[str, Any]) -> str:
    """Which fields Discord complains of, and what of; else what it says at all."""
    complaints = list(_complaints(said.get("errors"), ""))
    text = "; ".join(complaints) or str(said.get("message") or "it does not say why")
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def _complaints(errors: object, place: str) -> list[str]:
    if not isinstance(errors, dict):
        return []
    found: list[str] = []
    for key, inner in errors.items():
        if key == "_errors" and isinstance(inner, list):
            found += [
                f"{place or 'the message'}: {error.get('message', '')}"
                for error in inner
                if isinstance(error, dict)
            ]
        else:
            found += _complaints(inner, f"{place}.{key}" if place else str(key))
    return found


async def _read(answer: httpx.Response) -> bytes | None:
    """The body, as much of it as an answer of Discord has; None where it broke off."""
    body = b""
    try:
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > _BODY_BYTES:
                break
    except httpx.HTTPError:
        return None
    return body


def _body_of(message: Message) -> dict[str, Any]:
    """What httpx is to send: JSON, or with charts several parts."""
    mentions: dict[str, Any] = {"allowed_mentions": {"parse": []}}
    if isinstance(message, Digest):
        return {"json": {"embeds": [embeds.embed_of_digest(message)], **mentions}}
    payload: dict[str, Any] = {"embeds": embeds.embeds_of(message), **mentions}
    charts = _charts_of(message[: embeds.EMBEDS])
    if not charts:
        return {"json": payload}
    for index in charts:
        payload["embeds"][index]["image"] = {"url": f"attachment://{_name(index)}"}
    payload["attachments"] = [
        {"id": number, "filename": _name(index)} for number, index in enumerate(charts)
    ]
    files: dict[str, Any] = {
        f"files[{number}]": (_name(index), chart, "image/png")
        for number, (index, chart) in enumerate(charts.items())
    }
    return {"data": {"payload_json": json.dumps(payload)}, "files": files}


def _charts_of(notices: Sequence[Notice]) -> dict[int, bytes]:
    return {index: notice.chart for index, notice in enumerate(notices) if notice.chart is not None}


def _name(index: int) -> str:
    return f"chart-{index}.png"
