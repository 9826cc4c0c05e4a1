"""Keys that the simulated KuCoin knows, what they may do, and the accounts that they open.

Rule 1: signatures are really verified, over the text that was sent; so is the passphrase.
Rule 2: nothing is shared with the code that signs; what both know is the documentation.

Source: www.kucoin.com/docs, authentication and account info, read 2026-11-20.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trading.simulator import catalog
from trading.simulator.holdings import Holding, holdings
from trading.simulator.venues.kucoin import listing
from trading.simulator.venues.kucoin.asked import Refused
from trading.simulator.venues.ports import Ask, Moment
from trading.simulator.world import World

PATHS = frozenset({"/api/v1/accounts", "/api/v1/user/api-key"})
MOST_AGE_MS = 5_000
_HEADERS = ("key", "sign", "timestamp", "passphrase")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedKey:
    """A key to the simulated accounts, with what it may do. It is worth nothing elsewhere."""

    name: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    version: str = "3"
    permission: str = "General"

    def portal_file(self) -> dict[str, str]:
        """What its owner notes down when it is made."""
        return {"name": self.name, "secret": self.secret, "passphrase": self.passphrase}


def new_key() -> SimulatedKey:
    """A key that nobody had before."""
    return SimulatedKey(
        name=secrets.token_hex(12),
        secret=secrets.token_hex(18),
        passphrase=secrets.token_hex(8),
    )


def key_of_file(text: bytes) -> SimulatedKey:
    """The key in a file: ``{"name": …, "secret": …, "passphrase": …}``.

    Raises:
        ValueError: If it is none, without a word of its content.
    """
    try:
        file = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        file = {}
    parts = [file.get(name, "") for name in ("name", "secret", "passphrase")]
    if not all(parts):
        raise ValueError("the key file must be JSON with name, secret and passphrase")
    return SimulatedKey(name=parts[0], secret=parts[1], passphrase=parts[2])


def data(world: World, keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> Any:
    """The data of a private answer. Raises: Refused."""
    key = _proven(keys, ask, at)
    if ask.path.endswith("api-key"):
        return {
            "remark": "simulated",
            "apiKey": key.name,
            "apiVersion": int(key.version),
            "permission": key.permission,
            "ipWhitelist": "",
            "createdAt": 1_728_443_843_000,
            "uid": 165_111_215,
            "isMaster": True,
        }
    if "General" not in key.permission.split(","):
        raise Refused("400007", "Access denied, require more permission.")
    held = holdings(world.seed, catalog.products())
    kinds = (ask.first("type"), ask.first("currency"))
    rows = [_row(number, one) for number, one in enumerate(held) if one.kind != "vault"]
    return [
        row
        for row in rows
        if kinds[0] in {None, "", row["type"]} and kinds[1] in {None, "", row["currency"]}
    ]


def _proven(keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> SimulatedKey:
    """The key that signed this request, just now. Raises: Refused."""
    told = [ask.headers.get(f"kc-api-{name}", "") for name in _HEADERS]
    if not all(told):
        raise Refused("400001", "Please check the header of your request.")
    name, sign, timestamp, passphrase = told
    if not timestamp.isdigit() or abs(at.told_ns // 1_000_000 - int(timestamp)) > MOST_AGE_MS:
        raise Refused("400002", "KC-API-TIMESTAMP Invalid")
    if (key := keys.get(name)) is None:
        raise Refused("400003", "KC-API-KEY not exists")
    if ask.headers.get("kc-api-key-version") != key.version:
        raise Refused("400009", "Invalid KC-API-KEY-VERSION")
    if not hmac.compare_digest(passphrase, _signature(key, key.passphrase)):
        raise Refused("400004", "Invalid KC-API-PASSPHRASE")
    query = "&".join(f"{name}={value}" for name, value in ask.query)
    signed = f"{timestamp}{ask.method}{ask.path}{'?' if query else ''}{query}"
    if not hmac.compare_digest(sign, _signature(key, signed)):
        raise Refused("400005", "Invalid KC-API-SIGN")
    return key


def _signature(key: SimulatedKey, text: str) -> str:
    digest = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _row(number: int, one: Holding) -> dict[str, str]:
    return {
        "id": f"{548_674_591_753 + number}",
        "currency": listing.coin(one.currency),
        "type": "main" if number % 2 else "trade",
        "balance": one.step.write(one.available + one.hold),
        "available": one.step.write(one.available),
        "holds": one.step.write(one.hold),
    }
