"""Finding a market by what somebody types of it, and the names most like a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.market import Instrument, Market, Ticker
from trading.core.search import NEAREST, nearest, search


def instrument(symbol: str, name: str = "", *, streamable: bool = True) -> Instrument:
    base, _, quote = symbol.partition("-")
    return Instrument(
        market=Market("coinbase", symbol),
        base=base,
        quote=quote,
        name=name,
        price_increment="0.01",
        base_increment="0.01",
        streamable=streamable,
        status="" if streamable else "delisted",
    )


def ticker(symbol: str, quote_volume: float | None) -> Ticker:
    return Ticker(
        symbol=symbol,
        price=1.0,
        change_24h=0.0,
        base_volume_24h=quote_volume,
        quote_volume_24h=quote_volume,
    )


LISTED = [
    instrument("WBTC-USD", "Wrapped Bitcoin"),
    instrument("BTC-EUR", "Bitcoin"),
    instrument("BTC-USD", "Bitcoin"),
    instrument("BTC-GBP", "Bitcoin", streamable=False),
    instrument("ETH-BTC", "Ethereum"),
    instrument("BTCX-USD", "Bitcoin Extra"),
    instrument("SOL-USD", "Solana"),
    instrument("NAMELESS-USD"),
]
TICKERS = {one.symbol: one for one in [ticker("BTC-USD", 900.0), ticker("BTC-EUR", 90.0)]}


def found(query: str, limit: int = 20) -> list[str]:
    return [one.market.symbol for one in search(LISTED, query, tickers=TICKERS, limit=limit)]


def test_a_base_comes_before_what_begins_with_it_and_that_before_what_has_it() -> None:
    assert found("btc") == [
        *("BTC-USD", "BTC-EUR", "BTC-GBP"),  # the base itself
        "BTCX-USD",  # begins with it
        "ETH-BTC",  # is quoted in it
        "WBTC-USD",  # contains it
    ]


def test_of_what_fits_alike_the_most_traded_is_first_and_what_cannot_be_watched_last() -> None:
    assert found("Bitcoin") == ["BTC-USD", "BTC-EUR", "BTC-GBP", "WBTC-USD", "BTCX-USD"]


@pytest.mark.parametrize("query", ["BTC-EUR", "btc/eur", "btceur", " BTC EUR ", "btc_eur"])
def test_a_symbol_is_found_however_it_is_written(query: str) -> None:
    assert found(query) == ["BTC-EUR"]


def test_a_symbol_that_is_delisted_is_found_by_its_name() -> None:
    assert found("BTC-GBP") == ["BTC-GBP"]


def test_a_word_within_a_name_is_found() -> None:
    assert found("wrapped") == ["WBTC-USD"]
    assert found("extra") == ["BTCX-USD"]


def test_nothing_typed_is_everything_that_can_be_watched_first() -> None:
    assert found("") == [
        *("BTC-USD", "BTC-EUR", "WBTC-USD", "ETH-BTC", "BTCX-USD", "SOL-USD", "NAMELESS-USD"),
        "BTC-GBP",
    ]


def test_what_nothing_fits_finds_nothing() -> None:
    assert found("doge") == []


def test_a_market_without_figures_counts_as_not_traded() -> None:
    two = [instrument("AAA-USD"), instrument("AAA-EUR")]
    known = {"AAA-USD": ticker("AAA-USD", None), "AAA-EUR": ticker("AAA-EUR", 1.0)}
    assert [one.quote for one in search(two, "aaa", tickers=known)] == ["EUR", "USD"]


letters = st.text("ABC", min_size=1, max_size=4)
listings = st.lists(
    st.builds(
        lambda base, quote, name, open_: instrument(f"{base}-{quote}", name, streamable=open_),
        *(letters, letters, st.text("abc ", max_size=6), st.booleans()),
    ),
    max_size=12,
)


@given(listings, st.text("abcABC-/_ ", max_size=5), st.integers(0, 15))
def test_a_hit_has_what_was_typed_and_there_are_no_more_than_wanted(
    listed: list[Instrument], query: str, limit: int
) -> None:
    hits = search(listed, query, limit=limit)
    everything = search(listed, query, limit=len(listed))
    assert hits == everything[:limit]
    wanted = query.strip().casefold()
    bare = "".join(letter for letter in wanted if letter.isalpha())
    for one in listed:
        symbol, name = one.market.symbol.casefold(), one.name.casefold()
        has_it = wanted in symbol or wanted in name
        has_it |= bool(bare) and symbol.replace("-", "").startswith(bare)
        assert (one in everything) == has_it


@given(listings, letters)
def test_among_equals_what_can_be_watched_is_first(listed: list[Instrument], base: str) -> None:
    hits = search(listed, base, limit=99)
    # A symbol may be typed without its hyphen: AB is a base, and A-B.
    exact = [one for one in hits if base in {one.base, one.market.symbol.replace("-", "")}]
    assert exact == sorted(exact, key=lambda one: not one.streamable)
    assert exact == hits[: len(exact)]


@given(listings)
def test_where_nothing_is_typed_turnover_orders_and_not_the_listing(
    listed: list[Instrument],
) -> None:
    unique = list({one.market.symbol: one for one in listed}.values())
    volumes = {
        one.market.symbol: ticker(one.market.symbol, float(place))
        for place, one in enumerate(unique)
    }
    backwards = unique[::-1]
    assert search(unique, "", tickers=volumes) == search(backwards, "", tickers=volumes)


def test_the_nearest_names_are_few_and_like_the_wrong_one() -> None:
    symbols = [one.market.symbol for one in LISTED]
    assert nearest("SOLL-USD", symbols)[0] == "SOL-USD"
    assert nearest("sol-usd", symbols)[0] == "SOL-USD"
    assert len(nearest("BTC-USDT", symbols)) <= NEAREST
    assert nearest("QQQQQQ", symbols) == []
