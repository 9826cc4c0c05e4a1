"""When a candle of the venue proves that trades of it were not heard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading.exchanges.kucoin.tally import KEPT_MINUTES, Tally

sizes = st.lists(st.integers(1, 10**12).map(lambda count: count / 1e8), min_size=1, max_size=40)


def begun() -> Tally:
    """A tally for which every minute from 60 on is whole."""
    tally = Tally()
    tally.add(0, 1.0)
    return tally


@given(sizes)
def test_sum_of_what_was_heard_is_never_lacking(made: list[float]) -> None:
    tally = begun()
    for size in made:
        tally.add(61, size)

    assert not tally.lacks(60, float(f"{sum(made):.8f}"))


@given(sizes, st.data())
def test_lost_trade_shows_and_is_then_believed(made: list[float], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(made) - 1))
    tally = begun()
    for number, size in enumerate(made):
        if number != lost:
            tally.add(61, size)

    total = sum(made)
    assert tally.lacks(60, total) == (made[lost] > total * 1e-9)
    assert not tally.lacks(60, total)


def test_market_that_is_heard_of_by_a_candle_first_is_whole_from_the_next_minute_on() -> None:
    tally = Tally()

    assert not tally.lacks(60, 5.0)
    assert tally.lacks(120, 5.0)


def test_minute_that_is_forgotten_proves_nothing() -> None:
    tally = begun()
    for minute in range(1, KEPT_MINUTES + 2):
        tally.add(60 * minute, 1.0)

    assert not tally.lacks(60, 2.0)
    assert tally.lacks(120, 2.0)
