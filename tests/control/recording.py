"""Everything that is done to Redis and to PostgreSQL while a block runs.

Rule 1: of Redis, what MONITOR writes is the truth; the library's own reading of it loses where a
    word ends.
Rule 2: of PostgreSQL, every statement of every thread and of the loop, with its parameters.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from redis import Redis
from redis.client import Monitor

_LINE = re.compile(r"[\d.]+ \[\d+ (?P<address>[^\]]*)\] (?P<words>.*)", re.DOTALL)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One command as Redis executed it.

    Args:
        address: Host and port of the connection that sent it.
        words: The command and its arguments, with Redis' own escapes.
    """

    address: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """In capitals: SET, PUBLISH."""
        return self.words[0].upper()

    @property
    def touched(self) -> tuple[str, ...]:
        """Every argument that is a name of ours: a key, a channel, a pattern."""
        return tuple(word for word in self.words[1:] if word.startswith("livermore:"))


@contextmanager
def recorded(url: str) -> Iterator[list[Done]]:
    """Record for the length of a block; the list is complete when the block has ended."""
    done: list[Done] = []
    mark = f"end of the record {uuid4()}"
    redis = Redis.from_url(url, decode_responses=True, socket_timeout=None)
    with redis, redis.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py
        reading = threading.Thread(target=_read_until, args=(mark, monitor, done))
        reading.start()
        try:
            yield done
        finally:
            redis.echo(mark)
            reading.join()


def _read_until(mark: str, monitor: Monitor, done: list[Done]) -> None:
    while True:
        found = _LINE.fullmatch(monitor.connection.read_response())
        assert found is not None
        words = tuple(_WORD.findall(found["words"]))
        if mark in words:
            return
        done.append(Done(address=found["address"], words=words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One statement as PostgreSQL was given it.

    Args:
        text: Its SQL, with placeholders.
        values: Every parameter, those within lists and objects as well.
    """

    text: str
    values: tuple[Any, ...]


@contextmanager
def queries() -> Iterator[list[Query]]:
    """Record for the length of a block what all threads ask of PostgreSQL."""
    asked: list[Query] = []

    def note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        asked.append(Query(text=" ".join(str(sql).split()), values=tuple(_flat(params))))
        return execute(sql, params, many, context)

    def listen(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if note not in connection.execute_wrappers:
            connection.execute_wrappers.append(note)

    execute_async = psycopg.AsyncConnection.execute

    async def note_async(self: Any, sql: Any, params: Any = None, **options: Any) -> Any:
        asked.append(Query(text=" ".join(str(sql).split()), values=tuple(_flat(params))))
        return await execute_async(self, sql, params, **options)

    # The threads of a worker connect anew for each call, and so are all heard.
    connection_created.connect(listen, weak=False)
    try:
        with (
            connection.execute_wrapper(note),
            patch.object(psycopg.AsyncConnection, "execute", note_async),
        ):
            yield asked
    finally:
        connection_created.disconnect(listen)


def _flat(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for inner in value.values():
                yield from _flat(inner)
        case list() | tuple() | set():
            for inner in value:
                yield from _flat(inner)
        case None:
            return
        case _ if hasattr(value, "obj"):  # psycopg's Jsonb
            yield from _flat(value.obj)
        case _:
            yield value
