"""Noticing that ``make`` was told to stop.

The terminal's Ctrl-C reaches make and us alike. A SIGINT sent to make alone does not: make then
puts the signal back to its default and waits for its children, without telling them (it passes
on SIGTERM only; GNU make, ``src/commands.c``, ``fatal_error_signal``). What can be seen from
outside is that it no longer catches the signal.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


class Parent:
    """The process that started us, if the system tells about it (Linux)."""

    def __init__(self) -> None:
        self._status = Path(f"/proc/{os.getppid()}/status")
        self._caught_interrupt = self._catches_interrupt()

    def was_interrupted(self) -> bool:
        """Whether it caught SIGINT when we began and no longer does."""
        return self._caught_interrupt and not self._catches_interrupt()

    def _catches_interrupt(self) -> bool:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return False
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) >> (signal.SIGINT - 1) & 1)
