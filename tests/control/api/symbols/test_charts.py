"""Symbols, candles, indicators and the heat map over HTTP: owner, stranger, anonymous."""

from __future__ import annotations

import pytest
from pytest_django import Settings as Configuration

from control import wire
from control.api.problems import EXCHANGE_UNAVAILABLE, RUNTIME_OFFLINE, RUNTIME_UNKNOWN
from control.protocol import Cell, SymbolStatus, status_of
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    SETTINGS_DAMAGED,
)
from tests.control.conftest import trader
from tests.control.statuses import a_status
from tests.control.symbols.test_charts import candle, keep
from tests.control.symbols.test_equivalents import keep as keep_list
from tests.control.symbols.test_statuses import a_symbol, list_, tell
from tests.control.test_plan import overwrite
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from tests.trading.core.test_equivalents import listed
from trading.net.endpoints import Endpoints

SYMBOLS, CANDLES = "/api/symbols", "/api/candles"
INDICATORS, MAP = "/api/indicators", "/api/indicators/map"
BTC = "exchange=coinbase&symbol=BTC-USD&timeframe=1m"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    core = {"symbol": "BTC-USD", "exchange": "coinbase", "categories": ["core"]}
    rows = [core, {"symbol": "ETH-USD", "exchange": "coinbase", "enabled": False}]
    return trader(is_paused=False, document={"watchlist": rows})


@pytest.fixture
def api(anna: User) -> Caller:
    return Caller(anna)


@pytest.fixture
def exchange_away(settings: Configuration) -> None:
    """Nobody listens where the exchange should be."""
    away = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
    settings.EXCHANGES = {"coinbase": away}


# ------------------------------------------------------------------ symbols
def test_a_symbol_is_told_with_its_state_its_row_and_its_values(anna: User, api: Caller) -> None:
    keep([candle(1)])
    status = tell(anna, a_symbol())
    answer = api.get(SYMBOLS).json()
    [first, second] = answer["symbols"]
    version = {"epoch": status.epoch, "stateVersion": status.state_version, "at": status.at}
    assert answer["runtime"] == version
    assert first == {
        "exchange": "coinbase",
        "symbol": "BTC-USD",
        "state": "receiving",
        "row": 0,
        "enabled": True,
        "categories": ["core"],
        "held": False,
        "why": "watchlist",
        "mending": False,
        "lastCandleAt": "1970-01-01T00:02:00Z",
        "timeframes": {
            "1m": {"stage": "ranging", "macdV": 10.0, "signal": 4.0, "histogram": 6.0, "rsi": 51.0}
        },
        "equivalents": [],
    }
    assert (second["state"], second["enabled"], second["timeframes"]) == ("disabled", False, {})
    assert "why" not in second


def test_a_symbol_is_told_with_its_related_markets(
    anna: User, api: Caller, exchange_away: None, settings: Configuration
) -> None:
    settings.EXCHANGES = {**settings.EXCHANGES, "kucoin": settings.EXCHANGES["coinbase"]}
    keep_list("coinbase", listed("coinbase", "BTC", "USD"))
    keep_list("kucoin", listed("kucoin", "BTC", "USDT", streamable=False, status="suspended"))
    told = api.get(SYMBOLS).json()
    assert told["symbols"][0]["equivalents"] == [
        {
            "exchange": "kucoin",
            "symbol": "BTC-USDT",
            "native": "BTC-USDT",
            "quote": "USDT",
            "quoted": "pegged",
            "note": "quoted in USDT, pegged to USD",
            "status": "disabled",
            "detail": "suspended",
            "onWatchlist": False,
            "exchangeEnabled": False,
        }
    ]
    assert told["symbols"][1]["equivalents"] == []
    assert all("note" not in one for one in told["sources"])


def test_symbols_are_filtered_by_state_category_and_exchange(anna: User, api: Caller) -> None:
    def found(query: str) -> list[str]:
        return [one["symbol"] for one in api.get(f"{SYMBOLS}?{query}").json()["symbols"]]

    tell(anna, a_symbol("warming"))
    assert found("state=warming-up") == ["BTC-USD"]
    assert found("state=disabled") == ["ETH-USD"]
    assert found("state=stale") == []
    assert found("category=core") == ["BTC-USD"]
    assert found("exchange=coinbase") == ["BTC-USD", "ETH-USD"]
    assert found("exchange=kucoin") == []
    assert "receiving or" in problem(api.get(f"{SYMBOLS}?state=odd"), MALFORMED_REQUEST)["detail"]
    kraken = api.get(f"{SYMBOLS}?exchange=kraken")
    assert "coinbase or binance" in problem(kraken, MALFORMED_REQUEST)["detail"]


def test_settings_that_another_program_has_damaged_are_named(anna: User, api: Caller) -> None:
    overwrite(anna, '{"version": 2, "sub": "x", "watchlst": []}', 2)
    assert problem(api.get(SYMBOLS), SETTINGS_DAMAGED)["errors"]


# ------------------------------------------------------------------ candles and indicators
def test_candles_are_told_oldest_first(api: Caller) -> None:
    keep(candle(index) for index in range(1, 5))
    told = api.get(f"{CANDLES}?{BTC}&limit=2").json()
    assert (told["exchange"], told["symbol"], told["timeframe"]) == ("coinbase", "BTC-USD", "1m")
    assert told["note"].startswith("The newest candle closed ")
    assert [one["openedAt"] for one in told["candles"]] == [
        "1970-01-01T00:03:00Z",
        "1970-01-01T00:04:00Z",
    ]
    assert told["candles"][0] | {"openedAt": ""} == {
        "openedAt": "",
        "open": 10.0,
        "high": 11.0,
        "low": 9.0,
        "close": 10.0,
        "volume": 1.0,
        "synthetic": False,
    }
    older = api.get(f"{CANDLES}?{BTC}&before=1970-01-01T00:03:00Z").json()["candles"]
    assert [one["openedAt"] for one in older] == ["1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z"]


def test_an_indicator_without_a_value_is_null(api: Caller) -> None:
    keep(candle(index, 10.0 + index % 7) for index in range(60))
    points = api.get(f"{INDICATORS}?{BTC}").json()["points"]
    assert len(points) == 60
    first, last = points[0], points[-1]
    assert first == {
        "openedAt": "1970-01-01T00:00:00Z",
        "close": 10.0,
        "macdV": None,
        "signal": None,
        "histogram": None,
        "rsi": None,
        "stage": "warming-up",
    }
    assert None not in last.values()
    assert api.get(f"{INDICATORS}?{BTC}&limit=1").json()["points"] == [last]


@pytest.mark.parametrize("path", [CANDLES, INDICATORS])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("symbol=BTC-USD&timeframe=1m", "The parameter exchange must be there."),
        ("exchange=coinbase&timeframe=1m", "The parameter symbol must be there."),
        ("exchange=coinbase&symbol=BTC-USD", "The parameter timeframe must be there."),
        ("exchange=nowhere&symbol=BTC-USD&timeframe=1m", "exchange must be coinbase"),
        ("exchange=coinbase&symbol=BTC-USD&timeframe=3m", "timeframe must be 1m or 5m"),
        (f"{BTC}&limit=501", "from 1 to 500"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(
    api: Caller, path: str, query: str, words: str
) -> None:
    assert words in problem(api.get(f"{path}?{query}"), MALFORMED_REQUEST)["detail"]


@pytest.mark.parametrize(("path", "member"), [(CANDLES, "candles"), (INDICATORS, "points")])
def test_a_market_that_is_not_kept_is_empty_if_it_is_listed(
    api: Caller, exchange_away: None, path: str, member: str
) -> None:
    list_("BTC-USD", "ETH-USD")
    told = api.get(f"{path}?{BTC}").json()
    assert told[member] == []
    assert told["note"].startswith("No candles of this market are kept")


@pytest.mark.parametrize("path", [CANDLES, INDICATORS])
def test_a_symbol_that_is_not_listed_is_not_found_and_the_nearest_are_named(
    api: Caller, exchange_away: None, path: str
) -> None:
    list_("BTC-USD", "ETH-USD")
    odd = api.get(f"{path}?exchange=coinbase&symbol=BTCUSD&timeframe=1m")
    detail = problem(odd, NOT_FOUND)["detail"]
    assert "Coinbase lists no such symbol. The nearest are BTC-USD, ETH-USD." in detail
    assert "Coinbase did not answer" in detail
    assert "120 min old" in detail


@pytest.mark.parametrize("path", [CANDLES, INDICATORS])
def test_an_exchange_that_never_said_what_it_lists_and_is_away_is_a_problem(
    api: Caller, exchange_away: None, path: str
) -> None:
    assert problem(api.get(f"{path}?{BTC}"), EXCHANGE_UNAVAILABLE)


# ------------------------------------------------------------------ the heat map
def test_the_map_has_every_symbol_by_every_timeframe(anna: User, api: Caller) -> None:
    thin = SymbolStatus(
        symbol="RARI-USD", exchange="coinbase", live="receiving", tf={"1m": Cell(liquidity="low")}
    )
    tell(anna, a_symbol(), thin, indicators={"macdv": "MACD-V"})
    told = api.get(MAP).json()
    assert told["timeframes"] == ["1m", "1h"]
    assert told["indicators"] == {"macdv": "MACD-V"}
    assert told["symbols"] == [
        {
            "exchange": "coinbase",
            "symbol": "BTC-USD",
            "live": "receiving",
            "cells": {"1m": {"v": 10.0, "s": 4.0, "h": 6.0, "rsi": 51.0, "stage": "ranging"}},
        },
        {
            "exchange": "coinbase",
            "symbol": "RARI-USD",
            "live": "receiving",
            "cells": {"1m": {"liquidity": "low"}},
        },
    ]


def test_without_a_runtime_there_is_no_map(api: Caller) -> None:
    assert problem(api.get(MAP), RUNTIME_OFFLINE)


# ------------------------------------------------------------------ who, and without what
def test_a_stranger_sees_their_own_and_the_shared_candles(anna: User) -> None:
    tell(anna, a_symbol())
    keep([candle(1)])
    stranger = Caller(trader("SOL-USD", is_paused=False))
    [own] = stranger.get(SYMBOLS).json()["symbols"]
    assert (own["symbol"], own["state"]) == ("SOL-USD", "offline")
    assert problem(stranger.get(MAP), RUNTIME_OFFLINE)
    assert len(stranger.get(f"{CANDLES}?{BTC}").json()["candles"]) == 1


@pytest.mark.parametrize("path", [SYMBOLS, f"{CANDLES}?{BTC}", f"{INDICATORS}?{BTC}", MAP])
def test_nobody_and_who_is_no_staff_see_nothing(path: str) -> None:
    assert problem(Caller().get(path), NOT_SIGNED_IN)
    assert problem(Caller(UserFactory.create(is_staff=False)).get(path), NOT_STAFF)


@pytest.mark.parametrize("path", [SYMBOLS, f"{CANDLES}?{BTC}", f"{INDICATORS}?{BTC}", MAP])
def test_with_redis_away_nothing_is_claimed(api: Caller, redis_away: None, path: str) -> None:
    assert problem(api.get(path), RUNTIME_UNKNOWN)


@pytest.mark.parametrize("path", [SYMBOLS, MAP])
def test_a_status_of_another_version_is_unknown(anna: User, api: Caller, path: str) -> None:
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), '{"from": "a newer worker"}')
    assert problem(api.get(path), RUNTIME_UNKNOWN)


@pytest.mark.parametrize("path", [SYMBOLS, f"{CANDLES}?{BTC}", f"{INDICATORS}?{BTC}", MAP])
def test_a_head_is_a_get_without_a_body(anna: User, api: Caller, path: str) -> None:
    keep([candle(1)])
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), a_status(anna.sub).to_json())
    response = api.send("HEAD", path)
    assert (response.status_code, response.content) == (200, b"")
