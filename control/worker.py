"""The runtime worker: hosts the runtimes of many users on one event loop.

Rule 1: this loop does no market data and no query of its own; it commands, answers and tells.
Rule 2: whoever it hosts is :mod:`control.hosting`'s to know; what is told of them
    :mod:`control.teller`'s.
Rule 3: only this boundary catches what a side task failed to: it is logged, shown and begun again.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from control import leases, retention, sinks, tasks, wire
from control.absence import watch_in_worker
from control.alerts import SignalLog
from control.cache import CacheWatch, Clearing
from control.candles import RedisShelf
from control.database import Database
from control.deadman import Deadman, hindrance
from control.deliveries.channels import Channels
from control.deliveries.outbox import Outbox
from control.deliveries.pictures import Pictures
from control.delivery import Delivery
from control.forming import FormingMinutes
from control.hosting import Hosting
from control.hotline import Hotline
from control.mailbox import Mailbox
from control.plane_watch import PlaneWatch
from control.planner import Planner
from control.positions.refresher import Refresher
from control.protocol import Fault, now_ms, worker_of
from control.replies import Telling
from control.runtime import Runtime
from control.selfwatch import LOOK_SECONDS, SelfWatch
from control.standstill import Standstill
from control.surroundings import Surroundings
from control.symbols.daily import DailyScans
from control.symbols.keeping import Keeping
from control.symbols.verifying import Verifying
from control.teller import Teller
from trading.alerts import discord
from trading.core.market import Market
from trading.plane import DataPlane
from trading.ports import Owner, Shelf

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
YIELDS_EVERY = 25  # runtimes looked at between two turns of the loop
PRUNE_SECONDS = 3_600.0
# After a longer standstill the lease that was to be renewed may have run out.
STANDSTILL_SECONDS = leases.TTL_SECONDS - 2 * leases.RENEW_SECONDS


class Worker:
    """Drives every user whose lease it can get, until told to stop."""

    def __init__(
        self,
        *,
        make_plane: Callable[[sinks.QueuedSinks, Shelf], DataPlane],
        only: Collection[str] = (),
        deadman_url: str | None = None,
    ) -> None:
        """Make ready; nothing runs yet.

        Args:
            make_plane: Gives the data plane that fills these sinks, and asks this shelf.
            only: Names of the users that may be hosted; none: everybody may.
            deadman_url: What is asked for every minute while all is well; a secret.
        """
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self._database = Database()
        self._hotline = Hotline()
        self._signals = SignalLog()
        self._sinks = sinks.QueuedSinks(self._database, self._signals)
        self._mailbox = Mailbox(worker=self.name, receive=self._received)
        self._shelf = RedisShelf()
        self.plane = make_plane(self._sinks, self._shelf)
        self._cache_watch = CacheWatch(self._watched)
        self._clearing = Clearing()
        self._planner = Planner(self._database, self._complain)
        self._refresher = Refresher(
            self._database,
            self.plane.position_reader(),
            complain=self._complain,
            changed=self._positions_changed,
        )
        self._scans = DailyScans(self._database, self._complain)
        self._self_watch = SelfWatch(self._database, self._mailbox.publish)
        self._webhooks = discord.client()
        self._pictures = Pictures()
        self._outbox = self._outbox_for(only)
        self._deadman = self._deadman_for(deadman_url, only)
        around = self._surroundings()
        self._hosting = Hosting(around, only=only, came=self._came, left=self._left)
        self._standstill = Standstill(STANDSTILL_SECONDS, time.monotonic())
        self._doubtful: list[Delivery] = []  # received before it was clear whose they are
        self._plane_watch = PlaneWatch(
            self.plane, runtimes=self._runtimes, looked=self._notice_standstill
        )
        self._teller = Teller(
            worker=self.name,
            mailbox=self._mailbox,
            hosting=self._hosting,
            may_speak=self._may_speak,
        )
        self._listen_to_sinks()
        self._stopping = asyncio.Event()

    def _outbox_for(self, only: Collection[str]) -> Outbox:
        return Outbox(
            self._database,
            Channels(self._webhooks, self._pictures).prepare,
            worker=self.name,
            publish=self._mailbox.publish,
            only=only,
        )

    def _listen_to_sinks(self) -> None:
        self._sinks.on_written(self._outbox.look)
        self._sinks.on_dropped(self._alerts_dropped)
        self._sinks.on_refused(self._candles_refused)
        self._sinks.tell_only(self._may_speak)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            worker=self.name,
            database=self._database,
            hotline=self._hotline,
            mailbox=self._mailbox,
            plane=self.plane,
            signals=self._signals,
            may_speak=self._may_speak,
            tell=self._status_with_answer,
            clear=self._clearing.clear,
            cache=self._cache_watch.status_of,
            tell_pages=self._sinks.tell_pages,
            verifying=Verifying(self.plane),
            planner=self._planner,
            positions=self._refresher,
            scans=self._scans,
            fault=self._current_fault,
            restart=self._restart_plane,
        )

    def _deadman_for(self, url: str | None, only: Collection[str]) -> Deadman | None:
        if url is None:
            return None
        return Deadman(url, partial(hindrance, self._database, self.plane, tuple(only) or None))

    def stop(self) -> None:
        """Ask :meth:`run` to hand everything over and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Host runtimes until :meth:`stop`.

        Raises:
            UnsuitableRedis: If this Redis can never carry the wire.
        """
        await self._refuse_unsuitable_redis()
        log.info("worker.started", worker=self.name)
        await self._hotline.dial()
        self._shelf.begin()
        self.plane.start()
        side_tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "listen": self._mailbox.listen,
            "sweep": self._mailbox.sweep,
            "follow": self._hosting.follow,
            "renew": self._renew,
            "tell": self._teller.run,
            "watch": self._plane_watch.run,
            "prune": self._prune,
            "measure the cache": self._cache_watch.run,
            "clear the cache": self._clearing.run,
            "fire the schedules": self._planner.run,
            "read the positions": self._refresher.run,
            "scan the markets": self._scans.run,
            "keep the listings": Keeping(self.plane.readings).run,
            "tell what forms": FormingMinutes(self.plane.look_at_forming, self._at_work).run,
            "look at the runtimes": self._look,
            "write the incidents": self._self_watch.run,
            "miss workers": partial(watch_in_worker, self._database, self._mailbox.publish),
            "write alerts": self._sinks.write_alerts,
            "deliver alerts": self._outbox.run,
            "write to Redis": self._sinks.write_to_redis,
        }
        if self._deadman is not None:
            side_tasks["ping the watcher"] = self._deadman.run
        running = {
            name: asyncio.create_task(self._keep_alive(name, body), name=name)
            for name, body in side_tasks.items()
        }
        stopping = asyncio.create_task(self._stopping.wait(), name="stopping")
        try:
            # A side task never ends by itself; if one does, this worker is not to be trusted.
            await asyncio.wait({stopping, *running.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._shut_down(running)

    async def _shut_down(self, running: dict[str, asyncio.Task[None]]) -> None:
        # Whoever takes users on stops first, or it would take back what is handed over.
        await tasks.end(running.pop("follow"), running.pop("renew"))
        for runtime in self._runtimes():
            runtime.stop()
        await tasks.end(running.pop("write alerts"))
        await self._sinks.flush(FLUSH_SECONDS)
        await self._outbox.leave()
        await self._hosting.let_all_go()
        await tasks.end(*running.values())
        await self._mailbox.forget(worker_of(self.name))
        self.plane.stop()
        await self._webhooks.aclose()
        self._pictures.close()
        await self._sinks.aclose()
        await self._shelf.aclose()
        await self._mailbox.aclose()
        self._hosting.close()
        await self._hotline.aclose()
        self._database.close()
        log.info("worker.stopped", worker=self.name)

    async def _keep_alive(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Run a side task for ever: one that fails is shown in every status and begun again."""
        while True:
            try:
                await body()
            except Exception as exc:
                log.exception("worker.side_task", task=name)
                text = f"the worker's task '{name}' failed ({type(exc).__name__}) and began again"
                for runtime in self._runtimes():
                    runtime.reports.complain("worker", "error", text)
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret

    async def _refuse_unsuitable_redis(self) -> None:
        client = wire.connect_async()
        try:
            await wire.refuse_unsuitable(client)
        except (RedisError, OSError) as exc:
            log.warning("worker.redis_away", reason=str(exc))  # waited for, not fatal
        finally:
            await client.aclose()

    def _runtimes(self) -> Iterator[Runtime]:
        return (hosted.runtime for hosted in self._hosting)

    def _at_work(self) -> Iterator[str]:
        """Whose gate is open: nothing forms for who is paused."""
        return (runtime.owner.sub for runtime in self._runtimes() if runtime.gate.is_open)

    def _watched(self) -> Iterator[Market]:
        return (market for runtime in self._runtimes() for market in runtime.watched)

    async def _look(self) -> None:
        """Look every second how each runtime is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            at = now_ms()
            for number, hosted in enumerate(self._hosting, start=1):
                if self._hosting.has(hosted):  # somebody may leave between two of them
                    runtime = hosted.runtime
                    self._self_watch.look(runtime.owner.sub, runtime.reports.health(), at)
                if number % YIELDS_EVERY == 0:
                    await asyncio.sleep(0)

    # -- the leases

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(leases.RENEW_SECONDS)
            noticed = self._standstill.noticed(time.monotonic())
            await self._hosting.renew()
            self._standstill.answered(noticed)
            doubtful, self._doubtful = self._doubtful, []
            for delivery in doubtful:
                self._received(delivery)

    def _notice_standstill(self) -> None:
        self._standstill.noticed(time.monotonic())  # often, whatever else has to wait

    def _may_speak(self, sub: str) -> bool:
        """Whether this worker speaks for a user, as far as it can know."""
        return self._hosting.of(sub) is not None and not self._standstill.is_open(time.monotonic())

    async def _prune(self) -> None:
        while True:
            try:
                await self._database.run(retention.prune)
            except DatabaseError as exc:
                log.warning("worker.prune", reason=str(exc).strip())
            await asyncio.sleep(PRUNE_SECONDS)

    # -- what its parts tell each other

    def _received(self, delivery: Delivery) -> None:
        hosted = self._hosting.of(delivery.sub)
        if hosted is None:
            return
        if self._standstill.is_open(time.monotonic()):
            self._doubtful.append(delivery)
        else:
            hosted.runtime.receive(delivery)

    def _status_with_answer(self, sub: str) -> Telling | None:
        # The teller is made later: it tells of those who are hosted with these surroundings.
        return self._teller.with_answer(sub)

    def _current_fault(self) -> Fault | None:
        return self._plane_watch.fault

    def _restart_plane(self) -> None:
        self._plane_watch.hurry()

    def _came(self, owner: Owner) -> None:
        self._self_watch.host(owner)

    def _left(self, owner: Owner) -> None:
        self._self_watch.forget(owner.sub)
        self._planner.forget(owner.sub)
        self._refresher.forget(owner.sub)
        self._scans.forget(owner.sub)

    def _positions_changed(self, sub: str) -> None:
        hosted = self._hosting.of(sub)
        if hosted is not None:
            hosted.runtime.look_again()

    def _alerts_dropped(self, sub: str, message: str) -> None:
        self._complain(sub, "alerts", "error", message)

    def _candles_refused(self, market: Market, message: str) -> None:
        for runtime in self._runtimes():
            if market in runtime.watched:
                runtime.reports.complain("cache", "error", message)

    def _complain(self, sub: str, where: str, level: str, message: str) -> None:
        hosted = self._hosting.of(sub)
        if hosted is not None:
            hosted.runtime.reports.complain(where, level, message)
