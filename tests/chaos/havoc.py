"""What breaks: workers, Redis and PostgreSQL, one after another, drawn from the seed.

Rule 1: called from the main thread, which starts all processes.
Rule 2: whatever a fault leaves broken, a later step or :meth:`Havoc.end` mends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from django.db import connections

from control import leases
from tests.chaos.ledger import Ledger
from tests.faults.programs import Worker
from tests.faults.stage import Stage

MOST_WORKERS = 3
BETWEEN_SECONDS = (0.5, 3.0)
FROZEN_REDIS_SECONDS = (0.2, 7.0)
FROZEN_WORKER_SECONDS = (0.5, leases.TTL_SECONDS + 3.0)


class Havoc:
    """The faults of one run."""

    def __init__(self, stage: Stage, seed: str, ledger: Ledger) -> None:
        self._stage = stage
        self._random = random.Random(seed)
        self._ledger = ledger
        self._frozen: list[tuple[float, Worker]] = []
        self.counts: dict[str, int] = {}
        self._faults: list[tuple[int, Callable[[], None]]] = [
            (5, self.kill_a_worker),
            (3, self.stop_a_worker),
            (4, self.start_another_worker),
            (4, self.freeze_a_worker),
            (2, self.freeze_redis),
            (3, self.kill_redis),
            (2, self.lose_redis),
            (2, self.kill_postgresql),
        ]

    @property
    def workers(self) -> list[Worker]:
        """Those that live, the frozen ones too."""
        return [worker for worker in self._stage.workers if worker.is_running]

    def until(self, deadline: float) -> None:
        """Break something every now and then."""
        self.start_another_worker()
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, self._random.uniform(*BETWEEN_SECONDS)))
            self._thaw(time.monotonic())
            weights = [weight for weight, _ in self._faults]
            [(_, fault)] = self._random.choices(self._faults, weights)
            self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
            self._ledger.tell(f"-- {fault.__name__}")
            fault()

    def end(self) -> None:
        """Break nothing any more: everything runs, and at least one worker does."""
        self._thaw(float("inf"))
        self._stage.servers.heal()
        if not self.workers:
            self.start_another_worker()
        self._ledger.tell("-- nothing breaks any more")

    def kill_a_worker(self) -> None:
        if workers := self.workers:
            self._random.choice(workers).kill()
        self.start_another_worker()

    def stop_a_worker(self) -> None:
        if workers := self.workers:
            self._random.choice(workers).ask_to_stop()
        self.start_another_worker()

    def start_another_worker(self) -> None:
        if len(self.workers) < MOST_WORKERS:
            self._stage.worker()

    def freeze_a_worker(self) -> None:
        awake = [w for w in self.workers if w not in [frozen for _, frozen in self._frozen]]
        if awake:
            worker = self._random.choice(awake)
            worker.freeze()
            due = time.monotonic() + self._random.uniform(*FROZEN_WORKER_SECONDS)
            self._frozen.append((due, worker))

    def freeze_redis(self) -> None:
        with self._stage.servers.redis.frozen():
            time.sleep(self._random.uniform(*FROZEN_REDIS_SECONDS))

    def kill_redis(self) -> None:
        self._stage.servers.redis.kill()
        time.sleep(self._random.uniform(0, 2.0))
        self._stage.servers.redis.start()

    def lose_redis(self) -> None:
        server = self._stage.servers.redis
        # Before and after: whatever is sent in between is promised nothing.
        self._ledger.generation += 1
        server.kill()
        server.empty()
        server.start()
        self._ledger.generation += 1

    def kill_postgresql(self) -> None:
        self._stage.servers.postgres.kill()
        connections.close_all()
        time.sleep(self._random.uniform(0, 2.0))
        self._stage.servers.postgres.start()

    def _thaw(self, now: float) -> None:
        for due, worker in tuple(self._frozen):
            if due <= now or not worker.is_running:
                self._frozen.remove((due, worker))
                if worker.is_running:
                    worker.thaw()
                    self._ledger.tell(f"-- thawed {worker.pid}")
