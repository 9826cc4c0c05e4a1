"""Buckets are anchored to UTC midnight."""

from __future__ import annotations

import pytest

from tests.trading.core.made import NOON, candle
from trading.core.market import Timeframe


@pytest.mark.parametrize(
    ("timeframe", "seconds"),
    [
        (Timeframe.M1, 60),
        (Timeframe.M5, 300),
        (Timeframe.M15, 900),
        (Timeframe.H1, 3_600),
        (Timeframe.H4, 14_400),
        (Timeframe.D1, 86_400),
    ],
)
def test_bucket_holds_its_start_and_not_its_end(timeframe: Timeframe, seconds: int) -> None:
    midnight = NOON - 12 * 3_600

    assert timeframe.seconds == seconds
    assert timeframe.bucket(midnight) == midnight
    assert timeframe.bucket(midnight + seconds - 1) == midnight
    assert timeframe.bucket(midnight + seconds) == midnight + seconds


def test_candle_closes_where_the_next_one_opens() -> None:
    assert candle(0, timeframe=Timeframe.H4).closes_at == NOON + 14_400
