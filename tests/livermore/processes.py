"""Seeing and ending every process of one state directory, as an operator would."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_GONE_SECONDS = 10.0


def processes_of(state: Path) -> list[int]:
    """Processes that were told of this directory, or live in it."""
    name = str(state)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            told = name.encode() in (entry / "environ").read_bytes()
            lives_there = str((entry / "cwd").readlink()).startswith(f"{name}/")
            named = name.encode() in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if told or lives_there or named:
            found.append(int(entry.name))
    return found


def kill_all(state: Path) -> None:
    """``kill -9`` of everything at once, and wait until it is gone."""
    for pid in processes_of(state):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until_gone(state)


def wait_until_gone(state: Path) -> None:
    """Return once no process of this directory is left."""
    deadline = time.monotonic() + _GONE_SECONDS
    while left := processes_of(state):
        assert time.monotonic() < deadline, f"still running: {left}"
        os.sched_yield()
