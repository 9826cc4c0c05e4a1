"""A whole Livermore, started as ``make run`` starts it, in a directory of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from livermore import env
from livermore.embedded.ports import free_port

_READY_SECONDS = 50.0
_STOP_SECONDS = 5.0

# What this test run was told about its own servers must not reach the program under test.
_OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "EXCHANGE", "MAKELEVEL")


def environment(state: Path, **variables: str) -> dict[str, str]:
    """The environment of somebody who has set nothing but the state directory."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _OURS and not name.startswith("LIVERMORE_")
    }
    return {**inherited, "LIVERMORE_STATE": str(state), **variables}


def refused(state: Path, **variables: str) -> str:
    """Try to run; return the one sentence with which that is refused."""
    done = subprocess.run(
        [sys.executable, "-m", "livermore", "run"],
        cwd=env.PROJECT,
        env=environment(state, **variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def manage(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One management command, which has to find the stack by itself."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=env.PROJECT,
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@dataclass
class Livermore:
    """One run."""

    state: Path
    port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it and return when it says that it is ready."""
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "livermore", "run"],
            cwd=env.PROJECT,
            env=environment(self.state, PORT=str(self.port), LIVERMORE_DATABASE_POOL="2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(_READY_SECONDS), "".join(self.lines)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it by a signal; returns how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(_STOP_SECONDS * 2)
        self._reader.join()
        return time.monotonic() - began

    def get(self, path: str) -> bytes:
        """The body of one page."""
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            body: bytes = answer.read()
            return body

    def wait_for_line(self, text: str, within_seconds: float = 20.0) -> None:
        """Return once a line of the log holds ``text``."""
        deadline = time.monotonic() + within_seconds
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < deadline, "".join(self.lines)
            os.sched_yield()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)
                if line.startswith("Livermore is ready"):
                    self._ready.set()
