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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from livermore import env
from livermore.embedded.ports import free_port
from livermore.embedded.process import follow_parent
from tests.faults.programs import Exchange
from trading.core.market import Market
from trading.simulator import faults
from trading.simulator.interventions import AnyIntervention, Intervention
from trading.simulator.venues.known import VENUES
from trading.simulator.world import World

STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickTime:
    """Time at a speed, the same for every exchange of a run.

    Attributes:
        at: Where it began, simulated unix seconds.
        speed: Simulated seconds in a real one.
        since: When it began, real unix seconds.
    """

    at: int
    speed: float
    since: float = field(default_factory=time.time)

    @property
    def now(self) -> float:
        """Simulated time, unix seconds; it goes on while an exchange is dead."""
        return self.at + (time.time() - self.since) * self.speed


class QuickExchange:
    """``python -m trading.simulator`` at a speed, with everything that was done to its world.

    Args:
        name: Which exchange it is.
        directory: Where its orders are written for the next process.
        time: The time that it lives in.
        seed: Which world.
        products: How many products are listed.
    """

    def __init__(
        self, name: str, directory: Path, *, time: QuickTime, seed: int, products: int
    ) -> None:
        self.name = name
        self.interventions: list[AnyIntervention] = []
        self._time, self._seed, self._products = time, seed, products
        self._orders = directory / f"orders of {name}.jsonl"
        self._orders.touch()
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._client = httpx.Client(timeout=10.0, headers={"content-type": "application/json"})

    def start(self) -> Exchange:
        """Start it, at the time it would be and in the world it was."""
        arguments = {
            "venue": self.name,
            "port": self._port,
            "seed": self._seed,
            "speed": self._time.speed,
            "products": self._products,
            "at": self._time.at,
            "since": repr(self._time.since),
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
        return Exchange(name=self.name, rest=found[1], websocket=found[2])

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
        world = World(self._seed, VENUES[self.name].products(self._products))
        now_us = math.ceil(self._time.now) * 1_000_000
        for intervention in self.interventions:
            world.intervene(intervention, now_us)
        return world

    def markets(self, count: int) -> list[Market]:
        """The first of its list that can be streamed, liquid and thin ones."""
        return list(_streamed(self.name, self.world()))[:count]

    def close(self) -> None:
        """Leave nothing running."""
        self.kill()
        self._client.close()


def _streamed(name: str, world: World) -> Iterator[Market]:
    for product in world.products.values():
        is_open = product.kind == "spot" and product.state == "online"
        is_dollar = name != "coinbase" or product.quote == "USD"
        if is_open and is_dollar and product.alias_of is None:
            yield Market(name, product.product_id)
