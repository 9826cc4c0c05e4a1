"""The closed candles that Redis keeps, one sorted set for each market and timeframe.

Rule 1: a candle has one entry, whoever writes it and however often; a later one of the same bucket
    replaces it.
Rule 2: a history is swapped in at once: no reader ever finds a market without its candles.
Rule 3: nobody else reads or writes them, so what was found and what was not is counted here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import redis.asyncio
import structlog
from redis.asyncio.client import Pipeline

from control.protocol import candles_of
from trading.core.market import Candle, Market, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.ports import Replacement

log = structlog.get_logger(__name__)

KEPT_CANDLES = WARM_UP_BARS


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


async def read_candles(
    client: redis.asyncio.Redis, market: Market, timeframe: Timeframe, *, counter: ReadCounter
) -> list[Candle]:
    """The candles kept of one market and timeframe, oldest first; empty if there are none.

    An entry that is no candle is left out, and said: the next backfill replaces it.

    Raises:
        redis.RedisError: If Redis is away.
    """
    name = _name(market, timeframe)
    texts = await client.zrange(name, 0, -1)
    candles = [candle for text in texts if (candle := _candle(market, timeframe, str(text)))]
    if len(candles) != len(texts):
        log.warning("candles.unreadable", name=name, entries=len(texts) - len(candles))
    counter.count(found=bool(candles))
    return candles


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
        return Candle(
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
    except (ValueError, TypeError):
        return None


def _name(market: Market, timeframe: Timeframe) -> str:
    return candles_of(market.exchange, market.symbol, str(timeframe))
