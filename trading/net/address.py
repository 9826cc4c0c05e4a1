"""Where to dial an exchange now.

Rule 1: an address that an exchange gives out for one connection is asked for anew each time, and
    neither kept nor logged: it holds what admits to it.
Rule 2: such an address is encrypted, unless it names this machine.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from trading.core.errors import Malformed
from trading.exchanges.ports import Exchange
from trading.net.endpoints import is_loopback
from trading.net.http import ExchangeHttp


async def address_to_dial(exchange: Exchange, http: ExchangeHttp, known: str) -> str:
    """The WebSocket address for one connection.

    Args:
        exchange: Whose.
        http: Its REST interface.
        known: The address where the exchange gives out none.

    Raises:
        ExchangeError: If it was asked for one and gave none, or one that cannot be trusted.
    """
    sessions = exchange.sessions
    if sessions is None:
        return known
    nonce = secrets.token_hex(16)
    url = await http.ask(sessions.request(), lambda response: sessions.address(response, nonce))
    scheme = urlsplit(url).scheme
    if scheme != "wss" and not (scheme == "ws" and is_loopback(url)):
        raise Malformed(exchange.name, f"the address to dial must be wss, was {scheme!r}")
    return url
