"""A worker that begins again asks the exchange for what Redis does not hold, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from control import wire
from control.candles import names_of
from control.protocol import RuntimeStatus, candles_of
from settings_app.models import User
from tests.control.running import eventually, running_worker, status_when
from tests.trading.running import Rest
from trading.core.market import Market, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.net.endpoints import Endpoints
from trading.simulator.server import Simulator

pytestmark = pytest.mark.timeout(120)

BTC, ETH = Market("coinbase", "BTC-USD"), Market("coinbase", "ETH-USD")
STEPS = {"ONE_MINUTE": 60, "FIVE_MINUTE": 300, "FIFTEEN_MINUTE": 900}
STEPS |= {"ONE_HOUR": 3_600, "FOUR_HOUR": 14_400, "ONE_DAY": 86_400}


def closes_candles(status: RuntimeStatus) -> bool:
    return status.counts.candles_closed > 0


def kept(market: Market) -> int:
    redis: Any = wire.shared()
    return sum(redis.zcard(name) for name in names_of([market]))


def warmed_up_and_kept(endpoints: dict[str, Endpoints], anna: User) -> None:
    """One life of a worker, which leaves its candles in Redis."""
    with running_worker(endpoints):
        status_when(anna, closes_candles)
        for market in (BTC, ETH):
            eventually(lambda market=market: kept(market) > 5 * WARM_UP_BARS)  # type: ignore[misc]


def candles_asked(rest: Rest, market: Market) -> dict[str, int]:
    """How many candles of each granularity were asked for."""
    asked = dict.fromkeys(STEPS, 0)
    for ask in list(rest.asked):
        if market.symbol in ask.path and ask.path.endswith("/candles"):
            granularity = str(ask.first("granularity"))
            span = int(str(ask.first("end"))) - int(str(ask.first("start")))
            asked[granularity] += span // STEPS[granularity] + 1
    return asked


def test_a_restart_needs_only_the_hole(
    anna: User, endpoints: dict[str, Endpoints], simulator: Simulator
) -> None:
    warmed_up_and_kept(endpoints, anna)
    rest = Rest(simulator)
    with running_worker(endpoints):
        status_when(anna, closes_candles)
        for market in (BTC, ETH):  # candles of the one may close before the other is asked about
            eventually(lambda market=market: candles_asked(rest, market)["ONE_MINUTE"])  # type: ignore[misc]
    for market in (BTC, ETH):
        asked = candles_asked(rest, market)
        assert 0 < asked.pop("ONE_MINUTE") < WARM_UP_BARS / 3
        assert sum(asked.values()) < WARM_UP_BARS / 10


def test_what_is_no_candle_any_more_is_asked_for_again(
    anna: User, endpoints: dict[str, Endpoints], simulator: Simulator
) -> None:
    warmed_up_and_kept(endpoints, anna)
    redis: Any = wire.shared()
    hours = candles_of("coinbase", "BTC-USD", str(Timeframe.H1))
    for text, opened_at in redis.zrange(hours, 0, -1, withscores=True):
        redis.zrem(hours, text)
        redis.zadd(hours, {f'{{"of": "an older layout", "t": {opened_at}}}': opened_at})
    rest = Rest(simulator)
    with running_worker(endpoints):
        status_when(anna, closes_candles)
        eventually(lambda: kept(BTC) > 5 * WARM_UP_BARS)
        texts = redis.zrange(hours, 0, -1)
    asked = candles_asked(rest, BTC)
    assert asked["ONE_HOUR"] >= WARM_UP_BARS
    assert asked["FIFTEEN_MINUTE"] < WARM_UP_BARS / 10
    assert texts
    assert not [text for text in texts if "older" in text]
