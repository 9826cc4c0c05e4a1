"""A worker that takes one test alert from the queue and says what became of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from control.deliveries import queue
from tests.control.running import PATIENCE_SECONDS, eventually
from trading.models import Delivery


@contextmanager
def worker_saying(state: Delivery.State, reason: str = "") -> Iterator[None]:
    """Have the next test alert that waits end like this, while the block runs."""
    thread = threading.Thread(target=_send_one, args=(state, reason), name="sends one")
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "nothing came to be sent"


def _send_one(state: Delivery.State, reason: str) -> None:
    message = uuid.uuid4()
    try:
        eventually(lambda: _claim(message))
        queue.settle(message, state, reason)
    finally:
        connections.close_all()


def _claim(message: uuid.UUID) -> bool:
    claims = (queue.claim(lane, "one", message, most=1, system=True) for lane in queue.lanes())
    return any(claim is not None for claim in claims)
