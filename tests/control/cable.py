"""A cable to Redis that a test can cut: a relay of bytes on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Cable:
    """Everything that is said between whoever dials ``url`` and the server behind it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._socket = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        secret = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{secret}@{host}" if secret else host))
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="cable", daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every conversation, and let nobody dial again."""
        for end in (self._socket, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                far = socket.create_connection(self._server)
                self._ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    thread = threading.Thread(target=_pass_on, args=(source, target), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def join(self) -> None:
        """Wait until nothing moves any more."""
        for thread in self._threads:
            thread.join(10)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def laid_to(url: str) -> Iterator[Cable]:
    """A cable for the length of a block."""
    cable = Cable(url)
    try:
        yield cable
    finally:
        cable.cut()
        cable.join()
