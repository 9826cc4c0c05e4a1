"""Which connection carries which symbol."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading.market.shards import allot

SYMBOLS = st.lists(st.sampled_from([f"S{number}-USD" for number in range(30)]), max_size=30)


def test_new_symbols_fill_what_is_there_before_a_connection_is_added() -> None:
    shards = allot([frozenset({"A", "B"}), frozenset({"C"})], "ABCDEF", 2)
    assert shards == [{"A", "B"}, {"C", "D"}, {"E", "F"}]


def test_connection_that_nobody_needs_stays_empty() -> None:
    assert allot([frozenset({"A"}), frozenset({"B"})], "B", 2) == [frozenset(), {"B"}]


def test_nothing_wanted_opens_nothing() -> None:
    assert allot([], [], 50) == []


@given(SYMBOLS, SYMBOLS, st.integers(min_value=1, max_value=7))
def test_every_symbol_once_within_capacity_and_never_moved(
    before: list[str], after: list[str], capacity: int
) -> None:
    shards = allot([], before, capacity)
    moved = allot(shards, after, capacity)
    assert sorted(symbol for shard in moved for symbol in shard) == sorted(set(after))
    assert all(len(shard) <= capacity for shard in moved)
    for old, new in zip(shards, moved, strict=False):
        assert old & set(after) <= new
