"""PostgreSQL from an event loop: a bounded pool of threads, so that one hung query stalls nobody.

Rule 1: the worker's loop never calls the ORM itself; it awaits :meth:`Database.run`.
Rule 2: whoever has to wait for a PostgreSQL that is away asks for :data:`AWAY`, and nothing less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

AWAY: Final = (OperationalError, InterfaceError, InternalError)
"""What PostgreSQL raises while it cannot serve. An InternalError is one as well: a standby that is
not promoted yet (read-only), or a transaction that the server ended while we stood still."""


class Database:
    """Runs synchronous functions that use the ORM in a few threads of their own."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await ``function(*args, **kwargs)`` in a thread with a living connection."""
        call = partial(with_living_connection, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """End the threads. A query that hangs is left to its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def with_living_connection(call: Callable[[], T]) -> T:
    """Call something that uses the ORM, in a thread of one's own."""
    # A connection that died with the last query (server restarted) must not fail the next one.
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()
