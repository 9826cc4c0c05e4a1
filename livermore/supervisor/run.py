"""The life of one ``make run``: from the lock to the last process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from shlex import quote
from types import FrameType

from livermore import servers
from livermore.embedded.errors import StackError
from livermore.embedded.home import remove_data
from livermore.embedded.lock import locked
from livermore.embedded.ports import free_port, is_free
from livermore.embedded.stack import Server, Stack
from livermore.env import Environment, ExchangeSource
from livermore.private import kept_secret, write_private
from livermore.supervisor import probe, programs
from livermore.supervisor.backoff import Backoff
from livermore.supervisor.console import Console
from livermore.supervisor.parent import Parent
from livermore.supervisor.program import Program, RunningProgram, in_words
from trading.simulator.venues.known import VENUES

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROGRAM_STOP_SECONDS = 2.5  # with the servers' 2 s the whole tree is gone within five
_WATCH_SECONDS = 0.25
_PATIENCE_SECONDS = 60.0
_SECRET_KEY_BYTES = 50


class Stopped(BaseException):
    """A signal asked us to stop while something was starting."""


def run(environment: Environment, console: Console) -> None:
    """Run everything until a signal says stop.

    Raises:
        StackError: If it cannot start; nothing is left running then.
        Stopped: If the signal came before everything had started.
    """
    with _signals_raise(), locked(environment.state.lock):
        environment.state.addresses.unlink(missing_ok=True)  # of a run that was killed
        _require(environment)
        if "SECRET_KEY" not in os.environ:
            kept_secret(environment.state.secret_key, size=_SECRET_KEY_BYTES)
        stack = Stack(
            environment.state.directory,
            database_url=environment.database_url,
            redis_url=environment.redis_url,
            # What the simulated market did must never stand among what the real one did.
            data=_data_of(environment),
        )
        began = time.monotonic()
        stack.start()
        if stack.servers:
            started = " and ".join(server.title for server in stack.servers)
            took = (time.monotonic() - began) * 1_000
            console.line("livermore", f"{started} started in {took:.0f} ms")
        try:
            asyncio.run(Tree(environment, stack, console).live())
        finally:
            environment.state.addresses.unlink(missing_ok=True)
            for number in _STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # it is stopping already
            stack.stop()


def _data_of(environment: Environment) -> str:
    """Which set of data a run works on; the servers' directories end in it."""
    if environment.exchange is ExchangeSource.LIVE:
        return "-live"
    if environment.speed != 1:
        # Its clock runs away from ours: what it left would lie in the future of the next run.
        remove_data(environment.state.directory, "-accelerated")
        return "-accelerated"
    return ""


def _require(environment: Environment) -> None:
    if not is_free(environment.port):
        raise StackError(
            f"Port {environment.port} is in use by another program: stop it, or choose another "
            f"port with `make run PORT={environment.port + 1}`."
        )
    given = (
        environment.database_url and servers.database_obstacle(environment.database_url),
        environment.redis_url and servers.redis_obstacle(environment.redis_url),
    )
    for obstacle in given:
        if obstacle:
            raise StackError(obstacle)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Explicit handlers: a process started in the background inherits SIGINT ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Tree:
    """The programs of one stack, on one event loop."""

    def __init__(self, environment: Environment, stack: Stack, console: Console) -> None:
        self._environment = environment
        self._stack = stack
        self._console = console
        self._parent = Parent()
        self._stopping = asyncio.Event()
        self._running: list[RunningProgram] = []
        self._lives: list[asyncio.Task[None]] = []

    async def live(self) -> None:
        """Start the programs, watch them, and stop everything when a signal comes.

        Raises:
            StackError: If the preparation failed.
        """
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self._stopping.set)
        work = asyncio.create_task(self._work(), name="work")
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            await self._stop_everything()
            work.cancel()
            # A failure of the work goes on to whoever called; its cancellation is ours.
            with contextlib.suppress(asyncio.CancelledError):
                await work
            await asyncio.gather(*self._lives)

    async def _stop_everything(self) -> None:
        self._console.line("livermore", "stopping")
        began = time.monotonic()
        await asyncio.gather(*(program.stop(_PROGRAM_STOP_SECONDS) for program in self._running))
        self._stack.stop()
        self._console.line("livermore", f"stopped in {time.monotonic() - began:.1f} s")

    async def _work(self) -> None:
        simulated = self._environment.exchange is ExchangeSource.SIMULATED
        exchange_ports = {name: free_port() for name in VENUES} if simulated else None
        told = programs.addresses(
            self._environment,
            database_url=self._stack.database_url,
            redis_url=self._stack.redis_url,
            exchange_ports=exchange_ports,
        )
        if simulated:
            told |= programs.simulated_credentials(self._environment)
        self._write_addresses(told)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_parent(), name="parent")
                for server in self._stack.servers:
                    group.create_task(self._watch(server), name=server.title)
                for name, port in (exchange_ports or {}).items():
                    self._keep(programs.simulator(self._environment, told, name, port))
                await self._prepare(programs.preparation(told))
                self._keep(programs.runtime(told))
                self._keep(programs.web(self._environment, told))
                await self._announce()
        except* StackError as failed:
            raise failed.exceptions[0] from None

    def _keep(self, program: Program) -> None:
        """Keep a program running. Its task is never cancelled: stopping the program ends it."""
        if self._stopping.is_set():
            return
        running = RunningProgram(program, self._console)
        life = asyncio.create_task(running.keep_running(), name=program.name)
        life.add_done_callback(lambda _: self._stopping.set())  # it can only end by a failure
        self._running.append(running)
        self._lives.append(life)

    async def _prepare(self, program: Program) -> None:
        running = RunningProgram(program, self._console)
        self._running.append(running)
        status = await running.run_once()
        if status != 0 and not self._stopping.is_set():
            raise StackError(
                f"Preparing the database failed ({in_words(status)}): the lines marked "
                f"{program.name!r} above say why."
            )

    async def _announce(self) -> None:
        """Say where to go, once somebody who goes there finds everything working."""
        port = self._environment.port
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await probe.until_ok(port, "/healthz")
                await probe.until_ok(port, "/readyz")
        except TimeoutError:
            self._console.line(
                "livermore",
                f"not ready after {_PATIENCE_SECONDS:.0f} s: the lines above may say why",
            )
            await probe.until_ok(port, "/readyz")
        self._console.announce(f"Livermore is ready: http://127.0.0.1:{port}/ — {self._sign_in()}")

    def _sign_in(self) -> str:
        try:
            password = self._environment.state.demo_password.read_text().strip()
        except FileNotFoundError:
            return "sign in with your own name and password"
        if not password:
            return "sign in as demo with the password you set"
        return f"sign in as demo with the password {password}"

    def _write_addresses(self, told: dict[str, str]) -> None:
        lines = [f"{name}={quote(value)}\n" for name, value in told.items()]
        write_private(self._environment.state.addresses, "".join(lines))

    async def _watch_parent(self) -> None:
        while not self._parent.was_interrupted():  # noqa: ASYNC110 - nobody could set an event
            await asyncio.sleep(_WATCH_SECONDS)
        self._stopping.set()

    async def _watch(self, server: Server) -> None:
        """Start a server again that ended."""
        backoff, began = Backoff(), time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if server.exit_status is None:
                continue
            pause = backoff.pause_after(time.monotonic() - began)
            self._console.line(
                "livermore",
                f"{server.title} ended ({in_words(server.exit_status)}); starting it again in "
                f"{pause:g} s",
            )
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                server.launch(server.port)  # forks: must stay on this thread
                await asyncio.to_thread(server.wait_until_ready)
            except StackError as error:
                self._console.line("livermore", str(error))
            else:
                self._console.line("livermore", f"{server.title} is back")
