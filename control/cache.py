"""What Redis keeps for a user: how much it is, and clearing it.

Rule 1: names are found with SCAN, a page at a time, and removed with UNLINK. KEYS and DEL stall
    every user of the server.
Rule 2: only what holds the user's own ``sub`` is removed. Candles belong to all: they are never
    removed, but read anew and swapped (:mod:`control.backfills`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from control import wire
from control.candles import READS, ReadCounter, names_of
from control.protocol import CacheStatus, ClearCachePayload, now_ms, result_of
from trading.core.market import Market, Timeframe

log = structlog.get_logger(__name__)

PAGE = 500
SWEEP_SECONDS = 10.0
RETRY_SECONDS = 1.0
MEASURED_AT_ONCE = 300


def is_private_too(payload: ClearCachePayload) -> bool:
    """Whether a ``clear-cache`` is of more than market data: nothing private is of a market."""
    return payload.scope == "all"


async def clear(client: redis.asyncio.Redis, sub: str, *, but: str | None = None) -> dict[str, int]:
    """Remove what is kept for one user alone; how many names of each kind there were.

    Args:
        but: The command whose answer is kept: the one that asks for this.

    Raises:
        redis.RedisError: If Redis is away. What was removed until then stays removed.
    """
    removed = dict.fromkeys(_patterns(sub), 0)
    for kind, pattern in _patterns(sub).items():
        async for names in _pages(client, pattern):
            if going := [name for name in names if but is None or name != result_of(sub, but)]:
                removed[kind] += int(await client.unlink(*going))
    return removed


async def count(client: redis.asyncio.Redis, sub: str) -> dict[str, int]:
    """What :func:`clear` would remove.

    Raises:
        redis.RedisError: If Redis is away.
    """
    found = {}
    for kind, pattern in _patterns(sub).items():
        # SCAN may tell a name twice.
        found[kind] = len({name async for names in _pages(client, pattern) for name in names})
    return found


def private_names(sub: str) -> int:
    """How many names :func:`clear` would remove, for a thread that waits for the answer.

    Raises:
        redis.RedisError: If Redis is away.
    """
    found = wire.shared().scan_iter
    patterns = _patterns(sub).values()
    return sum(len(set(found(match=pattern, count=PAGE))) for pattern in patterns)


class Clearing:
    """Removes what is kept for users alone, one after another, beside whatever commands do."""

    def __init__(self) -> None:
        self._wanted: dict[str, str] = {}
        self._wake = asyncio.Event()

    def clear(self, sub: str, command_id: str) -> None:
        """Have it removed soon, but for the answer to who asks for this. Never waits."""
        self._wanted[sub] = command_id
        self._wake.set()

    async def run(self) -> None:
        """Remove until cancelled; what Redis did not take is tried again."""
        async with wire.connect_async() as client:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for sub, command_id in tuple(self._wanted.items()):
                    try:
                        removed = await clear(client, sub, but=command_id)
                    except (RedisError, OSError) as exc:
                        log.warning("cache.not_cleared", sub=sub, reason=str(exc))
                        await asyncio.sleep(RETRY_SECONDS)
                        self._wake.set()
                    else:
                        if self._wanted[sub] == command_id:
                            del self._wanted[sub]
                        log.info("cache.cleared", sub=sub, **removed)


class CacheWatch:
    """How much the candles of the watched markets take, looked at now and then.

    Args:
        markets: Everything that this worker watches.
        counter: Of this process's reads.
    """

    def __init__(
        self, markets: Callable[[], Iterable[Market]], *, counter: ReadCounter = READS
    ) -> None:
        self._markets = markets
        self._counter = counter
        self._sizes: Mapping[Market, tuple[int, int]] = {}
        self._limit_bytes: int | None = None
        self._at_ms: int | None = None

    async def run(self) -> None:
        """Look every ten seconds, until cancelled."""
        async with wire.connect_async() as client:
            while True:
                try:
                    await self.look(client)
                except (RedisError, OSError) as exc:
                    log.warning("cache.not_measured", reason=str(exc))
                await asyncio.sleep(SWEEP_SECONDS)

    async def look(self, client: redis.asyncio.Redis) -> None:
        """Measure every market once, a few hundred names at a time.

        Raises:
            redis.RedisError: If Redis did not say.
        """
        at_ms = now_ms()
        markets = list(dict.fromkeys(self._markets()))
        sizes: dict[Market, tuple[int, int]] = {}
        step = MEASURED_AT_ONCE // len(Timeframe)
        for start in range(0, len(markets), step):
            sizes |= await _sizes(client, markets[start : start + step])
        memory = await client.info("memory")
        self._limit_bytes = int(memory.get("maxmemory", 0)) or None
        self._sizes, self._at_ms = sizes, at_ms

    def status_of(self, markets: Iterable[Market]) -> CacheStatus | None:
        """What the candles of these markets take; None before the first look."""
        if self._at_ms is None:
            return None
        sizes = [self._sizes.get(market, (0, 0)) for market in dict.fromkeys(markets)]
        reads = self._counter.reads
        return CacheStatus(
            at=self._at_ms,
            keys=sum(keys for keys, _ in sizes),
            memory_bytes=sum(size for _, size in sizes),
            limit_bytes=self._limit_bytes,
            hits=reads.hits,
            misses=reads.misses,
        )


async def _sizes(
    client: redis.asyncio.Redis, markets: list[Market]
) -> dict[Market, tuple[int, int]]:
    """How many names of each market there are, and their bytes."""
    async with client.pipeline(transaction=False) as pipe:
        for name in names_of(markets):
            pipe.memory_usage(name, samples=0)  # all of it, not an estimate
        answers = iter(await pipe.execute())
    sizes = {}
    for market in markets:
        known = [size for _ in Timeframe if (size := next(answers)) is not None]
        sizes[market] = len(known), sum(known)
    return sizes


def _patterns(sub: str) -> dict[str, str]:
    """What is kept for a user alone, by kind. A ``sub`` has neither a colon nor a glob in it."""
    return {"results": result_of(sub, "*")}


async def _pages(client: redis.asyncio.Redis, pattern: str) -> AsyncIterator[list[str]]:
    cursor = 0
    while True:
        cursor, names = await client.scan(cursor, match=pattern, count=PAGE)
        if names:
            yield [str(name) for name in names]
        if cursor == 0:
            return
