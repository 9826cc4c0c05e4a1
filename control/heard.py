"""What Redis says of a user's runtime now, and what may therefore be said of it.

Rule 1: what cannot be known is not shown as if it were: with Redis away the state is "unknown",
    which is not "offline".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from control import client
from control.protocol import RuntimeStatus, now_ms
from settings_app.models import User

log = structlog.get_logger(__name__)

LABELS: Final = {
    "starting": "Starting",
    "running": "Running",
    "paused": "Paused",
    "faulted": "Faulted",
    "stale": "No heartbeat",
    "offline": "Offline",
    "unknown": "Unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What Redis says of a runtime at ``at`` (unix ms)."""

    status: RuntimeStatus | None
    is_reachable: bool
    at: int

    @property
    def state(self) -> str:
        """The state that may be claimed: a status older than two heartbeats claims nothing."""
        if not self.is_reachable:
            return "unknown"
        if self.status is None:
            return "offline"
        if self.at - self.status.at > 2 * self.status.heartbeat_ms:
            return "stale"
        return self.status.state

    @property
    def label(self) -> str:
        """The state in a word or two."""
        return LABELS[self.state]

    @property
    def is_current(self) -> bool:
        """Whether the values are from now."""
        return self.state not in {"unknown", "offline", "stale"}


def listen(user: User) -> Heard:
    """The last status of a user's runtime, or that nothing can be known."""
    try:
        status, is_reachable = client.status(user), True
    except (RedisError, ValidationError) as exc:  # away, or a worker speaks another version
        log.warning("heard.status_unknown", reason=str(exc))
        status, is_reachable = None, False
    return Heard(status=status, is_reachable=is_reachable, at=now_ms())
