"""Changing the rows of a watchlist: whatever is asked for, no row is lost, doubled or shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.symbols import watchlist
from control.symbols.watchlist import Outcome, Revised, Row, Tagging, market_of
from control.undo import Splice
from trading.core.market import Market

MARKETS = [Market(exchange, f"{base}-USD") for exchange in ("coinbase", "kucoin") for base in "ABC"]
BTC, ETH, SOL = (Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH", "SOL"))

tags = st.lists(st.sampled_from(["fast", "layer 1", "slow"]), unique=True, max_size=3)
markets = st.lists(st.sampled_from(MARKETS), max_size=6)
lists = st.lists(st.sampled_from(MARKETS), unique=True, max_size=6).flatmap(
    lambda found: st.tuples(*(rows_of(market) for market in found)).map(list)
)
Change = Callable[[Sequence[Row]], Revised]


def rows_of(market: Market) -> st.SearchStrategy[Row]:
    return st.builds(
        lambda enabled, categories: row(market, *categories, enabled=enabled), st.booleans(), tags
    )


def row(market: Market, *categories: str, enabled: bool = True) -> Row:
    return {
        "symbol": market.symbol,
        "exchange": market.exchange,
        "enabled": enabled,
        "categories": list(categories),
    }


def adding(wanted: list[Market], categories: list[str] | None) -> Change:
    given = None if categories is None else tuple(categories)
    return lambda rows: watchlist.added(rows, dict.fromkeys(wanted, given))


def switching(named: list[Market], enabled: bool) -> Change:
    return lambda rows: watchlist.switched(rows, named, enabled=enabled)


def tagging(named: list[Market], categories: list[str], how: Tagging) -> Change:
    return lambda rows: watchlist.categorised(rows, named, categories, how)


def removing(named: list[Market]) -> Change:
    return lambda rows: watchlist.removed(rows, named)


def placing(market: Market, at: int) -> Change:
    return lambda rows: watchlist.placed(rows, market, at=at)


def placing_before(market: Market, other: Market) -> Change:
    return lambda rows: watchlist.placed_before(rows, market, other=other)


one = st.sampled_from(MARKETS)
changes = st.one_of(
    st.builds(adding, markets, st.none() | tags),
    st.builds(switching, markets, st.booleans()),
    st.builds(tagging, markets, tags, st.sampled_from(Tagging)),
    st.builds(removing, markets),
    st.builds(placing, one, st.integers(0, 8)),
    st.builds(placing_before, one, one),
)


@given(rows=lists, change=changes)
def test_no_row_is_doubled_and_the_old_list_stays_as_it_was(
    rows: list[Row], change: Change
) -> None:
    before = [{**one, "categories": list(one["categories"])} for one in rows]
    after = list(map(market_of, change(rows).rows))
    assert len(after) == len(set(after))
    assert rows == before


@given(rows=lists, change=changes)
def test_what_is_not_named_keeps_its_row_and_its_order(rows: list[Row], change: Change) -> None:
    revised = change(rows)
    untouched = [one for one in rows if market_of(one) not in revised.outcomes]
    assert [one for one in revised.rows if market_of(one) not in revised.outcomes] == untouched


@given(rows=lists, change=changes)
def test_asking_twice_changes_nothing_more_and_is_no_error(rows: list[Row], change: Change) -> None:
    once = change(rows)
    twice = change(once.rows)
    assert twice.rows == once.rows
    assert Outcome.DONE not in twice.outcomes.values()


@given(rows=lists, change=changes)
def test_a_list_changes_only_where_something_was_done(rows: list[Row], change: Change) -> None:
    revised = change(rows)
    assert (revised.rows != rows) == (Outcome.DONE in revised.outcomes.values())


@given(rows=lists, named=markets, enabled=st.booleans(), categories=tags)
def test_only_removing_takes_rows_off(
    rows: list[Row], named: list[Market], enabled: bool, categories: list[str]
) -> None:
    there = list(map(market_of, rows))
    for change in (switching(named, enabled), tagging(named, categories, Tagging.ADD)):
        assert list(map(market_of, change(rows).rows)) == there
    left = list(map(market_of, removing(named)(rows).rows))
    assert left == [market for market in there if market not in named]


@given(rows=lists, change=changes)
def test_whatever_was_changed_can_be_put_back(rows: list[Row], change: Change) -> None:
    after = change(rows).rows
    made = Splice.between(rows, after)
    assert made.made_in(rows) == after
    assert made.inverse(rows) == Splice.between(after, rows)
    assert made.inverse(rows).made_in(after) == rows


@given(rows=lists, market=one, at=st.integers(0, 8))
def test_a_row_stands_where_it_was_placed(rows: list[Row], market: Market, at: int) -> None:
    after = list(map(market_of, watchlist.placed(rows, market, at=at).rows))
    assert sorted(after) == sorted(map(market_of, rows))
    if market in after:
        assert after.index(market) == min(at, len(after) - 1)


def test_new_markets_stand_at_the_end_and_known_ones_are_enabled_where_they_are() -> None:
    rows = [row(BTC, "fast", enabled=False), row(ETH)]
    revised = watchlist.added(rows, {SOL: ("slow",), BTC: None, ETH: None})
    assert revised.rows == [row(BTC, "fast"), row(ETH), row(SOL, "slow")]
    assert list(revised.outcomes.items()) == [
        (SOL, Outcome.DONE),
        (BTC, Outcome.DONE),
        (ETH, Outcome.ALREADY_SO),
    ]


@pytest.mark.parametrize(
    ("how", "left"),
    [
        (Tagging.SET, ["slow", "layer 1"]),
        (Tagging.ADD, ["fast", "slow", "layer 1"]),
        (Tagging.REMOVE, ["fast"]),
    ],
)
def test_categories_are_set_added_or_taken_away(how: Tagging, left: list[str]) -> None:
    rows = [row(BTC, "fast", "slow")]
    revised = watchlist.categorised(rows, [BTC], ["slow", "layer 1", "slow"], how)
    assert revised.rows == [row(BTC, *left)]


@pytest.mark.parametrize(
    ("moving", "before", "order"),
    [(SOL, BTC, [SOL, BTC, ETH]), (BTC, SOL, [ETH, BTC, SOL]), (ETH, ETH, [BTC, ETH, SOL])],
)
def test_a_row_moves_to_before_another(moving: Market, before: Market, order: list[Market]) -> None:
    rows = [row(market) for market in (BTC, ETH, SOL)]
    revised = watchlist.placed_before(rows, moving, other=before)
    assert list(map(market_of, revised.rows)) == order


def test_what_is_not_on_the_list_is_said_to_be_so() -> None:
    rows = [row(BTC)]
    missing = {ETH: Outcome.NOT_ON_THE_LIST}
    assert watchlist.placed(rows, ETH, at=0).outcomes == missing
    assert watchlist.placed_before(rows, BTC, other=ETH).outcomes == missing
    assert watchlist.placed_before(rows, ETH, other=BTC).outcomes == missing
    assert watchlist.removed(rows, [ETH]).outcomes == missing
