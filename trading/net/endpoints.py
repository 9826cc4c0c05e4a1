"""Where an exchange is reached.

Rule 1: addresses only; which exchange they belong to is the caller's mapping.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Endpoints:
    """The two public addresses of one exchange.

    Args:
        rest: Base of every REST path, without a trailing slash
            (``https://api.coinbase.com/api/v3/brokerage``).
        websocket: Address of the market-data socket (``wss://advanced-trade-ws.coinbase.com``).
    """

    rest: str
    websocket: str


def is_loopback(url: str) -> bool:
    """Whether an address names this machine, so that no proxy may stand between."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
