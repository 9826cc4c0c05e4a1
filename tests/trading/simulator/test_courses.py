"""The markets of one asset move together, wherever they are listed; those of two assets do not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.simulator.worlds import DAY, NOW, NOW_US
from trading.simulator.catalog import Product, products
from trading.simulator.venues.binance import listing as binance
from trading.simulator.venues.kucoin import listing as kucoin
from trading.simulator.world import World

SEEDS = st.integers(1, 4)
DAYS = st.integers(NOW // DAY - 400, NOW // DAY + 4_000)
NEVER = 2**62
IN_USD = {"USD": 1.0, "USDC": 1.0, "USDT": 1.0, "EUR": 1.16, "GBP": 1.31}
LISTINGS = {"coinbase": products(), "binance": binance.products(), "kucoin": kucoin.products()}
PEGGED = {
    "coinbase": ("BTC-USDT", "BTC-EUR", "BTC-GBP", "BIP-20DEC30-CDE", "BTC-PERP-INTX"),
    "binance": ("BTC-USDT", "BTC-EUR"),
    "kucoin": ("BTC-USDT", "BTC-EUR"),
}
MARKETS = st.sampled_from([(venue, name) for venue, names in PEGGED.items() for name in names])


@cache
def world(seed: int, venue: str) -> World:
    return World(seed, LISTINGS[venue])


def closes(seed: int, name: str, day: int, venue: str = "coinbase") -> Mapping[int, float]:
    """In the quote's currency, of each minute of a day in which there was trade."""
    product: Product = LISTINGS[venue][name]
    bars = world(seed, venue).candles(name, 60, day * DAY, (day + 1) * DAY - 1, NEVER)
    return {bar.opened_at: bar.close * product.price_step.value for bar in bars}


def distances(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """Of the two in each minute that both have, as fractions."""
    both = one.keys() & other.keys()
    assert both
    return [abs(one[at] / other[at] - 1.0) for at in both]


@given(SEEDS, DAYS, MARKETS)
@settings(max_examples=25, deadline=None)
def test_markets_of_an_asset_stand_near_its_dollar_market_on_any_day(
    seed: int, day: int, market: tuple[str, str]
) -> None:
    venue, name = market
    rate = IN_USD[LISTINGS[venue][name].quote]
    in_usd = {at: close * rate for at, close in closes(seed, name, day, venue).items()}
    assert max(distances(in_usd, closes(seed, "BTC-USD", day))) < 0.002


@given(SEEDS, DAYS, st.sampled_from(["BTC-USDT", "BTC-EUR"]))
@settings(max_examples=10, deadline=None)
def test_each_market_has_closes_of_its_own(seed: int, day: int, name: str) -> None:
    rate = IN_USD[name.partition("-")[2]]
    dollars, own = closes(seed, "BTC-USD", day), closes(seed, name, day)
    apart = [at for at in own if abs(own[at] * rate - dollars.get(at, 0.0)) > 0.01]
    assert len(apart) > len(own) // 2


@given(SEEDS, DAYS, st.sampled_from(["ETH", "SOL", "LTC"]))
@settings(max_examples=15, deadline=None)
def test_market_in_bitcoin_follows_the_quotient(seed: int, day: int, base: str) -> None:
    bitcoin, asset = closes(seed, "BTC-USD", day), closes(seed, f"{base}-USD", day)
    quotient = {at: asset[at] / bitcoin[at] for at in asset.keys() & bitcoin.keys()}
    assert fmean(distances(closes(seed, f"{base}-BTC", day), quotient)) < 0.015


def test_two_assets_do_not_share_a_course() -> None:
    day = NOW // DAY
    bitcoin, ether = (closes(1, name, day) for name in ("BTC-USD", "ETH-USD"))
    ratio = [bitcoin[at] / ether[at] for at in bitcoin.keys() & ether.keys()]
    assert max(ratio) / min(ratio) > 1.01


def test_another_seed_is_another_course() -> None:
    day = NOW // DAY
    assert min(distances(closes(1, "BTC-USD", day), closes(2, "BTC-USD", day))) > 0.01


@pytest.mark.parametrize("name", ["BTC-USDT", "ETH-BTC", "BIP-20DEC30-CDE"])
def test_a_market_is_the_same_whatever_else_is_listed(name: str) -> None:
    span = (3_600, NOW - 3 * DAY, NOW, NOW_US)
    alone = World(1, {name: products()[name]})
    assert alone.candles(name, *span) == world(1, "coinbase").candles(name, *span)


@pytest.mark.parametrize("name", ["USDT-USDC", "EURC-USDC"])
def test_a_stablecoin_stays_at_its_price(name: str) -> None:
    level = products()[name].price
    at_closes = closes(1, name, NOW // DAY).values()
    assert all(abs(close / level - 1.0) < 0.02 for close in at_closes)


def test_every_course_is_of_a_dollar_market_that_leads() -> None:
    listed = products()
    for product in listed.values():
        courses = {product.course, product.quote_course or product.course}
        assert all(listed[course].course == course for course in courses)
        assert (product.quote_course is None) == (product.quote != "BTC")
