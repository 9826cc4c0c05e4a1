"""A minute's trades make exactly its bar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading.simulator import tape
from trading.simulator.chance import key, shares
from trading.simulator.tape import Bar


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """Any bar that the minutes may draw: wicks only where there are trades to make them."""
    trades = draw(st.integers(1, 400))
    opened = draw(st.integers(1, 10**7))
    close = opened if trades == 1 else draw(st.integers(max(opened - 500, 1), opened + 500))
    above = draw(st.integers(0, 300)) if trades > 2 else 0
    below = draw(st.integers(0, 300)) if trades > 3 or (trades == 3 and not above) else 0
    return Bar(
        opened_at=60 * draw(st.integers(24_000_000, 40_000_000)),
        open=opened,
        high=max(opened, close) + above,
        low=max(min(opened, close) - below, 1),
        close=close,
        volume=trades + draw(st.integers(0, 10**13)),
        trades=trades,
    )


@given(st.integers(0, 2**64 - 1), bars(), st.integers(1, 10**10))
def test_the_fold_of_a_tape_is_its_bar(product_key: int, bar: Bar, first_id: int) -> None:
    drawn = tape.draw(product_key, bar, first_id)
    begin, end = bar.opened_at * 1_000_000, (bar.opened_at + 60) * 1_000_000
    assert drawn.fold(end) == bar
    assert drawn.fold(begin - 1) is None
    told = drawn.between(begin - 1, end)
    assert [each.trade_id for each in told] == list(range(first_id, first_id + bar.trades))
    assert all(begin <= each.time_us < end for each in told)
    assert all(a.time_us <= b.time_us for a, b in pairwise(told))
    assert all(each.size > 0 for each in told)


@given(bars(), st.floats(0, 60))
def test_telling_in_two_parts_loses_nothing(bar: Bar, second: float) -> None:
    drawn = tape.draw(7, bar, 1)
    begin = bar.opened_at * 1_000_000 - 1
    middle, end = begin + int(second * 1e6), begin + 60_000_001
    assert drawn.between(begin, middle) + drawn.between(middle, end) == drawn.between(begin, end)


def test_an_uptick_is_bought_and_a_downtick_sold() -> None:
    drawn = tape.draw(3, Bar(60_000_000, 100, 160, 40, 120, 10_000, 200), 1)
    pairs = zip(drawn.prices, drawn.prices[1:], drawn.taker_buys[1:], strict=False)
    assert all(buys == (after > before) for before, after, buys in pairs if before != after)


@given(
    st.integers(0, 10**15),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda some: sum(some) > 0),
)
def test_shares_sum_to_the_total(total: int, weights: list[float]) -> None:
    parts = shares(np.array([total]), np.array([weights]))[0]
    assert int(parts.sum()) == total
    assert all(part >= 0 for part in parts)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0.0)


def test_keys_are_the_same_in_every_process() -> None:
    assert key(1, "BTC-USD") == 4_816_133_595_701_062_254
