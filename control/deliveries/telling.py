"""Telling a user's open pages, from a web process or a terminal, that alerts have moved.

Rule 1: what cannot be told now is worth nothing later: with Redis away a page learns it when it is
    loaded again, and nobody who acts waits or fails because of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from redis.exceptions import RedisError

from control import wire
from control.deliveries.queue import Moved
from control.protocol import AlertEvent, events_of

log = structlog.get_logger(__name__)

MOST_TOLD: Final = 200  # a page shows thirty


def tell_pages(moved: Sequence[Moved]) -> None:
    """Publish what became of alerts, the newest of them."""
    newest = sorted(moved)[-MOST_TOLD:]
    if not newest:
        return
    try:
        with wire.shared().pipeline(transaction=False) as pipe:
            for alert_id, sub, state in newest:
                pipe.publish(events_of(sub), AlertEvent(id=alert_id, state=state).to_json())
            pipe.execute()
    except RedisError as exc:
        log.warning("deliveries.not_told", sub=newest[-1].sub, reason=type(exc).__name__)
