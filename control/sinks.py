"""Where the data plane's findings go: alert rows, closed candles, live events.

Rule 1: the data plane only ever appends to a bounded queue; the writing happens here, on the
    control plane's loop and its database threads.
Rule 2: an alert waits, bounded, until PostgreSQL takes it, and a candle until Redis does; a live
    event that cannot be told now is worth nothing later, and is dropped.
Rule 3: a candle is kept behind the alerts that came before it: a worker that dies in between must
    not leave the next one to take a bar for told whose alerts are lost. Nor one that has lost its
    lease: behind alerts that it may not write it first notes from when on their user was not told.
Rule 4: what can never be written stands in nobody's way: it is dropped, and said.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence

import structlog
from redis.exceptions import RedisError, ResponseError

from control import wire
from control.alerts import SignalLog, signal_event, write_alerts
from control.candles import queue_candles, swap_history, write_candles
from control.database import AWAY, Database
from control.disowned import note_disowned
from control.leases import Fenced
from control.page_events import PageEvents, publish
from control.protocol import Wire
from settings_app import desired
from settings_app.reporting import counted
from trading.core.market import Candle, Market
from trading.ports import FiredSignal, IndicatorUpdate, Owner, Replacement

log = structlog.get_logger(__name__)

WAITING_ALERTS = 10_000
WAITING_CANDLES = 200_000
WAITING_HISTORIES = 200  # about as much in memory
BACKOFF_SECONDS = (0.2, 5.0)
TIDY_SECONDS = 0.1
ALERT_SECONDS = 0.02  # a trader waits for it


class QueuedSinks:
    """The ports of trading over bounded queues; filled by the data plane, drained by the worker."""

    def __init__(self, database: Database, signals: SignalLog) -> None:
        self._database = database
        self._signals = signals
        self._client = wire.connect_async()
        self._alerts: deque[FiredSignal] = deque()
        self._room = threading.Lock()  # the two threads' only meeting point
        self._fired = self._settled = 0  # alerts that came, and of those, up to which none waits
        self._dropped: deque[str] = deque(maxlen=WAITING_ALERTS)
        # Each with how many alerts had come by then: it is kept behind them.
        self._candles: deque[tuple[int, Candle | Replacement]] = deque(maxlen=WAITING_CANDLES)
        self._events = PageEvents(self._client)
        self._refused: set[Market] = set()  # of which it has been said
        self._on_written: Callable[[], None] = _nobody
        self._on_dropped: Callable[[str, str], None] = _unheard
        self._on_refused: Callable[[Market, str], None] = _not_kept
        self._may_tell: Callable[[str], bool] = _anybody

    def on_written(self, tell: Callable[[], None]) -> None:
        """Have ``tell()`` called, on the worker's loop, when there are new rows."""
        self._on_written = tell

    def on_dropped(self, tell: Callable[[str, str], None]) -> None:
        """Have ``tell(sub, message)`` called when an alert is lost for want of room."""
        self._on_dropped = tell

    def on_refused(self, tell: Callable[[Market, str], None]) -> None:
        """Have ``tell(market, message)`` called when Redis begins to refuse a market's candles."""
        self._on_refused = tell

    def tell_only(self, may_tell: Callable[[str], bool]) -> None:
        """Have live events of a user told only while ``may_tell(sub)``."""
        self._may_tell = may_tell

    # -- the ports, called from the data plane's thread: append and return

    def signal_fired(self, fired: FiredSignal) -> None:
        """Queue an alert row."""
        with self._room:
            if len(self._alerts) >= WAITING_ALERTS:
                self._dropped.append(self._alerts.popleft().owner.sub)
            self._alerts.append(fired)
            self._fired += 1

    def indicator_moved(self, update: IndicatorUpdate) -> None:
        """Queue a change of one cell of a user's map."""
        self._events.moved(update)

    def tell_pages(self, sub: str, event: Wire) -> None:
        """Queue something for a user's open pages."""
        self._events.tell(sub, event)

    def candles_closed(self, candles: Sequence[Candle]) -> None:
        """Queue closed candles for the cache that every user shares.

        They are kept when the alerts of them are rows: what is kept tells the next worker how far
        this one has told.
        """
        fired = self._fired
        self._candles.extend((fired, candle) for candle in candles)

    def history_read(self, candles: Sequence[Candle]) -> None:
        """Queue what the exchange told of the time before, so that the cache has no hole."""
        self.candles_closed(candles)

    def history_replaced(self, replacement: Replacement) -> None:
        """Queue a history that is to be swapped in, behind every candle told before it."""
        waiting = sum(isinstance(one, Replacement) for _, one in tuple(self._candles))
        if waiting >= WAITING_HISTORIES:
            log.warning("sinks.history_dropped", market=replacement.market, waiting=waiting)
        else:
            self._candles.append((self._fired, replacement))

    # -- draining

    async def write_alerts(self) -> None:
        """Write queued alerts, until cancelled."""
        low, high = BACKOFF_SECONDS
        limit = low
        while True:
            self._tell_dropped()
            if not self._alerts:
                self._signals.set_waiting({})
                await asyncio.sleep(ALERT_SECONDS)
                continue
            if await self._write_waiting():
                limit = low
                continue
            self._count_waiting()
            await asyncio.sleep(random.uniform(0, limit))  # noqa: S311  # jitter, not a secret
            limit = min(high, limit * 2)

    async def flush(self, seconds: float) -> None:
        """Write what waits, as far as that can be done in a moment: before the leases go."""
        try:
            async with asyncio.timeout(seconds):
                await self._write_waiting()
        except TimeoutError:
            log.warning("sinks.alerts_lost", waiting=len(self._alerts))

    async def _write_waiting(self) -> bool:
        """Write all that waits, user by user; what PostgreSQL did not take waits on."""
        with self._room:
            batch, fired = list(self._alerts), self._fired
            self._alerts.clear()
        try:
            while batch:
                owner = batch[0].owner
                await self._write_of(owner, [fired for fired in batch if fired.owner == owner])
                batch = [fired for fired in batch if fired.owner != owner]
        except (*AWAY, RedisError, OSError) as exc:
            log.warning("sinks.alerts_wait", waiting=len(batch), reason=str(exc).strip())
            return False
        finally:
            with self._room:
                self._alerts.extendleft(reversed(batch))
        self._settled = fired
        return True

    async def _write_of(self, owner: Owner, mine: list[FiredSignal]) -> None:
        try:
            written = await self._database.run(write_alerts, owner, mine)
        except AWAY:
            raise
        except Fenced:
            await self._disown(owner, mine)
            return
        except Exception:  # one user's bad row must not stand in everybody's way for ever
            log.exception("sinks.alerts_refused", sub=owner.sub, alerts=len(mine))
            self._on_dropped(
                owner.sub, f"{counted(len(mine), 'alert')} could not be written; see the log"
            )
            return
        if written:
            self._on_written()
        for fired, alert in written:
            self._signals.note(fired.owner.sub, fired.signal.closed_at)
            self._events.tell(fired.owner.sub, signal_event(alert))

    async def _disown(self, owner: Owner, lost: Sequence[FiredSignal]) -> None:
        """Let the next worker tell what this one could not: rule 3 holds for it as well.

        Raises:
            redis.RedisError: If Redis did not take it. Then no candle goes there either.
        """
        if not await self._database.run(desired.is_active, owner.user_id):
            # Deactivated, or deleted: nobody is to be told, and no name of theirs is left behind.
            log.info("sinks.alerts_of_nobody", sub=owner.sub, alerts=len(lost))
            return
        since = min(one.signal.closed_at for one in lost)
        await note_disowned(self._client, owner, since)
        log.warning("sinks.fenced", sub=owner.sub, alerts=len(lost), since=since)

    def _tell_dropped(self) -> None:
        lost = Counter(self._dropped.popleft() for _ in range(len(self._dropped)))
        for sub, count in lost.items():
            self._on_dropped(sub, f"PostgreSQL is away; {count} of the oldest alerts were dropped")

    def _count_waiting(self) -> None:
        counts: dict[str, int] = {}
        with self._room:
            waiting = list(self._alerts)
        for fired in waiting:
            counts[fired.owner.sub] = counts.get(fired.owner.sub, 0) + 1
        self._signals.set_waiting(counts)

    async def write_to_redis(self) -> None:
        """Write queued candles and events, until cancelled."""
        while True:
            batch = self._next_batch()
            if not batch and not self._events:
                await asyncio.sleep(TIDY_SECONDS)
                continue
            try:
                await self._write_some(batch)
            except (RedisError, OSError) as exc:
                # They replace themselves, so writing one twice does no harm, and losing one would
                # leave a hole. If there is no room for all of them, the oldest go.
                room = WAITING_CANDLES - len(self._candles)
                left = batch[-room:] if room > 0 else []
                self._candles.extendleft((self._settled, one) for one in reversed(left))
                log.warning("sinks.redis_away", waiting=len(self._candles), reason=str(exc))
                await asyncio.sleep(1.0)

    def _next_batch(self) -> list[Candle | Replacement]:
        """Candles up to the next history that waits among them, or that history alone.

        None that an alert is older than which is no row yet.
        """
        batch: list[Candle | Replacement] = []
        while self._candles and len(batch) < 1_000:
            fired, one = self._candles[0]
            if fired > self._settled or (batch and isinstance(one, Replacement)):
                break
            self._candles.popleft()
            batch.append(one)
            if isinstance(batch[0], Replacement):
                break
        return batch

    async def _write_some(self, batch: Sequence[Candle | Replacement]) -> None:
        said = await self._events.take(self._may_tell)
        try:
            for one in batch:
                if isinstance(one, Replacement):
                    await swap_history(self._client, one)
            async with self._client.pipeline(transaction=False) as pipe:
                publish(pipe, said)
                queue_candles(pipe, [one for one in batch if isinstance(one, Candle)])
                await pipe.execute()
        except ResponseError as exc:
            if not _is_for_ever(exc):
                raise
            await self._write_apart(batch)
        else:
            self._refused.difference_update(map(_market_of, batch))

    async def _write_apart(self, batch: Sequence[Candle | Replacement]) -> None:
        """Write market by market what Redis refused as a whole; drop what it refuses again."""
        for market in dict.fromkeys(map(_market_of, batch)):
            mine = [one for one in batch if _market_of(one) == market]
            try:
                for one in mine:
                    if isinstance(one, Replacement):
                        await swap_history(self._client, one)
                await write_candles(self._client, [one for one in mine if isinstance(one, Candle)])
            except ResponseError as exc:
                if not _is_for_ever(exc):
                    raise
                self._refuse(market, str(exc))
            else:
                self._refused.discard(market)

    def _refuse(self, market: Market, reason: str) -> None:
        log.error("sinks.candles_refused", market=market, reason=reason)
        if market not in self._refused:
            self._refused.add(market)
            text = f"Redis refuses the candles of {market.symbol}; they are not kept ({reason})"
            self._on_refused(market, text)

    async def aclose(self) -> None:
        """Close the connection to Redis."""
        await self._client.aclose()


def _unheard(sub: str, message: str) -> None:
    log.error("sinks.alert_dropped", sub=sub, reason=message)


def _nobody() -> None:
    pass


def _anybody(_sub: str) -> bool:
    return True


def _not_kept(market: Market, message: str) -> None:
    log.error("sinks.candles_not_kept", market=market, reason=message)


def _market_of(one: Candle | Replacement) -> Market:
    return one.market


def _is_for_ever(refusal: ResponseError) -> bool:
    # Something else has one of our names. A full or a read-only Redis answers with an error as
    # well, and for that one the candles wait.
    return "WRONGTYPE" in str(refusal)
