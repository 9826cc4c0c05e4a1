"""Which connection carries which symbol.

Rule 1: a symbol stays where it is for as long as it is wanted: moving it would be a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def allot(
    shards: Sequence[frozenset[str]], wanted: Iterable[str], capacity: int
) -> list[frozenset[str]]:
    """The symbols of each connection, existing ones first, new ones behind them.

    Args:
        shards: What each connection carries now.
        wanted: Every symbol to be carried, in the order in which new ones find a place.
        capacity: Symbols that one connection may carry.

    Returns:
        At least as many as ``shards``; a connection that is not needed any more is empty.
    """
    order = list(dict.fromkeys(wanted))
    every = frozenset(order)
    kept = [set(shard & every) for shard in shards]
    placed = frozenset().union(*kept)
    for symbol in order:
        if symbol in placed:
            continue
        shard = next((shard for shard in kept if len(shard) < capacity), None)
        if shard is None:
            shard = set()
            kept.append(shard)
        shard.add(symbol)
    return [frozenset(shard) for shard in kept]
