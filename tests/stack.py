"""The servers under the tests: an own PostgreSQL and Valkey in a temporary directory.

Rule 1: never the developer's running ones, so the tests pass while ``make run`` runs.
Rule 2: addresses are known before Django's settings load, but the servers start only when a test
    first needs them: tests of pure rooms cost nothing.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from livermore.embedded.account import server_account
from livermore.embedded.ports import free_port
from livermore.embedded.stack import Stack


class LazyStack:
    """A throw-away stack whose addresses are settled before it starts."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="livermore-tests-"))
        self.state.chmod(0o711)  # the servers' account passes through
        self._stack = Stack(self.state, durable=False)
        for server in self._stack.servers:
            server.port = free_port()
        self.database_url = self._stack.database_url
        self.redis_url = self._stack.redis_url
        self.is_running = False

    def start(self) -> None:
        """Start the servers at their announced addresses, once."""
        if not self.is_running:
            self._stack.start(on_their_ports=True)
            self.is_running = True

    def remove(self) -> None:
        """Stop the servers and leave nothing behind."""
        self._stack.stop()
        shutil.rmtree(self.state, ignore_errors=True)


def announce() -> LazyStack:
    """Make the stack of this test run and tell every process of it where it is."""
    account = server_account()
    stack = LazyStack()
    atexit.register(stack.remove)  # also where the test run ends before it began
    assert account.can_reach(stack.state), f"{stack.state} is closed to the servers' account"
    for name in ("PORT", "EXCHANGE", "LIVERMORE_HTTPS", "LIVERMORE_HOSTS", "LIVERMORE_LOG_JSON"):
        os.environ.pop(name, None)
    os.environ |= {
        "LIVERMORE_STATE": str(stack.state),
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "SECRET_KEY": "tests-only-" + "k" * 50,
        "LIVERMORE_COINBASE_REST": "http://127.0.0.1:9/api/v3/brokerage",  # nobody there
        "LIVERMORE_COINBASE_WS": "ws://127.0.0.1:9",
        "LIVERMORE_BINANCE_REST": "http://127.0.0.1:9",
        "LIVERMORE_BINANCE_WS": "ws://127.0.0.1:9/stream",
        "LIVERMORE_KUCOIN_REST": "http://127.0.0.1:9",
        "LIVERMORE_HASHED_STATIC": "0",
        "LIVERMORE_DATABASE_POOL": "0",
    }
    return stack
