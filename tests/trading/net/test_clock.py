"""This host's clock against an exchange's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import us
from trading.net.clock import FASTEST, LEAP_US, Horizon, Skew, measure

AFTERNOON = us(0.0)


class Clocks:
    """Two clocks of a host; the first one sleeps when it does."""

    def __init__(self) -> None:
        self.monotonic = self.wall = 1_000.0

    def __call__(self) -> tuple[float, float]:
        return self.monotonic, self.wall


def heard(clocks: Clocks) -> Horizon:
    horizon = Horizon(clocks)
    horizon.hear(AFTERNOON)
    return horizon


def test_skew_is_taken_in_the_middle_of_question_and_answer() -> None:
    assert measure(1_000_000, 1_200_000, 91_100_000) == Skew(ms=90_000.0, uncertainty_ms=100.0)


def test_an_exchange_that_is_behind_has_a_negative_skew() -> None:
    assert measure(91_000_000, 91_000_000, 1_000_000) == Skew(ms=-90_000.0, uncertainty_ms=0.0)


def test_before_anything_was_heard_every_time_is_taken() -> None:
    assert Horizon(Clocks()).admits(us(10**9))


def test_a_time_an_hour_ahead_is_the_latest_that_is_taken() -> None:
    horizon = heard(Clocks())
    assert horizon.admits(AFTERNOON + LEAP_US)
    assert not horizon.admits(AFTERNOON + LEAP_US + 1)


@given(st.integers(0, 10**16), st.floats(0, 10**6))
def test_what_is_admitted_is_never_further_ahead_than_time_has_passed(
    ahead_us: int, seconds: float
) -> None:
    clocks = Clocks()
    horizon = heard(clocks)
    clocks.monotonic += seconds
    is_possible = ahead_us <= LEAP_US + round(seconds * FASTEST * 1_000_000)
    assert horizon.admits(AFTERNOON + ahead_us) is is_possible


def test_after_the_machine_has_slept_the_time_of_now_is_taken() -> None:
    clocks = Clocks()
    horizon = heard(clocks)
    clocks.wall += 3 * 86_400
    assert horizon.admits(us(3 * 86_400))


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    clocks = Clocks()
    horizon = heard(clocks)
    clocks.wall -= 86_400
    assert horizon.admits(AFTERNOON)


def test_what_two_connections_say_is_believed() -> None:
    horizon = heard(Clocks())
    far = us(30 * 86_400)
    assert [horizon.admits(far), horizon.admits(far + 5_000_000)] == [False, True]
    assert horizon.admits(far + LEAP_US)


def test_two_that_say_otherwise_are_not() -> None:
    horizon = heard(Clocks())
    assert not any(horizon.admits(us(days * 86_400)) for days in (30, 60, 90))
