"""Keys of Binance, and what proves them: a signature over the query, sent with it.

Rule 1: the time comes in as an argument; a signature is good for a few seconds.
Rule 2: no error, no repr and no chained exception holds a character of the secret.
Rule 3: the very text that is sent is signed, and the signature goes last.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, signed requests (2026-07-21).
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from urllib.parse import urlencode

from trading.core.errors import ConfigError
from trading.exchanges.ports import Request

WINDOW_MS = 10_000
"""How old a request may be when it arrives: its time is known to the second, and it travels."""

ACCEPTED = "the secret of an HMAC key (letters and digits), as shown once when the key is made"

_KEY = re.compile(r"[A-Za-z0-9]{16,200}")


class BinanceKey:
    """A key that signs. It shows its name in part, and never what it signs with."""

    __slots__ = ("_secret", "name")

    def __init__(self, name: str, secret: str) -> None:
        self.name = name
        self._secret = secret.encode()

    def __repr__(self) -> str:
        return f"BinanceKey(name='{self.name[:4]}…')"

    def __reduce__(self) -> str:
        raise TypeError("a key is neither copied nor pickled")

    def signature(self, payload: str) -> str:
        """HMAC-SHA256 of a query (and body), hexadecimal."""
        return hmac.new(self._secret, payload.encode(), "sha256").hexdigest()


def read_key(*, name: str, secret: str) -> BinanceKey:
    """The key that these two texts are.

    Args:
        name: The API key.
        secret: Its secret; see :data:`ACCEPTED`.

    Raises:
        ConfigError: If they are none, in words without any of the secret.
    """
    name, secret = name.strip(), secret.strip()
    if not _KEY.fullmatch(name):
        what = "this one is something else" if name else "it is missing"
        raise ConfigError(f"Binance's API key must be letters and digits; {what}")
    if secret.startswith("-----BEGIN "):
        raise ConfigError(f"Binance's secret is an RSA or Ed25519 key; accepted is {ACCEPTED}")
    if not _KEY.fullmatch(secret):
        what = "cannot be read" if secret else "is missing"
        raise ConfigError(f"Binance's secret {what}; accepted is {ACCEPTED}")
    return BinanceKey(name, secret)


def signed(request: Request, key: BinanceKey, *, at: int) -> Request:
    """The request with what proves the key.

    Args:
        at: The venue's time, unix seconds.
    """
    query = {**request.query, "recvWindow": str(WINDOW_MS), "timestamp": str(at * 1_000)}
    signature = key.signature(urlencode(query))
    return replace(
        request,
        query={**query, "signature": signature},
        headers={**request.headers, "x-mbx-apikey": key.name},
    )
