"""The closed candles that Redis keeps, one sorted set for each market and timeframe.

Rule 1: a candle has one entry, whoever writes it and however often; a later one of the same bucket
    replaces it.
Rule 2: a history is swapped in at once: no reader ever finds a market without its candles.
Rule 3: nobody else reads or writes them, so what was found and what was not is counted here.
Rule 4: whoever only looks (a chart) changes nothing, and is not counted.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from control import wire
from control.disowned import disowned_since
from control.protocol import candles_of, forming_of
from trading.core.market import Candle, Market, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.market.shelf import is_plausible
from trading.ports import Owner, Replacement

log = structlog.get_logger(__name__)

_Kept = dict[Timeframe, list[Candle]]

KEPT_CANDLES = WARM_UP_BARS
READ_SECONDS = 2.0  # in which no read at all was answered
SILENT_SECONDS = 10.0  # after a Redis that did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """How often cached candles were asked for, by what became of it."""

    hits: int
    misses: int


class ReadCounter:
    """Counts the reads of this process; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    def count(self, *, found: bool) -> None:
        """One read is over."""
        with self._lock:
            if found:
                self._hits += 1
            else:
                self._misses += 1

    @property
    def reads(self) -> Reads:
        """All so far."""
        with self._lock:
            return Reads(hits=self._hits, misses=self._misses)


READS = ReadCounter()
"""This process's count."""


def names_of(markets: Iterable[Market], timeframes: Iterable[Timeframe] = Timeframe) -> list[str]:
    """The names of the candles of markets, whether any are kept or not."""
    timeframes = tuple(timeframes)
    return [_name(market, timeframe) for market in markets for timeframe in timeframes]


class RedisShelf:
    """The kept candles as the data plane asks for them, read on the control plane's loop.

    Redis away costs a warm-up a moment, once in a while, and no more.
    """

    def __init__(self, *, counter: ReadCounter = READS) -> None:
        self._counter = counter
        self._client = wire.connect_async()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._silent_until = 0.0

    def begin(self) -> None:
        """Read on this loop from now on."""
        self._loop = asyncio.get_running_loop()

    async def kept(
        self, market: Market, owners: Collection[Owner] = ()
    ) -> Mapping[Timeframe, Sequence[Candle]]:
        """All that is kept of a market; nothing while Redis does not say. For any loop.

        Args:
            owners: Only as far as all of these were told it.
        """
        if self._loop is None or time.monotonic() < self._silent_until:
            return {}
        reading = asyncio.run_coroutine_threadsafe(self._read(market, owners), self._loop)
        try:
            return await self._answered(asyncio.wrap_future(reading))
        except (RedisError, OSError) as exc:  # a TimeoutError is one
            log.warning("candles.not_read", market=market, reason=str(exc))
            self._silent_until = time.monotonic() + SILENT_SECONDS
            return {}

    async def aclose(self) -> None:
        """Close the connection; nothing is read any more."""
        self._loop = None
        await self._client.aclose()

    async def _answered(self, reading: asyncio.Future[_Kept]) -> _Kept:
        """What is read, for as long as Redis answers anybody.

        Many ask at once when a worker begins, on a machine that is busiest then. Whoever has to
        wait for the others, or is held up itself, has not met a Redis that says nothing: without
        what was kept, what closed since the worker before would never be told.
        """
        try:
            while True:
                heard = self._counter.reads
                done, _ = await asyncio.wait({reading}, timeout=READ_SECONDS)
                if done:
                    return reading.result()
                if self._counter.reads == heard:
                    raise TimeoutError(f"nothing was read for {READ_SECONDS:g} s")
        finally:
            reading.cancel()

    async def _read(self, market: Market, owners: Collection[Owner]) -> _Kept:
        kept = {
            timeframe: await read_candles(self._client, market, timeframe, counter=self._counter)
            for timeframe in Timeframe
        }
        # Behind the candles: whoever disowns a user says so before it keeps them.
        since = await disowned_since(self._client, owners)
        if since is None:
            return kept
        return {t: [c for c in bars if c.closes_at < since] for t, bars in kept.items()}


async def read_candles(
    client: redis.asyncio.Redis, market: Market, timeframe: Timeframe, *, counter: ReadCounter
) -> list[Candle]:
    """The candles kept of one market and timeframe, oldest first; empty if there are none.

    What is no candle of its place is discarded, and said: it is asked of the exchange again.

    Raises:
        redis.RedisError: If Redis is away.
    """
    name = _name(market, timeframe)
    try:
        entries: Any = await client.zrange(name, 0, -1, withscores=True)
    except ResponseError as exc:
        if "WRONGTYPE" not in str(exc):
            raise
        entries = []  # whoever writes the candles says so
    read = [(text, score, _candle(market, timeframe, text)) for text, score in entries]
    candles = [c for _, score, c in read if c is not None and c.opened_at == score]
    if unreadable := [t for t, score, c in read if c is None or c.opened_at != score]:
        log.warning("candles.unreadable", name=name, entries=len(unreadable))
        await client.zrem(name, *unreadable)
    counter.count(found=bool(candles))
    return candles


def shown_candles(market: Market, timeframe: Timeframe) -> list[Candle]:
    """The candles kept of one market and timeframe, oldest first, for whoever only looks.

    Raises:
        redis.RedisError: If Redis is away.
    """
    try:
        entries: Any = wire.shared().zrange(_name(market, timeframe), 0, -1, withscores=True)
    except ResponseError as exc:
        if "WRONGTYPE" not in str(exc):
            raise
        return []
    read = [(score, _candle(market, timeframe, text)) for text, score in entries]
    return [candle for score, candle in read if candle is not None and candle.opened_at == score]


def kept_names(markets: Iterable[Market], timeframes: Iterable[Timeframe]) -> int:
    """How many names there are with candles of these markets.

    Raises:
        redis.RedisError: If Redis is away.
    """
    with wire.shared().pipeline(transaction=False) as pipe:
        for name in names_of(markets, timeframes):
            pipe.exists(name)
        return sum(map(int, pipe.execute()))


def forming_minute(market: Market) -> Candle | None:
    """The minute of a market that forms now, where a worker tells it.

    Raises:
        redis.RedisError: If Redis is away.
    """
    text: Any = wire.shared().hget(forming_of(market.exchange), market.symbol)
    return None if text is None else _candle(market, Timeframe.M1, text)


def last_closes(markets: Sequence[Market]) -> dict[Market, int]:
    """When the last kept minute of each closed, unix seconds; without those that have none.

    Raises:
        redis.RedisError: If Redis is away.
    """
    with wire.shared().pipeline(transaction=False) as pipe:
        for market in markets:
            pipe.zrange(_name(market, Timeframe.M1), -1, -1, withscores=True)
        # One name that something else has taken says nothing of the others.
        answers = pipe.execute(raise_on_error=False)
    return {
        market: int(newest[0][1]) + Timeframe.M1.seconds
        for market, newest in zip(markets, answers, strict=True)
        if newest and not isinstance(newest, Exception)
    }


async def write_candles(client: redis.asyncio.Redis, candles: Sequence[Candle]) -> None:
    """Keep closed candles, each in the place of the one of its bucket.

    Raises:
        redis.RedisError: If Redis did not take them; call again with the same.
    """
    async with client.pipeline(transaction=False) as pipe:
        queue_candles(pipe, candles)
        await pipe.execute()


def queue_candles(pipe: Pipeline, candles: Sequence[Candle]) -> None:
    """Put the writing of closed candles on a pipeline."""
    entries: dict[str, dict[int, str]] = {}
    for candle in candles:
        name = _name(candle.market, candle.timeframe)
        # One entry for each bucket: an amended candle replaces the one before it.
        pipe.zremrangebyscore(name, candle.opened_at, candle.opened_at)
        entries.setdefault(name, {})[candle.opened_at] = candle_entry(candle)
    for name, bucket in entries.items():
        pipe.zadd(name, {text: opened_at for opened_at, text in bucket.items()})
        pipe.zremrangebyrank(name, 0, -KEPT_CANDLES - 1)


async def swap_history(client: redis.asyncio.Redis, replacement: Replacement) -> None:
    """Replace what is kept of a market by its history, in one transaction.

    What was kept from the end of the history on stays: it closed while that was read.

    Raises:
        redis.RedisError: If Redis did not take it, and then nothing has changed.
    """
    async with client.pipeline(transaction=True) as pipe:
        for timeframe, bars in replacement.bars.items():
            name = _name(replacement.market, timeframe)
            pipe.zremrangebyscore(name, "-inf", f"({timeframe.bucket(replacement.cut)}")
            if bars:
                pipe.zadd(name, {candle_entry(bar): bar.opened_at for bar in bars})
            pipe.zremrangebyrank(name, 0, -KEPT_CANDLES - 1)
        await pipe.execute()


def candle_entry(candle: Candle) -> str:
    """One closed candle as it is kept: compact, and the same text for the same candle."""
    return json.dumps(
        [
            candle.opened_at,
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            int(candle.synthetic),
        ],
        separators=(",", ":"),
    )


def _candle(market: Market, timeframe: Timeframe, text: str) -> Candle | None:
    """The candle of an entry; None if it is none."""
    try:
        opened_at, first, high, low, last, volume, synthetic = json.loads(text)
        candle = Candle(
            market=market,
            timeframe=timeframe,
            opened_at=int(opened_at),
            open=float(first),
            high=float(high),
            low=float(low),
            close=float(last),
            volume=float(volume),
            synthetic=bool(synthetic),
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return candle if is_plausible(candle) else None


def _name(market: Market, timeframe: Timeframe) -> str:
    return candles_of(market.exchange, market.symbol, str(timeframe))
