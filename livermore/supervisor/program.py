"""One program of the tree: started, its output passed on, started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping
from dataclasses import dataclass, field

from livermore import env
from livermore.embedded.process import follow_parent
from livermore.supervisor.backoff import Backoff
from livermore.supervisor.console import Console

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: its name in the log, its command line, what its environment adds."""

    name: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


class RunningProgram:
    """A program and the process that currently is it.

    It is stopped by `stop`, never by cancelling: a process whose output nobody reads to the end
    may not end, and asyncio waits for both.
    """

    def __init__(self, program: Program, console: Console) -> None:
        self.name = program.name
        self._program = program
        self._console = console
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def run_once(self) -> int:
        """Run the program to its end, passing its lines on; returns its exit status."""
        self._idle.clear()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._program.arguments,
                cwd=env.PROJECT,
                env={**os.environ, **self._program.environ, "PYTHONUNBUFFERED": "1"},
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                start_new_session=True,
                # SIGKILL: without its supervisor it would also be without its servers.
                preexec_fn=follow_parent(signal.SIGKILL),
            )
            self._process = process
            assert process.stdout is not None  # noqa: S101 - asked for a pipe
            await self._pass_on(process.stdout)
            return await process.wait()
        finally:
            self._process = None
            self._idle.set()

    async def keep_running(self) -> None:
        """Run the program until it is stopped."""
        backoff = Backoff()
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self.run_once()
            if self._stopping.is_set():
                return
            pause = backoff.pause_after(time.monotonic() - began)
            self._console.line(
                "livermore",
                f"{self.name} ended ({in_words(status)}); starting it again in {pause:g} s",
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def stop(self, within_seconds: float) -> None:
        """Ask the process to end, and end it when it does not."""
        self._stopping.set()
        self._send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._idle.wait(), within_seconds)
        except TimeoutError:
            self._console.line("livermore", f"{self.name} did not stop by itself: killed")
            self._send(signal.SIGKILL)
            await self._idle.wait()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _pass_on(self, output: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await output.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._console.line(self.name, line.decode(errors="replace"))
        if rest:
            self._console.line(self.name, rest.decode(errors="replace"))


def in_words(status: int) -> str:
    """How a process ended, for people."""
    if status >= 0:
        return f"status {status}"
    return f"signal {signal.Signals(-status).name}"
