"""Everything that is done to a Redis while a block runs, and by which connection.

Rule 1: what MONITOR writes is the truth; the library's own reading of it loses where a word ends.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

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
