"""Token buckets."""

from __future__ import annotations

from trading.simulator.limits import TokenBucket


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=8.0)
    assert [bucket.take(100.0) for _ in range(9)] == [True] * 8 + [False]
    assert bucket.take(100.125)
    assert not bucket.take(100.125)


def test_a_long_rest_saves_no_more_than_the_burst() -> None:
    bucket = TokenBucket(rate=2.0, burst=3.0)
    assert sum(bucket.take(9_999.0) for _ in range(9)) == 3


def test_rate_zero_is_no_limit() -> None:
    bucket = TokenBucket(rate=0.0)
    assert all(bucket.take(1.0) for _ in range(1_000))


def test_a_rate_below_one_a_second_lets_one_through_now_and_then() -> None:
    bucket = TokenBucket(rate=0.5)
    assert [bucket.take(100.0 + second) for second in range(5)] == [True, False, True, False, True]
