"""A position's price is told when it passes the stop loss or the take profit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.holdings import Holding

HELD = Holding.of(Decimal(200), stop_loss_percentage=2.5, take_profit_percentage=5.0)
"""Its prices are 195 and 210."""

STOP = "through stop loss of 2.5 %"
TARGET = "through take profit of 5 %"


@pytest.mark.parametrize(
    ("before", "now", "detail"),
    [
        (196.0, 195.0, f"{STOP}: -2.50 % from cost basis"),
        (195.01, 180.0, f"{STOP}: -10.00 % from cost basis"),
        (220.0, 190.0, f"{STOP}: -5.00 % from cost basis"),
        (195.0, 194.0, None),
        (190.0, 196.0, None),
        (200.0, 195.01, None),
        (209.0, 210.0, f"{TARGET}: +5.00 % from cost basis"),
        (190.0, 211.0, f"{TARGET}: +5.50 % from cost basis"),
        (210.0, 211.0, None),
        (211.0, 209.0, None),
    ],
)
def test_a_price_is_told_where_it_passes(before: float, now: float, detail: str | None) -> None:
    passed = HELD.passed(before, now)
    assert (passed and passed.detail) == detail
    if passed is not None:
        assert passed.is_gain is (now > 200.0)


@pytest.mark.parametrize("cost", ["0", "-1"])
def test_what_cost_nothing_has_no_prices(cost: str) -> None:
    with pytest.raises(ValueError, match="cost basis must be above zero"):
        Holding.of(Decimal(cost), stop_loss_percentage=1.0, take_profit_percentage=1.0)


costs = st.decimals(min_value="0.000001", max_value=10**6, places=6)
percentages = st.integers(1, 1_000).map(lambda tenths: tenths / 10)


@given(costs, percentages, percentages)
def test_the_prices_are_the_decimals_that_a_trader_reckons(
    cost: Decimal, loss: float, gain: float
) -> None:
    held = Holding.of(cost, stop_loss_percentage=loss, take_profit_percentage=gain)
    assert held.stop_price == float(cost - cost * Decimal(str(loss)) / 100)
    assert held.target_price == float(cost + cost * Decimal(str(gain)) / 100)


@given(st.lists(st.floats(150, 250), min_size=2, max_size=60))
def test_a_price_that_stays_beyond_is_told_once(closes: list[float]) -> None:
    where = [(close >= 210.0) - (close <= 195.0) for close in closes]
    told = [
        now
        for now in range(1, len(closes))
        if HELD.passed(closes[now - 1], closes[now]) is not None
    ]
    assert told == [now for now in range(1, len(closes)) if where[now] not in {0, where[now - 1]}]
