"""One user's rules over bars that are shared by all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.trading.running import BTC, ETH, Recorder, owner, plan
from trading.core.holdings import Holding
from trading.core.indicators import IndicatorPoint, IndicatorSeries
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe
from trading.core.modes import SignalKind, SignalRules
from trading.core.series import Closed
from trading.core.signals import Direction
from trading.core.stages import Stage
from trading.desk import Attendance, Desk, Seat
from trading.ports import DeskPlan, Gate, ToldSignal

NOON = 1_790_769_600


def us(seconds: float) -> int:
    """Unix microseconds, ``seconds`` after noon."""
    return round((NOON + seconds) * MICROSECONDS)


def point(minute: int, macd_v: float, timeframe: Timeframe) -> IndicatorPoint:
    """The indicators of a bar that opened ``minute`` minutes after noon."""
    opened_at = NOON + 60 * minute
    return IndicatorPoint(
        opened_at=opened_at,
        closes_at=opened_at + timeframe.seconds,
        close=100.0,
        macd_v=macd_v,
        signal=0.0,
        histogram=macd_v,
        gauges={"rsi": 50.0},
        atr=1.0,
        stage=Stage.RALLYING,
        bars=300,
    )


def closed(
    minute: int,
    *,
    market: Market = BTC,
    timeframe: Timeframe = Timeframe.M1,
    before: float = 100.0,
    now: float = 160.0,
    late: bool = False,
) -> Closed:
    """A closed bar on which MACD-V went from ``before`` to ``now``."""
    candle = Candle(
        market=market,
        timeframe=timeframe,
        opened_at=NOON + 60 * minute,
        open=100.0,
        high=100.0,
        low=100.0,
        close=100.0,
        volume=1.0,
    )
    current, previous = point(minute, now, timeframe), point(minute - 1, before, timeframe)
    return Closed(candle, current, previous, late)


def seat(decided: DeskPlan, *, is_open: bool = True) -> Seat:
    return Seat(owner=owner(), plan=decided, gate=Gate(is_open=is_open))


LEVELS = SignalRules(kinds=frozenset({SignalKind.LEVEL}))
"""What the bars of :func:`closed` fire, and nothing beside it."""


def desk(recorder: Recorder, rules: SignalRules | None = None, *, is_open: bool = True) -> Desk:
    """A desk that has looked at BTC and ETH since ever."""
    made = Desk(seat(plan(BTC, ETH, rules=rules or LEVELS), is_open=is_open), recorder)
    for market in (BTC, ETH):
        made.attendance(market).arrive(0)
    return made


def test_signal_leaves_with_the_owner_and_its_values() -> None:
    recorder = Recorder()
    desk(recorder).closed(closed(1))
    (fired,) = recorder.signals
    assert fired.owner == owner()
    assert not fired.missed
    assert (fired.signal.kind, fired.signal.level) == (SignalKind.LEVEL, 150.0)
    assert fired.signal.closed_at == NOON + 120
    (update,) = recorder.updates
    assert update.point.macd_v == 160.0


def test_bar_without_a_transition_moves_the_indicators_only() -> None:
    recorder = Recorder()
    desk(recorder).closed(closed(1, before=151.0, now=152.0))
    assert recorder.signals == []
    assert len(recorder.updates) == 1


def test_an_indicator_is_shown_to_whom_it_is_enabled_for() -> None:
    recorder = Recorder()
    working = Desk(seat(replace(plan(BTC), indicators=("rsi",))), recorder)
    working.attendance(BTC).arrive(0)
    working.closed(closed(1))
    (update,) = recorder.updates
    assert update.indicators == ("rsi",)
    assert update.point.macd_v == 160.0, "it is computed for everybody"


def test_late_bar_is_missed() -> None:
    recorder = Recorder()
    desk(recorder).closed(closed(1, late=True))
    assert [fired.missed for fired in recorder.signals] == [True]


def test_nothing_passes_a_closed_gate() -> None:
    recorder = Recorder()
    working = desk(recorder, is_open=False)
    working.closed(closed(1))
    assert (recorder.signals, recorder.updates, working.candles_closed) == ([], [], 0)


def test_timeframe_that_is_not_watched_is_left_out() -> None:
    recorder = Recorder()
    decided = replace(plan(BTC), timeframes=(Timeframe.H1,))
    working = Desk(seat(decided), recorder)
    working.attendance(BTC).arrive(0)
    working.closed(closed(1))
    assert (recorder.signals, recorder.updates) == ([], [])
    assert working.candles_closed == 1, "the candle was closed for this desk all the same"


def test_cooldown_is_the_exchanges_and_of_market_timeframe_and_kind() -> None:
    recorder = Recorder()
    working = desk(recorder, replace(LEVELS, cooldown_seconds=300))
    for minute in (0, 1, 4, 5):
        working.closed(closed(minute))
    working.closed(closed(1, market=ETH))
    working.closed(closed(1, timeframe=Timeframe.M5))
    told = [
        (f.signal.market, f.signal.timeframe, f.signal.opened_at - NOON) for f in recorder.signals
    ]
    assert told == [
        (BTC, Timeframe.M1, 0),
        (BTC, Timeframe.M1, 300),
        (ETH, Timeframe.M1, 60),
        (BTC, Timeframe.M5, 60),
    ]


def told(minute: int, kind: SignalKind = SignalKind.LEVEL, market: Market = BTC) -> ToldSignal:
    """What was told of the 1m bar that opened ``minute`` minutes after noon."""
    return ToldSignal(
        market=market,
        timeframe=Timeframe.M1,
        kind=kind,
        direction=Direction.UP,
        closed_at=NOON + 60 * minute + 60,
    )


@pytest.mark.parametrize(
    ("before", "fires"),
    [
        (told(0), [5]),
        (told(-1), [4]),
        (told(-4), [1, 6]),
        (told(0, kind=SignalKind.CROSSOVER), [1, 6]),
        (told(0, market=ETH), [1, 6]),
    ],
)
def test_a_cooldown_goes_on_over_the_end_of_a_process(before: ToldSignal, fires: list[int]) -> None:
    recorder = Recorder()
    decided = plan(BTC, ETH, rules=replace(LEVELS, cooldown_seconds=300))
    working = Desk(seat(replace(decided, told=(before,))), recorder)
    working.attendance(BTC).arrive(0)
    for minute in range(1, 8):
        working.closed(closed(minute))
    assert [(f.signal.opened_at - NOON) // 60 for f in recorder.signals] == fires


def test_amended_bar_never_tells_its_signal_twice() -> None:
    recorder = Recorder()
    working = desk(recorder, replace(LEVELS, cooldown_seconds=0))
    for minute in (1, 2, 1, 2):
        working.closed(closed(minute, late=True))
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [60, 120]


def reversing(minute: int, since: int) -> Closed:
    """A bar on which the excursion reverses that began ``since`` minutes after noon."""
    bar = closed(minute, before=-170.0, now=-160.0)
    began = NOON + 60 * since
    before = structs.replace(bar.point, excursion_since=began)
    return structs.replace(bar, previous=before, point=structs.replace(before, has_reversed=True))


@pytest.mark.parametrize("amended", [9, 11])
def test_excursion_reverses_once_although_an_amendment_moves_the_bar(amended: int) -> None:
    recorder = Recorder()
    rules = SignalRules(kinds=frozenset({SignalKind.REVERSAL}), cooldown_seconds=0)
    working = desk(recorder, rules)
    for bar in (reversing(10, since=5), reversing(amended, since=5), reversing(13, since=12)):
        working.closed(bar)
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [600, 780]


def test_reversal_does_not_silence_the_one_of_an_excursion_before_that_an_amendment_reveals() -> (
    None
):
    recorder = Recorder()
    rules = SignalRules(kinds=frozenset({SignalKind.REVERSAL}), cooldown_seconds=300)
    working = desk(recorder, rules)
    for bar in (reversing(100, since=90), reversing(10, since=5)):
        working.closed(bar)
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [6000, 600]


walks = st.lists(st.integers(-300, 300), min_size=60, max_size=150).map(
    lambda steps: [200.0 + step / 100 for step in accumulate(steps)]
)


@given(walks)
def test_bars_that_are_told_again_fire_the_same_elsewhere_and_nothing_here(
    walk: list[float],
) -> None:
    series, bars, previous = IndicatorSeries(), [], None
    for minute, close in enumerate(walk):
        candle = structs.replace(closed(minute).candle, high=close + 1, low=close - 1, close=close)
        point = series.append(candle)
        bars.append(Closed(candle, point, previous, late=False))
        previous = point
    here, elsewhere = Recorder(), Recorder()
    rules = SignalRules(cooldown_seconds=0, minimum_bars=1)
    for recorder in (here, elsewhere):
        decided = replace(plan(BTC, rules=rules), holdings={BTC: HELD})
        working = Desk(seat(decided), recorder)
        working.attendance(BTC).arrive(0)
        for bar in bars[-60:]:
            working.closed(bar)
        if recorder is here:
            for bar in bars[-30:]:
                working.closed(bar)
    assert here.signals == elsewhere.signals
    assert all(fired.signal.point != fired.signal.previous for fired in here.signals)
    unique = {(f.signal.kind, f.signal.closed_at) for f in here.signals}
    assert len(unique) == len(here.signals)


def test_two_kinds_on_one_bar_both_leave() -> None:
    recorder = Recorder()
    both = frozenset({SignalKind.LEVEL, SignalKind.MOMENTUM_SHIFT})
    desk(recorder, SignalRules(kinds=both)).closed(closed(1))
    assert [f.signal.kind for f in recorder.signals] == [
        SignalKind.LEVEL,
        SignalKind.MOMENTUM_SHIFT,
    ]


HELD = Holding.of(Decimal(200), stop_loss_percentage=2.5, take_profit_percentage=5.0)
"""Told at 195 and at 210."""


def priced(minute: int, before: float, now: float, timeframe: Timeframe = Timeframe.M1) -> Closed:
    """A bar on which the price went from ``before`` to ``now`` and MACD-V stood still."""
    bar = closed(minute, timeframe=timeframe, before=0.0, now=0.0)
    assert bar.previous is not None
    previous, point = (
        structs.replace(bar.previous, close=before),
        structs.replace(bar.point, close=now),
    )
    return structs.replace(bar, previous=previous, point=point)


def holder(recorder: Recorder, *timeframes: Timeframe, cooldown_seconds: int = 0) -> Desk:
    """A desk that holds BTC, and looks at these timeframes."""
    rules = SignalRules(cooldown_seconds=cooldown_seconds)
    decided = replace(plan(BTC, ETH, rules=rules), timeframes=timeframes, holdings={BTC: HELD})
    made = Desk(seat(decided), recorder)
    made.attendance(BTC).arrive(0)
    return made


@pytest.mark.parametrize("watched", [(Timeframe.M1, Timeframe.H1), (Timeframe.H1,)])
def test_price_move_is_told_of_1m_bars_whatever_is_watched(watched: tuple[Timeframe, ...]) -> None:
    recorder = Recorder()
    working = holder(recorder, *watched)
    for timeframe in Timeframe:
        working.closed(priced(1, 200.0, 190.0, timeframe))
    (fired,) = recorder.signals
    assert (fired.signal.kind, fired.signal.timeframe) == (SignalKind.PRICE_MOVE, Timeframe.M1)
    assert (fired.signal.direction, fired.signal.holding) == (Direction.DOWN, HELD)
    assert {update.candle.timeframe for update in recorder.updates} == set(watched)


def test_price_move_needs_a_position_with_a_cost_basis_and_its_kind() -> None:
    recorder = Recorder()
    working = holder(recorder, Timeframe.M1)
    working.attendance(ETH).arrive(0)
    eth = priced(1, 200.0, 190.0)
    working.closed(structs.replace(eth, candle=structs.replace(eth.candle, market=ETH)))
    others = replace(working.seat.plan, rules=SignalRules(kinds=frozenset({SignalKind.LEVEL})))
    working.take_seat(seat(others), recorder)
    working.closed(priced(1, 200.0, 190.0))
    assert recorder.signals == []


def test_price_move_waits_for_no_hundred_bars_but_for_an_indicator() -> None:
    recorder = Recorder()
    working = holder(recorder, Timeframe.M1)
    bar = priced(1, 200.0, 190.0)
    working.closed(structs.replace(bar, point=structs.replace(bar.point, macd_v=None)))
    assert recorder.signals == []
    working.closed(structs.replace(bar, point=structs.replace(bar.point, bars=26)))
    assert len(recorder.signals) == 1


@pytest.mark.parametrize("amended", [9, 11])
def test_price_passes_once_although_an_amendment_moves_the_bar(amended: int) -> None:
    recorder = Recorder()
    working = holder(recorder, Timeframe.M1)
    for bar in (priced(10, 200.0, 190.0), priced(amended, 200.0, 190.0), priced(12, 200.0, 190.0)):
        working.closed(bar)
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [600, 720]


def test_price_that_falls_through_the_stop_may_rise_through_the_target_at_once() -> None:
    recorder = Recorder()
    working = holder(recorder, Timeframe.M1)
    working.closed(priced(10, 200.0, 190.0))
    working.closed(priced(11, 190.0, 215.0))
    assert [f.signal.direction for f in recorder.signals] == [Direction.DOWN, Direction.UP]


def test_price_around_its_stop_is_quiet_for_the_cooldown() -> None:
    recorder = Recorder()
    working = holder(recorder, Timeframe.M1, cooldown_seconds=300)
    for minute in range(0, 10, 2):
        working.closed(priced(minute, 196.0, 194.0))
        working.closed(priced(minute + 1, 194.0, 196.0))
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [0, 360]


def test_new_seat_keeps_the_cooldown_and_takes_the_new_fence() -> None:
    recorder, later = Recorder(), Recorder()
    working = desk(recorder)
    working.closed(closed(1))
    taken = replace(seat(plan(BTC, rules=LEVELS)), owner=owner(fence=2))
    working.take_seat(taken, later)
    working.closed(closed(2))
    working.closed(closed(10))
    assert [f.signal.opened_at - NOON for f in later.signals] == [600]
    assert later.signals[0].owner.fence == 2


def test_market_taken_off_the_plan_and_put_back_begins_anew() -> None:
    recorder = Recorder()
    working = desk(recorder)
    working.take_seat(seat(plan(ETH)), recorder)
    working.take_seat(seat(plan(BTC, ETH, rules=LEVELS)), recorder)
    working.closed(closed(1))
    assert recorder.signals == []
    assert not working.attendance(BTC).is_present
    assert working.attendance(ETH).is_present


def test_cooldown_goes_on_for_a_market_that_was_off_the_plan_for_a_while() -> None:
    recorder = Recorder()
    working = desk(recorder)
    working.closed(closed(1))
    working.take_seat(seat(plan(ETH)), recorder)  # another mode
    working.take_seat(seat(plan(BTC, ETH, rules=LEVELS)), recorder)  # and back
    working.attendance(BTC).arrive(us(61))
    for minute in (2, 10):
        working.closed(closed(minute))
    assert [f.signal.opened_at - NOON for f in recorder.signals] == [60, 600]


def test_bar_that_closed_in_a_pause_is_neither_signal_nor_miss() -> None:
    recorder = Recorder()
    working = desk(recorder, replace(LEVELS, cooldown_seconds=0))
    working.attendance(BTC).leave(us(70.0))
    working.attendance(BTC).arrive(us(250.0))
    for minute in range(6):
        working.closed(closed(minute, late=True))
    assert [f.signal.closed_at - NOON for f in recorder.signals] == [60, 300, 360]


@pytest.mark.parametrize(
    ("closed_at", "was_away"), [(0, True), (60, True), (61, False), (120, False), (121, True)]
)
def test_absence_ends_with_the_moment_of_arrival(closed_at: int, was_away: bool) -> None:
    attendance = Attendance()
    assert attendance.was_away(1)
    attendance.arrive(60 * MICROSECONDS)
    attendance.leave(120 * MICROSECONDS)
    assert attendance.was_away(closed_at) is (was_away and closed_at > 0)


def test_arriving_and_leaving_twice_changes_nothing() -> None:
    attendance = Attendance()
    attendance.arrive(10)
    attendance.arrive(20)
    assert attendance.is_present
    attendance.leave(30 * MICROSECONDS)
    attendance.leave(40 * MICROSECONDS)
    attendance.arrive(50 * MICROSECONDS)
    assert not attendance.was_away(29)
    assert attendance.was_away(31)
    assert attendance.was_away(50)
    assert not attendance.was_away(51)


def test_twin_has_told_what_its_desk_has_and_neither_moves_the_other() -> None:
    first, second = Recorder(), Recorder()
    before = desk(first)
    before.closed(closed(1))
    twin = before.twin()
    twin.take_seat(before.seat, second)
    twin.closed(closed(1, late=True))
    assert second.signals == [], "it was told by the other"
    twin.attendance(BTC).leave(us(120))
    assert before.attendance(BTC).is_present
    before.closed(closed(30))
    twin.closed(closed(30))
    assert (len(first.signals), len(second.signals)) == (2, 0)
    assert (twin.candles_closed, before.candles_closed) == (3, 2)
