"""The tokens that admit to the simulated KuCoin's WebSocket: one for each connection.

Rule 1: a token is good for a day and for one connection. The real venue is not known to insist on
    the latter; a client that does is right with both.
"""

from __future__ import annotations

import base64
import secrets
import threading

LIFE_SECONDS = 86_400.0
PING_INTERVAL_MS, PING_TIMEOUT_MS = 18_000, 10_000


class Tokens:
    """Those that were given out and not used. Several threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good_until: dict[str, float] = {}

    def new(self, steady: float) -> str:
        """A token that nobody had before; like the real ones it has to be encoded in an address."""
        token = (
            f"2neA+{base64.b64encode(secrets.token_bytes(60)).decode()}.{secrets.token_hex(8)}=="
        )
        with self._lock:
            self._good_until = {
                one: until for one, until in self._good_until.items() if until > steady
            }
            self._good_until[token] = steady + LIFE_SECONDS
        return token

    def use(self, token: str, steady: float) -> bool:
        """Whether it admits to a connection now; it does so once."""
        with self._lock:
            return self._good_until.pop(token, 0.0) > steady
