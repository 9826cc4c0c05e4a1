"""Keys that the simulated Coinbase knows, and the proof that a request was signed with one.

Rule 1: a token is really verified: its signature with the public key, then every claim.
Rule 2: nothing is shared with the code that signs; what both know is the documentation.

Source: docs.cdp.coinbase.com, API key authentication, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from trading.simulator.venues.ports import Ask, Moment

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

MOST_SECONDS = 120  # from ``nbf`` to ``exp``
SKEW_SECONDS = 30  # how far a client's clock may be ahead
_BEARER = re.compile(r"Bearer (\S+)")
# The times are held against the simulated clock below, which is not the machine's.
_SIGNATURE_ALONE: Any = dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedKey:
    """A key to the simulated accounts, with what it may do. It is worth nothing elsewhere."""

    name: str
    private: PrivateKey = field(repr=False)
    can_view: bool = True
    can_trade: bool = False
    can_transfer: bool = False

    @property
    def algorithm(self) -> str:
        """The only one that its tokens may name."""
        return "ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "EdDSA"

    def portal_file(self) -> dict[str, str]:
        """What the portal would let its owner download."""
        written = self.private.private_bytes(
            Encoding.PEM,
            PrivateFormat.TraditionalOpenSSL if self.algorithm == "ES256" else PrivateFormat.PKCS8,
            NoEncryption(),
        )
        return {"name": self.name, "privateKey": written.decode()}


def new_key() -> SimulatedKey:
    """A key that nobody had before, of the kind that the portal recommends."""
    name = f"organizations/{uuid4()}/apiKeys/{uuid4()}"
    return SimulatedKey(name=name, private=ec.generate_private_key(ec.SECP256R1()))


def key_of_file(text: bytes) -> SimulatedKey:
    """The key in a portal's file: ``{"name": …, "privateKey": PEM}``.

    Raises:
        ValueError: If it is none, without a word of its content.
    """
    try:
        file = msgspec.json.decode(text, type=dict[str, str])
        private = load_pem_private_key(file["privateKey"].encode(), password=None)
        name = file["name"]
    except (msgspec.DecodeError, KeyError, ValueError, TypeError):
        private, name = None, ""
    if not name or not isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("the key file must be the portal's JSON, with name and privateKey (PEM)")
    return SimulatedKey(name=name, private=private)


def proven(keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> SimulatedKey | None:
    """The key that signed this request, now and for nothing else; None if none did."""
    bearer = _BEARER.fullmatch(ask.headers.get("authorization", ""))
    uri = f"{ask.method} {ask.headers.get('host', '')}{ask.path}"
    return None if bearer is None else signed(keys, bearer[1], at, uri=uri)


def signed(
    keys: Mapping[str, SimulatedKey], token: str, at: Moment, *, uri: str | None = None
) -> SimulatedKey | None:
    """The key that signed this token, now and for nothing else; None if none did.

    Args:
        uri: What it must be for; None: a subscription, whose token names nothing.
    """
    try:
        name = jwt.get_unverified_header(token).get("kid")
        key = keys.get(name) if isinstance(name, str) else None
        if key is None:
            return None
        public = key.private.public_key()
        claims = jwt.decode(token, public, [key.algorithm], options=_SIGNATURE_ALONE)
    except jwt.PyJWTError:
        return None
    is_meant = claims.get("sub") == key.name and claims.get("uri") == uri
    return key if is_meant and _is_current(claims, at) else None


def _is_current(claims: Mapping[str, Any], at: Moment) -> bool:
    begins, ends = claims.get("nbf"), claims.get("exp")
    if type(begins) is not int or type(ends) is not int:
        return False
    now = at.told_ns / 1_000_000_000
    return begins <= now + SKEW_SECONDS and now < ends and 0 <= ends - begins <= MOST_SECONDS
