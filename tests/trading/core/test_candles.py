"""Folding, filling and rolling up equal what an exchange would say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.core.made import MARKET, NOON, candle, true_candles, us
from trading.core.candles import carry_forward, fill, fold
from trading.core.market import Candle, Side, Timeframe, Trade
from trading.core.rollup import CASCADE, KEPT_CANDLES, Rollup

DAY = 86_400
MIDNIGHT = NOON - NOON % DAY


def test_fold_opens_with_the_first_trade_not_with_the_close_carried_forward() -> None:
    quiet, busy = candle(0, 90.0, synthetic=True), candle(1, 100.0, volume=0.1)

    folded = fold([quiet, busy, candle(2, 95.0, volume=0.2)], Timeframe.M5)

    assert folded == Candle(
        market=MARKET,
        timeframe=Timeframe.M5,
        opened_at=NOON,
        open=100.0,
        high=101.0,
        low=94.0,
        close=95.0,
        volume=0.3,
    )


def test_fold_of_synthetic_candles_is_synthetic() -> None:
    folded = fold([candle(i, 90.0, synthetic=True) for i in range(1, 5)], Timeframe.M5)

    assert folded == carry_forward(MARKET, Timeframe.M5, NOON, 90.0)


def test_fold_refuses_nothing_and_more_than_a_bucket() -> None:
    with pytest.raises(ValueError, match="empty"):
        fold([], Timeframe.M5)
    with pytest.raises(ValueError, match="bucket"):
        fold([candle(4), candle(5)], Timeframe.M5)


def test_fill_carries_the_close_before_an_empty_bucket() -> None:
    filled = fill(
        [candle(3, 103.0), candle(1, 101.0), candle(9)],
        NOON,
        NOON + 300,
        99.0,
        market=MARKET,
        timeframe=Timeframe.M1,
    )

    assert [one.close for one in filled] == [99.0, 101.0, 101.0, 103.0, 103.0]
    assert [one.synthetic for one in filled] == [True, False, True, False, True]
    assert [one.opened_at for one in filled] == [NOON + 60 * i for i in range(5)]


def test_fill_makes_no_price_before_the_first_trade() -> None:
    filled = fill([candle(1)], NOON, NOON + 180, None, market=MARKET, timeframe=Timeframe.M1)

    assert [one.opened_at for one in filled] == [NOON + 60, NOON + 120]


trades = st.lists(
    st.tuples(st.integers(0, 2 * DAY // 60 - 1), st.integers(1, 10**6), st.integers(1, 10**9)),
    min_size=1,
    max_size=60,
)


def traded(drawn: list[tuple[int, int, int]]) -> list[Trade]:
    """Trades over two days from midnight on; most minutes stay empty."""
    return [
        Trade(MARKET.symbol, number, price / 100, size / 10**8, us(minute * 60 - DAY / 2), Side.BUY)
        for number, (minute, price, size) in enumerate(sorted(drawn), 1)
    ]


@given(trades)
@settings(max_examples=25, deadline=None)
def test_every_coarser_candle_equals_the_one_reckoned_from_its_trades(
    drawn: list[tuple[int, int, int]],
) -> None:
    made = traded(drawn)
    start, end = MIDNIGHT, MIDNIGHT + 2 * DAY
    rollup = Rollup()
    rollup.seed({timeframe: [] for timeframe in Timeframe}, start)

    told: list[Candle] = []
    for minute in fill(
        true_candles(made, Timeframe.M1, start, end),
        start,
        end,
        None,
        market=MARKET,
        timeframe=Timeframe.M1,
    ):
        told += rollup.add(minute)

    for _, parent in CASCADE:
        real = [one for one in told if one.timeframe is parent and not one.synthetic]
        assert real == true_candles(made, parent, start, end)


def test_rollup_goes_on_where_history_ends() -> None:
    """At 13:07 the parents that are open begin in what history says."""
    cut = NOON + 67 * 60
    day = [candle(i - 720, 100.0 + i % 7, volume=i / 1000) for i in range(1, 1_440)]
    coarse: dict[Timeframe, list[Candle]] = {timeframe: [] for timeframe in Timeframe}
    whole = Rollup()
    whole.seed(coarse, day[0].opened_at)
    for minute in day:
        coarse[Timeframe.M1].append(minute)
        for one in whole.add(minute):
            coarse[one.timeframe].append(one)
    rollup = Rollup()
    rollup.seed(coarse, cut)

    told = [one for minute in day if minute.opened_at >= cut for one in rollup.add(minute)]

    assert told == [
        one
        for minute in day
        if minute.opened_at >= cut
        for timeframe in list(Timeframe)[1:]
        for one in coarse[timeframe]
        if one.closes_at == minute.closes_at
    ]
    assert {one.timeframe for one in told} == set(Timeframe) - {Timeframe.M1}


def test_parent_that_began_before_anything_is_known_is_not_told() -> None:
    rollup = Rollup()
    rollup.seed({}, NOON + 120)

    told = [one for i in range(2, 15) for one in rollup.add(candle(i))]

    assert [(one.timeframe, one.opened_at) for one in told] == [
        (Timeframe.M5, NOON + 300),
        (Timeframe.M5, NOON + 600),
    ]


def test_amended_minute_changes_its_closed_parents_only() -> None:
    rollup = Rollup()
    rollup.seed({timeframe: [] for timeframe in Timeframe}, NOON)
    for i in range(17):
        rollup.add(candle(i))

    changed = rollup.amend([candle(1, volume=1.5), candle(16, volume=9.0)])

    assert [(one.timeframe, one.volume) for one in changed] == [
        (Timeframe.M5, 5.5),
        (Timeframe.M15, 15.5),
    ]
    assert rollup.amend([candle(1, volume=1.5)]) == []


def test_rollup_keeps_no_more_than_repairs_can_reach() -> None:
    rollup = Rollup()
    rollup.seed({timeframe: [] for timeframe in Timeframe}, NOON)
    for i in range(3_000):
        rollup.add(candle(i))

    kept = len(rollup.since(Timeframe.M1, 0))
    assert KEPT_CANDLES[Timeframe.M1] <= kept <= 500
