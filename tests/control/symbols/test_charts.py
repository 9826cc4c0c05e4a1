"""What a chart is drawn from: kept candles, and the indicators over them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control import wire
from control.candles import candle_entry
from control.protocol import candles_of
from control.status import cell
from control.symbols.charts import MarketUnlisted, candles, cells_of, indicators
from trading.core.indicators import IndicatorSeries
from trading.core.market import Candle, Market, Timeframe

BTC = Market("coinbase", "BTC-USD")
MINUTE = 60


def candle(index: int, close: float = 10.0) -> Candle:
    """The ``index``-th minute of 1970."""
    return Candle(
        market=BTC,
        timeframe=Timeframe.M1,
        opened_at=index * MINUTE,
        open=close,
        high=close + 1.0,
        low=close - 1.0,
        close=close,
        volume=1.0,
    )


def keep(bars: Iterable[Candle]) -> None:
    with wire.connect() as redis:
        entries = {candle_entry(bar): bar.opened_at for bar in bars}
        redis.zadd(candles_of(*BTC, "1m"), entries)


prices = st.lists(st.floats(5.0, 500.0), min_size=1, max_size=120)


@given(closes=prices)
def test_each_cell_is_what_the_runtime_would_say_of_that_bar(closes: list[float]) -> None:
    bars = [candle(index, close) for index, close in enumerate(closes)]
    series = IndicatorSeries()
    assert cells_of(bars) == [cell(series.append(bar)) for bar in bars]


@given(closes=prices, hole=st.integers(1, 119))
def test_behind_a_hole_nothing_of_before_counts(closes: list[float], hole: int) -> None:
    bars = [candle(index + (index >= hole), close) for index, close in enumerate(closes)]
    assert cells_of(bars) == cells_of(bars[:hole]) + cells_of(bars[hole:])


def test_indicators_are_computed_over_all_that_is_kept_and_cut_then(redis_url: str) -> None:
    bars = [candle(index, 10.0 + index % 7) for index in range(80)]
    keep(bars)
    chart = indicators(BTC, Timeframe.M1, limit=5)
    assert chart.candles == bars[-5:]
    assert chart.cells == cells_of(bars)[-5:]
    assert all(one.v is not None and one.g for one in chart.cells)


def test_a_chart_that_ended_long_ago_says_so(redis_url: str) -> None:
    now = int(time.time()) // MINUTE
    keep(candle(index) for index in range(now - 60, now - 30))
    note = candles(BTC, Timeframe.M1, limit=1).note
    assert re.fullmatch(
        r"The newest candle closed (30|31) min( \d+ s)? ago; nothing newer .*", note
    )
    keep(candle(index) for index in range(now - 30, now))
    assert candles(BTC, Timeframe.M1, limit=1).note == ""


def test_candles_are_the_newest_before_a_moment_oldest_first(redis_url: str) -> None:
    keep(candle(index) for index in range(10))
    chart = candles(BTC, Timeframe.M1, limit=3, before=6 * MINUTE)
    assert [one.opened_at // MINUTE for one in chart.candles] == [3, 4, 5]
    assert [one.opened_at // MINUTE for one in candles(BTC, Timeframe.M1, limit=2).candles] == [
        8,
        9,
    ]


@pytest.mark.parametrize("before", [None, 0, 1, 6, 10, 99])
@pytest.mark.parametrize("limit", [1, 3, 15])
def test_indicators_before_a_moment_are_those_of_the_candles_before_it(
    redis_url: str, limit: int, before: int | None
) -> None:
    bars = [candle(index, 10.0 + index % 7) for index in range(10)]
    keep(bars)
    until = None if before is None else before * MINUTE
    chart = indicators(BTC, Timeframe.M1, limit=limit, before=until)
    assert chart.candles == candles(BTC, Timeframe.M1, limit=limit, before=until).candles
    known = dict(zip(bars, cells_of(bars), strict=True))
    assert list(chart.cells) == [known[one] for one in chart.candles]


def test_what_is_no_candle_is_left_out_and_left_alone(redis_url: str) -> None:
    keep([candle(1), candle(3)])
    with wire.connect() as redis:
        redis.zadd(candles_of(*BTC, "1m"), {"nonsense": 2 * MINUTE})
    chart = candles(BTC, Timeframe.M1, limit=9)
    assert [one.opened_at // MINUTE for one in chart.candles] == [1, 3]
    assert "Candles are missing in 1 place;" in chart.note
    with wire.connect() as redis:
        assert redis.zcard(candles_of(*BTC, "1m")) == 3


def test_an_exchange_that_livermore_does_not_know_is_no_market(redis_url: str) -> None:
    with pytest.raises(MarketUnlisted, match="must be one of coinbase"):
        candles(Market("nowhere", "BTC-USD"), Timeframe.M1, limit=1)
