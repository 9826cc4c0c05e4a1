"""Whatever happens on the way, a market ends equal to the exchange's own history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.trading.core.made import MARKET, NOON, candle, trade, true_candles, us
from trading.core.candles import REPAIRABLE_MINUTES, Hole, fill
from trading.core.indicators import IndicatorPoint, IndicatorSeries
from trading.core.market import MICROSECONDS, Candle, Side, Timeframe, Trade
from trading.core.modes import SignalRules
from trading.core.series import WARM_UP_BARS, Closed, MarketSeries
from trading.core.signals import Signal, signals

HISTORY: dict[Timeframe, list[Candle]] = {
    timeframe: [
        candle(i, 100.0 + (i * 7) % 13, timeframe=timeframe) for i in range(-WARM_UP_BARS, 0)
    ]
    for timeframe in Timeframe
}


def warm(history: dict[Timeframe, list[Candle]] | None = None) -> MarketSeries:
    """A market that hears everything from before noon, with history up to noon."""
    series = MarketSeries(MARKET)
    series.advance(us(-90))
    series.warm_up(HISTORY if history is None else history, NOON)
    return series


def truth_of(trades: Sequence[Trade], end: int) -> dict[Timeframe, list[Candle]]:
    """What ought to be told of every timeframe after noon, reckoned from all the trades."""
    return {
        timeframe: fill(
            true_candles(trades, timeframe, NOON, end),
            NOON,
            timeframe.bucket(end),
            HISTORY[timeframe][-1].close,
            market=MARKET,
            timeframe=timeframe,
        )
        for timeframe in Timeframe
    }


def points_after(timeframe: Timeframe, candles: Sequence[Candle]) -> list[IndicatorPoint]:
    """The indicators of bars behind the history, computed in one go."""
    series = IndicatorSeries()
    return [series.append(one) for one in [*HISTORY[timeframe], *candles]][WARM_UP_BARS:]


@dataclass
class Exchange:
    """A market with its trades, some of which never arrive, and what was told of it."""

    series: MarketSeries
    now: int = NOON * MICROSECONDS
    trades: list[Trade] = field(default_factory=list)
    on_the_way: list[Trade] = field(default_factory=list)
    told: list[Closed] = field(default_factory=list)
    answer: tuple[list[Candle], Hole] | None = None
    ordered: tuple[dict[Timeframe, list[Candle]], int, int] | None = None

    def trade(self, wait: int, price: int, size: int) -> None:
        self.now += wait
        self._execute(self.now, price, size)

    def late_trade(self, back: int, price: int, size: int) -> None:
        self._execute(max(NOON * MICROSECONDS, self.now - back), price, size)

    def _execute(self, at: int, price: int, size: int) -> None:
        number = len(self.trades) + 1
        made = Trade(MARKET.symbol, number, price / 100, size / 10**8, at, Side.BUY)
        self.trades.append(made)
        self.on_the_way.append(made)

    def deliver(self) -> None:
        for one in self.on_the_way:
            self.series.add(one)
        self.on_the_way.clear()

    def beat(self, wait: int) -> None:
        self.deliver()
        self.now += wait
        self.series.advance(self.now)
        self.drain()

    def repeat(self, count: int) -> None:
        """What a reconnect brings: trades that were told before."""
        self.deliver()
        for one in self.trades[-count:]:
            self.series.add(one)

    def lose(self, said: bool) -> None:
        """Frames are lost; the connection's numbers say so, or only the next trade's id does."""
        self.on_the_way.clear()
        if said:
            self.series.doubt()

    def outage(self, wait: int) -> None:
        """The link breaks, trades happen behind its back, the link is there again."""
        self.on_the_way.clear()
        self.series.doubt()
        for _ in range(3):
            self.trade(wait // 3, 10_000 + wait % 997, 1 + wait % 10**7)
        self.on_the_way.clear()
        self.series.advance(self.now)

    def ask(self) -> None:
        """The history is asked; its answer may be out of date when it comes."""
        hole = self.series.hole()
        if hole is not None and self.answer is None:
            self.answer = true_candles(self.trades, Timeframe.M1, hole.start, hole.end), hole

    def hear_answer(self) -> None:
        if self.answer is not None:
            self.series.repair(*self.answer)
            self.answer = None

    def order(self) -> None:
        """All of the history is asked, beside whatever goes on."""
        cut = Timeframe.M1.bucket(max(NOON, self.now // MICROSECONDS - 2))
        self.ordered = self.history(cut), cut, self.series.server_time_us

    def hear_order(self) -> None:
        if self.ordered is not None and self.series.is_warm:
            self.series.recompute(*self.ordered)
        self.ordered = None

    def history(self, cut: int) -> dict[Timeframe, list[Candle]]:
        """What the exchange says of every timeframe before the cut."""
        return {
            timeframe: [
                *HISTORY[timeframe],
                *true_candles(self.trades, timeframe, NOON, timeframe.bucket(cut)),
            ]
            for timeframe in Timeframe
        }

    def drain(self) -> None:
        self.told += self.series.closed()

    def settle(self) -> None:
        """A last trade shows every loss; then the exchange's history has time to be asked."""
        self.trade(MICROSECONDS, 10_101, 7)
        self.deliver()
        for _ in range(50):
            self.beat(61 * MICROSECONDS)
            self.drain()
            self.ask()
            self.hear_answer()
            self.drain()


moments = st.integers(1, 150 * MICROSECONDS)
prices = st.integers(9_000, 11_000)
sizes = st.integers(1, 10**12)

peaceful = [
    st.tuples(st.just("trade"), moments, prices, sizes),
    st.tuples(st.just("trade"), st.integers(0, MICROSECONDS), prices, sizes),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("beat"), moments),
    st.tuples(st.just("repeat"), st.integers(1, 20)),
    st.tuples(st.just("ask")),
    st.tuples(st.just("hear_answer")),
    st.tuples(st.just("drain")),
]
late = [st.tuples(st.just("late_trade"), moments, prices, sizes)]
said = [
    st.tuples(st.just("lose"), st.just(True)),
    st.tuples(st.just("outage"), st.integers(3, 900 * MICROSECONDS)),
]
unsaid = [st.tuples(st.just("lose"), st.just(False))]
# One kind at once: a trade that is late *and* lost leaves no trace for anybody to follow, and
# neither does a loss that only an id would show, when an outage soon after explains that id.
scripts = st.one_of(
    st.lists(st.one_of(*peaceful, *late), max_size=60),
    st.lists(st.one_of(*peaceful, *said), max_size=60),
    st.lists(st.one_of(*peaceful, *unsaid), max_size=60),
)
ordering = [st.tuples(st.just("order")), st.tuples(st.just("hear_order"))]
scripts_with_orders = st.one_of(
    st.lists(st.one_of(*peaceful, *ordering, *late), max_size=60),
    st.lists(st.one_of(*peaceful, *ordering, *said), max_size=60),
    st.lists(st.one_of(*peaceful, *ordering, *unsaid), max_size=60),
)


def played(script: Sequence[tuple[object, ...]]) -> Exchange:
    exchange = Exchange(warm())
    exchange.trade(1, 10_000, 1)
    exchange.deliver()  # a loss shows only where the id before it is known
    for name, *arguments in script:
        getattr(exchange, str(name))(*arguments)
    exchange.settle()
    return exchange


@given(scripts_with_orders)
@settings(max_examples=150, deadline=None)
def test_candles_end_equal_to_the_truth(script: list[tuple[object, ...]]) -> None:
    exchange = played(script)

    assert exchange.series.hole() is None
    end = max(one.candle.closes_at for one in exchange.told)
    truth = truth_of(exchange.trades, end)
    for timeframe in Timeframe:
        told = [one.candle for one in exchange.told if one.candle.timeframe is timeframe]
        final = {one.opened_at: one for one in told}
        assert [final[at] for at in sorted(final)] == truth[timeframe]


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_indicators_end_as_if_nothing_had_been_amended(
    script: list[tuple[object, ...]],
) -> None:
    exchange = played(script)

    for timeframe in (Timeframe.M1, Timeframe.M5, Timeframe.M15):
        told = [one for one in exchange.told if one.candle.timeframe is timeframe]
        final = {one.candle.opened_at: one for one in told}
        candles = [final[at].candle for at in sorted(final)]
        points = points_after(timeframe, candles)
        assert [final[at].point for at in sorted(final)] == points
        assert [final[at].previous for at in sorted(final)][1:] == points[:-1]


@given(scripts_with_orders)
@settings(max_examples=60, deadline=None)
def test_minutes_are_told_in_order_and_again_only_from_an_amendment_on(
    script: list[tuple[object, ...]],
) -> None:
    exchange = played(script)

    newest, seen = NOON - 60, dict[int, Closed]()
    amended = False
    for one in (one for one in exchange.told if one.candle.timeframe is Timeframe.M1):
        opened_at = one.candle.opened_at
        if opened_at == newest + 60:
            newest, amended = opened_at, False
        else:
            assert opened_at in seen
            amended = amended or one.candle != seen[opened_at].candle
            assert amended
        seen[opened_at] = one


def test_quiet_link_tells_each_bar_once() -> None:
    exchange = Exchange(warm())
    for i in range(70):
        exchange.trade(20 * MICROSECONDS, 10_000 + i, 5)
        exchange.beat(20 * MICROSECONDS)
        exchange.drain()

    told = [(one.candle.timeframe, one.candle.opened_at) for one in exchange.told]
    assert len(told) == len(set(told))
    assert not any(one.late for one in exchange.told)
    assert exchange.series.trades == 70


@pytest.mark.parametrize("minutes", [1, 5, 78, 79, 200, REPAIRABLE_MINUTES])
def test_amendment_however_far_back_redoes_every_bar_from_there(minutes: int) -> None:
    exchange = Exchange(warm())
    for i in range(REPAIRABLE_MINUTES + 20):
        exchange.trade(60 * MICROSECONDS, 10_000 + (i * 37) % 301, 5)
        exchange.beat(0)
    exchange.beat(10 * MICROSECONDS)
    exchange.told.clear()
    exchange.late_trade(minutes * 60 * MICROSECONDS, 12_000, 9)

    exchange.settle()

    end = max(one.candle.closes_at for one in exchange.told)
    truth = truth_of(exchange.trades, end)
    since = Timeframe.M1.bucket(exchange.trades[-2].time_us // MICROSECONDS)
    for timeframe in Timeframe:
        told = {
            one.candle.opened_at: one.point
            for one in exchange.told
            if one.candle.timeframe is timeframe
        }
        points = points_after(timeframe, truth[timeframe])
        expected = {p.opened_at: p for p in points if p.opened_at >= timeframe.bucket(since)}
        assert told == expected


EVERYTHING = SignalRules(levels=tuple(map(float, range(1, 400))), minimum_bars=1)


def fired(before: IndicatorPoint | None, now: IndicatorPoint, timeframe: Timeframe) -> list[Signal]:
    return signals(before, now, market=MARKET, timeframe=timeframe, rules=EVERYTHING)


@pytest.mark.parametrize("minutes", [1, 5, 30, 90])
def test_amended_bars_fire_what_they_would_have_fired_at_first(minutes: int) -> None:
    exchange = Exchange(warm())
    for i in range(120):
        exchange.trade(60 * MICROSECONDS, 10_000 + round(900 * math.sin(i / 9)), 5)
        exchange.beat(0)
    exchange.beat(10 * MICROSECONDS)
    exchange.told.clear()
    exchange.late_trade(minutes * 60 * MICROSECONDS, 12_000, 9)

    exchange.settle()

    end = max(one.candle.closes_at for one in exchange.told)
    for timeframe, bars in truth_of(exchange.trades, end).items():
        expected = {
            now.opened_at: fired(before, now, timeframe)
            for before, now in pairwise(points_after(timeframe, bars))
        }
        again = {
            one.candle.opened_at: fired(one.previous, one.point, timeframe)
            for one in exchange.told
            if one.candle.timeframe is timeframe and one.candle.opened_at in expected
        }
        assert again == {at: expected[at] for at in again}
        assert timeframe is not Timeframe.M1 or any(again.values())


@pytest.mark.parametrize("minutes", [1, 5, 78, 200, 280])
def test_amendment_reaches_back_behind_the_moment_when_all_was_computed_anew(minutes: int) -> None:
    exchange = Exchange(warm())
    for i in range(REPAIRABLE_MINUTES + 20):
        exchange.trade(60 * MICROSECONDS, 10_000 + (i * 37) % 301, 5)
        exchange.beat(0)
    exchange.beat(10 * MICROSECONDS)
    exchange.order()
    exchange.hear_order()
    exchange.told.clear()
    exchange.late_trade(minutes * 60 * MICROSECONDS, 12_000, 9)

    exchange.settle()

    end = max(one.candle.closes_at for one in exchange.told)
    for timeframe in (Timeframe.M1, Timeframe.M5, Timeframe.M15):
        final = {
            one.candle.opened_at: one.candle
            for one in exchange.told
            if one.candle.timeframe is timeframe
        }
        truth = {one.opened_at: one for one in truth_of(exchange.trades, end)[timeframe]}
        assert final == {at: truth[at] for at in final}
        told = [one.point for one in exchange.told if one.candle.timeframe is timeframe]
        expected = points_after(timeframe, list(truth.values()))[-1]
        assert told[-1].macd_v == pytest.approx(expected.macd_v, abs=0.1)


def test_indicators_computed_anew_are_those_of_a_fresh_warm_up() -> None:
    exchange = Exchange(warm())
    for i in range(40):
        exchange.trade(60 * MICROSECONDS, 10_000 + (i * 37) % 301, 5)
        exchange.beat(0)
    exchange.order()
    for i in range(7):  # bars go on closing while the history is on its way
        exchange.trade(60 * MICROSECONDS, 10_500 + i, 5)
        exchange.beat(0)
    told = len(exchange.told)

    exchange.hear_order()
    exchange.drain()

    assert len(exchange.told) == told, "nothing is told again"
    end = exchange.told[-1].candle.closes_at
    fresh = MarketSeries(MARKET)
    fresh.warm_up(exchange.history(end), end)
    assert exchange.series.points() == fresh.points()


def test_minute_that_the_exchange_has_otherwise_is_amended_and_told() -> None:
    exchange = Exchange(warm())
    for _ in range(10):
        exchange.trade(60 * MICROSECONDS, 10_000, 5)
        exchange.beat(0)
    exchange.order()
    assert exchange.ordered is not None
    history, _, _ = exchange.ordered
    (wrong,) = (c for c in history[Timeframe.M1] if c.opened_at == NOON + 180)
    corrected = structs.replace(wrong, close=wrong.close + 5, high=wrong.high + 5)
    history[Timeframe.M1] = [corrected if c is wrong else c for c in history[Timeframe.M1]]
    exchange.told.clear()

    exchange.hear_order()
    exchange.drain()

    minutes = [one for one in exchange.told if one.candle.timeframe is Timeframe.M1]
    assert minutes[0].candle == corrected
    assert minutes[-1].point == exchange.series.points()[Timeframe.M1]
    parent = next(one for one in exchange.told if one.candle.timeframe is Timeframe.M5)
    assert parent.candle.high == corrected.high


def test_a_long_quiet_market_is_told_nothing_anew() -> None:
    exchange = Exchange(warm())
    exchange.trade(30 * MICROSECONDS, 10_700, 5)
    for _ in range(REPAIRABLE_MINUTES + 20):  # its minutes carry that price from here on
        exchange.beat(60 * MICROSECONDS)
    exchange.told.clear()
    exchange.order()

    exchange.hear_order()
    exchange.drain()

    assert exchange.told == []


def test_history_that_reaches_behind_what_was_told_tells_nothing_early() -> None:
    exchange = Exchange(warm())
    exchange.trade(30 * MICROSECONDS, 10_000, 5)
    exchange.now += 300 * MICROSECONDS
    exchange.order()

    exchange.hear_order()

    assert exchange.series.closed() == []
    assert exchange.series.points()[Timeframe.M1].closes_at == NOON


def test_restart_replays_nothing_and_the_first_bar_follows_history() -> None:
    series = warm()
    assert series.closed() == []
    before = series.points()[Timeframe.M1]
    assert before.opened_at == NOON - 60

    series.advance(us(62))

    (closed,) = series.closed()
    assert closed.previous == before
    assert closed.point == series.points()[Timeframe.M1]
    assert closed.point.closes_at == NOON + 60


def test_minute_comes_before_the_parents_it_closes() -> None:
    series = warm()
    for i in range(60):
        series.add(trade(1 + i, i * 60.0 + 1))
    series.advance(us(3_602))

    told = [one.candle.timeframe for one in series.closed() if one.candle.closes_at == NOON + 3_600]

    assert told == [Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1]


def test_parent_shares_the_lateness_of_the_minute_that_closed_it() -> None:
    series = warm()
    series.advance(us(235))
    series.doubt()
    series.advance(us(310))
    series.advance(us(365))
    hole = series.hole()
    assert hole is not None

    series.repair([], hole)

    late = {(one.candle.timeframe, one.candle.opened_at): one.late for one in series.closed()}
    assert late[Timeframe.M5, NOON] is True
    assert late[Timeframe.M1, NOON + 240] is True
    assert late[Timeframe.M1, NOON + 300] is False


def test_history_with_gaps_is_filled_and_its_gaps_count_as_no_bars() -> None:
    sparse = {
        timeframe: [one for i, one in enumerate(candles) if i % 3 == 0]
        for timeframe, candles in HISTORY.items()
    }

    points = warm(sparse).points()

    for timeframe in Timeframe:
        assert points[timeframe].opened_at == NOON - timeframe.seconds
        assert points[timeframe].bars == WARM_UP_BARS // 3


def test_history_older_than_the_warm_up_only_gives_its_close() -> None:
    old = {timeframe: [candle(-400, 77.0, timeframe=timeframe)] for timeframe in Timeframe}

    point = warm(old).points()[Timeframe.M1]

    assert (point.bars, point.close) == (0, 77.0)


def test_history_that_closes_behind_the_cut_is_left_out() -> None:
    series = MarketSeries(MARKET)
    series.warm_up({**HISTORY, Timeframe.M1: [*HISTORY[Timeframe.M1], candle(0, 999.0)]}, NOON)

    assert series.points()[Timeframe.M1].closes_at == NOON


def test_market_that_never_traded_begins_with_its_first_trade() -> None:
    series = MarketSeries(MARKET)
    series.advance(us(-5))
    series.warm_up({timeframe: [] for timeframe in Timeframe}, NOON)
    assert series.points() == {}
    series.add(trade(1, 130.0, 5.0))
    series.advance(us(302))

    told = series.closed()

    assert [one.candle.opened_at for one in told if one.candle.timeframe is Timeframe.M1] == [
        NOON + 120,
        NOON + 180,
        NOON + 240,
    ]
    assert told[0].previous is None


def test_cut_must_be_on_a_minute() -> None:
    with pytest.raises(ValueError, match="minute"):
        MarketSeries(MARKET).warm_up({}, NOON + 1)


def test_long_outage_asks_for_a_new_warm_up_and_goes_on_from_there() -> None:
    series = warm()
    series.add(trade(1, 1.0))
    series.doubt()
    cut = NOON + (REPAIRABLE_MINUTES + 10) * 60
    series.advance(cut * MICROSECONDS + MICROSECONDS)
    assert (series.is_warm, series.needs_warm_up) == (False, True)

    series.warm_up(HISTORY, cut)
    series.advance(cut * MICROSECONDS + 62 * MICROSECONDS)

    hole = series.hole()
    assert hole is not None
    assert (hole.start, hole.end) == (cut, cut + 60)
    series.repair([], hole)
    assert [one.candle.opened_at for one in series.closed()] == [cut]


def test_clock_and_newest_trade_are_known() -> None:
    series = warm()
    series.add(trade(1, 1.5))
    series.advance(us(3))

    assert series.last_trade_us == us(1.5)
    assert series.server_time_us == us(3)


def test_bar_that_a_history_begins_amid_is_amended_as_a_whole() -> None:
    end = NOON + 312 * 60
    heard = [trade(index + 1, index * 60 + 5, 100.0 + index % 7) for index in range(312)]
    made = [*heard, trade(1_000, 13 * 60 + 30, 200.0)]  # nobody ever told the last one
    series = MarketSeries(MARKET)
    series.warm_up({timeframe: [] for timeframe in Timeframe}, NOON)
    series.advance(us(0))
    for one in heard:
        series.add(one)
    series.advance(us(312 * 60 + 3))
    while hole := series.hole():
        series.repair(true_candles(heard, Timeframe.M1, hole.start, hole.end), hole)
    series.closed()

    start = {timeframe: timeframe.bucket(end) - 300 * timeframe.seconds for timeframe in Timeframe}
    history = {t: true_candles(made, t, start[t], t.bucket(end)) for t in Timeframe}
    series.recompute(history, end, us(312 * 60 + 10))
    told = [closed.candle for closed in series.closed()]

    assert [bar.volume for bar in told if bar.opened_at == NOON + 13 * 60] == [2.0]
    for bar in told:
        [true] = true_candles(made, bar.timeframe, bar.opened_at, bar.closes_at)
        assert bar == true
