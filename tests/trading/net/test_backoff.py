"""Delays between attempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.net.backoff import Backoff


def ceiling(_low: float, high: float) -> float:
    """No jitter: the longest delay that may be drawn."""
    return high


def test_ceilings_double_up_to_the_longest() -> None:
    backoff = Backoff(first=0.5, longest=30.0, jitter=ceiling)
    assert [backoff.next_delay() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_healthy_connection_begins_the_ladder_anew() -> None:
    backoff = Backoff(first=0.5, healthy_after=60.0, jitter=ceiling)
    for _ in range(5):
        backoff.next_delay()
    assert backoff.next_delay(lasted=59.9) == 16.0
    assert backoff.next_delay(lasted=60.0) == 0.5
    assert backoff.next_delay() == 1.0


def test_success_begins_the_ladder_anew() -> None:
    backoff = Backoff(first=0.5, jitter=ceiling)
    backoff.next_delay()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_delay() == 0.5


@pytest.mark.parametrize("failures", [1, 40, 5_000])
def test_an_outage_of_days_does_not_overflow(failures: int) -> None:
    backoff = Backoff(longest=30.0, jitter=ceiling)
    backoff.failures = failures
    assert backoff.next_delay() <= 30.0


@given(st.integers(min_value=0, max_value=30))
def test_jitter_is_full(failures: int) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    backoff = Backoff(first=0.5, longest=30.0, jitter=draw)
    backoff.failures = failures
    assert backoff.next_delay() == 0.0
    assert drawn == [(0.0, min(30.0, 0.5 * 2**failures))]
