"""Starting processes that never outlive their supervisor, and finding those that would.

Rule 1: every process is started here, from the main thread: Linux ties the parent-death signal
    to the thread that forked.
Rule 2: a child has a session of its own; the terminal's Ctrl-C reaches the supervisor alone,
    which stops the others in order.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LOG_KEPT_BYTES = 5_000_000
# Loaded before any fork: the child may only make the call, not import.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def follow_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """A ``preexec_fn`` after which the child receives ``with_signal`` when its parent dies.

    None where the system cannot do that (only Linux can): there, a killed supervisor leaves its
    children, and the next start finds them.
    """
    if _LIBC is None:
        return None
    prctl, parent = _LIBC.prctl, os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return arrange


def follow_own_parent() -> None:
    """Ask for SIGTERM when whoever started this very process dies (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def spawn_server(
    arguments: Sequence[str | Path],
    *,
    log: Path,
    dies_by: signal.Signals,
    as_user: Mapping[str, Any],
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a server whose output goes to ``log``."""
    if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd="/",  # both servers go to their data directory themselves
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=follow_parent(dies_by),  # noqa: PLW1509 - see Rule 1: no other thread forks
            env={"PATH": os.defpath, "LC_ALL": "C"},
            **as_user,
        )


def residents(directory: Path) -> list[int]:
    """Processes whose working directory is ``directory``.

    Both servers live in their data directory. Unlike a pid file this survives reused pids and
    zombies that nobody reaps (a zombie has no working directory). Empty where there is no /proc.
    """
    found = []
    target = str(directory.resolve())
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()) == target:
                found.append(int(entry.name))
        except OSError:
            continue  # gone meanwhile, or not ours to look at
    return found


def stop_process(
    process: subprocess.Popen[bytes], *, by: signal.Signals, within_seconds: float
) -> bool:
    """Ask a process to end, then end it. Returns whether it obeyed by itself."""
    if process.poll() is None:
        process.send_signal(by)
    try:
        process.wait(within_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
