"""Related markets of a user's, out of what Redis keeps of listings."""

from __future__ import annotations

import time

import msgspec
import pytest
from pytest_django import Settings as Configuration

from control import wire
from control.protocol import listing_of
from control.symbols.equivalents import Related, related
from control.symbols.remembered import remembered
from settings_app.models import User
from settings_app.services import read
from tests.control.conftest import trader
from tests.trading.core.test_equivalents import listed
from trading.core.market import Instrument, Market, Ticker
from trading.listings import Listed
from trading.net.endpoints import Endpoints

AWAY = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
BTC = Market("coinbase", "BTC-USD")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture(autouse=True)
def _nobody_is_asked(settings: Configuration) -> None:
    """Three exchanges are known, and none of them answers."""
    settings.EXCHANGES = dict.fromkeys(("coinbase", "binance", "kucoin"), AWAY)


def keep(exchange: str, *instruments: Instrument, age: float = 0.0) -> None:
    """This is what an exchange was read to list, so many seconds ago."""
    tickers = [_ticker(one.market.symbol) for one in instruments]
    reading = Listed(
        exchange=exchange,
        instruments=instruments,
        tickers=tuple(tickers),
        read_at=time.time() - age,
    )
    wire.shared().set(listing_of(exchange), msgspec.json.encode(reading).decode())


def _ticker(symbol: str) -> Ticker:
    return Ticker(
        symbol=symbol, price=61.5, change_24h=1.0, base_volume_24h=1.0, quote_volume_24h=2.0
    )


def keep_all() -> None:
    keep("coinbase", listed("coinbase", "BTC", "USD"), listed("coinbase", "ETH", "USD"))
    keep("binance", listed("binance", "BTC", "USDT", native="BTCUSDT"))
    keep("kucoin", listed("kucoin", "BTC", "USDT"))


def asked(user: User, *markets: Market) -> Related:
    return related(read(user.pk).document, markets)


def test_a_market_is_told_with_what_it_is_called_and_priced_in_elsewhere() -> None:
    keep_all()
    found = asked(trader("BTC-USD"), BTC)
    assert [
        (one.instrument.market.exchange, one.instrument.native_id, one.note, one.status)
        for one in found.of[BTC]
    ] == [
        ("binance", "BTCUSDT", "quoted in USDT, pegged to USD", "trading"),
        ("kucoin", "BTC-USDT", "quoted in USDT, pegged to USD", "trading"),
    ]
    ticker = found.of[BTC][0].ticker
    assert ticker is not None
    assert ticker.price == 61.5
    assert found.notes == []


def test_in_the_other_direction_the_dollar_is_named_itself() -> None:
    keep_all()
    tether = Market("kucoin", "BTC-USDT")
    notes = [one.note for one in asked(trader(), tether).of[tether]]
    assert notes == ["quoted in USDT", "quoted in USD itself"]


def test_whether_it_is_watched_and_its_exchange_on_is_each_users_own() -> None:
    keep_all()
    row = {"symbol": "BTC-USDT", "exchange": "binance"}
    on = {"binance": {"enabled": True}}
    anna = trader(document={"watchlist": [row], "exchanges": on})
    bela = trader("BTC-USD")

    def seen(user: User) -> list[tuple[bool, bool]]:
        found = asked(user, BTC).of[BTC]
        return [(one.is_on_watchlist, one.is_exchange_enabled) for one in found]

    assert seen(anna) == [(True, True), (False, False)]
    assert seen(bela) == [(False, False), (False, False)]


def test_what_is_closed_is_named_with_its_state() -> None:
    keep_all()
    paused = listed("kucoin", "BTC", "USDT", streamable=False, status="trading is suspended")
    keep("kucoin", paused)
    [_, closed] = asked(trader(), BTC).of[BTC]
    assert (closed.status, closed.instrument.status) == ("disabled", "trading is suspended")


def test_an_exchange_that_was_never_read_is_named() -> None:
    keep("coinbase", listed("coinbase", "BTC", "USD"))
    found = asked(trader(), BTC)
    assert found.of[BTC] == ()
    assert found.notes == [
        f"What {label} lists has not been read yet: its related markets are unknown."
        for label in ("Binance", "KuCoin")
    ]


def test_a_market_of_an_exchange_that_was_never_read_has_none() -> None:
    keep("binance", listed("binance", "BTC", "USDT", native="BTCUSDT"))
    assert asked(trader(), BTC).of[BTC] == ()


def test_an_old_list_serves_and_says_how_old_it_is() -> None:
    keep_all()
    keep("binance", listed("binance", "BTC", "USDT", native="BTCUSDT"), age=3 * 3_600 + 60)
    found = asked(trader(), BTC)
    assert len(found.of[BTC]) == 2
    assert found.notes == ["What Binance lists was read 3 h 1 min ago."]


def test_a_newer_list_takes_the_place_of_the_one_before() -> None:
    keep_all()
    user = trader()
    assert len(asked(user, BTC).of[BTC]) == 2
    keep("binance", listed("binance", "ETH", "USDT", native="ETHUSDT"))
    assert [one.instrument.market.exchange for one in asked(user, BTC).of[BTC]] == ["kucoin"]
    wire.shared().delete(listing_of("kucoin"))
    assert asked(user, BTC).of[BTC] == ()


def test_a_reading_is_decoded_once() -> None:
    keep_all()
    first, second = remembered(["binance"]), remembered(["binance", "kucoin"])
    assert first["binance"] is not None
    assert first["binance"] is second["binance"]
    keep_all()
    assert remembered(["binance"])["binance"] is not first["binance"]


def test_while_redis_is_away_nothing_is_known(settings: Configuration) -> None:
    keep_all()
    user = trader()
    wire.shared.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    try:
        assert asked(user, BTC).of[BTC] == ()
        assert len(asked(user, BTC).notes) == 3
    finally:
        wire.shared.cache_clear()
