"""KuCoin's leave to dial: a token and an address, for one connection.

Rule 1: nothing is sent from here; a shell carries the request and brings the answer.
Rule 2: the token admits whoever has it: it stands in the address alone, and in no error.

Source: www.kucoin.com/docs, websocket, read 2026-11-20; the weight after the venue's own client,
github.com/Kucoin/kucoin-universal-sdk.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import msgspec

from trading.core.errors import Malformed
from trading.exchanges.kucoin.frames import NAME
from trading.exchanges.kucoin.refusals import read
from trading.exchanges.ports import Request, Response


class _Server(msgspec.Struct):
    endpoint: str


class _Token(msgspec.Struct, rename="camel"):
    token: str
    instance_servers: list[_Server]


_token = msgspec.json.Decoder(_Token)


class KucoinSessions:
    """The way to a connection; implements ``Sessions`` and holds no state."""

    def request(self) -> Request:
        """Leave to make one connection, and where to."""
        return Request(method="POST", path="/api/v1/bullet-public", weight=10)

    def address(self, response: Response, nonce: str) -> str:
        """The address to dial. The token in it is good for this connection, and for a day.

        Raises: Unreachable, RateLimited, Rejected, Malformed.
        """
        told = read(response, _token)
        if not told.token or not told.instance_servers:
            raise Malformed(NAME, "answer must tell a token and a server")
        endpoint = told.instance_servers[0].endpoint
        if not _can_be_dialled(endpoint):
            raise Malformed(NAME, "the server must be an address")
        return f"{endpoint}?{urlencode({'token': told.token, 'connectId': nonce})}"


def _can_be_dialled(endpoint: str) -> bool:
    """Whether it names a host, and a query can stand behind it.

    Whoever dials complains of anything else in words that repeat the whole address.
    """
    try:
        parts = urlsplit(endpoint)
        return bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        return False
