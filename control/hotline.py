"""One connection to PostgreSQL on the event loop itself, for a statement that somebody waits for.

The way through a database thread costs two changes of threads, which wait for the interpreter as
long as the loop is busy with anything else: as much again as the statement.

Rule 1: nobody waits for this connection. Where it is busy, away or broken, whoever asks takes the
    ordinary way, through :mod:`control.database`.
Rule 2: hence only for what is safe to do once more: whether a statement that failed was carried out
    is not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import psycopg
import structlog
from django.db import connection

log = structlog.get_logger(__name__)

DJANGOS_OWN: Final = ("context", "cursor_factory")  # how its rows become objects
REDIAL_SECONDS: Final = 1.0

Row = tuple[Any, ...]


class Hotline:
    """The connection of one worker. It is dialled when it is asked and there is none."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._dial_from = 0.0  # the loop's clock
        self._is_busy = False

    async def ask(self, statement: str, values: Mapping[str, Any]) -> Row | None:
        """The one row that a statement gives, in a transaction of its own.

        Returns:
            None where there is no answer; then the statement may have been carried out.
        """
        if self._connection is None:
            self._dial_soon()
            return None
        if self._is_busy:
            return None
        self._is_busy = True
        try:
            cursor = await self._connection.execute(statement, values)
            return await cursor.fetchone()
        except psycopg.Error as exc:
            log.warning("hotline.failed", reason=str(exc).strip())
            await self._hang_up()
            return None
        finally:
            self._is_busy = False

    async def dial(self) -> None:
        """Make the connection; a PostgreSQL that is away is asked again when we are."""
        try:
            self._connection = await psycopg.AsyncConnection.connect(
                **_parameters(), autocommit=True
            )
        except psycopg.Error as exc:
            log.warning("hotline.away", reason=str(exc).strip())

    async def aclose(self) -> None:
        """Hang up for good."""
        if self._dialling is not None:
            self._dialling.cancel()
            await asyncio.wait([self._dialling])
        await self._hang_up()

    def _dial_soon(self) -> None:
        """Dial beside whatever goes on, unless that is being done or was a moment ago."""
        at = asyncio.get_running_loop().time()
        is_dialling = self._dialling is not None and not self._dialling.done()
        if not is_dialling and at >= self._dial_from:
            self._dial_from = at + REDIAL_SECONDS
            self._dialling = asyncio.create_task(self.dial(), name="dial the hotline")

    async def _hang_up(self) -> None:
        broken, self._connection = self._connection, None
        if broken is not None:
            await broken.close()


def _parameters() -> dict[str, Any]:
    """Where Django's connections go to, with the same limits."""
    parameters: dict[str, Any] = connection.get_connection_params()
    return {key: value for key, value in parameters.items() if key not in DJANGOS_OWN}
