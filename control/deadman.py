"""The dead man's switch: an outside watcher hears from the worker while all is well, and only then.

Rule 1: silence is the alarm. Whatever cannot be found out counts as not well.
Rule 2: the address is a secret: no line, no error and no name of a task holds it.
Rule 3: nothing waits for it, and everything it waits for has a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import httpx
import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from control import absence, wire
from control.database import Database
from control.status import HANGS_AFTER_MS
from trading.net.endpoints import is_loopback
from trading.plane import DataPlane

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
AGAIN_SECONDS = 5.0  # while it is not well, or did not arrive
PING_SECONDS = 10.0
ASK_SECONDS = 10.0

Ask = Callable[[], Awaitable[str | None]]


class Deadman:
    """Pings an address while all is well.

    Args:
        url: What is asked for.
        hindrance: Says why all is not well; None: it is.
    """

    def __init__(self, url: str, hindrance: Ask) -> None:
        self._url = url
        self._hindrance = hindrance
        self._trouble: str | None = None

    async def run(self) -> None:
        """Look and ping, until cancelled."""
        async with client_for(self._url) as client:
            while True:
                is_well = await self.beat(client)
                await asyncio.sleep(EVERY_SECONDS if is_well else AGAIN_SECONDS)

    async def beat(self, client: httpx.AsyncClient) -> bool:
        """Look once, and ping if all is well; whether the ping arrived."""
        trouble = await self._ask()
        if trouble is None:
            trouble = await self._ping(client)
        if trouble != self._trouble:  # a line for each change, not for each minute
            if trouble is None:
                log.info("deadman.pings_again")
            else:
                log.warning("deadman.silent", reason=trouble)
            self._trouble = trouble
        return trouble is None

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await self._hindrance()
        except TimeoutError:
            return "whether all is well could not be found out in time"

    async def _ping(self, client: httpx.AsyncClient) -> str | None:
        """Send the ping; why it did not arrive. Its errors' own words may hold the address."""
        try:
            async with asyncio.timeout(PING_SECONDS), client.stream("GET", self._url) as answer:
                if answer.is_success:  # the body is nobody's business, however long it is
                    return None
                return f"the ping was answered with {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as exc:
            return f"the ping did not arrive ({type(exc).__name__})"


def client_for(url: str) -> httpx.AsyncClient:
    """A client for the pings. It follows no redirect: the secret goes where it was meant to."""
    return httpx.AsyncClient(
        headers={"user-agent": "livermore"}, timeout=PING_SECONDS, trust_env=not is_loopback(url)
    )


async def hindrance(
    database: Database, plane: DataPlane, only: Collection[str] | None = None
) -> str | None:
    """Why a worker's world is not well; None: all is.

    Args:
        database: The worker's.
        plane: Its data plane.
        only: The users it was told to host, by name; None: everybody.
    """
    if (failure := plane.failure) is not None:
        return f"the data plane has failed: {failure.error}"
    if plane.beat_age_ms > HANGS_AFTER_MS:
        return "the data plane hangs"
    try:
        async with wire.connect_async() as redis:
            await redis.ping()
    except (RedisError, OSError):
        return "Redis does not answer"
    try:
        missing = await database.run(absence.absent, only=only)
    except DatabaseError:
        return "PostgreSQL does not answer"
    if missing:
        return f"users without a worker: {len(missing)}"
    return None
