"""One exchange's REST interface: budget, retry, and nothing about meaning.

Rule 1: requests and answers are data of ``trading.exchanges.ports``; this shell carries them.
Rule 2: only what failed for a reason that passes is asked again: no answer, 5xx, 429; and once,
    where a key was refused without a reason, as throttled requests have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

import httpx
import structlog

from trading.core.errors import KeyDoubted, RateLimited, Unreachable
from trading.exchanges.ports import Exchange, Request, Response
from trading.net.backoff import Backoff
from trading.net.budget import shared_budget
from trading.net.endpoints import is_loopback

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
Sign = Callable[[Request], Request]

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
MAX_CONNECTIONS = 10
ATTEMPTS = 4
LONGEST_RETRY_SECONDS = 8.0
MOST_DOUBTS = 1  # refusals of a key without a reason that are not believed yet


class ExchangeHttp:
    """The connections to one exchange's REST address. Use as an async context manager.

    Args:
        exchange: Whose requests these are.
        base: Address in front of every path, without a trailing slash.
    """

    def __init__(self, exchange: Exchange, base: str) -> None:
        self._exchange = exchange
        self._base = base
        self._budget = shared_budget(base, exchange.requests_per_second)
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
        self,
        request: Request,
        read: Callable[[Response], Answer],
        *,
        attempts: int = ATTEMPTS,
        sign: Sign | None = None,
    ) -> Answer:
        """Send a request and read its answer, again while the reason to fail may pass.

        Args:
            request: What to ask; only GET is asked again.
            read: Makes sense of the answer, or raises the error that it is.
            attempts: How often in all.
            sign: Proves a key, anew each time: what it adds is good for one sending.

        Raises:
            Unreachable: No usable answer, however often asked.
            RateLimited: Too many requests, however long waited.
            Rejected: The exchange said no.
            KeyRefused: It said no to the key; where it gave no reason, twice.
            Malformed: The answer is not what the protocol promises.
        """
        backoff = Backoff(longest=LONGEST_RETRY_SECONDS)
        doubts = 0
        while True:
            attempts -= 1
            try:
                return read(await self._send(request, sign))
            except RateLimited as exc:
                delay = backoff.next_delay() if exc.retry_after is None else exc.retry_after
                # The limit counts everybody behind this address: all of them wait.
                self._budget.rest(delay)
                if attempts <= 0 or request.method != "GET":
                    raise
                log.info("http.rate_limited", exchange=exc.exchange, seconds=round(delay, 2))
            except (Unreachable, KeyDoubted) as exc:
                doubts += isinstance(exc, KeyDoubted)
                if attempts <= 0 or request.method != "GET" or doubts > MOST_DOUBTS:
                    raise
                delay = backoff.next_delay()
                log.info("http.again", exchange=exc.exchange, reason=str(exc))
                await asyncio.sleep(delay)

    async def _send(self, request: Request, sign: Sign | None) -> Response:
        await self._budget.take(request.weight)
        if sign is not None:  # only now: what it adds is good for a short time
            request = sign(request)
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
        response = Response(status=answer.status_code, headers=headers, body=answer.content)
        if (seconds := self._exchange.spare_seconds(response)) > 0.0:
            self._budget.rest(seconds)
        return response
