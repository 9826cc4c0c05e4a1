"""What a command would do is what it then does."""

from __future__ import annotations

import uuid

import pytest

from control import cache, client, foreseen, wire
from control.candles import candle_entry
from control.protocol import ClearCachePayload, Command, candles_of, result_of
from settings_app import desired
from settings_app.models import User
from tests.control.running import RunningWorker, status_when
from tests.control.test_candles import candle
from tests.control.test_worker import is_running
from trading.core.market import Market
from trading.core.modes import Mode
from trading.models import Position

BTC, ETH, SOL = (Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH", "SOL"))


def keep(market: Market, *timeframes: str) -> None:
    """Let there be candles of a market."""
    with wire.connect() as redis:
        for timeframe in timeframes:
            one = candle(1, market=market)
            name = candles_of(market.exchange, market.symbol, timeframe)
            redis.zadd(name, {candle_entry(one): one.opened_at})


def answered(user: User, number: int) -> None:
    """Let so many answers be kept for a user."""
    with wire.connect() as redis:
        for _ in range(number):
            redis.set(result_of(user.sub, str(uuid.uuid4())), "{}")


def told(user: User, **payload: str) -> foreseen.ClearingForeseen:
    return foreseen.clearing(user, ClearCachePayload.model_validate(payload))


# ------------------------------------------------------------------ modes
def test_each_mode_says_what_it_would_start_and_stop(anna: User, bela: User) -> None:
    for market, user in ((SOL, anna), (ETH, anna), (BTC, bela)):
        Position.objects.create(
            user=user, exchange=market.exchange, symbol=market.symbol, quantity="1"
        )
    by_mode = {one.mode: one for one in foreseen.modes(anna)}
    assert set(by_mode) == {mode for mode in Mode if mode.is_implemented}
    now, then = by_mode[Mode.SCALPER_MACDV], by_mode[Mode.POSITION_MONITOR]
    assert (now.is_wanted, now.markets, now.starts, now.stops) == (True, (BTC, ETH), (), ())
    assert not then.is_wanted
    assert (set(then.markets), then.starts, then.stops) == ({ETH, SOL}, (SOL,), (BTC,))
    assert set(map(str, now.timeframes)) >= {"1m", "1d"}


def test_what_a_switch_does_is_what_was_foreseen(anna: User, worker: RunningWorker) -> None:
    Position.objects.create(user=anna, exchange="coinbase", symbol="SOL-USD", quantity="1")
    status_when(anna, is_running)
    [then] = [one for one in foreseen.modes(anna) if one.mode is Mode.POSITION_MONITOR]
    answer = client.send(anna, Command.SWITCH_MODE, {"mode": "position-monitor"})
    assert answer.result is not None
    data = answer.result.data or {}
    assert data["added"] == [market.symbol for market in then.starts]
    assert data["removed"] == [market.symbol for market in then.stops]


# ------------------------------------------------------------------ the cache
def test_one_symbol_is_counted_on_every_timeframe_that_is_kept(anna: User) -> None:
    keep(BTC, "1m", "5m", "1h")
    keep(ETH, "1m")
    one = told(anna, scope="symbol", symbol="BTC-USD")
    assert (one.keys, one.removed, one.replaced, one.markets) == (3, 0, 3, 1)


def test_one_timeframe_is_counted_on_every_market_of_the_user(anna: User) -> None:
    keep(BTC, "1m", "5m")
    keep(ETH, "1m")
    keep(SOL, "1m")  # Bela's alone
    one = told(anna, scope="timeframe", timeframe="1m")
    assert (one.keys, one.markets) == (2, 2)


def test_everything_is_the_users_own_names_and_the_candles_of_their_markets(
    anna: User, bela: User
) -> None:
    keep(BTC, "1m")
    keep(SOL, "1m")
    answered(anna, 3)
    answered(bela, 5)
    one = told(anna, scope="all")
    assert (one.removed, one.replaced, one.keys) == (3, 1, 4)
    assert cache.private_names(bela.sub) == 5


@pytest.mark.parametrize(
    ("payload", "keys", "says"),
    [
        ({"scope": "all"}, 2, ""),
        ({"scope": "timeframe", "timeframe": "1m"}, 0, ""),
        ({"scope": "symbol", "symbol": "BTC-USD"}, 0, "paused"),
    ],
)
def test_while_paused_no_candles_are_read_anew(
    anna: User, payload: dict[str, str], keys: int, says: str
) -> None:
    desired.record(anna.pk, is_paused=True)
    keep(BTC, "1m")
    answered(anna, 2)
    one = told(anna, **payload)
    assert one.keys == keys
    assert says in one.refusal


def test_with_settings_that_cannot_be_used_nothing_would_be_done(anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 2, "broken": True})
    assert "settings" in told(anna, scope="all").refusal
