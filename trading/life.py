"""One life of the data plane: a thread, its loop and its hub, from start to stop or failure.

Rule 1: a life begins and ends once; the next one is another object (:mod:`trading.plane`).
Rule 2: what escapes from the loop ends the life and becomes its failure: it is never raised to
    whoever asks.
Rule 3: once it is to end its valve is shut, whatever its thread still does.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from trading.core.market import Candle, Instrument
from trading.desk import Seat
from trading.listings import Listed
from trading.market.hub import Hub
from trading.ports import DeskFacts, FiredSignal, IndicatorUpdate, Replacement, Sinks

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.1
FACTS_EVERY_BEATS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFailure:
    """Why the data plane stopped.

    Args:
        error: The exception in words.
        where: The line of ours that raised it.
        at_ms: When, unix milliseconds by this host.
    """

    error: str
    where: str
    at_ms: int


class PlaneLife:
    """One thread with one loop and one hub.

    Args:
        new_hub: Makes its hub, on its loop.
        seats: What is decided for each user; asked from its loop.
        valve: What its hub speaks through.
    """

    def __init__(
        self, new_hub: Callable[[], Hub], seats: Callable[[], dict[str, Seat]], valve: Valve
    ) -> None:
        self._new_hub = new_hub
        self._seats = seats
        self._valve = valve
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="data-plane", daemon=True)
        self._crash: asyncio.Future[None] | None = None
        self._is_ending = False
        self._is_behind = False
        self.hub: Hub | None = None
        self.beat = time.monotonic()
        self.failure: PlaneFailure | None = None

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended, or was never begun."""
        return not self._thread.is_alive()

    @property
    def facts(self) -> Mapping[str, DeskFacts]:
        """What was last seen of each desk, by sub."""
        return {} if self.hub is None else self.hub.facts

    def closed_for(self, sub: str) -> tuple[int, int | None] | None:
        """How many candles closed for a desk, and the newest; None: there is no such desk."""
        return None if self.hub is None else self.hub.closed_for(sub)

    def listed(self, exchange: str) -> Mapping[str, Instrument] | None:
        """Everything that an exchange lists, by symbol and as last seen; None while unknown."""
        return None if self.hub is None else self.hub.listed(exchange)

    def readings(self) -> list[Listed]:
        """The newest whole reading of each exchange that is served."""
        return [] if self.hub is None else self.hub.readings()

    def look_at_forming(self, take: Callable[[list[Candle]], None]) -> None:
        """Have the minutes told that trades fall into now, on its loop."""
        self.call_soon(lambda: take([] if self.hub is None else self.hub.forming()))

    def begin(self) -> None:
        """Start its thread."""
        self._thread.start()

    def end(self, timeout: float) -> bool:
        """Shut its valve and stop its loop; whether the thread ended in time."""
        self._valve.shut()
        self._is_ending = True
        self._schedule(self._cancel)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def wake(self, *, soon: bool) -> None:
        """Let the loop look at the decisions again: at once, or with its next beat."""
        self._is_behind = True
        if not soon:
            self._schedule(self._install)

    def call_soon(self, act: Callable[[], object]) -> None:
        """Run something on its loop; what it raises is the failure of this life."""
        self._schedule(self._guarded, act)

    def _schedule(self, act: Callable[..., None], *args: object) -> None:
        # A loop that has ended has nothing left to do with it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act, *args)

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._work())
        except asyncio.CancelledError:
            log.info("plane.stopped")
        except Exception as exc:
            # The boundary of the plane: whatever it was becomes a state that can be read.
            self.failure = _failure(exc)
            log.exception("plane.failed", where=self.failure.where)
        finally:
            self._valve.shut()

    async def _work(self) -> None:
        self._crash = self._loop.create_future()
        self.hub = self._new_hub()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self._beat(self.hub), name="beat")
            self._install()
            if self._is_ending:
                self._cancel()
            await self._crash

    async def _beat(self, hub: Hub) -> None:
        beats = 0
        while True:
            self.beat = time.monotonic()
            if self._is_behind:
                self._install()
            if beats % FACTS_EVERY_BEATS == 0:
                hub.refresh()
            beats += 1
            await asyncio.sleep(BEAT_SECONDS)

    def _install(self) -> None:
        hub, self._is_behind = self.hub, False
        if hub is not None and not self._is_ending:
            self._guarded(lambda: hub.install(self._seats()))

    def _cancel(self) -> None:
        if self._crash is not None and not self._crash.done():
            self._crash.cancel()

    def _guarded(self, act: Callable[[], object]) -> None:
        """Call something whose failure is the plane's."""
        try:
            act()
        except Exception as exc:  # noqa: BLE001 - handed on: it ends the plane as its failure
            if self._crash is not None and not self._crash.done():
                self._crash.set_exception(exc)


class Valve:
    """The sinks of one life, which may be shut. It implements ``Sinks``."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks
        self._is_shut = False

    def shut(self) -> None:
        """Let nothing through any more."""
        self._is_shut = True

    def signal_fired(self, fired: FiredSignal) -> None:
        if not self._is_shut:
            self._sinks.signal_fired(fired)

    def indicator_moved(self, update: IndicatorUpdate) -> None:
        if not self._is_shut:
            self._sinks.indicator_moved(update)

    def candles_closed(self, candles: Sequence[Candle]) -> None:
        if not self._is_shut:
            self._sinks.candles_closed(candles)

    def history_read(self, candles: Sequence[Candle]) -> None:
        if not self._is_shut:
            self._sinks.history_read(candles)

    def history_replaced(self, replacement: Replacement) -> None:
        if not self._is_shut:
            self._sinks.history_replaced(replacement)


def _failure(exc: BaseException) -> PlaneFailure:
    """An exception in words, and the innermost line of this package that it passed."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    where = "data plane"
    for frame in traceback.extract_tb(exc.__traceback__):
        path = frame.filename.replace("\\", "/")
        if (start := path.rfind(f"{__package__}/")) >= 0:
            where = f"{path[start:]}:{frame.lineno}"
    return PlaneFailure(
        error=f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__,
        where=where,
        at_ms=time.time_ns() // 1_000_000,
    )
