"""What one pays with: fiat, and coins that stand for it.

Rule 1: a coin that is pegged to a money may lose its peg: it stands for it where that is said, and
    is never the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DOLLARS: Final = ("USD", "USDC", "USDT", "USD1", "DAI", "PYUSD", "USDS", "FDUSD", "TUSD", "USDE")
"""The dollar, and coins that stand for it: first those in which most is traded."""

PEGS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "USD": frozenset(DOLLARS[1:])
        | {*("BUSD", "GUSD", "PAX", "RLUSD", "USDD", "USDG", "USDP", "XUSD")},
        "EUR": frozenset({"AEUR", "EURC", "EURI", "EURT"}),
    }
)
"""What is worth one of a money as long as its peg holds, of what markets are priced in."""

STABLECOINS: Final = frozenset().union(*PEGS.values()) | {
    *("LUSD", "UST", "ZUSD", "EURR", "GYEN", "XSGD"),
}
FIAT: Final = frozenset(
    {"AED", "ARS", "AUD", "BRL", "CAD", "CHF", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF"}
    | {"IDR", "ILS", "INR", "JPY", "KRW", "MXN", "NGN", "NOK", "NZD", "PEN", "PHP", "PLN", "RON"}
    | {"SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR"}
)
"""What exchanges take and pay out; for those that do not say of an account that it holds fiat."""
