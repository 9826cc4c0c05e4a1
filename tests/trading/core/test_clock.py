"""An exchange's clock is believed as far as it can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import MARKET, NOON, us
from trading.core.clock import MOST_AHEAD_SECONDS, ServerClock
from trading.core.market import MICROSECONDS, Side, Timeframe, Trade
from trading.core.series import MarketSeries

AGES_US = st.integers(-(2**50), 2**50)


def clock_at(seconds: float) -> ServerClock:
    """A clock that is believed to stand so long after noon."""
    clock = ServerClock()
    clock.hear(us(seconds))
    clock.hear(us(seconds))
    return clock


def test_first_reading_is_believed_when_the_next_agrees() -> None:
    clock = ServerClock()
    clock.hear(us(0))
    assert clock.time_us == 0
    clock.hear(us(1))
    assert clock.time_us == us(1)


def test_slip_is_forgotten_and_a_leap_that_lasts_is_not() -> None:
    clock = clock_at(0)
    clock.hear(us(86_400))
    clock.hear(us(2))
    assert clock.time_us == us(2)
    clock.hear(us(86_400))
    clock.hear(us(86_401))
    assert clock.time_us == us(86_401)


def test_clock_does_not_go_back() -> None:
    clock = clock_at(10)
    clock.hear(us(3))
    assert clock.time_us == us(10)


def test_trade_may_be_a_little_ahead_and_no_more() -> None:
    clock = clock_at(0)
    assert clock.allows(us(-1_000_000))
    assert clock.allows(us(MOST_AHEAD_SECONDS))
    assert not clock.allows(us(MOST_AHEAD_SECONDS) + 1)


def test_without_a_reading_no_trade_is_allowed_and_the_first_one_serves() -> None:
    clock = ServerClock()
    assert not clock.allows(us(0))
    clock.hear(us(0))
    assert clock.allows(us(1))
    assert not clock.allows(us(86_400))


@given(st.lists(AGES_US), st.integers(1, 2**40))
def test_one_reading_alone_moves_it_by_a_bound_at_most(ages: list[int], step: int) -> None:
    clock = clock_at(0)
    at = us(0)
    for age in ages:
        before = clock.time_us
        clock.hear(us(0) + age)  # a slip
        assert clock.time_us <= before + MOST_AHEAD_SECONDS * MICROSECONDS
        at += step % (MOST_AHEAD_SECONDS * MICROSECONDS)
        clock.hear(at)  # and the truth again
        assert clock.time_us <= max(at, before + MOST_AHEAD_SECONDS * MICROSECONDS)


@given(st.lists(AGES_US, max_size=30), st.integers(0, 30))
def test_whatever_trades_say_no_more_bars_close_than_there_was_time_for(
    ages: list[int], minutes: int
) -> None:
    clock, series = clock_at(0), MarketSeries(MARKET)
    series.warm_up({Timeframe.M1: []}, NOON)
    series.advance(clock.time_us)
    closed = []
    for number, age in enumerate(ages, start=1):
        clock.hear(us(60 * minutes * number / len(ages)))
        made = Trade(MARKET.symbol, number, 100.0, 1.0, us(0) + age, Side.BUY)
        if clock.allows(made.time_us):
            series.add(made)
        series.advance(clock.time_us)
        closed += series.closed()
    first_closes = {bar.candle.opened_at for bar in closed if bar.candle.timeframe is Timeframe.M1}
    assert len(first_closes) <= minutes + MOST_AHEAD_SECONDS // 60 + 1
