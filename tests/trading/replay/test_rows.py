"""What one line of a recording says."""

from __future__ import annotations

import pytest

from tests.trading.core.made import MARKET, NOON
from trading.core.market import Candle, Side, Timeframe, Trade
from trading.replay import rows
from trading.replay.errors import Unreadable


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ('{"a": 1}', rows.FrameLine('{"a": 1}')),
        ('1632999999.25: {"a": 1}', rows.FrameLine('{"a": 1}')),
        ('2026-09-30T12:00:00Z: {"a": 1}', rows.FrameLine('{"a": 1}')),
        ('wss://example <- 1632999999.25: {"type": "subscribe"}', rows.FrameLine("")),
        ('{"a": "x <- y"}', rows.FrameLine('{"a": "x <- y"}')),
        ("", rows.FrameLine("")),
        ("wss://example/stream", rows.FrameLine("", begins_connection=True)),
    ],
)
def test_a_frame_may_stand_behind_its_time(line: str, frame: rows.FrameLine) -> None:
    assert rows.frame_line(line) == frame


@pytest.mark.parametrize("line", ["hello", 'hello {"a": 1}', "1632999999.25:"])
def test_what_is_no_frame_is_refused(line: str) -> None:
    with pytest.raises(Unreadable):
        rows.frame_line(line)


def test_a_header_may_order_the_columns_anew() -> None:
    table = rows.Table(("a", "b"))

    assert [table.row(line) for line in ("B,x,a", "1,2,3", "")] == [None, ["3", "1"], None]


def test_columns_without_a_header_are_in_the_documented_order() -> None:
    assert rows.Table(("a", "b")).row(' 1 ,"2"') == ["1", "2"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["1"], "must have 2 fields, had 1"),
        (["a,b", "1,2,3"], "must have 2 fields, had 3"),
        (["a,c"], "header must name b"),
    ],
)
def test_a_row_has_the_fields_of_its_table(lines: list[str], says: str) -> None:
    table = rows.Table(("a", "b"))
    for line in lines[:-1]:
        table.row(line)

    with pytest.raises(Unreadable, match=says):
        table.row(lines[-1])


def test_a_trade_keeps_what_is_below_a_millisecond() -> None:
    trade = rows.trade([f"{NOON}000.5", "7", "BUY", "100.25", "1e-8"], "BTC-USD")

    assert trade == Trade("BTC-USD", 7, 100.25, 1e-8, NOON * 1_000_000 + 500, Side.BUY)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (["x", "7", "buy", "1", "1"], "time_ms must be a number"),
        (["-1", "7", "buy", "1", "1"], "time_ms must be unix milliseconds"),
        (["1e30", "7", "buy", "1", "1"], "time_ms must be unix milliseconds"),
        (["1", "0", "buy", "1", "1"], "id must be at least 1"),
        (["1", "7.5", "buy", "1", "1"], "id must be a whole number"),
        (["1", "7", "hold", "1", "1"], "side must be buy or sell"),
        (["1", "7", "buy", "0", "1"], "price must be above 0"),
        (["1", "7", "buy", "nan", "1"], "price must be a number"),
        (["1", "7", "buy", "inf", "1"], "price must be a number"),
        (["1", "7", "buy", "1", "-1"], "size must be a number from 0"),
        (["1", "7", "buy", "1", "1e300"], "size must be a number from 0 to below 1e"),
        (["1e999999", "7", "buy", "1", "1"], "time_ms must be unix milliseconds"),
        (["1", "9" * 5_000, "buy", "1", "1"], "id must be a whole number"),
    ],
)
def test_an_impossible_trade_is_refused(fields: list[str], says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        rows.trade(fields, "BTC-USD")


def candle(*fields: str) -> Candle:
    return rows.candle(list(fields), MARKET, Timeframe.M5)


def test_a_candle_is_read() -> None:
    assert candle(str(NOON), "10", "12", "9", "11", "0.5") == Candle(
        market=MARKET,
        timeframe=Timeframe.M5,
        opened_at=NOON,
        open=10.0,
        high=12.0,
        low=9.0,
        close=11.0,
        volume=0.5,
    )


def test_a_flat_bar_without_volume_is_synthetic() -> None:
    assert candle(str(NOON), "10", "10", "10", "10", "0").synthetic
    assert not candle(str(NOON), "10", "11", "10", "10", "0").synthetic
    assert not candle(str(NOON), "10", "10", "10", "10", "0.1").synthetic


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("60", "10", "12", "9", "11", "1"), "must begin a 5m bucket"),
        ((f"{NOON}000", "10", "12", "9", "11", "1"), "must be unix seconds"),
        (("-300", "10", "12", "9", "11", "1"), "time must be a whole number"),
        (("300", "10", "12", "11", "11", "1"), "must lie between low and high"),
        (("300", "10", "9", "12", "11", "1"), "must lie between low and high"),
        (("300", "10", "12", "9", "nan", "1"), "close must be a number"),
        (("300", "10", "12", "9", "11", ""), "volume must be a number"),
    ],
)
def test_an_impossible_candle_is_refused(fields: tuple[str, ...], says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        candle(*fields)


@pytest.mark.parametrize("timeframe", Timeframe)
def test_the_usual_spacing_tells_the_timeframe(timeframe: Timeframe) -> None:
    step = timeframe.seconds
    gappy = [at * step for at in (0, 1, 2, 5, 6, 9)]

    assert rows.base_of([*gappy, 9 * step + 7]) is timeframe


@pytest.mark.parametrize("openings", [[], [60], [60, 240, 420]])
def test_an_odd_spacing_tells_none(openings: list[int]) -> None:
    assert rows.base_of(openings) is None
