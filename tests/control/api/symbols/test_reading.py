"""Symbols over HTTP: searching what is listed, and looking at one market."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from pytest_django import Settings as Configuration

from control import wire
from control.api.problems import EXCHANGE_UNAVAILABLE
from control.protocol import listing_of
from control.symbols import listings
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    SETTINGS_TOO_NEW,
)
from tests.control.symbols.test_equivalents import AWAY, keep
from tests.settings_app.calling import Caller, problem, row
from tests.settings_app.factories import UserFactory
from tests.trading.core.test_equivalents import listed
from trading.simulator.venues.ports import Trouble

SEARCH = "/api/symbols/search"
BTC = "/api/symbols/coinbase/BTC-USD"
TROUBLES: tuple[Trouble, ...] = ("internal", "bad_gateway", "malformed", "throttled")


def found(api: Caller, query: str = "") -> dict[str, dict[str, Any]]:
    """What a search has found, by symbol and in order."""
    answer = api.get(f"{SEARCH}?{query}")
    assert answer.status_code == 200, answer.content
    return {market["symbol"]: market for market in answer.json()["markets"]}


def grow_old(minutes: int) -> None:
    """Let the listing that is kept be from so long ago."""
    known = listings.kept("coinbase")
    assert known is not None
    old = replace(known.listed, read_at=known.listed.read_at - minutes * 60)
    wire.shared().set(listing_of("coinbase"), msgspec.json.encode(old).decode())


# ---------------------------------------------------------------------- searching
def test_a_market_is_found_by_its_base_with_what_it_did(api: Caller) -> None:
    answer = api.get(f"{SEARCH}?q=btc").json()
    assert answer["exchange"] == "coinbase"
    assert datetime.fromisoformat(answer["readAt"]).tzinfo is not None
    assert "note" not in answer
    market = found(api, "q=btc")["BTC-USD"]
    assert market["price"] > 0
    assert market["quoteVolume24h"] > 0
    assert isinstance(market["change24h"], float)
    steps = (market["priceIncrement"], market["baseIncrement"])
    assert all(isinstance(step, str) for step in steps)
    names = (market["base"], market["quote"], market["name"], market["kind"])
    assert names == ("BTC", "USD", "Bitcoin", "spot")
    assert market["streamable"]
    assert "status" not in market


def test_what_cannot_be_watched_is_marked_and_comes_last(api: Caller) -> None:
    markets = found(api, "q=btc&limit=100")
    assert markets["BTC-USDC"]["aliasOf"] == "BTC-USD"
    future = next(market for market in markets.values() if market["kind"] == "future")
    assert not future["streamable"]
    assert future["status"]
    of_the_base = [market["streamable"] for market in markets.values() if market["base"] == "BTC"]
    assert of_the_base == sorted(of_the_base, reverse=True)


def test_a_search_is_narrowed_by_quote_and_limit(api: Caller) -> None:
    assert {market["quote"] for market in found(api, "quote=usd&limit=100").values()} == {"USD"}
    assert len(found(api, "limit=3")) == 3
    assert len(found(api)) == 20
    assert found(api, "q=nothing-is-like-this") == {}


def test_each_user_is_told_of_their_own_watchlist(anna: User, bela: User) -> None:
    def watched(user: User) -> set[str]:
        markets = found(Caller(user), "quote=USD&limit=100")
        return {symbol for symbol, market in markets.items() if market["onWatchlist"]}

    assert watched(anna) == {"BTC-USD", "ETH-USD"}
    assert watched(bela) == {"SOL-USD"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "from 1 to 100"),
        ("limit=101", "from 1 to 100"),
        ("query=btc", "no such parameter"),
        ("q=a&q=b", "given once"),
        ("q=%00", "without NUL"),
    ],
)
def test_a_search_is_read_strictly(api: Caller, query: str, says: str) -> None:
    assert says in problem(api.get(f"{SEARCH}?{query}"), MALFORMED_REQUEST)["detail"]


def test_an_exchange_that_livermore_does_not_know_is_a_404(api: Caller) -> None:
    told = problem(api.get(f"{SEARCH}?exchange=kraken"), NOT_FOUND)
    assert told["detail"] == "Livermore knows no such exchange; it knows coinbase."
    assert problem(api.get("/api/symbols/kraken/BTC-USD"), NOT_FOUND)["nearest"] == []


@pytest.mark.parametrize("how", TROUBLES)
def test_an_old_listing_serves_while_the_exchange_is_in_trouble_and_says_so(
    api: Caller, in_trouble: Callable[[Trouble], None], how: Trouble
) -> None:
    found(api)
    grow_old(minutes=7)
    in_trouble(how)
    answer = api.get(f"{SEARCH}?q=btc").json()
    assert answer["markets"][0]["symbol"] == "BTC-USD"
    assert answer["note"].startswith("Coinbase did not answer")
    assert answer["note"].endswith("this is 7 min old.")


@pytest.mark.parametrize("how", TROUBLES)
def test_an_exchange_in_trouble_that_was_never_read_is_a_problem_that_changes_nothing(
    anna: User, api: Caller, in_trouble: Callable[[Trouble], None], how: Trouble
) -> None:
    before = row(anna)
    in_trouble(how)
    for path in (SEARCH, BTC):
        answer = api.get(path)
        told = problem(answer, EXCHANGE_UNAVAILABLE)
        assert told["detail"].startswith("Coinbase did not tell what it lists")
        assert "<html" not in told["detail"]
        assert answer["Retry-After"]
    assert row(anna) == before


# ---------------------------------------------------------------------- one market
def test_one_market_is_told_as_it_is_now(api: Caller) -> None:
    market = api.get(BTC).json()
    assert market["symbol"] == "BTC-USD"
    assert market["price"] > 0
    assert market["onWatchlist"]
    assert not api.get("/api/symbols/coinbase/SOL-USD").json()["onWatchlist"]
    assert abs(datetime.fromisoformat(market["readAt"]).timestamp() - time.time()) < 60
    assert "note" not in market


def test_whether_it_is_watched_is_each_users_own(anna: User, bela: User) -> None:
    path = "/api/symbols/coinbase/SOL-USD"
    assert not Caller(anna).get(path).json()["onWatchlist"]
    assert Caller(bela).get(path).json()["onWatchlist"]


@pytest.mark.parametrize("symbol", ["SOLL-USD", "sol-usd"])
def test_a_market_that_is_not_listed_is_a_404_with_the_nearest(api: Caller, symbol: str) -> None:
    told = problem(api.get(f"/api/symbols/coinbase/{symbol}"), NOT_FOUND)
    assert told["nearest"][0] == "SOL-USD"
    assert told["detail"].startswith("Coinbase lists no market of that name. Did you mean SOL-USD")
    assert symbol not in told["detail"]


@pytest.mark.parametrize("how", TROUBLES)
def test_figures_are_of_now_or_there_are_none(
    anna: User, api: Caller, in_trouble: Callable[[Trouble], None], how: Trouble
) -> None:
    found(api)  # what is listed is known
    before = row(anna)
    in_trouble(how)
    told = problem(api.get(BTC), EXCHANGE_UNAVAILABLE)
    assert told["detail"].startswith("Coinbase did not say what this market does")
    assert row(anna) == before


@pytest.mark.parametrize("path", [SEARCH, BTC])
def test_settings_of_a_newer_program_are_said_to_be_so(anna: User, api: Caller, path: str) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 99}, settings_version=99)
    problem(api.get(path), SETTINGS_TOO_NEW)


# ---------------------------------------------------------------------- related markets
@pytest.fixture
def elsewhere(settings: Configuration) -> None:
    """Binance is known, does not answer, and was read a while ago."""
    settings.EXCHANGES = {**settings.EXCHANGES, "binance": AWAY, "kucoin": AWAY}
    keep("binance", listed("binance", "BTC", "USDT", native="BTCUSDT"), age=7_200)


def test_related_markets_are_told_with_their_figures(api: Caller, elsewhere: None) -> None:
    market = api.get(BTC).json()
    usdc, tether = (
        next(one for one in market["equivalents"] if one["symbol"] == symbol)
        for symbol in ("BTC-USDC", "BTC-USDT")
    )
    assert tether == {
        "exchange": "binance",
        "symbol": "BTC-USDT",
        "native": "BTCUSDT",
        "quote": "USDT",
        "quoted": "pegged",
        "note": "quoted in USDT, pegged to USD",
        "status": "trading",
        "onWatchlist": False,
        "exchangeEnabled": False,
        "price": 61.5,
        "change24h": 1.0,
        "quoteVolume24h": 2.0,
    }
    assert (usdc["exchange"], usdc["aliasOf"]) == ("coinbase", "BTC-USD")


def test_what_the_related_markets_rest_on_is_said(api: Caller, elsewhere: None) -> None:
    sources = {one["exchange"]: one for one in api.get(BTC).json()["sources"]}
    assert "note" not in sources["coinbase"]
    assert sources["binance"]["note"] == "What Binance lists was read 2 h ago."
    assert sources["kucoin"] == {
        "exchange": "kucoin",
        "label": "KuCoin",
        "note": "What KuCoin lists has not been read yet: its related markets are unknown.",
    }


# ---------------------------------------------------------------------- who may
@pytest.mark.parametrize("path", [SEARCH, BTC])
def test_nobody_and_no_stranger_to_the_staff_sees_a_market(db: None, path: str) -> None:
    problem(Caller().get(path), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).get(path), NOT_STAFF)
