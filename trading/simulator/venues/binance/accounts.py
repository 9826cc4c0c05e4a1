"""Keys that the simulated Binance knows, what they may do, and the balances that they open.

Rule 1: a signature is really verified, over the text that was sent, and it stands last.
Rule 2: nothing is shared with the code that signs; what both know is the documentation.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, signed requests (2026-07-21);
developers.binance.com, API key permission, read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from trading.simulator import catalog
from trading.simulator.catalog import Product
from trading.simulator.holdings import holdings
from trading.simulator.venues.binance import rows
from trading.simulator.venues.binance.asked import Refused, integer, mandatory
from trading.simulator.venues.ports import Ask, Moment
from trading.simulator.world import World

PATHS = frozenset({"/api/v3/account", "/sapi/v1/account/apiRestrictions"})
_USUAL_WINDOW_MS, _MOST_WINDOW_MS = 5_000, 60_000
_AHEAD_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedKey:
    """A key to the simulated balances, with what it may do. It is worth nothing elsewhere."""

    name: str
    secret: str = field(repr=False)
    can_view: bool = True
    can_trade: bool = False
    can_withdraw: bool = False

    def portal_file(self) -> dict[str, str]:
        """What its owner notes down when it is made."""
        return {"name": self.name, "secret": self.secret}


def new_key() -> SimulatedKey:
    """A key that nobody had before."""
    return SimulatedKey(name=secrets.token_hex(32), secret=secrets.token_hex(32))


def key_of_file(text: bytes) -> SimulatedKey:
    """The key in a file: ``{"name": …, "secret": …}``.

    Raises:
        ValueError: If it is none, without a word of its content.
    """
    try:
        file = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        file = {}
    if not file.get("name") or not file.get("secret"):
        raise ValueError("the key file must be JSON with name and secret")
    return SimulatedKey(name=file["name"], secret=file["secret"])


def answer(world: World, keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> Any:
    """The body of a private answer. Raises: Refused."""
    key = _proven(keys, ask, at)
    if ask.path.startswith("/sapi/"):
        return _restrictions(key)
    if not key.can_view:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return _account(world)


def _proven(keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> SimulatedKey:
    """The key that signed this request, just now. Raises: Refused."""
    name = ask.headers.get("x-mbx-apikey", "")
    if not name.isascii() or not name.isalnum():
        raise Refused(-2014, "API-key format invalid.", status=401)
    if (key := keys.get(name)) is None:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    mandatory(ask, "timestamp")
    signature = mandatory(ask, "signature")
    signed = urlencode(ask.query[:-1]).encode()
    expected = hmac.new(key.secret.encode(), signed, hashlib.sha256).hexdigest()
    if ask.query[-1][0] != "signature" or not hmac.compare_digest(signature, expected):
        raise Refused(-1022, "Signature for this request is not valid.")
    window = integer(ask, "recvWindow", _USUAL_WINDOW_MS)
    if window > _MOST_WINDOW_MS:
        raise Refused(-1131, "'recvWindow' must be less than 60000.")
    late = at.told_ns // 1_000_000 - integer(ask, "timestamp", 0)
    if late <= -_AHEAD_MS:
        raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if late > window:
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
    return key


def _restrictions(key: SimulatedKey) -> dict[str, Any]:
    return {
        "ipRestrict": False,
        "createTime": 1_698_645_219_000,
        "enableReading": key.can_view,
        "enableWithdrawals": key.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": key.can_trade,
        "enablePortfolioMarginTrading": False,
    }


def _account(world: World) -> dict[str, Any]:
    """All balances in one answer, of what is held and of what is not."""
    assets = _assets(world.products.values())
    held = {
        one.currency: one for one in holdings(world.seed, catalog.products()) if one.kind != "vault"
    }
    balances = [
        {
            "asset": asset,
            "free": rows.written(held[asset].step, held[asset].available),
            "locked": rows.written(held[asset].step, held[asset].hold),
        }
        for asset in assets
        if asset in held
    ]
    rates = {"maker": "0.00150000", "taker": "0.00150000"}
    return {
        "makerCommission": 15,
        "takerCommission": 15,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates | {"buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": True,
        "canWithdraw": True,  # of the account, whatever a key may do
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": 1_698_645_219_000,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 354_937_868,
    }


def _assets(listed: Any) -> list[str]:
    products: list[Product] = list(listed)
    return list(dict.fromkeys([*(p.base for p in products), *(p.quote for p in products)]))
