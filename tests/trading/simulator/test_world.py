"""One continuous world: days are minutes, minutes are trades, ids have no hole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.simulator.worlds import (
    DAY,
    LIQUID,
    NOW,
    NOW_US,
    SEED,
    THIN,
    fold_bars,
    fold_trades,
    world,
)
from trading.simulator.catalog import products
from trading.simulator.tape import Bar
from trading.simulator.world import World

SOME = st.sampled_from([*LIQUID, THIN, "USDT-USDC", "SHIB-USD", "BTC-EUR", "BIP-20DEC30-CDE"])
MOMENTS = st.integers(NOW - 200 * DAY, NOW + 4_000 * DAY)
LENGTHS = (300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 86_400)


def candles(name: str, seconds: int, start: int, end: int, now_us: int = 2**62) -> list[Bar]:
    return world().candles(name, seconds, start, end, now_us)


@given(SOME, MOMENTS)
@settings(max_examples=25, deadline=None)
def test_minutes_are_the_fold_of_their_trades(name: str, at: int) -> None:
    start = at - at % 60
    trades = world().trades(name, start * 1_000_000 - 1, (start + 600) * 1_000_000 - 1)
    assert candles(name, 60, start, start + 599) == fold_trades(trades, 60)


@given(SOME, MOMENTS, st.sampled_from(LENGTHS))
@settings(max_examples=25, deadline=None)
def test_long_candles_are_the_fold_of_the_minutes(name: str, at: int, seconds: int) -> None:
    start = at - at % seconds
    end = start + 3 * seconds - 1
    assert candles(name, seconds, start, end) == fold_bars(candles(name, 60, start, end), seconds)


@given(SOME, MOMENTS)
@settings(max_examples=25, deadline=None)
def test_the_candle_in_progress_is_the_fold_of_the_trades_so_far(name: str, at: int) -> None:
    now_us = at * 1_000_000 + 654_321
    for seconds in (60, 300, 3_600):
        start = at - at % seconds
        trades = world().trades(name, start * 1_000_000 - 1, now_us)
        assert candles(name, seconds, start, at, now_us) == fold_trades(trades, seconds)


@given(SOME, MOMENTS)
@settings(max_examples=25, deadline=None)
def test_nothing_of_the_future_is_told(name: str, at: int) -> None:
    now_us = at * 1_000_000
    told = candles(name, 60, at - 600, at + DAY, now_us)
    assert all(bar.opened_at <= at for bar in told)
    assert all(trade.time_us <= now_us for trade in world().last_trades(name, 50, now_us))


@pytest.mark.parametrize("name", [*LIQUID, THIN, "USDT-USDC"])
def test_ids_are_contiguous_over_minutes_and_days(name: str) -> None:
    midnight = NOW - NOW % DAY
    trades = world().trades(name, (midnight - 1_800) * 1_000_000, (midnight + 1_800) * 1_000_000)
    ids = [trade.trade_id for trade in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert {trade.time_us // 1_000_000 // DAY for trade in trades} == {
        midnight // DAY - 1,
        midnight // DAY,
    }


def test_ids_count_every_trade_since_the_first_day() -> None:
    first_day = world().products[THIN].first_day
    bars = candles(THIN, DAY, first_day * DAY, (first_day + 500) * DAY - 1)
    at = (first_day + 500) * DAY * 1_000_000
    assert world().last_trades(THIN, 1, at)[0].trade_id == sum(bar.trades for bar in bars)


@pytest.mark.parametrize("name", ["BTC-USD", "UNI-USD", THIN])
def test_the_first_day_begins_with_trade_one_and_nothing_before(name: str) -> None:
    first_day = world().products[name].first_day
    begin, end = first_day * DAY, (first_day + 1) * DAY
    minutes = candles(name, 60, begin - 30 * DAY, end - 1)
    assert minutes[0].opened_at > begin
    opening = minutes[0].opened_at
    trades = world().trades(name, begin * 1_000_000, (opening + 60) * 1_000_000 - 1)
    assert [trade.trade_id for trade in trades] == list(range(1, minutes[0].trades + 1))
    assert candles(name, DAY, begin - 30 * DAY, end - 1) == fold_bars(minutes, DAY)
    assert world().last_trades(name, 10, begin * 1_000_000) == []


def test_history_of_bitcoin_reaches_january_2015() -> None:
    months = candles("BTC-USD", DAY, 0, 1_422_748_800)
    assert months[0].opened_at == 1_421_712_000  # 2015-01-20


def test_the_same_seed_is_the_same_world_and_another_is_not() -> None:
    listed = products(12)
    span = (60, NOW - 600, NOW, NOW_US)
    same, other = World(SEED, listed), World(SEED + 1, listed)
    assert same.candles("BTC-USD", *span) == world().candles("BTC-USD", *span)
    assert same.last_trades("ETH-USD", 9, NOW_US) == world().last_trades("ETH-USD", 9, NOW_US)
    assert other.candles("BTC-USD", *span) != world().candles("BTC-USD", *span)


@pytest.mark.parametrize("name", LIQUID)
def test_a_minute_opens_near_the_close_before(name: str) -> None:
    bars = candles(name, 60, NOW - 2 * DAY, NOW)
    usual = sum(bar.high - bar.low for bar in bars) / len(bars)
    jumps = [abs(b.open - a.close) for a, b in pairwise(bars)]
    assert sum(jumps) / len(jumps) < 0.1 * usual
    assert max(jumps) < 6.0 * usual


@pytest.mark.parametrize("name", LIQUID)
def test_well_known_products_trade_all_the_time(name: str) -> None:
    bars = candles(name, 60, NOW - DAY, NOW)
    assert len(bars) > 1_430
    assert sum(bar.trades for bar in bars) / len(bars) > 10


def test_thin_products_have_empty_minutes() -> None:
    assert 10 < len(candles(THIN, 60, NOW - DAY, NOW)) < 700


def test_an_alias_shows_the_book_of_its_product() -> None:
    now = (300, NOW - 3_600, NOW, NOW_US)
    assert world().candles("BTC-USDC", *now) == world().candles("BTC-USD", *now)
    assert world().statistics("BTC-USDC", NOW_US) == world().statistics("BTC-USD", NOW_US)


def test_a_delisted_product_ends_on_its_last_day() -> None:
    product = world().products["REN-USD"]
    assert product.last_day is not None
    bars = candles("REN-USD", DAY, (product.last_day - 3) * DAY, NOW)
    assert [bar.opened_at // DAY for bar in bars] == [product.last_day - n for n in (3, 2, 1)]
    last = world().last_trades("REN-USD", 5, NOW_US)
    assert last[-1].time_us // 1_000_000 // DAY == product.last_day - 1
    assert world().statistics("REN-USD", NOW_US).price is None


@pytest.mark.parametrize("name", ["BTC-USD", THIN])
def test_statistics_are_those_of_the_candles(name: str) -> None:
    minute = NOW - NOW % 60
    bars = candles(name, 60, minute - DAY, NOW, NOW_US)
    before = candles(name, 60, minute - 2 * DAY, minute - DAY - 1)
    told = world().statistics(name, NOW_US)
    assert told.price == world().last_trades(name, 1, NOW_US)[0].price
    assert told.high == max(bar.high for bar in bars)
    assert told.low == min(bar.low for bar in bars)
    assert told.volume == sum(bar.volume for bar in bars)
    assert told.price_before == before[-1].close
    assert told.volume_before == sum(bar.volume for bar in before)


def test_the_listing_tells_the_last_whole_minute_of_everything() -> None:
    minute_us = NOW // 60 * 60_000_000
    listing = world().listing(NOW_US)
    assert listing.keys() == world().products.keys()
    for name in ("BTC-USD", "BTC-USDC", THIN, "BIP-20DEC30-CDE"):
        assert listing[name] == world().statistics(name, minute_us)


def test_prices_stay_about_their_level_for_years() -> None:
    product = world().products["ADA-USD"]
    level = product.price / product.price_step.value
    closes = [bar.close for bar in candles("ADA-USD", DAY, 0, NOW)]
    assert len(closes) > 2_000
    assert level / 4 < min(closes) < level < max(closes) < level * 4
