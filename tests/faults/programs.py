"""Workers and a simulated exchange as processes of their own, with an environment of their own.

Rule 1: started from the main thread, and none outlives a test run that is killed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from control.models import Lease
from livermore import env
from livermore.embedded.process import follow_parent
from tests.faults.servers import BreakableServers
from tests.livermore.running import environment

STOP_SECONDS = 15.0
SPEED, PRODUCTS = "30", "8"  # a simulated minute in two seconds


class Found(Protocol):
    """Whatever a worker is told of where exchanges are."""

    @property
    def variables(self) -> Mapping[str, str]:
        """As it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Where a simulated exchange is reached."""

    rest: str
    websocket: str
    name: str = "coinbase"

    @property
    def variables(self) -> Mapping[str, str]:
        """By which a worker finds it."""
        prefix = f"LIVERMORE_{self.name.upper()}"
        return {f"{prefix}_REST": self.rest, f"{prefix}_WS": self.websocket}


@contextmanager
def simulated_exchange() -> Iterator[Exchange]:
    """``python -m trading.simulator`` for the length of a block."""
    arguments = ("--port", "0", "--seed", "7", "--speed", SPEED, "--products", PRODUCTS)
    process = subprocess.Popen(
        [sys.executable, "-m", "trading.simulator", *arguments],
        cwd=env.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=follow_parent(signal.SIGKILL),  # noqa: PLW1509 - forked by the main thread
    )
    assert process.stdout is not None
    try:
        found = re.search(r"at (\S+) and (\S+),", process.stdout.readline())
        assert found is not None
        yield Exchange(rest=found[1], websocket=found[2])
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        process.stdout.close()


class Worker:
    """One ``manage.py runtime``, started. What a test waits for is what the worker does."""

    def __init__(
        self, servers: BreakableServers, exchange: Found, *only: str, **variables: str
    ) -> None:
        environ = environment(
            servers.state,
            DJANGO_SETTINGS_MODULE="livermore.settings",
            DATABASE_URL=servers.stack.database_url,
            REDIS_URL=servers.redis.url,
            SECRET_KEY="faults-only-" + "k" * 50,
            **exchange.variables,
            **variables,
        )
        arguments = [word for name in only for word in ("--user", name)]
        with tempfile.NamedTemporaryFile(dir=servers.state, suffix=".log", delete=False) as output:
            self._log = Path(output.name)
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "runtime", *arguments],
                cwd=env.PROJECT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=follow_parent(signal.SIGKILL),  # noqa: PLW1509 - as above
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """Its log so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM. Does not wait."""
        self._process.terminate()

    def exit_status(self) -> int:
        """How it ended, once it has."""
        return self._process.wait(STOP_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def resident_kilobytes(self) -> int:
        """How much memory it has."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1])

    def drives(self, user_id: int) -> bool:
        """Whether the lease of a user is this worker's."""
        lease = Lease.objects.filter(user_id=user_id).first()
        return lease is not None and lease.owner.split(":")[1] == str(self.pid)

    def end(self) -> None:
        """Leave nothing running, whatever state it is in."""
        if self.is_running:
            self.thaw()
            self.kill()
