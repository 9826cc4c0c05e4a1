"""An order book that fits the tape: the touch is where the last trade was, sizes are noise.

Rule 1: decoration. No trade comes out of it; it is small, plausible and deterministic.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.simulator.catalog import Product
from trading.simulator.chance import key

LEVELS = 25
SLOT_US = 250_000  # the book is redrawn four times a second of simulated time
_LONGEST_REST = 64  # slots after which every level has changed


class Depth(NamedTuple):
    """(price in price steps, size in size steps) of each level, the best first."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


def depth(product: Product, price: int, taker_buys: bool, at_us: int) -> Depth:
    """The book behind a last trade at ``price``: a buyer's trade was at the ask."""
    bid, ask = (price - 1, price) if taker_buys else (price, price + 1)
    gap = max(round(price * 2e-5), 1)
    slot = at_us // SLOT_US
    typical = max(product.turnover / product.trades_a_day / product.price / 2, 0.0)
    most = max(int(typical / product.size_step.value), 2)
    below = [bid] + [bid - bid % gap - gap * n for n in range(1, LEVELS)]
    above = [ask] + [ask - ask % gap + gap * n for n in range(1, LEVELS)]
    return Depth(
        [(at, _size(product, at, slot, most)) for at in below if at > 0],
        [(at, _size(product, at, slot, most)) for at in above],
    )


def _size(product: Product, price: int, slot: int, most: int) -> int:
    rests = 4 + price % _LONGEST_REST  # levels change at different times, each now and then
    return 1 + key(product.product_id, price, slot // rests) % most
