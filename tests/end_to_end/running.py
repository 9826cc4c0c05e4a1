"""A Livermore of the tests' own: ``python -m livermore run`` in a state directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import redis

from livermore.embedded.ports import free_port
from livermore.env import PROJECT, StateFiles
from tests.control.running import eventually

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
SPEED = "20"  # simulated minutes last three seconds, so that candles close while a test looks
OURS = ("PORT", "EXCHANGE", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class Livermore:
    """A running stack: where its pages are, and what its Redis says."""

    def __init__(self, process: subprocess.Popen[bytes], state: Path, port: int) -> None:
        self._process = process
        self._files = StateFiles(state)
        self.url = f"http://127.0.0.1:{port}"

    @property
    def password(self) -> str:
        """The demo user's."""
        return self._files.demo_password.read_text().strip()

    def status(self) -> dict[str, Any]:
        """The demo user's status as it stands in Redis now."""
        address = self._files.read_addresses()["REDIS_URL"]
        with redis.Redis.from_url(address, decode_responses=True) as client:
            [name] = client.keys("livermore:status:*")
            status: dict[str, Any] = json.loads(client.get(name) or "{}")
            return status

    def execute(self, query: LiteralString, values: Sequence[object] = ()) -> None:
        """Change rows behind everybody's back, as no page does."""
        address = self._files.read_addresses()["DATABASE_URL"]
        with psycopg.connect(address) as connection:
            connection.execute(query, values)

    def tell(self, kind: str, message: object) -> None:
        """Publish on one of the demo user's channels, as a worker would, once a page listens.

        A status that is told so is never taken for stale: the worker's own come after it no more.
        """
        if kind == "status" and isinstance(message, dict):
            message = {**message, "heartbeatMs": 600_000}
        channel, text = f"livermore:{kind}:{self.status()['sub']}", json.dumps(message)
        address = self._files.read_addresses()["REDIS_URL"]
        with redis.Redis.from_url(address) as client:
            eventually(lambda: client.publish(channel, text))

    @contextmanager
    def frozen_runtime(self) -> Iterator[None]:
        """Stop the worker in its tracks for as long as the block runs."""
        worker = self.process_of("runtime")
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    @contextmanager
    def killed_runtime(self) -> Iterator[None]:
        """The runtime killed; nobody starts another one until this is over."""
        self._process.send_signal(signal.SIGSTOP)  # who starts it again
        try:
            os.kill(self.process_of("runtime"), signal.SIGKILL)
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def process_of(self, command: str) -> int:
        """The process of a management command of this very stack, found by its environment."""
        mark = f"LIVERMORE_STATE={self._files.directory}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes().split(b"\0")
                is_ours = mark in (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # gone, or not ours to look at
            if is_ours and command.encode() in arguments:
                return int(process.name)
        raise AssertionError(f"no process runs {command}")

    def wait_until_ready(self) -> None:
        """Return once a runtime's heart beats."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "it ended while starting; its output says why"
            try:
                if httpx.get(f"{self.url}/readyz").is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.2)  # polling a server, not synchronising tasks
        raise AssertionError(f"not ready within {READY_SECONDS:.0f} s")


@contextmanager
def running_livermore(state: Path) -> Iterator[Livermore]:
    """Start a stack and stop it again."""
    port = free_port()
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in OURS and not name.startswith("LIVERMORE_")
    }
    own = {"LIVERMORE_STATE": str(state), "PORT": str(port), "SPEED": SPEED}
    process = subprocess.Popen(
        [sys.executable, "-m", "livermore", "run"], cwd=PROJECT, env={**inherited, **own}
    )
    try:
        livermore = Livermore(process, state, port)
        livermore.wait_until_ready()
        yield livermore
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
