"""A simulated exchange that is killed and goes on where it would be.

Rule 1: started from the main thread, and it does not outlive a run that is killed.
"""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from livermore import env
from livermore.embedded.ports import free_port
from livermore.embedded.process import follow_parent
from tests.faults.programs import Exchange
from trading.simulator import catalog, faults
from trading.simulator.interventions import AnyIntervention, Intervention
from trading.simulator.world import World

STOP_SECONDS = 15.0
READY_SECONDS = 20.0


class QuickExchange:
    """``python -m trading.simulator`` at a speed, with everything that was done to its world.

    Args:
        directory: Where its orders are written for the next process.
        seed: Which world.
        speed: Simulated seconds in a real one.
        products: How many products are listed.
        at: Simulated time to begin at, unix seconds.
    """

    def __init__(self, directory: Path, *, seed: int, speed: float, products: int, at: int) -> None:
        self.seed, self.speed = seed, speed
        self.products = products
        self.interventions: list[AnyIntervention] = []
        self._orders = directory / "orders.jsonl"
        self._orders.touch()
        self._port = free_port()
        self._since, self._at = time.time(), at
        self._process: subprocess.Popen[str] | None = None
        self._client = httpx.Client(timeout=10.0, headers={"content-type": "application/json"})

    @property
    def now(self) -> float:
        """Simulated time, unix seconds; it goes on while the exchange is dead."""
        return self._at + (time.time() - self._since) * self.speed

    def start(self) -> Exchange:
        """Start it, at the time it would be and in the world it was."""
        arguments = {
            "port": self._port,
            "seed": self.seed,
            "speed": self.speed,
            "products": self.products,
            "at": self._at,
            "since": repr(self._since),
            "orders": self._orders,
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trading.simulator", *words],
            cwd=env.PROJECT,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=follow_parent(signal.SIGKILL),  # noqa: PLW1509 - forked by the main thread
        )
        assert self._process.stdout is not None
        found = re.search(r"at (\S+) and (\S+),", self._process.stdout.readline())
        assert found is not None
        return Exchange(rest=found[1], websocket=found[2])

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(STOP_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def order(self, **fault: Any) -> faults.AnyOrder:
        """Break something, or do something to the world."""
        address = f"http://127.0.0.1:{self._port}/_sim/faults"
        answer = self._client.post(address, content=json.dumps(fault))
        answer.raise_for_status()
        done = faults.read(json.dumps(answer.json()["injected"]).encode())
        if isinstance(done, Intervention):
            self.interventions.append(done)
            with self._orders.open("a", encoding="utf-8") as orders:
                orders.write(json.dumps(answer.json()["injected"]) + "\n")
        return done

    def world(self) -> World:
        """The very same world, in this process."""
        world = World(self.seed, catalog.products(self.products))
        now_us = math.ceil(self.now) * 1_000_000
        for intervention in self.interventions:
            world.intervene(intervention, now_us)
        return world

    def close(self) -> None:
        """Leave nothing running."""
        self.kill()
        self._client.close()


def symbols_of(world: World, count: int) -> list[str]:
    """The first dollar markets of a listing that can be streamed, liquid and thin ones."""
    books = [p for p in world.products.values() if p.alias_of is None and p.quote == "USD"]
    return [p.product_id for p in books if p.kind == "spot" and p.state == "online"][:count]
