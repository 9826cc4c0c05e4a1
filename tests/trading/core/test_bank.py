"""Many markets that close together say what each of them would say alone, to the last bit."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.core.made import NOON, candle, us
from trading.core import bank as banks
from trading.core.bank import Columns, MacdVBank, close_together
from trading.core.indicators import IndicatorSeries
from trading.core.macd_v import Reading
from trading.core.market import MICROSECONDS, Candle, Market, Side, Timeframe, Trade
from trading.core.series import Closed, MarketSeries

SERIES = banks.MANY + 6

prices = st.floats(1e-6, 1e6) | st.sampled_from([0.00001234, 100.0, 104_250.37])
minutes = st.tuples(
    st.lists(prices | st.none(), min_size=SERIES, max_size=SERIES),  # None: nothing was traded
    st.sets(st.integers(0, SERIES - 1)),  # which are moved alone
)


def seeded(bars: int = 60) -> list[IndicatorSeries]:
    """Series with a past, each with one of its own."""
    made = [IndicatorSeries() for _ in range(SERIES)]
    for number, one in enumerate(made):
        for index in range(bars):
            one.append(candle(index, 100.0 + (index * (number + 3)) % 17))
    return made


def bar(index: int, price: float | None, before: float) -> Candle:
    if price is None:
        return candle(index, before, synthetic=True)
    return candle(index, price, spread=price / 7)


def readings_alone(series: list[IndicatorSeries], bars: list[Candle]) -> list[Reading]:
    points = [one.append(each) for one, each in zip(series, bars, strict=True)]
    return [(point.macd_v, point.signal, point.histogram, point.atr) for point in points]


def readings_together(
    bank: MacdVBank, series: list[IndicatorSeries], bars: list[Candle]
) -> list[Reading]:
    readings = bank.append(series, bars)
    for one, each, reading in zip(series, bars, readings, strict=True):
        one.append(each, reading)
    return readings


@settings(max_examples=30, deadline=None)
@given(st.lists(minutes, min_size=1, max_size=5))
def test_bank_says_what_each_series_would_say_alone(
    told: list[tuple[list[float | None], set[int]]],
) -> None:
    alone, shared, bank = seeded(), seeded(), MacdVBank()
    last = [one.last.close for one in alone if one.last is not None]

    for index, (closes, by_themselves) in enumerate(told, 60):
        bars = [bar(index, close, before) for close, before in zip(closes, last, strict=True)]
        last = [each.close for each in bars]
        expected = readings_alone(alone, bars)
        for number in by_themselves:
            shared[number].append(bars[number])
        rest = [number for number in range(SERIES) if number not in by_themselves]
        found = readings_together(bank, [shared[n] for n in rest], [bars[n] for n in rest])

        assert found == [expected[n] for n in rest]

    assert [one.last for one in shared] == [one.last for one in alone]


def test_copy_of_a_series_in_a_bank_goes_its_own_way() -> None:
    alone, shared, bank = seeded(), seeded(), MacdVBank()
    readings_together(bank, shared, [candle(60, 111.0)] * SERIES)
    readings_alone(alone, [candle(60, 111.0)] * SERIES)

    twin = shared[3].copy()
    readings_together(bank, shared, [candle(61, 90.0)] * SERIES)

    assert twin.append(candle(61, 140.0)) == alone[3].copy().append(candle(61, 140.0))
    assert shared[3].append(candle(62, 95.0)) != twin.append(candle(62, 95.0))


def test_series_that_are_not_seeded_yet_are_moved_beside_the_others() -> None:
    alone, shared, bank = seeded(), seeded(), MacdVBank()
    alone[5], shared[5] = IndicatorSeries(), IndicatorSeries()

    bars = [candle(60, 111.0 + number) for number in range(SERIES)]

    assert readings_together(bank, shared, bars) == readings_alone(alone, bars)
    assert shared[5].last == alone[5].last


def test_market_that_never_moves_any_more_has_no_value_in_a_bank_either() -> None:
    alone, shared, bank = seeded(), seeded(), MacdVBank()
    for both in (alone[7], shared[7]):
        for index in range(60, 1_200):  # until its range is less than its price can show
            both.append(candle(index, 100.0, spread=0.0))

    bars = [candle(1_200, 100.0, spread=0.0)] * SERIES
    found = readings_together(bank, shared, bars)

    assert found == readings_alone(alone, bars)
    assert found[7][:3] == (None, None, None)
    assert found[8][0] is not None


def test_bank_that_is_full_makes_room_by_those_that_come_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(banks, "FIRST_ROWS", SERIES + 1)
    bank, gone, alone, shared = MacdVBank(), seeded(), seeded(), seeded()
    readings_together(bank, gone, [candle(60, 90.0)] * SERIES)

    found = readings_together(bank, shared, [candle(60, 111.0)] * SERIES)

    assert found == readings_alone(alone, [candle(60, 111.0)] * SERIES)
    before = seeded()
    readings_alone(before, [candle(60, 90.0)] * SERIES)
    assert gone[0].append(candle(61, 95.0)) == before[0].append(candle(61, 95.0))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), min_size=2, max_size=9))
def test_connections_that_share_a_bank_keep_their_own_however_often_it_grows(
    sweeps: list[list[int]],
) -> None:
    alone, shared = [seeded() for _ in range(3)], [seeded() for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(banks, "FIRST_ROWS", SERIES + SERIES // 2)  # not enough for two of the three
        bank = MacdVBank()
        for index, connections in enumerate(sweeps, 60):
            for connection in dict.fromkeys(connections):
                bars = [candle(index, 90.0 + number % 7 + index % 5) for number in range(SERIES)]
                found = readings_together(bank, shared[connection], bars)
                assert found == readings_alone(alone[connection], bars)


@pytest.mark.parametrize("amended", [1, 3])
def test_copies_that_take_the_place_of_series_use_up_rows_and_mix_up_nothing(amended: int) -> None:
    alone, shared, bank = seeded(), seeded(), MacdVBank()
    for index in range(60, 60 + 40):
        for number in range(amended):
            place = (index * amended + number) % SERIES
            shared[place] = shared[place].copy()
        bars = [candle(index, 90.0 + number % 7 + index % 5) for number in range(SERIES)]
        assert readings_together(bank, shared, bars) == readings_alone(alone, bars)


@pytest.mark.parametrize("rows", [slice(1, SERIES), np.arange(SERIES)[1:]])
def test_rows_side_by_side_are_moved_where_they_lie(rows: banks.Rows) -> None:
    series, columns, one = seeded(), Columns(SERIES), np.ones(SERIES - 1)
    given = [(*each.macd_v.means, each.previous_close) for each in series]
    columns.write(columns.take(SERIES), given)

    value, signal, histogram, atr = columns.step(
        rows, high=one * 113.0, low=one * 111.0, close=one * 112.0, real=one
    )

    expected = readings_alone(series, [candle(60, 112.0)] * SERIES)
    assert list(zip(value, signal, histogram, atr, strict=True)) == expected[1:]
    assert columns.means(0) == given[0][:4]


class Markets:
    """The same markets twice: some that close together, and their twins that close alone."""

    def __init__(self) -> None:
        names = [Market("coinbase", f"COIN{number}-USD") for number in range(SERIES)]
        self.together = [MarketSeries(name) for name in names]
        self.alone = [MarketSeries(name) for name in names]
        self.bank = MacdVBank()
        self._ids = [count(1) for _ in names]
        history = {
            timeframe: [candle(i, 100.0 + i % 9, timeframe=timeframe) for i in range(-60, 0)]
            for timeframe in Timeframe
        }
        for series in self.all:
            series.advance(us(-90))
            series.warm_up(history, NOON)

    @property
    def all(self) -> list[MarketSeries]:
        return [*self.together, *self.alone]

    def trade(self, second: int, price: float, quiet: int) -> None:
        """A trade in every market but one."""
        for index in range(SERIES):
            if index == quiet:
                continue
            number = next(self._ids[index])
            for series in (self.together[index], self.alone[index]):
                at_us = (NOON + second) * MICROSECONDS
                symbol = series.market.symbol
                made = Trade(symbol, number, price + index, 1.0, at_us, Side.BUY)
                series.add(made)

    def hear(self, second: int) -> tuple[list[list[Closed]], list[list[Closed]]]:
        """The clock of the exchange moves on: what is told by each market, both ways."""
        for series in self.all:
            series.advance(us(second))
        together = [series.closed() for series in close_together(self.together, self.bank)]
        return together, [series.closed() for series in self.alone]


def test_markets_that_close_together_tell_what_each_would_tell_alone() -> None:
    markets = Markets()

    for minute in range(16):
        markets.trade(60 * minute + 20, 100.0 + minute, quiet=minute)
        together, alone = markets.hear(60 * minute + 63)

        assert together == alone
        expected = 1 + (minute % 5 == 4) + (minute % 15 == 14)
        assert [len(told) for told in together] == [expected] * SERIES


def test_market_with_more_than_one_minute_to_close_closes_it_alone() -> None:
    markets = Markets()
    markets.trade(20, 100.0, quiet=0)

    together, alone = markets.hear(60 * 3 + 3)

    assert together == alone
    assert max(map(len, together)) == 3
