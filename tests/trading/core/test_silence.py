"""Which silence is believed, and which is asked of the exchange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.market import Candle, Market, Timeframe
from trading.core.silence import LONGEST_MINUTES, Silence, SilentMinutes, patience

LAST, NEXT = 1_000_000, 2_000_000  # the times of two trades


def habit(*, empty: int, of: int = 100) -> Silence:
    """The silence of a market that had so many minutes without a trade."""
    silence = Silence()
    for number in range(of):
        silence.add(synthetic=number < empty)
    return silence


def asked(silence: Silence, until: int) -> list[int]:
    """After how many minutes the exchange is asked, which confirms each time."""
    moments = []
    for minutes in range(1, until):
        if silence.is_doubtful(minutes, LAST):
            silence.answered(minutes, LAST, traded=False)
            moments.append(minutes)
    return moments


@pytest.mark.parametrize(
    ("share", "minutes"), [(0.0, 1), (0.01, 1), (0.05, 2), (0.2, 3), (0.5, 7), (0.95, 60), (1, 60)]
)
def test_as_long_a_silence_is_believed_as_chance_gives_in_one_of_a_hundred(
    share: float, minutes: int
) -> None:
    assert patience(share) == minutes


@given(st.floats(0, 1), st.floats(0, 1))
def test_who_is_silent_more_often_is_believed_longer(one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert 1 <= patience(fewer) <= patience(more) <= LONGEST_MINUTES


def test_a_market_without_a_past_is_believed() -> None:
    assert asked(Silence(), 60) == []


def test_each_confirmation_doubles_what_is_believed() -> None:
    assert asked(habit(empty=0), 200) == [1, 2, 4, 8, 16, 32, 64, 124, 184]


def test_a_trade_ends_what_was_confirmed() -> None:
    silence = habit(empty=0)
    silence.answered(40, LAST, traded=False)
    assert not silence.is_doubtful(41, LAST)
    assert silence.is_doubtful(1, NEXT)


def test_where_it_traded_every_minute_is_asked_until_a_trade_is_heard() -> None:
    silence = habit(empty=50)
    silence.answered(7, LAST, traded=True)
    assert silence.is_deaf(LAST)
    assert all(silence.is_doubtful(minutes, LAST) for minutes in range(1, 30))
    assert not silence.is_deaf(NEXT)
    assert not silence.is_doubtful(1, NEXT)


def test_no_silence_is_no_doubt() -> None:
    assert not habit(empty=0).is_doubtful(0, LAST)


def test_what_was_made_before_a_new_subscription_does_not_prove_it() -> None:
    silence = habit(empty=0)
    silence.answered(1, LAST, traded=True)
    silence.renewed(NEXT)
    assert silence.is_deaf(NEXT)
    assert silence.is_doubtful(1, NEXT)
    assert not silence.is_deaf(NEXT + 1)


def test_a_new_subscription_makes_nobody_deaf() -> None:
    silence = habit(empty=0)
    silence.renewed(NEXT)
    assert not silence.is_deaf(LAST)


FIRST = 60  # the first minute behind the first of the two trades
TRADED = Candle(
    market=Market("coinbase", "BTC-USD"),
    timeframe=Timeframe.M1,
    opened_at=FIRST,
    open=1.0,
    high=1.0,
    low=1.0,
    close=1.0,
    volume=1.0,
)


def test_each_minute_of_a_silence_is_asked_about_once() -> None:
    silent = SilentMinutes(habit(empty=0))
    assert silent.doubted_since(FIRST, FIRST, LAST) == LAST, "with what followed the last trade"
    silent.hear({FIRST: None}, FIRST, LAST)
    assert silent.doubted_since(FIRST, FIRST, LAST) is None
    assert silent.doubted_since(FIRST, FIRST + 60, LAST) == (FIRST + 60) * 1_000_000


def test_an_answer_says_nothing_of_what_was_not_asked_or_was_heard_meanwhile() -> None:
    silent = SilentMinutes(habit(empty=0))
    silent.hear({FIRST: TRADED}, FIRST, LAST)
    silent.doubted_since(FIRST, FIRST, LAST)
    silent.hear({FIRST: TRADED}, FIRST + 60, NEXT)
    silent.doubted_since(FIRST, FIRST, LAST)
    silent.forget()
    silent.hear({FIRST: TRADED}, FIRST, LAST)
    assert not silent.is_deaf(LAST)
    silent.doubted_since(FIRST, FIRST, LAST)
    silent.hear({FIRST: TRADED}, FIRST, LAST)
    assert silent.is_deaf(LAST)
