"""Which exchanges are simulated: one entry each.

Rule 1: nothing else names a venue's folder, apart from its own tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from trading.simulator import catalog
from trading.simulator.catalog import Product
from trading.simulator.venues.binance import accounts as binance_keys
from trading.simulator.venues.binance import listing as binance_listing
from trading.simulator.venues.binance.venue import Binance
from trading.simulator.venues.coinbase import keys as coinbase_keys
from trading.simulator.venues.coinbase.venue import Coinbase
from trading.simulator.venues.kucoin import accounts as kucoin_keys
from trading.simulator.venues.kucoin import listing as kucoin_listing
from trading.simulator.venues.kucoin.venue import Kucoin
from trading.simulator.venues.ports import Venue
from trading.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What makes a venue of one exchange. Its keys are of a type of its own.

    Args:
        rest_path: What the client's REST base address ends with.
        websocket_path: And the address of its WebSocket.
        products: What it lists of the world, at most so many; raises ValueError.
        new_key: A key that nobody had before.
        key_of_file: The key in a file; raises ValueError.
        opened: The venue over a world, for who has the key, with so lenient limits.
    """

    rest_path: str
    websocket_path: str
    products: Callable[[int | None], Mapping[str, Product]]
    new_key: Callable[[], Any]
    key_of_file: Callable[[bytes], Any]
    opened: Callable[[World, Any, float], Venue]


def _coinbase(world: World, key: coinbase_keys.SimulatedKey, _leniency: float) -> Venue:
    return Coinbase(world, keys=[key])


def _binance(world: World, key: binance_keys.SimulatedKey, leniency: float) -> Venue:
    return Binance(world, keys=[key], leniency=leniency)


def _kucoin(world: World, key: kucoin_keys.SimulatedKey, leniency: float) -> Venue:
    return Kucoin(world, keys=[key], leniency=leniency)


VENUES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "coinbase": Kind(
            rest_path=Coinbase.rest_path,
            websocket_path=Coinbase.websocket_path,
            products=catalog.products,
            new_key=coinbase_keys.new_key,
            key_of_file=coinbase_keys.key_of_file,
            opened=_coinbase,
        ),
        "binance": Kind(
            rest_path=Binance.rest_path,
            websocket_path=Binance.websocket_path,
            products=binance_listing.products,
            new_key=binance_keys.new_key,
            key_of_file=binance_keys.key_of_file,
            opened=_binance,
        ),
        "kucoin": Kind(
            rest_path=Kucoin.rest_path,
            websocket_path=Kucoin.websocket_path,
            products=kucoin_listing.products,
            new_key=kucoin_keys.new_key,
            key_of_file=kucoin_keys.key_of_file,
            opened=_kucoin,
        ),
    }
)
