"""How much a history on demand asks for."""

from __future__ import annotations

import pytest

from trading.core.market import Timeframe
from trading.market.history import candles_in, requests_in


@pytest.mark.parametrize(
    ("timeframes", "allowed", "requests", "candles"),
    [
        ([Timeframe.M1], 300, 2, 300),
        ([Timeframe.M1, Timeframe.D1], 300, 3, 600),
        ([Timeframe.M1], 100, 4, 300),
        ([Timeframe.M1], 299, 3, 300),
        (list(Timeframe), 1_000, 7, 1_800),
    ],
)
def test_a_history_is_one_request_for_the_time_and_those_for_its_candles(
    timeframes: list[Timeframe], allowed: int, requests: int, candles: int
) -> None:
    assert requests_in(timeframes, allowed) == requests
    assert candles_in(timeframes) == candles
