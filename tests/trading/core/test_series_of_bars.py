"""A market of which somebody recorded the bars, not the trades."""

from __future__ import annotations

from math import sin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.trading.core.made import MARKET, NOON, candle, true_candles, us
from trading.core.candles import fill, fold
from trading.core.indicators import IndicatorPoint
from trading.core.market import Candle, Side, Timeframe, Trade
from trading.core.series import Closed, MarketSeries

FROM_TRADES = st.lists(
    st.tuples(st.integers(0, 6_000), st.integers(1, 500), st.integers(1, 10**7)),
    min_size=1,
    max_size=80,
)


def began(at: int = NOON) -> MarketSeries:
    series = MarketSeries(MARKET)
    series.warm_up({}, at)
    return series


def told_of(series: MarketSeries, bars: list[Candle]) -> list[Closed]:
    return [closed for bar in bars for closed in series.take(bar)]


@given(FROM_TRADES)
def test_bars_tell_what_their_trades_tell(made: list[tuple[int, int, int]]) -> None:
    made.sort(key=lambda one: one[0])
    trades = [
        Trade(MARKET.symbol, i, float(price), size / 10**8, us(at), Side.BUY)
        for i, (at, price, size) in enumerate(made, start=1)
    ]
    live = MarketSeries(MARKET)
    first = Timeframe.M1.bucket(trades[0].time_us // 1_000_000)
    live.advance(first * 1_000_000 - 90_000_000)
    live.warm_up({}, first)
    for trade in trades:
        live.add(trade)
    last = Timeframe.M1.bucket(trades[-1].time_us // 1_000_000)
    live.advance((last + 62) * 1_000_000)

    minutes = true_candles(trades, Timeframe.M1, first, last + 60)

    assert told_of(began(first), minutes) == live.closed()


@pytest.mark.parametrize("base", Timeframe)
def test_every_coarser_timeframe_is_rolled_up_from_the_base(base: Timeframe) -> None:
    midnight = NOON - NOON % 86_400
    count = 2 * 86_400 // base.seconds
    bars = [
        replace(candle(0, 100.0 + i % 7, timeframe=base), opened_at=midnight + i * base.seconds)
        for i in range(count)
    ]

    told = told_of(began(midnight), bars)

    assert {one.candle.timeframe for one in told} == {
        timeframe for timeframe in Timeframe if timeframe.seconds >= base.seconds
    }
    days = [one.candle for one in told if one.candle.timeframe is Timeframe.D1]
    half = count // 2
    assert days == [fold(bars[:half], Timeframe.D1), fold(bars[half:], Timeframe.D1)]


def test_empty_buckets_are_carried_forward() -> None:
    bars = [candle(0, 100.0), candle(3, 103.0)]

    told = told_of(began(), bars)

    assert [one.candle for one in told] == fill(
        bars, NOON, NOON + 240, None, market=MARKET, timeframe=Timeframe.M1
    )
    assert [one.candle.synthetic for one in told] == [False, True, True, False]


def test_a_coarser_bar_that_began_before_the_recording_is_not_told() -> None:
    told = told_of(began(NOON + 120), [candle(i) for i in range(2, 10)])

    coarser = [one.candle for one in told if one.candle.timeframe is Timeframe.M5]
    assert [one.opened_at for one in coarser] == [NOON + 300]


def test_a_bar_that_overlaps_the_one_before_is_refused() -> None:
    series = began()
    series.take(candle(1))

    with pytest.raises(ValueError, match=f"must open at {NOON + 120} or later"):
        series.take(candle(1))


def test_the_published_vector_comes_out() -> None:
    series = began()
    closes = [100 + 10 * sin(i / 9) + 0.1 * i for i in range(80)]

    points: list[IndicatorPoint] = [
        series.take(candle(i, c))[0].point for i, c in enumerate(closes)
    ]

    assert points[25].macd_v == pytest.approx(22.326387, abs=1e-6)
    assert points[33].signal == pytest.approx(-40.484542, abs=1e-6)
    assert points[79].histogram == pytest.approx(-35.728250, abs=1e-6)
    assert points[79].gauges["rsi"] == pytest.approx(61.625795, abs=1e-6)
