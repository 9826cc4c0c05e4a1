"""This host's clock against an exchange's."""

from __future__ import annotations

from trading.net.clock import Skew, measure


def test_skew_is_taken_in_the_middle_of_question_and_answer() -> None:
    assert measure(1_000_000, 1_200_000, 91_100_000) == Skew(ms=90_000.0, uncertainty_ms=100.0)


def test_an_exchange_that_is_behind_has_a_negative_skew() -> None:
    assert measure(91_000_000, 91_000_000, 1_000_000) == Skew(ms=-90_000.0, uncertainty_ms=0.0)
