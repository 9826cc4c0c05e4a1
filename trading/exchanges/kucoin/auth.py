"""Keys of KuCoin, and what proves them: signatures over a request and over a passphrase.

Rule 1: the time comes in as an argument; a signature is good for five seconds.
Rule 2: no error, no repr and no chained exception holds a character of the secret or passphrase.
Rule 3: what is signed is the path with its query as it is sent; the venue's own client signs a
    query that is not encoded, so no value of a signed one may need to be.

Source: www.kucoin.com/docs, authentication, read 2026-11-20. The first version of keys, whose
passphrase was sent as it is, is not supported.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import replace
from urllib.parse import urlencode

from trading.core.errors import ConfigError
from trading.exchanges.ports import Request

VERSIONS = ("3", "2")
"""The versions of keys that are taken; the first one is what is made now."""

ACCEPTED = "the secret as shown once when the key is made (letters, digits and hyphens)"

_NAME = re.compile(r"([0-9A-Za-z]{16,64})(?::v([0-9]))?")
_SECRET = re.compile(r"[0-9A-Za-z-]{16,128}")
_MOST_PASSPHRASE = 64


class KucoinKey:
    """A key that signs. It shows its name in part, and never what it signs with."""

    __slots__ = ("_passphrase", "_secret", "name", "version")

    def __init__(self, name: str, secret: str, passphrase: str, version: str = "3") -> None:
        self.name = name
        self.version = version
        self._secret = secret.encode()
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return f"KucoinKey(name='{self.name[:4]}…', version={self.version})"

    def __reduce__(self) -> str:
        raise TypeError("a key is neither copied nor pickled")

    def signature(self, payload: str) -> str:
        """HMAC-SHA256 of a text, base64."""
        return base64.b64encode(hmac.digest(self._secret, payload.encode(), "sha256")).decode()

    def signed_passphrase(self) -> str:
        """The passphrase as the venue takes it: a signature, too."""
        return self.signature(self._passphrase)


def read_key(*, name: str, secret: str, passphrase: str) -> KucoinKey:
    """The key that these three texts are.

    Args:
        name: The API key; with ``:v2`` behind it where the venue says that its version is 2.
        secret: Its secret; see :data:`ACCEPTED`.
        passphrase: What was chosen when the key was made.

    Raises:
        ConfigError: If they are none, in words without any of the secret.
    """
    name, secret, passphrase = name.strip(), secret.strip(), passphrase.strip()
    found = _NAME.fullmatch(name)
    if found is None:
        what = "this one is something else" if name else "it is missing"
        raise ConfigError(f"KuCoin's API key must be letters and digits; {what}")
    version = found[2] or VERSIONS[0]
    if version not in VERSIONS:
        raise ConfigError(f"KuCoin's API key must be of version 2 or 3, was {version}")
    if not _SECRET.fullmatch(secret):
        what = "cannot be read" if secret else "is missing"
        raise ConfigError(f"KuCoin's secret {what}; accepted is {ACCEPTED}")
    if not passphrase or len(passphrase) > _MOST_PASSPHRASE or not passphrase.isprintable():
        what = "cannot be read" if passphrase else "is missing"
        raise ConfigError(f"KuCoin's passphrase {what}; it was chosen when the key was made")
    return KucoinKey(found[1], secret, passphrase, version)


def signed(request: Request, key: KucoinKey, *, at: int) -> Request:
    """The request, which has no body, with what proves the key.

    Args:
        at: The venue's time, unix seconds.
    """
    timestamp = str(at * 1_000)
    query = f"?{urlencode(request.query)}" if request.query else ""
    proof = {
        "kc-api-key": key.name,
        "kc-api-timestamp": timestamp,
        "kc-api-sign": key.signature(f"{timestamp}{request.method}{request.path}{query}"),
        "kc-api-passphrase": key.signed_passphrase(),
        "kc-api-key-version": key.version,
    }
    return replace(request, headers={**request.headers, **proof})
