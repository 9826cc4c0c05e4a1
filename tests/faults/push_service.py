"""A push service on loopback, as Apprise's ``json://`` speaks to one.

Rule 1: it keeps what it was sent and how it answered; whether a message is there is for it to say.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

SYMBOL = re.compile(r"\b[AB]\d\d-USD\b")
MOST_SECONDS = 30.0


class Answer(Enum):
    """How a message is met."""

    TAKEN = 200
    BUSY = 429
    TROUBLE = 503
    BROKEN = 0  # taken, and hung up on before it is said


class PushService:
    """Every message that it was sent, by user; while it is not ``open``, what it takes is held."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.taken: dict[str, Counter[str]] = {}
        self.held: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self._answers = cycle([Answer.TAKEN])
        self._lock = threading.Lock()

    def answer(self, *answers: Answer) -> None:
        """From now on answer like this, in turns."""
        self._answers = cycle(answers)

    def url_of(self, reader: str) -> str:
        """The address of one reader, as Apprise has it."""
        return f"json://127.0.0.1:{self.port}/{reader}"

    def receive(self, path: str, body: str) -> Answer:
        """Take a message, or do not."""
        reader = path.strip("/")
        with self._lock:
            answer = next(self._answers)
            if answer not in {Answer.TAKEN, Answer.BROKEN}:
                return answer
            self.taken.setdefault(reader, Counter()).update(set(SYMBOL.findall(body)))
            self.held.append(reader)
        self.open.wait(MOST_SECONDS)
        with self._lock:
            self.held.remove(reader)
        return answer


@contextmanager
def push_service() -> Iterator[PushService]:
    """A push service for the length of a block."""

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = service.receive(self.path, f"{body['title']}\n{body['message']}")
            if answer is not Answer.BROKEN:
                self.send_response(answer.value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                """Whoever sent it has been killed meanwhile."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Request) as server:
        service = PushService(server.server_address[1])
        serving = threading.Thread(target=server.serve_forever, name="push service")
        serving.start()
        try:
            yield service
        finally:
            service.open.set()
            server.shutdown()
            serving.join()
