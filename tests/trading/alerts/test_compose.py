"""What an alert row says of a signal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import test_desk as bars
from tests.trading.running import Recorder
from trading.alerts.compose import alert_of, decimal_of
from trading.core.indicators import IndicatorPoint
from trading.core.market import Timeframe
from trading.models import Alert
from trading.ports import FiredSignal


def fired(*, late: bool = False) -> FiredSignal:
    recorder = Recorder()
    bars.desk(recorder).closed(bars.closed(1, late=late))
    return recorder.signals[0]


def test_row_says_what_happened_and_why() -> None:
    signal = fired()
    alert = alert_of(signal)
    assert alert._state.adding, "not saved"
    assert alert.user_id == signal.owner.user_id
    assert (alert.exchange, alert.symbol, alert.timeframe) == ("coinbase", "BTC-USD", "1m")
    assert (alert.kind, alert.direction, alert.level) == ("level", "up", 150.0)
    assert alert.candle_opened_at == datetime(2026, 9, 30, 12, 1, tzinfo=UTC)
    assert alert.candle_closed_at == datetime(2026, 9, 30, 12, 2, tzinfo=UTC)
    assert (alert.value, alert.price, alert.stage) == (160.0, Decimal(100), "rallying")
    assert alert.state == Alert.State.PENDING
    assert alert.values["bar"]["macdV"] == 160.0
    assert alert.values["before"]["macdV"] == 100.0
    assert json.loads(json.dumps(alert.values, allow_nan=False)) == alert.values


def test_row_of_a_price_move_keeps_what_was_paid() -> None:
    recorder = Recorder()
    bars.holder(recorder, Timeframe.H1).closed(bars.priced(1, 200.0, 190.0))
    alert = alert_of(recorder.signals[0])
    assert (alert.kind, alert.direction, alert.timeframe) == ("price-move", "down", "1m")
    assert alert.detail == "through stop loss of 2.5 %: -5.00 % from cost basis"
    assert (alert.price, alert.level) == (Decimal(190), None)
    assert alert.values["before"]["close"] == 200.0
    assert alert.values["position"] == {
        "costBasis": 200.0,
        "stopLossPercentage": 2.5,
        "takeProfitPercentage": 5.0,
        "stopPrice": 195.0,
        "targetPrice": 210.0,
    }
    assert json.loads(json.dumps(alert.values, allow_nan=False)) == alert.values


def test_missed_signal_is_said_to_be_missed() -> None:
    assert alert_of(fired(late=True)).state == Alert.State.MISSED


@pytest.mark.parametrize("text", ["66312.4", "0.00000123", "1e-12", "100000000.25"])
def test_price_is_the_exchanges_decimal(text: str) -> None:
    assert decimal_of(float(text)) == Decimal(text)


@given(st.decimals(min_value=0, max_value=10**6, places=9))
def test_every_decimal_of_fifteen_digits_comes_back(price: Decimal) -> None:
    assert decimal_of(float(price)) == price


def test_row_keeps_the_momentum_of_all_timeframes_at_that_moment() -> None:
    def points() -> dict[Timeframe, IndicatorPoint]:
        return {
            Timeframe.M1: bars.point(5, -7.0, Timeframe.M1),  # moved on since: a repair
            Timeframe.M5: bars.point(-3, -20.0, Timeframe.M5),  # closed with it
            Timeframe.H1: bars.point(-60, 40.0, Timeframe.H1),
            Timeframe.H4: bars.point(-120, 60.0, Timeframe.H4),  # closes later
        }

    recorder = Recorder()
    bars.desk(recorder).closed(bars.closed(1), points)
    values = alert_of(recorder.signals[0]).values
    assert values["momentum"] == {
        "1m": 160.0,
        "5m": -20.0,
        "15m": None,
        "1h": 40.0,
        "4h": None,
        "1d": None,
    }
    assert values["bias"] == "bullish"  # 1 + 4 to 2


def test_row_says_nothing_of_momentum_that_nobody_knows() -> None:
    assert {"momentum", "bias"}.isdisjoint(alert_of(fired()).values)
