"""How often an exchange lets itself be asked."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.net.budget import TokenBucket, shared_budget


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_burst_is_free_and_the_rest_is_spaced() -> None:
    bucket = TokenBucket(8.0, burst=2.0, clock=Clock())
    assert [bucket.reserve() for _ in range(5)] == [0.0, 0.0, 0.125, 0.25, 0.375]


def test_what_weighs_more_waits_longer_and_holds_up_what_comes_behind_it() -> None:
    bucket = TokenBucket(8.0, clock=Clock())
    assert [bucket.reserve(weight) for weight in (1, 4, 1)] == [0.0, 0.5, 0.625]


def test_a_rest_fills_the_bucket_to_its_burst_only() -> None:
    clock = Clock()
    bucket = TokenBucket(8.0, burst=2.0, clock=clock)
    for _ in range(2):
        bucket.reserve()
    clock.now += 3_600.0
    assert [bucket.reserve() for _ in range(3)] == [0.0, 0.0, 0.125]


def test_everybody_rests_when_the_exchange_says_so() -> None:
    clock = Clock()
    bucket = TokenBucket(8.0, clock=clock)
    bucket.rest(5.0)
    assert bucket.reserve() == 5.0
    bucket.rest(1.0)  # shorter: nothing new
    clock.now += 5.0
    assert bucket.reserve() == 0.125


def test_whoever_waited_through_a_rest_acts_one_after_the_other_behind_it() -> None:
    clock = Clock()
    bucket = TokenBucket(8.0, burst=4.0, clock=clock)
    bucket.reserve()
    bucket.rest(10.0)
    assert [bucket.reserve() for _ in range(4)] == [10.0, 10.125, 10.25, 10.375]


async def test_whoever_waits_for_a_turn_already_rests_too() -> None:
    bucket = TokenBucket(20.0)
    await bucket.take()
    acts: list[float] = []

    async def act() -> None:
        await bucket.take()
        acts.append(time.monotonic() - began)

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(act())
        await asyncio.sleep(0)
        bucket.rest(0.4)
    assert acts[0] >= 0.4
    assert acts[2] - acts[0] >= 0.09, "and not all in one moment behind it"
    assert acts[2] < 0.9, "nor later than their turn"


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_rate_must_be_positive(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be positive"):
        TokenBucket(rate)


@given(
    st.floats(min_value=0.5, max_value=50.0),
    st.lists(st.floats(min_value=0.0, max_value=2.0), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_the_rate_and_the_burst(rate: float, pauses: list[float]) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, burst=3.0, clock=clock)
    acts: list[float] = []
    for pause in pauses:
        clock.now += pause
        acts.append(clock.now + bucket.reserve())
    assert acts == sorted(acts), "nobody overtakes"
    for first, start in enumerate(acts):
        for last in range(first, len(acts)):
            allowed = 3.0 + (acts[last] - start) * rate
            assert last - first + 1 <= allowed + 1 + 1e-6


async def test_waiting_takes_as_long_as_the_bucket_says() -> None:
    bucket = TokenBucket(10.0)
    for _ in range(3):
        await bucket.take()
    assert bucket.reserve() > 0.0


def test_whoever_asks_one_address_has_one_budget() -> None:
    first = shared_budget("https://here.example", 8.0)
    assert shared_budget("https://here.example", 8.0) is first
    assert shared_budget("https://there.example", 8.0) is not first
