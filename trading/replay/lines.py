"""The lines of a recording: a file, a compressed one, or standard input.

Rule 1: bytes become text here; what a line means is said in :mod:`trading.replay.rows`.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from trading.replay.errors import Unreadable

STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One line, by its number from 1 on.

    Args:
        content: Bytes, because it may be no text.
        fault: Why there is no such line though there should be; empty if there is.
    """

    number: int
    content: bytes
    fault: str = ""

    def text(self) -> str:
        """The line without its end.

        Raises:
            Unreadable: If there is none, or it is not UTF-8.
        """
        if self.fault:
            raise Unreadable(self.fault)
        try:
            return self.content.decode().strip("\ufeff\r\n")
        except UnicodeDecodeError as error:
            raise Unreadable(f"line must be UTF-8: {error.reason}") from error


@contextmanager
def opened(name: str) -> Iterator[Iterator[Line]]:
    """The lines of a file; compressed or not is seen by its first bytes.

    Args:
        name: A path, or ``-`` for standard input.

    Raises:
        OSError: If it cannot be opened or read.
    """
    if name == STANDARD_INPUT:
        yield _lines(sys.stdin.buffer)
        return
    with Path(name).open("rb") as file:
        yield _lines(file)


def _lines(raw: BinaryIO) -> Iterator[Line]:
    file = (
        raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    )
    if file.peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
        file = cast("io.BufferedReader", gzip.GzipFile(fileobj=file))
    number = 0
    try:
        for number, content in enumerate(file, start=1):
            yield Line(number, content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # What was decompressed so far stands.
        yield Line(number + 1, b"", f"the compressed file is broken from here on: {error}")
