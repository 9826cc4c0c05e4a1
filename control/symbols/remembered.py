"""The listings that Redis keeps, decoded once in a process for each reading.

Rule 1: a listing is a megabyte. What stands there is told from what is remembered by its length and
    its end, in which the time of its reading is; only a newer one is fetched.
Rule 2: the same for all users; no exchange is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from control import wire
from control.protocol import listing_of
from control.symbols.listings import AWAY, Listing, kept

_END: Final = 48
_remembered: dict[str, tuple[str, Listing]] = {}


def remembered(exchanges: Collection[str]) -> dict[str, Listing | None]:
    """What was read of each last, however old; None of what was not, or while Redis is away."""
    try:
        marks = _marks(exchanges)
    except AWAY:
        return dict.fromkeys(exchanges)
    return {exchange: _listing(exchange, mark) for exchange, mark in marks.items()}


def _marks(exchanges: Collection[str]) -> dict[str, str]:
    """Of each what would be different, were it another reading."""
    with wire.shared().pipeline(transaction=False) as pipeline:
        for exchange in exchanges:
            pipeline.strlen(listing_of(exchange))
            pipeline.getrange(listing_of(exchange), -_END, -1)
        told = pipeline.execute()
    pairs = zip(told[::2], told[1::2], strict=True)
    return {
        exchange: f"{length}:{end}"
        for exchange, (length, end) in zip(exchanges, pairs, strict=True)
    }


def _listing(exchange: str, mark: str) -> Listing | None:
    known = _remembered.get(exchange)
    if known is not None and known[0] == mark:
        return known[1]
    listing = kept(exchange)
    if listing is not None:
        _remembered[exchange] = mark, listing  # if a newer one came meanwhile, it comes once more
    return listing
