"""Coinbase Advanced Trade's private REST paths: a key's permissions, its accounts, the twins.

Rule 1: nothing is told to who does not prove a key: 401 and one word, whatever was wrong.

Paths: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api (read 2026-11) and
production answers of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

import msgspec

from trading.simulator.clock import rfc3339
from trading.simulator.holdings import Holding, holdings
from trading.simulator.venues.coinbase import rest
from trading.simulator.venues.coinbase.asked import Refused, error, integer, invalid
from trading.simulator.venues.coinbase.keys import SimulatedKey, proven
from trading.simulator.venues.ports import Answer, Ask, Moment
from trading.simulator.world import World

Row = dict[str, Any]

USUAL_ACCOUNTS, MOST_ACCOUNTS = 49, 250
_OURS = UUID("6f2b1c1e-2f0a-4b7e-9d53-0c2f9a7b4e11")  # the name space of our made-up ids
_OPENED_NS = 1_700_000_000 * 1_000_000_000
_TYPES = {
    "crypto": "ACCOUNT_TYPE_CRYPTO",
    "fiat": "ACCOUNT_TYPE_FIAT",
    "vault": "ACCOUNT_TYPE_VAULT",
}
_MISSING_SCOPES = error("PERMISSION_DENIED", "Missing required scopes")
# Market data that is also answered without ``/market`` in front, to who has a key.
_TWINS = frozenset({"products", "product_book"})


def answer(world: World, keys: Mapping[str, SimulatedKey], ask: Ask, at: Moment) -> Answer:
    """The answer to one private request."""
    key = proven(keys, ask, at)
    if key is None:
        return rest.UNAUTHORIZED
    try:
        body = _private(world, key, ask, at)
    except Refused as refused:
        return refused.answer
    return Answer(status=200, body=msgspec.json.encode(body))


def _private(world: World, key: SimulatedKey, ask: Ask, at: Moment) -> Any:
    path = rest.parts(ask)
    if ask.method != "GET":  # nothing can be ordered here, and no key has the scope
        raise Refused(403, _MISSING_SCOPES)
    if path == ["key_permissions"]:
        return _permissions(world, key)
    if not key.can_view:
        raise Refused(403, _MISSING_SCOPES)
    match path:
        case ["accounts"]:
            return _page(_rows(world), ask)
        case ["accounts", uuid]:
            found = [row for row in _rows(world) if row["uuid"] == uuid]
            if not found:
                raise Refused(404, error("NOT_FOUND", "account not found"))
            return {"account": found[0]}
        case [first, *_] if first in _TWINS:
            return rest.public(world, ["market", *path], ask, at)
    raise Refused(404, {"error": "NOT_FOUND", "message": "Not Found"})


def user_id(world: World) -> str:
    """The id of the accounts' owner."""
    return _id(world, "user")


def _permissions(world: World, key: SimulatedKey) -> Row:
    return {
        "can_view": key.can_view,
        "can_trade": key.can_trade,
        "can_transfer": key.can_transfer,
        "portfolio_uuid": _id(world, "portfolio"),
        "portfolio_type": "DEFAULT",
    }


def _page(rows: list[Row], ask: Ask) -> Row:
    limit = integer(ask, "limit", USUAL_ACCOUNTS) or USUAL_ACCOUNTS
    if limit > MOST_ACCOUNTS:
        raise invalid(f"limit must be at most {MOST_ACCOUNTS}")
    # A cursor is the id of the account before the page.
    after = ask.first("cursor") or ""
    ids = [row["uuid"] for row in rows]
    if after and after not in ids:
        raise invalid("cursor argument is invalid")
    start = ids.index(after) + 1 if after else 0
    page = rows[start : start + limit]
    has_next = start + limit < len(rows)
    return {
        "accounts": page,
        "has_next": has_next,
        "cursor": page[-1]["uuid"] if has_next else "",
        "size": len(page),
    }


@lru_cache(maxsize=4)
def _rows(world: World) -> list[Row]:
    """All accounts, in the order of their ids: what is held is strewn over the pages."""
    rows = [_row(world, holding) for holding in holdings(world.seed, world.products)]
    return sorted(rows, key=lambda row: str(row["uuid"]))


def _row(world: World, holding: Holding) -> Row:
    currency = holding.currency
    kind = "Vault" if holding.kind == "vault" else "Wallet"
    return {
        "uuid": _id(world, holding.kind, currency),
        "name": f"{currency} {kind}",
        "currency": currency,
        "available_balance": _amount(holding, holding.available),
        "default": currency == "BTC" and holding.kind == "crypto",
        "active": True,
        "created_at": rfc3339(_OPENED_NS),
        "updated_at": rfc3339(_OPENED_NS + 26_101_000),
        "deleted_at": None,
        "type": _TYPES[holding.kind],
        "ready": True,
        "hold": _amount(holding, holding.hold),
        "retail_portfolio_id": _id(world, "portfolio"),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def _amount(holding: Holding, count: int) -> dict[str, str]:
    return {"value": holding.step.write(count), "currency": holding.currency}


def _id(world: World, *parts: str) -> str:
    return str(uuid5(_OURS, "\0".join((str(world.seed), *parts))))
