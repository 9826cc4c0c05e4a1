"""The log of the whole tree on one terminal: every line says who wrote it."""

from __future__ import annotations

import sys
from typing import TextIO

_WIDTH = 9
_RESET = "\x1b[0m"
_COLOURS = {
    "livermore": "\x1b[1m",
    "setup": "\x1b[36m",
    "web": "\x1b[32m",
    "runtime": "\x1b[35m",
    "exchange": "\x1b[33m",
}


class Console:
    """Writes whole lines, prefixed with the name of their program."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._coloured = self._out.isatty()

    def line(self, name: str, text: str) -> None:
        """One line of one program."""
        prefix = f"{name:<{_WIDTH}} |"
        if self._coloured:
            prefix = f"{_COLOURS.get(name, '')}{prefix}{_RESET}"
        self._write(f"{prefix} {text}")

    def announce(self, text: str) -> None:
        """A line of the supervisor itself that is meant for the person at the terminal."""
        self._write(text)

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
