"""Binance's REST interface as the simulator plays it, read by the program's own code too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.trading.simulator.binance import KEY, asked, body, world
from tests.trading.simulator.worlds import NOW, NOW_US, fold_trades, moment
from trading.core.errors import KeyRefused, RateLimited, Unreachable
from trading.core.market import Timeframe
from trading.exchanges.binance import Binance as Exchange
from trading.exchanges.binance.accounts import BinanceAccounts
from trading.exchanges.binance.refusals import refusal
from trading.exchanges.permissions import warnings
from trading.exchanges.ports import Request, Response
from trading.simulator.venues.binance.limits import (
    FIRST_BAN_SECONDS,
    PATIENCE,
    WEIGHT_A_MINUTE,
)
from trading.simulator.venues.binance.venue import Binance
from trading.simulator.venues.ports import Answer, Ask, Moment

EXCHANGE = Exchange()
ACCOUNTS = BinanceAccounts()
MINUTE = NOW - NOW % 60


def answered(request: Request, venue: Binance | None = None, at: Moment | None = None) -> Response:
    """What the program would get."""
    venue = Binance(world(), keys=[KEY]) if venue is None else venue
    ask = Ask(
        method=request.method,
        path=request.path,
        query=list(request.query.items()),
        headers=request.headers,
    )
    return response(venue.answer(ask, moment() if at is None else at))


def response(answer: Answer) -> Response:
    return Response(status=answer.status, headers=answer.headers, body=answer.body)


def test_list_tells_which_id_is_which_market() -> None:
    listed = EXCHANGE.instruments(answered(EXCHANGE.instruments_request()))
    assert {one.market.symbol: one.native_id for one in listed} == {
        name: name.replace("-", "") for name in world().products
    }
    assert any(one.streamable for one in listed)


def test_listed_symbol_has_the_fields_of_2026() -> None:
    symbol = body("/api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"][0]
    assert symbol.keys() == {
        *("symbol", "status", "baseAsset", "baseAssetPrecision", "quoteAsset", "quotePrecision"),
        *("quoteAssetPrecision", "baseCommissionPrecision", "quoteCommissionPrecision"),
        *("orderTypes", "icebergAllowed", "ocoAllowed", "otoAllowed", "opoAllowed"),
        *("quoteOrderQtyMarketAllowed", "allowTrailingStop", "cancelReplaceAllowed"),
        *("amendAllowed", "pegInstructionsAllowed", "isSpotTradingAllowed"),
        *("isMarginTradingAllowed", "filters", "permissions", "permissionSets"),
        *("defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes"),
    }


def test_candles_are_those_of_the_world_with_flat_ones_between() -> None:
    start = MINUTE - 300 * 60
    thin = min(world().products.values(), key=lambda product: product.trades_a_day)
    rows = body(
        "/api/v3/klines",
        symbol=thin.product_id.replace("-", ""),
        interval="1m",
        startTime=str(start * 1_000),
        endTime=str(MINUTE * 1_000 - 1),
    )
    assert [row[0] for row in rows] == [(start + n * 60) * 1_000 for n in range(300)]
    bars = {b.opened_at: b for b in world().candles(thin.product_id, 60, start, MINUTE - 1, NOW_US)}
    assert {row[0] // 1_000: row[8] for row in rows if row[8]} == {
        at: bar.trades for at, bar in bars.items()
    }
    quiet = [row for row in rows if not row[8]]
    assert quiet
    assert all(len(set(row[1:5])) == 1 and float(row[5]) == 0.0 for row in quiet)
    assert all(len(row) == 12 and row[6] == row[0] + 59_999 for row in rows)


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_program_reads_the_candles_of_every_timeframe(timeframe: Timeframe) -> None:
    end = timeframe.bucket(NOW)
    start = end - 49 * timeframe.seconds
    told = EXCHANGE.candles(
        answered(EXCHANGE.candles_request("BTCUSDT", timeframe, start, end)), "BTC-USDT", timeframe
    )
    bars = world().candles("BTC-USDT", timeframe.seconds, start, end, NOW_US)
    step = world().products["BTC-USDT"].price_step
    assert [(c.opened_at, c.close) for c in told] == [
        (b.opened_at, float(step.write(b.close))) for b in bars
    ]


def test_candles_of_a_second_are_folded_of_its_trades() -> None:
    start = NOW - 300
    rows = body(
        "/api/v3/klines",
        symbol="BTCUSDT",
        interval="1s",
        startTime=str(start * 1_000),
        endTime=str(NOW * 1_000 - 1),
    )
    assert [row[0] for row in rows] == [(start + n) * 1_000 for n in range(300)]
    made = fold_trades(world().trades("BTC-USDT", start * 10**6 - 1, NOW * 10**6 - 1), 1)
    assert [(row[0] // 1_000, row[8]) for row in rows if row[8]] == [
        (bar.opened_at, bar.trades) for bar in made
    ]
    assert all(row[6] == row[0] + 999 for row in rows)
    assert all(len(set(row[1:5])) == 1 for row in rows if not row[8])


@pytest.mark.parametrize(
    ("interval", "opens"),
    [
        ("3d", lambda day: (day - date(1970, 1, 1)).days % 3 == 0),
        ("1w", lambda day: day.isoweekday() == 1),
        ("1M", lambda day: day.day == 1),
    ],
)
def test_longer_candles_are_made_of_days(interval: str, opens: Callable[[date], bool]) -> None:
    long = body("/api/v3/klines", symbol="BTCUSDT", interval=interval, limit="6")
    since = str(long[0][0])
    days = body("/api/v3/klines", symbol="BTCUSDT", interval="1d", startTime=since)
    assert len(long) == 6
    assert long[-1][6] > NOW * 1_000, "the last one is forming"
    for row, following in pairwise([*long, [long[-1][6] + 1]]):
        assert row[6] + 1 == following[0]
        assert opens(datetime.fromtimestamp(row[0] / 1_000, UTC).date())
        within = [day for day in days if row[0] <= day[0] < following[0]]
        assert (row[1], row[4]) == (within[0][1], within[-1][4])
        assert float(row[2]) == max(float(day[2]) for day in within)
        assert float(row[3]) == min(float(day[3]) for day in within)
        assert row[8] == sum(day[8] for day in within)


def test_no_candle_opens_in_a_time_to_come() -> None:
    for interval in ("1s", "1m", "1M"):
        far = "9" * 18
        assert body("/api/v3/klines", symbol="BTCUSDT", interval=interval, startTime=far) == []


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ({}, MINUTE - 499 * 60, 500),
        ({"limit": "3"}, MINUTE - 120, 3),
        ({"startTime": str(MINUTE * 1_000 - 599_000), "limit": "4"}, MINUTE - 540, 4),
        ({"endTime": str((MINUTE - 600) * 1_000), "limit": "2"}, MINUTE - 660, 2),
        ({"startTime": str((MINUTE - 6_000) * 1_000), "limit": "5000"}, MINUTE - 6_000, 101),
    ],
)
def test_rows_are_chosen_by_the_ends_that_are_given(
    query: dict[str, str], first: int, count: int
) -> None:
    rows = body("/api/v3/klines", symbol="BTCUSDT", interval="1m", **query)
    assert (rows[0][0], len(rows)) == (first * 1_000, count)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v3/klines", {"symbol": "NOSUCH", "interval": "1m"}, -1121),
        ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("/api/v3/klines", {"symbol": "BTCUSDT"}, -1102),
        ("/api/v3/klines", {"interval": "1m"}, -1102),
        ("/api/v3/klines", {"symbol": "btcusdt", "interval": "1m"}, -1100),
        ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "x"}, -1100),
        ("/api/v3/exchangeInfo", {"symbol": "NOSUCH"}, -1121),
        ("/api/v3/ticker/24hr", {"symbol": "BTCUSDT", "type": "HUGE"}, -1139),
        ("/api/v3/account", {}, -2014),
    ],
)
def test_wrong_request_earns_its_code(path: str, query: dict[str, str], code: int) -> None:
    answer = asked(path, **query)
    assert answer.status in {400, 401}
    assert json.loads(answer.body)["code"] == code


def test_day_is_read_of_one_and_of_all() -> None:
    every = EXCHANGE.tickers(answered(EXCHANGE.tickers_request()))
    assert len(every) == len(world().products)
    one = EXCHANGE.ticker(answered(EXCHANGE.ticker_request("BTCUSDT")))
    assert one.symbol == "BTCUSDT"
    assert one.price
    assert one.base_volume_24h


def test_clock_is_the_venues() -> None:
    told = EXCHANGE.server_time(answered(EXCHANGE.server_time_request()))
    assert told == NOW_US // 1_000 * 1_000


# ------------------------------------------------------------------ limits


def spent(venue: Binance, weight: int, steady: float = 1_000.0) -> list[Answer]:
    """Answers to questions of 80 each, until so much is asked."""
    ask = Ask(method="GET", path="/api/v3/ticker/24hr")
    return [venue.answer(ask, moment(steady=steady)) for _ in range(weight // 80)]


def test_every_answer_tells_what_was_used_in_this_minute() -> None:
    venue = Binance(world())
    used = [answer.headers["x-mbx-used-weight-1m"] for answer in spent(venue, 240)]
    assert used == ["80", "160", "240"]
    assert spent(venue, 80, steady=1_080.0)[0].headers["x-mbx-used-weight-1m"] == "80"


def test_too_much_is_refused_until_the_minute_is_over_and_then_banned() -> None:
    venue = Binance(world())
    assert all(answer.status == 200 for answer in spent(venue, WEIGHT_A_MINUTE))
    refused = spent(venue, 80 * (PATIENCE + 1))
    assert [answer.status for answer in refused] == [429] * PATIENCE + [418]
    # 1,000 s are 40 s into a minute.
    assert refused[0].headers["retry-after"] == "21"
    assert spent(venue, 80, steady=1_030.0)[0].status == 418
    assert spent(venue, 80, steady=1_001.0 + FIRST_BAN_SECONDS)[0].status == 200
    for answer in refused:
        told = refusal(response(answer))
        assert isinstance(told, RateLimited)
        assert told.retry_after


# ------------------------------------------------------------------ accounts


def proven(request: Request, at: int = NOW, **changes: Any) -> Request:
    key = ACCOUNTS.read_key(name="N" * 20, secret="S" * 20)
    signed = ACCOUNTS.signed(request, key, base="http://x", at=at, nonce="")
    return replace(signed, **changes)


def knowing(**may: bool) -> Binance:
    key = replace(KEY, name="N" * 20, secret="S" * 20, **may)
    return Binance(world(), keys=[key])


def test_balances_are_read_by_who_has_the_key() -> None:
    reading = ACCOUNTS.reading()
    request = reading.request()
    assert request is not None
    reading.receive(answered(proven(request), knowing()))
    held = {one.currency: one.total for one in reading.accounts}
    assert held["BTC"] > 0
    assert set(held) <= {asset for p in world().products.values() for asset in (p.base, p.quote)}


@pytest.mark.parametrize(("may", "refused"), [({}, False), ({"can_withdraw": True}, True)])
def test_key_that_may_withdraw_is_told_and_refused(may: dict[str, bool], refused: bool) -> None:
    told = ACCOUNTS.permissions(answered(proven(ACCOUNTS.permissions_request()), knowing(**may)))
    if refused:
        with pytest.raises(KeyRefused):
            warnings("binance", told)
    else:
        assert warnings("binance", told) == []


@pytest.mark.parametrize("seconds", [-20, 5])
def test_request_of_another_time_is_not_believed_and_may_be_signed_anew(seconds: int) -> None:
    request = proven(Request(method="GET", path="/api/v3/account"), at=NOW + seconds)
    with pytest.raises(Unreachable, match="-1021"):
        ACCOUNTS.reading().receive(answered(request, knowing()))


def test_request_that_was_changed_on_its_way_is_not_believed() -> None:
    request = proven(Request(method="GET", path="/api/v3/account"))
    changed = replace(request, query={"omitZeroBalances": "true", **request.query})
    with pytest.raises(KeyRefused, match="-1022"):
        ACCOUNTS.reading().receive(answered(changed, knowing()))


def test_key_that_nobody_has_is_refused() -> None:
    request = proven(Request(method="GET", path="/api/v3/account"))
    with pytest.raises(KeyRefused, match="-2015"):
        ACCOUNTS.reading().receive(answered(request))
