"""What the simulated KuCoin lists: a part of the world, some of it under coins of other names.

Rule 1: the id is made here and nowhere else; a client has to read it off the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trading.simulator import catalog
from trading.simulator.catalog import Product

QUOTES = frozenset({"USDT", "BTC", "EUR"})
COINS: Mapping[str, str] = MappingProxyType({"BSV": "BCHSV", "WAXP": "WAX"})
"""What everybody calls a coin, to what the venue does."""


def products(limit: int | None = None) -> Mapping[str, Product]:
    """The books of the world that this venue has, by id and in order; at most ``limit``.

    Raises:
        ValueError: If ``limit`` is less than 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"the number of products must be at least 1, was {limit}")
    books = [one for one in catalog.products().values() if _is_here(one)]
    # What most is traded against comes first, so that a short listing has it.
    books.sort(key=lambda one: one.quote != "USDT")
    return {one.product_id: one for one in books[:limit]}


def coin(name: str) -> str:
    """What the venue calls a coin."""
    return COINS.get(name, name)


def native(product: Product) -> str:
    """What the venue calls a market."""
    return f"{coin(product.base)}-{coin(product.quote)}"


def trades(product: Product) -> bool:
    """Whether it is open."""
    return product.state == "online"


def _is_here(product: Product) -> bool:
    return product.kind == "spot" and product.alias_of is None and product.quote in QUOTES
