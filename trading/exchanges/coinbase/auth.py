"""Keys of the Coinbase Developer Platform, and the tokens that they sign.

Rule 1: the time and the nonce come in as arguments; a token is good for one request, or for one
    message, and for two minutes.
Rule 2: no error, no repr and no chained exception holds a character of the secret: whatever a
    parser says about it is thrown away, and the sentence says what is accepted instead.

Source: docs.cdp.coinbase.com, API key authentication, and the vendor's SDK (coinbase-advanced-py
1.8), read 2026-11-20.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trading.core.errors import ConfigError
from trading.exchanges.ports import Request

ISSUER = "cdp"
LIFE_SECONDS = 120  # the most that the venue allows

ACCEPTED = (
    "the private key as PEM (EC P-256 or Ed25519), an Ed25519 key as base64 of 32 or 64 bytes, "
    "or the portal's whole JSON file"
)

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey

_SEED_BYTES = 32
_ED25519_BYTES = (_SEED_BYTES, 64)  # the seed alone, or the seed and the public key
_NAME = re.compile(r"[A-Za-z0-9._/:@-]{1,200}")
_NONCE = re.compile(r"[0-9a-f]{64}")
_USUAL_PORTS = {"https": 443, "http": 80}


class CoinbaseKey:
    """A key that signs. It shows its name, and never what it signs with."""

    __slots__ = ("_private", "algorithm", "name")

    def __init__(self, name: str, private: PrivateKey) -> None:
        self.name = name
        self.algorithm = "ES256" if isinstance(private, EllipticCurvePrivateKey) else "EdDSA"
        self._private = private

    def __repr__(self) -> str:
        return f"CoinbaseKey(name={self.name!r}, algorithm={self.algorithm!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key is neither copied nor pickled")

    def token(self, *, at: int, nonce: str, uri: str | None = None) -> str:
        """A JSON Web Token.

        Args:
            at: The venue's time, unix seconds.
            nonce: 64 hexadecimal digits, random and used once.
            uri: Method, blank, host and path that it is for; None where it is for a message.

        Raises:
            ValueError: If the nonce is none.
        """
        if not _NONCE.fullmatch(nonce):
            raise ValueError("nonce must be 64 hexadecimal digits")
        claims = {"sub": self.name, "iss": ISSUER, "nbf": at, "exp": at + LIFE_SECONDS}
        return jwt.encode(
            claims if uri is None else claims | {"uri": uri},
            self._private,
            algorithm=self.algorithm,
            headers={"kid": self.name, "nonce": nonce},
        )


class _PortalFile(msgspec.Struct, rename="camel"):
    """What the portal lets one download: ``name`` in older files, ``id`` in newer ones."""

    private_key: str
    name: str = ""
    id: str = ""


_portal_files = msgspec.json.Decoder(_PortalFile)


def read_key(*, name: str, secret: str) -> CoinbaseKey:
    """The key that these two texts are.

    Args:
        name: ``organizations/…/apiKeys/…`` or a UUID; may be empty beside a whole file.
        secret: One of :data:`ACCEPTED`; a PEM may have its line feeds written as ``\\n``.

    Raises:
        ConfigError: If they are none, in words without any of the secret.
    """
    name, secret = name.strip(), secret.strip()
    if secret.startswith("{"):
        file = _portal_file(secret)
        if file is None:
            raise _unreadable("is JSON, but not the portal's: it needs name (or id) and privateKey")
        written = (file.name or file.id).strip()
        if name and name != written:
            raise _unreadable("is the file of another key than the one named")
        name, secret = written, file.private_key.strip()
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "Coinbase's key name must be organizations/…/apiKeys/… or the key's id, as the portal "
            "shows it; this one is " + ("something else" if name else "missing")
        )
    private = _private_key(secret)
    if private is None:
        raise _unreadable("cannot be read" if secret else "is missing")
    return CoinbaseKey(name, private)


def signed(request: Request, key: CoinbaseKey, *, base: str, at: int, nonce: str) -> Request:
    """The request with a token that is good for it alone.

    Args:
        base: The REST base address that the request's path is relative to.
        at: The venue's time, unix seconds.
        nonce: 64 hexadecimal digits, random and used once.
    """
    address = urlsplit(base)
    host = address.hostname or ""
    if address.port not in {None, _USUAL_PORTS.get(address.scheme)}:
        host = f"{host}:{address.port}"
    uri = f"{request.method} {host}{address.path.rstrip('/')}{request.path}"
    token = key.token(at=at, nonce=nonce, uri=uri)
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})


def subscription_token(key: CoinbaseKey, *, at: int, nonce: str) -> str:
    """The ``jwt`` of one private WebSocket message; it is bound to no address."""
    return key.token(at=at, nonce=nonce)


def _unreadable(what: str) -> ConfigError:
    return ConfigError(f"Coinbase's secret {what}; accepted are {ACCEPTED}")


# The readers answer None instead of raising, so that no error that quotes a secret, or carries it
# as msgspec's and the decoders' may, becomes the context of ours.


def _portal_file(text: str) -> _PortalFile | None:
    try:
        return _portal_files.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _private_key(secret: str) -> PrivateKey | None:
    return _of_pem(secret) if secret.startswith("-----BEGIN ") else _of_base64(secret)


def _of_pem(text: str) -> PrivateKey | None:
    lines = text.replace("\\r", "").replace("\\n", "\n")
    try:
        found = load_pem_private_key(lines.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(found, Ed25519PrivateKey):
        return found
    if isinstance(found, EllipticCurvePrivateKey) and isinstance(found.curve, SECP256R1):
        return found
    return None


def _of_base64(text: str) -> PrivateKey | None:
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(decoded) not in _ED25519_BYTES:
        return None
    return Ed25519PrivateKey.from_private_bytes(decoded[:_SEED_BYTES])
