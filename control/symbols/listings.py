"""What each exchange lists, kept in Redis for every process, and asked for anew when it is old.

Rule 1: the same for all users: no name here is a user's.
Rule 2: what was read before serves while the exchange does not answer, and says how old it is and
    why. Where nothing was ever read, that is an error, and nobody goes on without knowing.
Rule 3: one process asks at a time, and none for some seconds after an exchange did not answer.
Rule 4: Redis away only means that nothing is kept: the exchange is asked.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec
import redis.asyncio
import structlog
from asgiref.sync import async_to_sync
from django.conf import settings
from redis.exceptions import LockError, RedisError

from control import wire
from control.protocol import listing_of, listing_trouble_of
from trading.core.errors import ConfigError, ExchangeError, TradingError
from trading.core.market import Instrument, Ticker
from trading.listings import PATIENCE_SECONDS, Listed, ListingReader

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 60.0
"""How old the day's figures may be that somebody looks at."""

NAMES_SECONDS: Final = 1_800.0
"""How old a listing may be that is only asked whether it has a symbol."""

TROUBLE_SECONDS: Final = 5
AWAY: Final = (RedisError, OSError)
"""What Redis raises that does not answer."""

_decoder = msgspec.json.Decoder(Listed)


class ListingUnknown(Exception):
    """It is not known what an exchange lists; the text says why, and that nothing was changed."""

    def __init__(self, exchange: str, label: str, reason: str, *, passes: bool = True) -> None:
        way_out = " Try again later." if passes else ""
        super().__init__(
            f"{label} did not tell what it lists ({reason}); nothing was changed.{way_out}"
        )
        self.exchange, self.label, self.reason = exchange, label, reason


@dataclass(frozen=True)
class Listing:
    """What an exchange lists, as far as is known now.

    Args:
        label: What people call the exchange.
        listed: The reading.
        trouble: Why there is no newer one, in words; empty where none was needed or it worked.
    """

    label: str
    listed: Listed = field(repr=False)
    trouble: str = ""

    @property
    def exchange(self) -> str:
        """Its name."""
        return self.listed.exchange

    @property
    def age_seconds(self) -> float:
        """How long ago it was read."""
        return max(0.0, time.time() - self.listed.read_at)

    @property
    def note(self) -> str:
        """What to tell people of a listing that is old: from when, and why; empty if it is not."""
        if not self.trouble:
            return ""
        minutes = round(self.age_seconds / 60)
        age = f"{minutes} min" if minutes else "less than a minute"
        return f"{self.label} did not answer ({self.trouble}); this is {age} old."

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """By canonical symbol, in the order of the exchange."""
        return {one.market.symbol: one for one in self.listed.instruments}

    @cached_property
    def tickers(self) -> Mapping[str, Ticker]:
        """By canonical symbol; some markets may have none."""
        return {one.symbol: one for one in self.listed.tickers}


# ---------------------------------------------------------------------- reading
async def alisting(
    exchange: str, *, fresh: float = FRESH_SECONDS, reader: ListingReader | None = None
) -> Listing:
    """What an exchange lists.

    Args:
        fresh: How old it may be, seconds, before the exchange is asked.
        reader: What asks it; without it, one for the addresses of the settings.

    Raises:
        ListingUnknown: If it does not say, and was never read.
    """
    reader = ListingReader(settings.EXCHANGES) if reader is None else reader
    client = wire.connect_async()
    try:
        return await _known_or_read(client, reader, exchange, fresh)
    except AWAY as exc:
        log.warning("listings.not_kept", exchange=exchange, reason=str(exc))
        return await _read(None, reader, exchange, None)
    finally:
        await client.aclose()


async def alisting_with(
    exchange: str, symbol: str, *, reader: ListingReader | None = None
) -> Listing:
    """A listing to look a symbol up in: one of some minutes ago, where it has it open to trade.

    Otherwise it is read anew before that is believed: it may be listed, or open, since.

    Raises:
        ListingUnknown: If the exchange does not say, and was never read.
    """
    known = await alisting(exchange, fresh=NAMES_SECONDS, reader=reader)
    one = known.instruments.get(symbol)
    if one is not None and one.streamable:
        return known
    return await alisting(exchange, reader=reader)


def listing(exchange: str, *, fresh: float = FRESH_SECONDS) -> Listing:
    """:func:`alisting` for a thread without an event loop."""
    return async_to_sync(alisting)(exchange, fresh=fresh)


def listing_with(exchange: str, symbol: str) -> Listing:
    """:func:`alisting_with` for a thread without an event loop."""
    return async_to_sync(alisting_with)(exchange, symbol)


def kept(exchange: str) -> Listing | None:
    """What was read last, however old; None if nothing was, or Redis does not say."""
    try:
        known = _decoded(wire.shared().get(listing_of(exchange)))
    except AWAY:
        return None
    return None if known is None else Listing(ListingReader({}).label_of(exchange), known)


def keep(listed: Listed) -> None:
    """Let a reading be what everybody finds, unless there is a newer one.

    Raises:
        redis.RedisError: If Redis does not take it.
    """
    client, name = wire.shared(), listing_of(listed.exchange)
    known = _decoded(client.get(name))
    if known is None or known.read_at < listed.read_at:
        client.set(name, msgspec.json.encode(listed).decode())


def absent(exchanges: Collection[str]) -> frozenset[str]:
    """Those of which nothing is kept.

    Raises:
        redis.RedisError: If Redis does not say.
    """
    client = wire.shared()
    return frozenset(name for name in exchanges if not client.exists(listing_of(name)))


async def aticker(exchange: str, symbol: str, *, native: str = "") -> Ticker:
    """What one market did in the last 24 hours, asked of the exchange now.

    Args:
        native: The exchange's own id of it, where that is known.

    Raises:
        TradingError: If it did not tell.
    """
    return await ListingReader(settings.EXCHANGES).ticker(exchange, symbol, native=native)


def ticker(exchange: str, symbol: str, *, native: str = "") -> Ticker:
    """:func:`aticker` for a thread without an event loop."""
    return async_to_sync(aticker)(exchange, symbol, native=native)


async def _known_or_read(
    client: redis.asyncio.Redis, reader: ListingReader, exchange: str, fresh: float
) -> Listing:
    known, trouble = await _kept(client, exchange)
    if known is not None and _is_fresh(known, fresh):
        return Listing(reader.label_of(exchange), known)
    if trouble:
        return _stale(reader, exchange, known, trouble)
    name = f"{listing_of(exchange)}:lock"
    lock = client.lock(name, timeout=2 * PATIENCE_SECONDS, blocking_timeout=2 * PATIENCE_SECONDS)
    try:
        async with lock:
            known, trouble = await _kept(client, exchange)  # of whoever had it
            if known is not None and _is_fresh(known, fresh):
                return Listing(reader.label_of(exchange), known)
            if trouble:
                return _stale(reader, exchange, known, trouble)
            return await _read(client, reader, exchange, known)
    except LockError:
        return _stale(reader, exchange, known, "somebody else waits for it")


async def _read(
    client: redis.asyncio.Redis | None,
    reader: ListingReader,
    exchange: str,
    known: Listed | None,
) -> Listing:
    try:
        listed = await reader.read(exchange)
    except TradingError as exc:
        trouble = str(exc)
        log.warning("listings.not_read", exchange=exchange, reason=trouble)
        if client is not None and isinstance(exc, ExchangeError):
            await client.set(listing_trouble_of(exchange), trouble, ex=TROUBLE_SECONDS)
        return _stale(reader, exchange, known, trouble, passes=not isinstance(exc, ConfigError))
    if client is not None:
        await client.set(listing_of(exchange), msgspec.json.encode(listed).decode())
    return Listing(reader.label_of(exchange), listed)


async def _kept(client: redis.asyncio.Redis, exchange: str) -> tuple[Listed | None, str]:
    text, trouble = await client.mget(listing_of(exchange), listing_trouble_of(exchange))
    return _decoded(text), str(trouble or "")


def _decoded(text: object) -> Listed | None:
    """What was kept; None for what is not there, or of another version of this program."""
    try:
        return None if text is None else _decoder.decode(str(text))
    except (msgspec.DecodeError, ValueError):
        return None


def _is_fresh(known: Listed, seconds: float) -> bool:
    return 0.0 <= time.time() - known.read_at < seconds


def _stale(
    reader: ListingReader,
    exchange: str,
    known: Listed | None,
    trouble: str,
    *,
    passes: bool = True,
) -> Listing:
    label = reader.label_of(exchange)
    if known is None:
        raise ListingUnknown(exchange, label, trouble, passes=passes)
    return Listing(label, known, trouble)
