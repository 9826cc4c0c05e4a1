"""Which keys we take, by what they may do: to read is enough, to move money is too much.

Rule 1: what a venue calls a permission is its folder's business; what it means is decided here.
"""

from __future__ import annotations

from trading.core.errors import KeyRefused
from trading.exchanges.ports import KeyPermissions

TRADES = (
    "the key may also trade. Livermore never places an order: "
    "a key that may only view does as well, and is safer"
)


def warnings(exchange: str, permissions: KeyPermissions) -> list[str]:
    """What to tell the owner of a key that is taken; often nothing.

    Raises:
        KeyRefused: If it may transfer, or may not view: it is not used.
    """
    if permissions.can_transfer:
        raise KeyRefused(
            exchange,
            "the key may transfer money, so it is not used: make one that may only view",
        )
    if not permissions.can_view:
        raise KeyRefused(exchange, "the key may not view accounts: allow it to view")
    return [TRADES] if permissions.can_trade else []
