"""A recording says what the exchange says of the same time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import sin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from tests.trading.core.made import MARKET, NOON, candle, trade, true_candles, us
from tests.trading.replay.played import (
    Wire,
    candle_row,
    played_candles,
    played_frames,
    played_trades,
    trade_row,
)
from tests.trading.simulator.worlds import NOW, THIN, world
from trading.core.candles import fill
from trading.core.market import Candle, Timeframe, Trade
from trading.ports import FiredSignal, IndicatorUpdate
from trading.replay.market import RecordedMarket
from trading.simulator.recording import candle_rows, trade_rows

MIDNIGHT = NOW - NOW % 86_400 - 2 * 86_400


def exchange_candles(symbol: str, timeframe: Timeframe, end: int) -> list[Candle]:
    """What the simulated exchange answers, its empty buckets carried forward."""
    rows = candle_rows(world(), symbol, timeframe.seconds, MIDNIGHT, end)
    values = [[float(text) for text in row.split(",")] for row in list(rows)[1:]]
    bars = [
        Candle(
            market=MARKET,
            timeframe=timeframe,
            opened_at=int(at),
            open=first,
            high=high,
            low=low,
            close=last,
            volume=volume,
        )
        for at, first, high, low, last, volume in values
    ]
    return fill(bars, MIDNIGHT, timeframe.bucket(end), None, market=MARKET, timeframe=timeframe)


@pytest.mark.parametrize("symbol", ["ADA-USD", THIN])
def test_trades_of_a_day_give_the_exchanges_own_candles_of_every_timeframe(symbol: str) -> None:
    played = played_trades(trade_rows(world(), symbol, MIDNIGHT, MIDNIGHT + 90_000))
    first = played.candles()[0].opened_at
    seen = played.candles()[-1].closes_at

    assert played.unreadable == played.notes == []
    assert played.candles() == [
        one
        for one in exchange_candles(symbol, Timeframe.M1, MIDNIGHT + 90_000)
        if one.closes_at <= seen
    ]
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1):
        expected = exchange_candles(symbol, timeframe, timeframe.bucket(seen))
        assert played.candles(timeframe) == [one for one in expected if one.opened_at >= first]


def test_minutes_of_a_day_give_the_exchanges_own_candles_of_every_timeframe() -> None:
    played = played_candles(candle_rows(world(), "ADA-USD", 60, MIDNIGHT, MIDNIGHT + 86_400))

    for timeframe in Timeframe:
        assert played.candles(timeframe) == exchange_candles(
            "ADA-USD", timeframe, MIDNIGHT + 86_400
        )


@given(st.lists(st.tuples(st.integers(0, 1_500), st.integers(1, 99)), min_size=1, max_size=60))
def test_trades_that_come_late_are_counted_where_they_belong(made: list[tuple[int, int]]) -> None:
    # Each comes up to two minutes late.
    made.sort(key=lambda one: one[0] + one[1] * 120 // 99)
    trades = [
        trade(i, at, float(price), price / 100) for i, (at, price) in enumerate(made, start=1)
    ]
    first = Timeframe.M1.bucket(trades[0].time_us // 1_000_000)
    seen = Timeframe.M1.bucket(max(one.time_us for one in trades) // 1_000_000)

    played = played_trades(map(trade_row, trades))

    whole = true_candles(trades, Timeframe.M1, first, seen)
    assert sorted(played.candles(), key=lambda one: one.opened_at) == fill(
        whole, first, seen, None, market=MARKET, timeframe=Timeframe.M1
    )


def test_the_forming_minute_is_not_told() -> None:
    played = played_trades(map(trade_row, [trade(1, 0), trade(2, 59.9)]))
    assert played.facts == []


def test_lost_trades_are_said_to_be_lost_and_the_rest_is_told() -> None:
    made = [trade(1, 0), trade(2, 30), trade(5, 70), trade(6, 130)]

    played = played_trades(map(trade_row, made))

    assert played.notes == ["BTC-USD: 2 trades before 5 are lost"]
    assert played.candles() == true_candles(made, Timeframe.M1, NOON, NOON + 120)


def test_ids_that_leave_numbers_out_are_no_loss_but_still_have_to_rise() -> None:
    made = [trade(1, 0), trade(20, 30), trade(50, 70), trade(60, 130), trade(60, 140)]

    played = played_trades(map(trade_row, made), leaves_out_ids=True)

    assert played.notes == []
    assert played.unreadable == ["id must rise, was 60"]
    assert played.candles() == true_candles(made[:4], Timeframe.M1, NOON, NOON + 120)


def test_a_loss_of_hours_begins_the_indicators_anew() -> None:
    before = [trade(i, i * 60) for i in range(1, 31)]
    after = [trade(100 + i, 40_000 + i * 60) for i in range(1, 31)]

    played = played_trades(map(trade_row, [*before, *after]))

    assert "indicators begin anew" in played.notes[-1]
    moved = [fact for fact in played.facts if isinstance(fact, IndicatorUpdate)]
    assert moved[-1].point.bars < 30
    assert played.candles()[-1].opened_at == Timeframe.M1.bucket(NOON + 40_000 + 29 * 60)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (trade_row(trade(2, 61)), "id must rise, was 2"),
        (trade_row(trade(4, 40 * 86_400)), "time must be within 31 days"),
    ],
)
def test_a_trade_that_cannot_follow_is_left_out(row: str, says: str) -> None:
    made = [trade(1, 0), trade(2, 30), trade(3, 60)]

    played = played_trades([*map(trade_row, made), row, trade_row(trade(4, 120))])

    assert len(played.unreadable) == 1
    assert says in played.unreadable[0]
    assert [one.opened_at for one in played.candles()] == [NOON, NOON + 60]


def test_a_trade_that_comes_too_late_to_be_counted_is_said() -> None:
    noted: list[str] = []
    market = RecordedMarket(MARKET, noted.append, begins_whole=True, grace_seconds=0.0)
    for number in range(9):
        market.add(trade(number + 1, number * 60 + 1))
        market.closed()
    assert noted == []
    market.add(trade(10, 30))
    assert noted == ["BTC-USD: trade 10 came more than 5 minutes late and is left out"]


def test_the_published_vector_comes_out_of_a_table() -> None:
    closes = [100 + 10 * sin(i / 9) + 0.1 * i for i in range(80)]
    played = played_candles(candle_row(candle(i, close)) for i, close in enumerate(closes))

    points = [
        fact.point
        for fact in played.facts
        if isinstance(fact, IndicatorUpdate) and fact.candle.timeframe is Timeframe.M1
    ]

    assert [one.macd_v for one in points[:25]] == [None] * 25
    assert points[25].macd_v == pytest.approx(22.326387, abs=1e-6)
    assert points[33].signal == pytest.approx(-40.484542, abs=1e-6)
    assert points[60].macd_v == pytest.approx(108.701781, abs=1e-6)
    assert points[79].histogram == pytest.approx(-35.728250, abs=1e-6)
    assert points[79].atr == pytest.approx(2.029453, abs=1e-6)
    assert points[79].gauges["rsi"] == pytest.approx(61.625795, abs=1e-6)


@pytest.mark.parametrize(
    ("index", "says"), [(1, "time must be"), (50_000, "time must be within 44640 bars")]
)
def test_a_candle_that_cannot_follow_is_left_out(index: int, says: str) -> None:
    made = [candle(0), candle(1), candle(index), candle(2)]

    played = played_candles(map(candle_row, made))

    assert len(played.unreadable) == 1
    assert says in played.unreadable[0]
    assert played.candles() == [candle(0), candle(1), candle(2)]


def test_bars_move_indicators_and_fire_what_they_fire_live() -> None:
    made = [candle(i, 100.0 + 10 * sin(i / 15) + i % 3) for i in range(400)]

    played = played_candles(map(candle_row, made))

    fired = [fact for fact in played.facts if isinstance(fact, FiredSignal)]
    assert fired
    assert not any(one.missed for one in fired)
    for one in fired:
        at = played.facts.index(one)
        before = [fact for fact in played.facts[:at] if not isinstance(fact, FiredSignal)]
        assert isinstance(before[-1], IndicatorUpdate)
        assert before[-1].point == one.signal.point
        assert before[-2] == before[-1].candle


def frames_of(trades: Sequence[Trade], wire: Wire) -> list[str]:
    """A frame for each second in which something was traded."""
    return [
        wire.trades(*them) for _, them in groupby(trades, key=lambda one: one.time_us // 1_000_000)
    ]


def test_frames_tell_what_was_whole() -> None:
    made = [trade(i, 30 + i * 7, 100.0 + i % 5) for i in range(1, 60)]

    played = played_frames(frames_of(made, Wire()))

    # The first minute began before the recording, the last one is forming.
    assert played.candles() == true_candles(made, Timeframe.M1, NOON + 60, NOON + 420)
    assert played.unreadable == played.notes == []


def test_the_exchanges_clock_closes_a_minute_after_its_grace() -> None:
    wire = Wire()
    made = [trade(1, 30), trade(2, 70)]
    lines = [*frames_of(made, wire), wire.heartbeat(us(121))]

    assert played_frames(lines).candles() == []
    lines.append(wire.heartbeat(us(122)))
    assert played_frames(lines).candles() == true_candles(made, Timeframe.M1, NOON + 60, NOON + 120)


def test_a_market_that_was_unsubscribed_is_closed_by_no_clock() -> None:
    wire = Wire()
    lines = [
        wire.ack(us(20), "BTC-USD"),
        *frames_of([trade(1, 30), trade(2, 70)], wire),
        wire.ack(us(80)),
        *(wire.heartbeat(us(90 + i * 10)) for i in range(30)),
    ]
    assert played_frames(lines).facts == []

    lines.append(wire.ack(us(400), "BTC-USD"))
    lines += frames_of([trade(3, 410), trade(4, 470)], wire)
    told = [one.opened_at for one in played_frames(lines).candles() if not one.synthetic]
    assert told == [NOON + 60, NOON + 360]


def test_every_market_of_a_connection_is_told_unless_one_is_named() -> None:
    made = [trade(i, 30 + i * 7) for i in range(1, 40)]
    other = [structs.replace(one, symbol="ETH-USD", price=7.0) for one in made]
    wire = Wire()
    lines = [wire.trades(*both) for both in zip(made, other, strict=True)]

    assert {one.market.symbol for one in played_frames(lines).candles()} == {"BTC-USD", "ETH-USD"}
    assert {one.market.symbol for one in played_frames(lines, "ETH-USD").candles()} == {"ETH-USD"}


def test_the_next_connection_goes_on_where_its_snapshot_says() -> None:
    made = [trade(i, 30 + i * 7) for i in range(1, 60)]
    first, second = frames_of(made[:30], Wire()), frames_of(made[25:], Wire())
    expected = true_candles(made, Timeframe.M1, NOON + 60, NOON + 420)

    with_address = played_frames([*first, "wss://example/again", *second])
    without = played_frames([*first, *second])

    assert with_address.candles() == without.candles() == expected
    assert with_address.notes == []
    assert without.notes == ["frames are lost: expected 30, was 0"]


def test_lines_with_a_time_and_lines_that_a_client_sent_may_stand_in_a_recording() -> None:
    made = [trade(i, 30 + i * 7) for i in range(1, 40)]
    plain = frames_of(made, Wire())
    sent = 'wss://example <- 1790769600.5: {"type": "subscribe"}'

    played = played_frames([sent, *(f"1790769600.{i}: {frame}" for i, frame in enumerate(plain))])

    assert played.facts == played_frames(plain).facts


def test_a_broken_frame_is_said_and_puts_its_minute_in_doubt() -> None:
    made = [trade(i, 30 + i * 7) for i in range(1, 60)]
    lines = frames_of(made, Wire())
    lines[20] = lines[20][:50]

    played = played_frames(lines)

    assert len(played.unreadable) == 1
    assert played.notes == [
        "frames are lost: expected 20, was 21",
        "BTC-USD: 1 trades before 22 are lost",
    ]
    kept = [*made[:20], *made[21:]]
    assert played.candles() == true_candles(kept, Timeframe.M1, NOON + 60, NOON + 420)


def test_a_table_without_a_symbol_of_its_own_is_of_one_market() -> None:
    renamed = [replace(candle(i), market=MARKET._replace(symbol="ETH-USD")) for i in range(2)]

    assert played_candles(map(candle_row, renamed)).candles() == [candle(0), candle(1)]
