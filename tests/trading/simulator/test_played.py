"""A recorded candle file as the world of one market."""

from __future__ import annotations

import pytest

from tests.trading.simulator.worlds import NOW, SEED, fold_trades
from trading.simulator.catalog import products
from trading.simulator.played import listed, read
from trading.simulator.recording import candle_rows
from trading.simulator.world import World

BTC = "BTC-USD"
HEADER = "time,open,high,low,close,volume"
START = NOW - NOW % 3_600
FLAT = f"{START},100,100,100,100,1"


def world_of(lines: list[str], symbol: str = BTC) -> World:
    played = {symbol: read(lines)}
    return World(SEED, listed(products(), played), played=played)


def recorded(symbol: str, seconds: int, count: int) -> list[str]:
    """A file out of another world of another seed."""
    world = World(SEED + 1, products())
    return list(candle_rows(world, symbol, seconds, START, START + seconds * count))


@pytest.mark.parametrize(("symbol", "seconds"), [(BTC, 60), ("RARI-USD", 60), ("ETH-USD", 3_600)])
def test_the_candles_of_the_world_are_those_of_the_file(symbol: str, seconds: int) -> None:
    lines = recorded(symbol, seconds, 48)
    again = world_of(lines, symbol)
    assert list(candle_rows(again, symbol, seconds, START, START + seconds * 48)) == lines


def test_its_trades_fold_to_them_with_ids_without_a_gap() -> None:
    lines = recorded(BTC, 60, 120)
    world = world_of(lines)
    trades = world.trades(BTC, START * 1_000_000 - 1, (START + 7_200) * 1_000_000)
    assert [one.trade_id for one in trades] == list(range(1, len(trades) + 1))
    bars = world.candles(BTC, 60, START, START + 7_199, (START + 7_200) * 1_000_000)
    assert fold_trades(trades, 60) == bars


def test_outside_the_file_nobody_trades() -> None:
    world = world_of([HEADER, FLAT])
    after_us = (START + 90_000) * 1_000_000
    assert [bar.opened_at for bar in world.candles(BTC, 60, 0, START + 80_000, after_us)] == [START]
    assert world.statistics(BTC, after_us - 7_200_000_000).price == 10_000 / 100


def test_a_candle_without_volume_is_a_minute_in_which_nobody_traded() -> None:
    rows = [FLAT, f"{START + 60},100,100,100,100,0", f"{START + 120},1e2,1.2E2,99.5,101,0.00000001"]
    world = world_of(rows)
    told = list(candle_rows(world, BTC, 60, START, START + 180))
    assert told == [HEADER, FLAT, f"{START + 120},100,120,99.5,101,0.00000001"]


def test_an_alias_shows_the_recorded_book() -> None:
    world = world_of(recorded(BTC, 60, 30))
    assert list(candle_rows(world, "BTC-USDC", 60, START, START + 1_800)) == list(
        candle_rows(world, BTC, 60, START, START + 1_800)
    )


def test_other_markets_are_drawn_as_ever() -> None:
    span = (60, START, START + 600)
    assert list(candle_rows(world_of([FLAT]), "ETH-USD", *span)) == list(
        candle_rows(World(SEED, products()), "ETH-USD", *span)
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "has none"),
        ([HEADER], "has none"),
        ([HEADER, "1,2"], "line 2.*fields"),
        ([FLAT, FLAT], "two of"),
        ([f"{START + 1},1,1,1,1,1"], "line 1.*on a minute"),
        ([f"{START},1,1,2,1,1"], "lowest"),
        ([f"{START},1,1,0,1,1"], "lowest"),
        ([f"{START},1,1,1,1,-1"], "lowest"),
        ([f"{START},nan,1,1,1,1"], "no number"),
        ([f"{START},x,1,1,1,1"], "line 1"),
        ([f"{START},1,1e99,1,1,1"], "no number|too large"),
        ([f"{START},1,1,1,1,1e-40"], "no number"),
    ],
)
def test_what_is_no_table_of_candles_is_refused(lines: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(lines)


@pytest.mark.parametrize("symbol", ["NOPE-USD", "BTC-USDC"])
def test_a_recorded_market_must_be_listed_with_a_book(symbol: str) -> None:
    with pytest.raises(ValueError, match="book"):
        world_of([FLAT], symbol)
