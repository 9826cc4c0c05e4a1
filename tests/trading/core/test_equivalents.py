"""Which markets are related: the same coin in like money, and nothing by its name alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.equivalents import Equivalents, Quoted, coin, money
from trading.core.market import Instrument, InstrumentKind, Market
from trading.core.money import PEGS, STABLECOINS


def listed(exchange: str, base: str, quote: str, *, symbol: str = "", **more: Any) -> Instrument:
    """A spot market that trades, unless more is said."""
    return Instrument(
        market=Market(exchange, symbol or f"{base}-{quote}"),
        base=base,
        quote=quote,
        price_increment="0.01",
        base_increment="0.01",
        **{"streamable": True, **more},
    )


BTC_USD = listed("coinbase", "BTC", "USD")
BTCUSDT = listed("binance", "BTC", "USDT", native="BTCUSDT")
BTC_USDT = listed("kucoin", "BTC", "USDT")


def related(*instruments: Instrument) -> dict[str, Quoted]:
    """What is related to the first, by exchange and symbol, in order."""
    found = Equivalents(instruments).of(instruments[0].market)
    return {f"{one.market.exchange} {one.market.symbol}": quoted for one, quoted in found}


def test_bitcoin_is_related_on_all_three_and_says_in_what_it_is_priced() -> None:
    assert related(BTC_USD, BTCUSDT, BTC_USDT) == {
        "binance BTC-USDT": Quoted.PEGGED,
        "kucoin BTC-USDT": Quoted.PEGGED,
    }
    assert related(BTCUSDT, BTC_USD, BTC_USDT) == {
        "kucoin BTC-USDT": Quoted.SAME,
        "coinbase BTC-USD": Quoted.PEGGED,
    }


@pytest.mark.parametrize(
    ("one", "other", "are_related"),
    [
        (("ETH", "BTC"), ("ETH", "BTC"), True),
        (("ETH", "BTC"), ("ETH", "XBT"), True),
        (("XBT", "USD"), ("BTC", "USDT"), True),
        (("BTC", "EUR"), ("BTC", "EURC"), True),
        (("BTC", "EUR"), ("BTC", "USD"), False),
        (("BTC", "USD"), ("BTC", "BTC"), False),
        (("BTC", "USD"), ("WBTC", "USD"), False),
        (("SATS", "USDT"), ("1000SATS", "USDT"), False),
        (("USDC", "USD"), ("USDT", "USD"), False),
    ],
)
def test_the_coin_must_be_the_same_and_the_money_alike(
    one: tuple[str, str], other: tuple[str, str], are_related: bool
) -> None:
    assert bool(related(listed("coinbase", *one), listed("kucoin", *other))) is are_related


def test_no_name_is_cut_apart() -> None:
    odd = listed("binance", "BTC", "USDT", symbol="ETH-EUR", native="ETHEUR")
    assert related(BTC_USD, odd) == {"binance ETH-EUR": Quoted.PEGGED}


def test_a_future_is_related_to_nothing() -> None:
    future = listed("coinbase", "BTC", "USD", symbol="BTC-PERP", kind=InstrumentKind.FUTURE)
    assert related(BTC_USD, future) == related(future, BTC_USD) == {}


def test_nothing_is_related_to_what_nobody_lists() -> None:
    assert Equivalents([BTC_USD]).of(Market("binance", "BTC-USDT")) == []


def test_each_token_is_pegged_to_one_money_and_no_money_to_another() -> None:
    tokens = [token for pegged in PEGS.values() for token in pegged]
    assert len(tokens) == len(set(tokens))
    assert not set(tokens) & set(PEGS)
    assert set(tokens) <= STABLECOINS
    assert {money(token) for token in PEGS["USD"]} == {"USD"}
    assert all(coin(coin(name)) == coin(name) for name in ("XBT", "BTC", "BCHSV"))


def test_the_manual_names_every_token_that_stands_for_a_money() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "symbols.md").read_text()
    chapter = manual.partition("### The same coin elsewhere")[2].partition("\n## ")[0]
    words = set(re.findall(r"[A-Z0-9]+", chapter))
    assert {token for tokens in PEGS.values() for token in tokens} <= words


names = st.sampled_from(["BTC", "XBT", "ETH", "USD", "USDC", "USDT", "EUR", "EURC"])
markets = st.builds(listed, st.sampled_from(["a", "b", "c"]), names, names)


@given(st.lists(markets, max_size=12, unique_by=lambda one: one.market))
def test_relation_is_of_both_to_each_other_never_to_oneself_and_of_all_alike(
    instruments: list[Instrument],
) -> None:
    index = Equivalents(instruments)
    of = {one.market: {other.market for other, _ in index.of(one.market)} for one in instruments}
    for market, others in of.items():
        assert market not in others
        for other in others:
            assert of[other] | {other} == others | {market}
