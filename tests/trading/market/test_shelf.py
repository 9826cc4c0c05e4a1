"""What of a kept history is trusted, and what is asked for all the same."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trading.core.candles import carry_forward
from trading.core.market import Candle, Market, Timeframe
from trading.market.shelf import Span, is_plausible, missing, usable

BTC = Market("coinbase", "BTC-USD")
M1, M5 = Timeframe.M1, Timeframe.M5


def bar(opened_at: int, timeframe: Timeframe = M1) -> Candle:
    return Candle(
        market=BTC,
        timeframe=timeframe,
        opened_at=opened_at,
        open=10.0,
        high=12.0,
        low=9.0,
        close=11.0,
        volume=1.5,
    )


def minutes(*numbers: int) -> list[Candle]:
    return [bar(60 * number) for number in numbers]


def test_the_newest_minute_is_asked_for_again_and_all_before_it_is_certain() -> None:
    trusted = usable({M1: minutes(0, 1, 2, 3), M5: []})
    assert trusted[M1] == minutes(0, 1, 2)


def test_a_longer_bar_is_certain_once_it_closed_a_minute_before_the_newest_minute() -> None:
    fives = [bar(0, M5), bar(300, M5)]
    assert usable({M1: minutes(9), M5: fives})[M5] == fives[:1]
    assert usable({M1: minutes(10), M5: fives})[M5] == fives


def silent(*numbers: int) -> list[Candle]:
    return [carry_forward(BTC, M1, 60 * number, 11.0) for number in numbers]


def test_a_silence_at_the_end_is_asked_for_again_and_the_minute_that_it_began_in() -> None:
    trusted = usable({M1: [*minutes(0), *silent(1), *minutes(2, 3), *silent(4, 5)]})
    assert trusted[M1] == [*minutes(0), *silent(1), *minutes(2)]


def test_the_silence_of_a_market_that_is_hardly_traded_is_certain() -> None:
    hour = silent(*range(4, 65))
    assert usable({M1: [*minutes(3), *hour]})[M1] == [*minutes(3), *hour[:-1]]
    assert usable({M1: hour})[M1] == hour[:-1]


def test_without_minutes_nothing_is_certain() -> None:
    assert usable({M5: [bar(0, M5)]}) == {}
    assert usable({}) == {}


def test_what_is_of_another_timeframe_is_not_taken() -> None:
    assert usable({M1: minutes(0, 1, 9), M5: minutes(0)})[M5] == []


def test_order_and_repetition_do_not_matter() -> None:
    assert usable({M1: minutes(2, 0, 1, 1, 3)})[M1] == minutes(0, 1, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"close": math.nan},
        {"high": math.inf},
        {"low": 0.0},
        {"low": 10.5},
        {"high": 10.5},
        {"volume": 0.0},
        {"volume": -1.0},
        {"opened_at": 61},
        {"synthetic": True},
    ],
    ids=str,
)
def test_what_no_exchange_could_have_told_is_not_plausible(wrong: dict[str, Any]) -> None:
    assert not is_plausible(replace(bar(60), **wrong))


def test_a_carried_minute_is_plausible() -> None:
    assert is_plausible(bar(60))
    assert is_plausible(carry_forward(BTC, M1, 60, 11.0))


@given(known=st.sets(st.integers(-2, 12)), end=st.integers(0, 10))
def test_what_is_missing_and_what_is_known_are_the_span(known: set[int], end: int) -> None:
    span = Span(M1, 0, 60 * end)
    parts = missing(span, minutes(*sorted(known)))
    asked = [opened // 60 for part in parts for opened in range(part.start, part.end, 60)]
    assert asked == sorted(set(range(end)) - known)
    assert all(part.start < part.end for part in parts)
    assert all(one.end < two.start for one, two in itertools.pairwise(parts))
