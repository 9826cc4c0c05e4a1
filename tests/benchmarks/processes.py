"""The processes of a running Livermore, for a benchmark, each as ``make run`` starts it.

Rule 1: each is ended by its own id, whatever happens, and dies with us.
Rule 2: what it logs goes to a file in the state directory, and is told when it fails.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livermore.embedded.ports import LOOPBACK, free_port
from livermore.embedded.process import follow_parent
from livermore.env import PROJECT
from tests.benchmarks.servers import every_processor

READY_SECONDS = 30.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.05
LOG_TAIL = 2_000
SETTINGS = "tests.benchmarks.site.settings"


class NotReady(Exception):
    """Something did not come in time; the text says what, and what was logged."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started, and the port that it was told to listen on."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Ask until it holds.

        Raises:
            NotReady: If it does not in time, or the process ends meanwhile.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise self._not_ready()
            time.sleep(LOOK_SECONDS)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def hear(self, line: str | None = None) -> str:
        """Wait for the next line of its standard output.

        Args:
            line: What it is to be, if that is known.

        Raises:
            NotReady: If it is another one, or none comes in time.
        """
        output = self.process.stdout
        assert output is not None
        if not select.select([output], [], [], READY_SECONDS)[0]:
            raise self._not_ready()
        heard = output.readline().decode().strip()
        if line not in {None, heard} or not heard:
            raise self._not_ready()
        return heard

    def _not_ready(self) -> NotReady:
        logged = self.log.read_text(errors="replace")[-LOG_TAIL:]
        return NotReady(f"{self.log.stem} is not ready; it logged:\n{logged}")


@contextmanager
def running(name: str, *arguments: str, port: int = 0, **environ: str) -> Iterator[Running]:
    """Run Python with these arguments for the length of a block.

    Args:
        name: Of its log.
        port: Which it was told; 0 is none.
        environ: What its environment has besides ours.
    """
    log = Path(os.environ["LIVERMORE_STATE"]) / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            bufsize=0,
            preexec_fn=follow_parent(signal.SIGKILL),  # noqa: PLW1509 - one system call, no lock
        )
    every_processor(process.pid)
    try:
        yield Running(process, log, port)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def exchange(products: int | None = 60) -> Iterator[Running]:
    """The simulated exchange, at the pace of a real one, with so many products or all of them."""
    port = free_port()
    listed = () if products is None else ("--products", str(products))
    told = ("--port", str(port), *listed)
    with running("exchange", "-m", "trading.simulator", *told, port=port) as simulator:
        simulator.wait_until(lambda: _listens(port))
        yield simulator


@contextmanager
def flood() -> Iterator[Running]:
    """An exchange's WebSocket that tells as many trades a second as it is told to."""
    port = free_port()
    with running("flood", "-m", "tests.benchmarks.flood", "--port", str(port), port=port) as busy:
        busy.hear("flood")
        yield busy


@contextmanager
def discord() -> Iterator[Running]:
    """The stand-in for Discord; a webhook takes what it is sent, but where it is told to break."""
    port = free_port()
    told = ("--port", str(port), "--requests", "1000")
    with running("discord", "-m", "trading.simulator.discord", *told, port=port) as stand_in:
        stand_in.wait_until(lambda: _listens(port))
        yield stand_in


@contextmanager
def worker(exchange: Running, feed: Running | None = None, **environ: str) -> Iterator[Running]:
    """The worker, with the market data of an exchange, or with that of another feed.

    Args:
        environ: What its environment has besides.
    """
    rest, websocket = exchange.port, (feed or exchange).port
    with running(
        "runtime",
        "manage.py",
        "runtime",
        port=0,
        LIVERMORE_DATABASE_POOL="5",  # as manage.py has it
        LIVERMORE_COINBASE_REST=f"http://{LOOPBACK}:{rest}/api/v3/brokerage",
        LIVERMORE_COINBASE_WS=f"ws://{LOOPBACK}:{websocket}",
        **environ,
    ) as started:
        yield started


@contextmanager
def web() -> Iterator[Running]:
    """The web process, with the bare ways beside the product's addresses."""
    port = free_port()
    listen = ("-b", LOOPBACK, "-p", str(port), "--no-server-name", "-v", "0")
    arguments = ("-m", "daphne", *listen, "tests.benchmarks.site.asgi:application")
    with running("web", *arguments, port=port, DJANGO_SETTINGS_MODULE=SETTINGS) as server:
        server.wait_until(lambda: _listens(port))
        yield server


@contextmanager
def audience(server: Running, path: str, cookie: str, pages: int) -> Iterator[Running]:
    """Open pages, each with a WebSocket at this path."""
    arguments = ("--port", str(server.port), "--path", path, "--cookie", cookie)
    with running(
        f"audience{path.replace('/', '-')}",
        *("-m", "tests.benchmarks.audience", *arguments, "--pages", str(pages)),
    ) as viewers:
        viewers.hear("open")
        yield viewers


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    """Let us and what we start have so many files open, if the machine lets us.

    Raises:
        NotReady: If it does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise NotReady(f"{wanted} open files are needed and {hard} allowed; see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
