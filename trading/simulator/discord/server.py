"""The stand-in as a server: it takes messages, and does what it was told to break.

Rule 1: what is under ``/__`` is for tests and people; everything else is as Discord has it.
Rule 2: a fault is met by the next requests, in the order in which they were ordered, before
    anything else is looked at but the webhook's address.
Rule 3: a message that hangs or is cut off has arrived: whoever sent it cannot know.

Source: https://docs.discord.com/developers/topics/rate-limits, read 2026-11-28.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from aiohttp import web

from trading.simulator.discord import limits

_REQUEST_BYTES: Final = 2 * limits.FILE_BYTES


class Fault(StrEnum):
    """A way in which the next requests are answered."""

    LIMITED = "limited"
    LIMITED_GLOBALLY = "limited-globally"
    REFUSED = "refused"
    DELETED = "deleted"
    BROKEN = "broken"
    HANGING = "hanging"
    CUT = "cut"


@dataclass(slots=True)
class Order:
    """A fault, how many requests meet it, and how long it makes them wait."""

    fault: Fault
    requests: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that was taken."""

    webhook: str
    at: float  # unix seconds
    payload: dict[str, Any]
    files: dict[str, bytes] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For ``/__messages``; of files their sizes."""
        files = {name: len(content) for name, content in self.files.items()}
        return {"webhook": self.webhook, "at": self.at, "payload": self.payload, "files": files}


class Bucket:
    """So many requests in so many seconds, counted from the first one on."""

    def __init__(self, requests: int, seconds: float) -> None:
        self.requests = requests
        self._seconds = seconds
        self._used = 0
        self._ends = 0.0

    def take(self, at: float) -> bool:
        """Whether one more is allowed at the second ``at``; takes it."""
        if at >= self._ends:
            self._used, self._ends = 0, at + self._seconds
        if self._used >= self.requests:
            return False
        self._used += 1
        return True

    def headers(self, at: float) -> dict[str, str]:
        """What an answer says of it."""
        return {
            "X-RateLimit-Limit": str(self.requests),
            "X-RateLimit-Remaining": str(self.requests - self._used),
            "X-RateLimit-Reset-After": f"{self.resets_after(at):.3f}",
            "X-RateLimit-Bucket": "webhook",
        }

    def resets_after(self, at: float) -> float:
        """Seconds until it is full again."""
        return max(0.0, self._ends - at)


class StandIn:
    """Every webhook there is: any id and token will do.

    Args:
        requests: What each webhook may do in ``seconds``; Discord's own at the time of writing.
        seconds: The length of that window.
    """

    def __init__(self, *, requests: int = 5, seconds: float = 2.0) -> None:
        self.messages: list[Arrived] = []
        self.refusals: list[dict[str, Any]] = []
        """The bodies of the 400s that it gave for what it found itself."""
        self.port = 0
        self._window = (requests, seconds)
        self._buckets: dict[str, Bucket] = {}
        self._orders: list[Order] = []
        self._everyone_waits_until = 0.0

    def webhook(self, number: int = 1, token: str = "stand-in-token") -> str:  # noqa: S107
        """The address of one of its webhooks."""
        return f"http://127.0.0.1:{self.port}/api/webhooks/{number}/{token}"

    def order(self, fault: Fault, *, requests: int = 1, seconds: float | None = None) -> None:
        """Break for the next requests."""
        if seconds is None:
            seconds = 8.0 if fault is Fault.HANGING else 1.0
        self._orders.append(Order(fault, requests, seconds))

    def application(self) -> web.Application:
        """What is served."""
        application = web.Application(client_max_size=_REQUEST_BYTES)
        application.add_routes(
            [
                web.post(r"/api/{version:v\d+}/webhooks/{id:\d+}/{token}", self._execute),
                web.get("/__messages", self._tell),
                web.delete("/__messages", self._forget),
                web.post("/__faults", self._take_order),
            ]
        )
        return application

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        webhook = request.match_info["id"]
        now = asyncio.get_running_loop().time()
        order = self._next_order()
        if order is not None and (answer := self._refuse(order, now)) is not None:
            return answer
        if now < self._everyone_waits_until:
            return _limited(self._everyone_waits_until - now, {}, is_global=True)
        bucket = self._buckets.setdefault(webhook, Bucket(*self._window))
        if not bucket.take(now):
            return _limited(bucket.resets_after(now), bucket.headers(now), is_global=False)
        payload, files = await _read(request)
        if sum(map(len, files.values())) > limits.FILE_BYTES:
            return _json(413, {"message": "Request entity too large", "code": 40005})
        refusal = limits.refusal(payload, files)
        if refusal is not None:
            self.refusals.append(refusal)
            return _json(400, refusal, bucket.headers(now))
        self.messages.append(Arrived(webhook, time.time(), payload, files))
        return await self._answer(request, order, bucket.headers(now))

    def _next_order(self) -> Order | None:
        if not self._orders:
            return None
        order = self._orders[0]
        order.requests -= 1
        if order.requests <= 0:
            self._orders.pop(0)
        return order

    def _refuse(self, order: Order, now: float) -> web.Response | None:
        """The answer of a fault that takes no message."""
        match order.fault:
            case Fault.LIMITED:
                return _limited(order.seconds, {}, is_global=False)
            case Fault.LIMITED_GLOBALLY:
                self._everyone_waits_until = now + order.seconds
                return _limited(order.seconds, {}, is_global=True)
            case Fault.REFUSED:
                return _json(400, {"message": "Cannot send an empty message", "code": 50006})
            case Fault.DELETED:
                return _json(404, {"message": "Unknown Webhook", "code": 10015})
            case Fault.BROKEN:
                return _json(500, {"message": "500: Internal Server Error", "code": 0})
            case _:
                return None

    async def _answer(
        self, request: web.Request, order: Order | None, headers: dict[str, str]
    ) -> web.StreamResponse:
        if order is not None and order.fault is Fault.HANGING:
            await asyncio.sleep(order.seconds)
        number = len(self.messages)
        body = {"id": str(number), "type": 0, "webhook_id": request.match_info["id"]}
        if order is not None and order.fault is Fault.CUT:
            return await _cut_off(request, body)
        if request.query.get("wait") != "true":
            return web.Response(status=204, headers=headers)
        return _json(200, body, headers)

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response([arrived.as_json() for arrived in self.messages])

    async def _forget(self, _: web.Request) -> web.Response:
        self.messages.clear()
        return web.Response(status=204)

    async def _take_order(self, request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.text())
            fault = Fault(wanted["kind"])
            seconds = wanted.get("seconds")
            self.order(
                fault,
                requests=int(wanted.get("requests", 1)),
                seconds=None if seconds is None else float(seconds),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            kinds = ", ".join(Fault)
            return _json(400, {"message": f"must be {{kind, requests?, seconds?}}; kinds: {kinds}"})
        return web.Response(status=204)


@asynccontextmanager
async def serve(stand_in: StandIn, *, port: int = 0) -> AsyncIterator[StandIn]:
    """Serve it on loopback.

    Args:
        port: 0 takes a free one.
    """
    runner = web.AppRunner(stand_in.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        stand_in.port = runner.addresses[0][1]
        yield stand_in
    finally:
        await runner.cleanup()


async def _read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    """The payload and the files, whichever way they were sent; None for one that is no JSON."""
    if not request.content_type.startswith("multipart/"):
        return _decoded(await request.read()), {}
    payload: Any = None
    files: dict[str, bytes] = {}
    async for part in await request.multipart():
        content = bytes(await part.read(decode=True))  # type: ignore[union-attr]
        if part.name == "payload_json":  # type: ignore[union-attr]
            payload = _decoded(content)
        elif part.filename:  # type: ignore[union-attr]
            files[part.filename] = content  # type: ignore[union-attr]
    return payload, files


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _limited(seconds: float, headers: dict[str, str], *, is_global: bool) -> web.Response:
    scope = {"X-RateLimit-Scope": "global" if is_global else "shared"}
    if is_global:
        scope["X-RateLimit-Global"] = "true"
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(seconds, 3),
        "global": is_global,
    }
    waits = {"Retry-After": str(int(seconds) + 1)}
    return _json(429, body, {**headers, **scope, **waits})


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


async def _cut_off(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Begin an answer, and hang up in the middle of it."""
    text = json.dumps(body).encode()
    answer = web.StreamResponse(headers={"content-type": "application/json"})
    answer.content_length = len(text)
    await answer.prepare(request)
    await answer.write(text[: len(text) // 2])
    if request.transport is not None:
        request.transport.abort()
    return answer
