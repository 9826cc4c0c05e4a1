"""One exchange's REST interface: budget, retry, and nothing about meaning.

Rule 1: requests and answers are data of ``trading.exchanges.ports``; this shell carries them.
Rule 2: only what failed for a reason that passes is asked again: no answer, 5xx, 429.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

import httpx
import structlog

from trading.core.errors import RateLimited, Unreachable
from trading.exchanges.ports import Exchange, Request, Response
from trading.net.backoff import Backoff
from trading.net.budget import TokenBucket
from trading.net.endpoints import is_loopback

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
MAX_CONNECTIONS = 10
ATTEMPTS = 4
LONGEST_RETRY_SECONDS = 8.0


class ExchangeHttp:
    """The connections to one exchange's REST address. Use as an async context manager.

    Args:
        exchange: Whose requests these are.
        base: Address in front of every path, without a trailing slash.
    """

    def __init__(self, exchange: Exchange, base: str) -> None:
        self._exchange = exchange
        self._base = base
        self._budget = TokenBucket(exchange.requests_per_second)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            # A cached answer lacks the newest candle (the public answers may be kept for hours).
            headers={"cache-control": "no-cache"},
            trust_env=not is_loopback(base),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def ask(
        self, request: Request, read: Callable[[Response], Answer], *, attempts: int = ATTEMPTS
    ) -> Answer:
        """Send a request and read its answer, again while the reason to fail may pass.

        Args:
            request: What to ask; only GET is asked again.
            read: Makes sense of the answer, or raises the error that it is.
            attempts: How often in all.

        Raises:
            Unreachable: No usable answer, however often asked.
            RateLimited: Too many requests, however long waited.
            Rejected: The exchange said no.
            Malformed: The answer is not what the protocol promises.
        """
        backoff = Backoff(longest=LONGEST_RETRY_SECONDS)
        while True:
            attempts -= 1
            try:
                return read(await self._send(request))
            except RateLimited as exc:
                delay = backoff.next_delay() if exc.retry_after is None else exc.retry_after
                # The limit counts everybody behind this address: all of them wait.
                self._budget.rest(delay)
                if attempts <= 0 or request.method != "GET":
                    raise
                log.info("http.rate_limited", exchange=exc.exchange, seconds=round(delay, 2))
            except Unreachable as exc:
                if attempts <= 0 or request.method != "GET":
                    raise
                delay = backoff.next_delay()
                log.info("http.again", exchange=exc.exchange, reason=str(exc))
                await asyncio.sleep(delay)

    async def _send(self, request: Request) -> Response:
        await self._budget.take()
        try:
            answer = await self._client.request(
                request.method,
                self._base + request.path,
                params=dict(request.query),
                headers=dict(request.headers),
            )
        except httpx.HTTPError as exc:
            reason = str(exc) or type(exc).__name__
            raise Unreachable(self._exchange.name, f"no answer: {reason}") from exc
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status_code, headers=headers, body=answer.content)
