"""When a minute is over, when it is certain, and what happens if it was not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.trading.core.made import MARKET, NOON, candle, trade, true_candle, us
from trading.core.candles import REPAIRABLE_MINUTES, Hole, carry_forward
from trading.core.market import MICROSECONDS, Candle, Timeframe, Trade
from trading.core.minutes import MinuteBuilder
from trading.core.silence import Silence


def listening(*, since: float = -30.0) -> MinuteBuilder:
    """A builder that hears everything ``since`` before noon and tells from noon on."""
    builder = MinuteBuilder(MARKET)
    builder.advance(us(since))
    builder.start(NOON, 100.0)
    return builder


def listening_to_the_busy(heard: Sequence[Trade] = (trade(1, 5.0),)) -> MinuteBuilder:
    """One that heard a trade at noon of a market that trades in every minute."""
    silence = Silence()
    for _ in range(300):
        silence.add(synthetic=False)
    builder = MinuteBuilder(MARKET, silence=silence)
    builder.advance(us(-30.0))
    builder.start(NOON, 100.0)
    for one in heard:
        builder.add(one)
    return builder


def told(builder: MinuteBuilder) -> list[Candle]:
    return [settled.candle for settled in builder.closed()]


def synthetic(index: int, close: float) -> Candle:
    return carry_forward(MARKET, Timeframe.M1, NOON + 60 * index, close)


def test_minute_closes_when_a_later_one_is_seen() -> None:
    builder = listening()
    first, second = trade(1, 0.0, 100.0, 0.1), trade(2, 59.999999, 101.0, 0.2)
    builder.add(first)
    builder.add(second)
    assert told(builder) == []

    builder.add(trade(3, 60.0))

    assert told(builder) == [true_candle([first, second], Timeframe.M1, NOON)]
    assert told(builder) == []


def test_minute_closes_by_the_exchanges_clock_after_the_grace() -> None:
    builder = listening()
    builder.add(trade(1, 5.0))
    builder.advance(us(61.999))
    assert told(builder) == []

    builder.advance(us(62.0))

    assert [one.opened_at for one in told(builder)] == [NOON]


@given(seconds=st.lists(st.floats(-20.0, 400.0), min_size=1, max_size=40))
def test_a_trade_closes_nothing_where_nothing_is_due(seconds: list[float]) -> None:
    builder = listening()
    for trade_id, second in enumerate(seconds, start=1):
        builder.add(trade(trade_id, second))
        is_due = builder.is_due
        assert is_due or told(builder) == []


def test_what_a_repair_amended_is_due() -> None:
    builder = listening()
    builder.add(trade(1, 5.0))
    builder.add(trade(2, 61.0))
    due = [builder.is_due]
    told(builder)
    due.append(builder.is_due)
    builder.correct([candle(0, 90.0)], NOON + 60, us(62.0))
    due.append(builder.is_due)
    assert due == [True, False, True]


def test_what_forms_is_told_as_far_as_it_has_come() -> None:
    builder = listening()
    assert builder.forming() is None
    first, second, third = trade(1, 10.0, 100.0), trade(2, 20.0, 90.0), trade(3, 70.0, 95.0)
    builder.add(first)
    builder.add(second)
    so_far = builder.forming()
    assert so_far == true_candle([first, second], Timeframe.M1, NOON)
    builder.add(third)
    assert told(builder) == [so_far]
    assert builder.forming() == true_candle([third], Timeframe.M1, NOON + 60)


def test_silence_closes_nothing() -> None:
    builder = listening()
    builder.add(trade(1, 59.0))
    builder.advance(us(59.5))

    assert told(builder) == []


def test_empty_minutes_carry_the_close_forward() -> None:
    builder = listening()
    builder.add(trade(1, 70.0, 105.0))

    builder.advance(us(242.0))

    assert [(one.close, one.synthetic, one.volume) for one in told(builder)] == [
        (100.0, True, 0.0),
        (105.0, False, 1.0),
        (105.0, True, 0.0),
        (105.0, True, 0.0),
    ]


def test_market_without_a_price_tells_nothing_before_its_first_trade() -> None:
    builder = MinuteBuilder(MARKET)
    builder.advance(us(-30))
    builder.start(NOON, None)
    builder.add(trade(1, 130.0))

    builder.advance(us(182.0))

    assert [one.opened_at for one in told(builder)] == [NOON + 120]


def test_trade_is_counted_once_by_its_id() -> None:
    builder = listening()

    assert builder.add(trade(1, 1.0))
    assert not builder.add(trade(1, 1.0))
    assert builder.add(trade(2, 2.0))
    assert not builder.add(trade(1, 1.0))

    builder.advance(us(62))
    assert [one.volume for one in told(builder)] == [2.0]


def test_first_minute_of_a_subscription_is_repaired() -> None:
    builder = MinuteBuilder(MARKET)
    builder.add(trade(7, 30.0))
    builder.start(NOON, 100.0)
    builder.add(trade(8, 61.0))
    assert told(builder) == []
    assert builder.hole() is None, "the exchange's history is asked after the grace"

    builder.advance(us(62.0))
    hole = builder.hole()

    assert hole == Hole(NOON, NOON + 60, us(62.0))
    builder.repair([candle(0, 42.0)], hole)
    assert told(builder) == [candle(0, 42.0)]
    assert builder.hole() is None


def test_trades_before_the_start_are_kept() -> None:
    builder = MinuteBuilder(MARKET)
    for i in range(5):
        builder.add(trade(1 + i, -130.0 + i * 60))

    builder.start(NOON, 90.0)
    builder.advance(us(182))

    assert [one.opened_at for one in told(builder)] == [NOON, NOON + 60, NOON + 120]
    assert builder.hole() is None


def test_snapshot_of_old_trades_amends_no_history() -> None:
    builder = MinuteBuilder(MARKET)
    builder.start(NOON, 100.0)
    for i in range(100):
        builder.add(trade(1 + i, -3_000 + i * 30.5))

    builder.advance(us(62))

    assert builder.hole() is None
    assert [one.opened_at for one in told(builder)] == [NOON]


def test_minutes_behind_a_hole_wait_for_it() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.doubt(us(10.0), us(20.0))
    builder.add(trade(2, 70.0))
    builder.advance(us(122))
    assert told(builder) == []

    hole = builder.hole()
    assert hole is not None
    builder.repair([candle(0, 50.0)], hole)

    assert [one.close for one in told(builder)] == [50.0, 100.0]


def test_loss_at_the_beginning_of_a_minute_doubts_the_one_before() -> None:
    """A trade may be told a little later than the clock beside it."""
    builder = listening()
    builder.advance(us(60.5))
    builder.doubt()
    builder.advance(us(61))
    builder.advance(us(122))

    assert builder.hole() == Hole(NOON, NOON + 120, us(122))


def test_open_doubt_ends_when_the_exchange_is_heard_again() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.doubt(us(10.0))
    builder.advance(us(125.0))
    builder.add(trade(2, 185.0))
    builder.advance(us(242.0))

    assert builder.hole() == Hole(NOON, NOON + 180, us(242.0))


def test_absent_minutes_of_a_repair_had_no_trade() -> None:
    builder = listening()
    builder.doubt(us(1), us(125))
    builder.advance(us(182))
    hole = builder.hole()
    assert hole is not None

    builder.repair([candle(1, 55.0)], hole)

    assert told(builder) == [synthetic(0, 100.0), candle(1, 55.0), synthetic(2, 55.0)]


def test_trades_seen_stand_where_history_knows_of_none() -> None:
    builder = listening()
    builder.add(trade(1, 10.0, 99.0))
    builder.doubt(us(10), us(20))
    builder.advance(us(62))
    hole = builder.hole()
    assert hole is not None

    builder.repair([], hole)

    assert [(one.close, one.synthetic) for one in told(builder)] == [(99.0, False)]


def test_minute_told_from_trades_stands_where_history_knows_of_none() -> None:
    builder = listening()
    builder.add(trade(1, 10.0, 99.0))
    builder.advance(us(62))
    assert len(told(builder)) == 1
    builder.doubt(us(10), us(20))
    builder.advance(us(65))
    hole = builder.hole()
    assert hole is not None

    builder.repair([], hole)

    assert told(builder) == []
    builder.advance(us(122))
    assert [one.close for one in told(builder)] == [99.0]


def test_truth_that_waits_behind_a_doubt_may_be_doubted_too() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.doubt(us(10), us(70))
    builder.advance(us(122))
    asked = builder.hole()
    assert asked == Hole(NOON, NOON + 120, us(122))
    builder.doubt(us(10), us(11))
    builder.repair([candle(0, 50.0), candle(1, 51.0)], asked)
    builder.add(trade(2, 119.0))
    assert told(builder) == []

    builder.advance(us(130))
    again = builder.hole()
    assert again == Hole(NOON, NOON + 120, us(130))
    builder.repair([candle(0, 60.0), candle(1, 61.0)], again)

    assert told(builder) == [candle(0, 60.0), candle(1, 61.0)]


def test_jump_of_ids_doubts_the_time_between() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.advance(us(62))
    assert len(told(builder)) == 1

    builder.add(trade(3, 70.0))
    builder.advance(us(125))

    assert builder.hole() == Hole(NOON, NOON + 120, us(125))
    builder.repair([candle(0, 90.0), candle(1, 91.0)], Hole(NOON, NOON + 120, us(125)))
    assert told(builder) == [candle(0, 90.0), candle(1, 91.0)], "the first one is amended"


def test_trade_that_says_which_one_it_follows_proves_that_none_is_lost() -> None:
    builder = listening()
    builder.add(trade(1_000, 10.0))
    builder.add(replace(trade(1_007, 70.0), follows=1_000))
    builder.advance(us(125))
    assert len(told(builder)) == 2
    assert builder.hole() is None

    builder.add(replace(trade(1_030, 130.0), follows=1_019))
    builder.advance(us(190))

    assert builder.hole() == Hole(NOON + 60, NOON + 180, us(190))


@pytest.mark.parametrize("is_open", [True, False])
def test_a_late_trade_behind_a_loss_does_not_hide_it(is_open: bool) -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.add(trade(2, 70.0))
    assert len(told(builder)) == 1
    if is_open:
        builder.doubt()
    builder.add(trade(40, 20.0))
    builder.add(trade(41, 250.0))
    builder.advance(us(310.0))
    assert told(builder) == []
    hole = builder.hole()
    assert hole is not None
    assert (hole.start, hole.end) == (NOON, NOON + 300)


def test_late_trade_amends_its_minute_and_what_was_carried_forward() -> None:
    builder = listening()
    builder.add(trade(1, 10.0, 100.0))
    builder.advance(us(185))
    assert [one.close for one in told(builder)] == [100.0] * 3

    builder.add(trade(2, 59.0, 101.0))
    assert builder.hole() is None, "history may not have it yet"
    builder.advance(us(187))
    hole = builder.hole()

    assert hole == Hole(NOON, NOON + 60, us(187))
    builder.repair([candle(0, 101.0)], hole)
    assert told(builder) == [candle(0, 101.0), synthetic(1, 101.0), synthetic(2, 101.0)]
    builder.advance(us(242))
    assert told(builder) == [synthetic(3, 101.0)]


def test_amendment_stops_at_the_next_trade() -> None:
    builder = listening()
    for i in range(3):
        builder.add(trade(1 + i, 10.0 + 60 * i, 100.0 + i))
    builder.advance(us(182))
    assert len(told(builder)) == 3
    builder.add(trade(4, 59.0))
    builder.advance(us(190))
    hole = builder.hole()
    assert hole is not None

    builder.repair([candle(0, 77.0)], hole)
    builder.advance(us(242))

    assert told(builder) == [candle(0, 77.0), synthetic(3, 102.0)]


def test_repair_that_says_the_same_tells_nothing() -> None:
    builder = listening()
    first = trade(1, 10.0)
    builder.add(first)
    builder.advance(us(62))
    (before,) = told(builder)
    builder.doubt(us(50), us(51))
    builder.advance(us(65))
    hole = builder.hole()
    assert hole is not None

    builder.repair([before], hole)

    assert told(builder) == []
    assert builder.hole() is None


def test_doubt_raised_while_the_answer_is_on_its_way_stays() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.doubt(us(10), us(20))
    builder.advance(us(62))
    asked = builder.hole()
    assert asked is not None
    builder.add(trade(2, 61.0))
    builder.add(trade(3, 59.9))
    builder.doubt(us(59), us(59.5))

    builder.repair([candle(0, 50.0)], asked)

    assert told(builder) == []
    builder.advance(us(70))
    again = builder.hole()
    assert again == Hole(NOON, NOON + 60, us(70))


def test_minute_that_closed_while_the_link_was_away_is_late() -> None:
    builder = listening()
    builder.doubt(us(10), us(130))
    builder.advance(us(182))
    hole = builder.hole()
    assert hole is not None

    builder.repair([candle(0), candle(1), candle(2)], hole)

    assert [settled.late for settled in builder.closed()] == [True, True, False]


def test_minutes_of_an_outage_are_late_though_every_trade_was_learnt_afterwards() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.advance(us(20.0))
    builder.doubt()
    for trade_id, second in enumerate((25.0, 70.0, 130.0, 190.0, 200.0), start=2):
        builder.add(trade(trade_id, second))
    settled = builder.closed()
    builder.advance(us(201.0))
    hole = builder.hole()
    assert hole is not None
    builder.repair([true_candle([trade(1, 10.0), trade(2, 25.0)], Timeframe.M1, NOON)], hole)
    builder.add(trade(7, 241.0))
    settled += builder.closed()
    assert [(s.candle.opened_at - NOON, s.late) for s in settled] == [
        (0, True),
        (60, True),
        (120, True),
        (180, False),
    ]


def test_minutes_that_closed_before_a_process_began_are_late_though_it_learns_every_trade() -> None:
    builder = MinuteBuilder(MARKET)
    for trade_id, second in enumerate((-30.0, 10.0, 70.0, 130.0), start=1):
        builder.add(trade(trade_id, second))
    builder.advance(us(131.0))
    builder.start(NOON, 100.0)
    builder.add(trade(5, 181.0))
    settled = builder.closed()
    assert [(s.candle.opened_at - NOON, s.late) for s in settled] == [
        (0, True),
        (60, True),
        (120, False),
    ]


def test_minute_repaired_within_moments_is_no_outage() -> None:
    builder = listening()
    builder.doubt(us(59.9), us(60.2))
    builder.advance(us(122))
    hole = builder.hole()
    assert hole is not None

    builder.repair([candle(0), candle(1)], hole)

    assert [settled.late for settled in builder.closed()] == [True, False]


def test_repair_that_took_a_minute_is_late() -> None:
    builder = listening()
    builder.doubt(us(10), us(20))
    builder.advance(us(122))
    hole = builder.hole()
    assert hole is not None

    builder.repair([candle(0)], hole)

    assert [settled.late for settled in builder.closed()] == [True, False]


def test_hole_longer_than_the_indicators_remember_needs_a_new_start() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    outage = REPAIRABLE_MINUTES * 60 + 30.0
    builder.doubt(us(10))
    builder.add(trade(500, outage, 120.0))
    assert builder.needs_start
    given_up_since = builder.given_up_since
    assert given_up_since == NOON + 8  # the doubt trails what was heard by the grace
    assert builder.hole() is None
    assert told(builder) == []

    cut = NOON + REPAIRABLE_MINUTES * 60
    builder.start(cut, 110.0)
    assert builder.given_up_since is None
    builder.advance(cut * MICROSECONDS + 62 * MICROSECONDS)

    assert builder.hole() == Hole(cut, cut + 60, cut * MICROSECONDS + 62 * MICROSECONDS)


def test_hole_that_nobody_repairs_needs_a_new_start() -> None:
    builder = listening()
    builder.doubt(us(10), us(20))
    builder.advance(us(REPAIRABLE_MINUTES * 60 + 1))

    assert told(builder) == []
    assert builder.needs_start


def test_long_hole_is_reported_in_pieces_that_history_serves() -> None:
    builder = listening()
    half = REPAIRABLE_MINUTES * 60 // 2 + 600
    builder.doubt(us(10), us(half))
    builder.doubt(us(half), us(2 * half - 1_500))
    builder.advance(us(2 * half))

    hole = builder.hole()

    assert hole is not None
    assert hole.end - hole.start <= REPAIRABLE_MINUTES * 60


def test_new_start_behind_what_was_told_has_it_told_again() -> None:
    builder = listening()
    builder.add(trade(1, 10.0))
    builder.add(trade(2, 70.0))
    builder.advance(us(122))
    assert len(told(builder)) == 2

    builder.start(NOON + 60, 100.0)
    builder.advance(us(130))
    hole = builder.hole()

    assert hole == Hole(NOON + 60, NOON + 120, us(130))
    builder.repair([candle(1, 88.0)], hole)
    assert told(builder) == [candle(1, 88.0)]


def test_resuming_after_a_candle_needs_no_more() -> None:
    builder = MinuteBuilder(MARKET)
    builder.resume_after(candle(-1, 98.0))
    builder.advance(us(5))
    builder.advance(us(62))

    assert builder.hole() == Hole(NOON, NOON + 60, us(62))


def test_trades_that_nobody_comes_for_are_bounded() -> None:
    builder = MinuteBuilder(MARKET)
    for i in range(REPAIRABLE_MINUTES + 50):
        builder.add(trade(i + 1, i * 60.0))

    builder.start(NOON + REPAIRABLE_MINUTES * 60, 100.0)
    builder.advance(us((REPAIRABLE_MINUTES + 50) * 60 + 2))

    first = NOON + REPAIRABLE_MINUTES * 60
    hole = builder.hole()
    assert hole is not None
    assert (hole.start, hole.end) == (first, first + 60)


def test_a_minute_without_a_trade_is_asked_about_where_that_is_unusual() -> None:
    builder = listening_to_the_busy()
    builder.advance(us(122.0))

    assert [one.opened_at for one in told(builder)] == [NOON]
    builder.advance(us(125.0))
    assert told(builder) == []
    # With the minute of the last trade: where it was no silence, others of it are missing.
    assert builder.hole() == Hole(NOON, NOON + 120, us(125.0))


def test_a_silence_that_the_exchange_confirms_is_told_as_one() -> None:
    builder = listening_to_the_busy()
    builder.advance(us(122.0))
    told(builder)
    builder.advance(us(125.0))
    builder.repair([], Hole(NOON, NOON + 120, us(125.0)))

    assert told(builder) == [synthetic(1, 100.0)]
    assert not builder.is_deaf


def test_where_it_traded_unheard_every_minute_is_asked_about_until_a_trade_is_heard() -> None:
    builder = listening_to_the_busy()
    builder.advance(us(122.0))
    told(builder)
    builder.advance(us(125.0))
    hole = builder.hole()
    assert hole == Hole(NOON, NOON + 120, us(125.0))
    builder.repair([candle(0, 100.5), candle(1, 101.0)], hole)
    # In one: whoever takes up behind the second minute has the first as it was.
    assert told(builder) == [candle(0, 100.5), candle(1, 101.0)]
    deaf = [builder.is_deaf]

    builder.advance(us(182.0))
    assert told(builder) == []
    builder.advance(us(185.0))
    assert builder.hole() == Hole(NOON + 120, NOON + 180, us(185.0))
    deaf.append(builder.is_deaf)

    builder.add(trade(9, 186.0, 102.0))
    deaf.append(builder.is_deaf)
    assert deaf == [True, True, False]


@pytest.mark.parametrize("known", [0, 1], ids=["the first of all", "by its word the next one"])
def test_the_minute_in_which_a_deaf_market_is_heard_again_is_asked_about(known: int) -> None:
    builder = listening_to_the_busy() if known else listening_to_the_busy(heard=())
    history = [candle(0, 100.5), candle(1, 101.0), candle(2, 102.0, volume=7.0)]
    for second in (122.0, 125.0, 128.0):
        builder.advance(us(second))
        told(builder)
        while hole := builder.hole():
            builder.repair(history, hole)
    assert builder.is_deaf

    # It says that none was between on this connection; the exchange knows better.
    builder.add(replace(trade(9, 150.0, 102.0), follows=known))
    builder.advance(us(185.0))
    told(builder)
    while hole := builder.hole():
        builder.repair(history, hole)

    assert told(builder)[-1] == history[-1]


def test_a_silence_between_trades_whose_ids_follow_each_other_is_certain() -> None:
    builder = listening_to_the_busy()
    builder.add(trade(2, 130.0))
    assert told(builder) == [true_candle([trade(1, 5.0)], Timeframe.M1, NOON), synthetic(1, 100.0)]
    assert builder.hole() is None
