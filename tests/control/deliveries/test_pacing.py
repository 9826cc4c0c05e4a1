"""A few alerts go at once, and a storm is one message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control.deliveries.pacing import MOST_IN_DIGEST, Hold, Send, SendDigest, Step, next_step


def step(waiting: int, *sent_ago: float, most: int = 10) -> Step:
    return next_step(waiting, sent_ago, most=most, more_than=10, within_seconds=60.0)


def test_few_are_told_whole_and_together() -> None:
    assert step(3) == Send(3)
    assert step(8, most=5) == Send(5)
    assert step(4, 1.0, 2.0, 3.0) == Send(4)


def test_what_was_sent_before_the_window_does_not_count() -> None:
    assert step(10, 60.0, 61.0) == Send(10)


def test_storm_becomes_one_message() -> None:
    assert step(11) == SendDigest(11)
    assert step(500, 3.0) == SendDigest(MOST_IN_DIGEST)


def test_what_comes_behind_many_waits_until_the_window_has_passed() -> None:
    assert step(3, *[5.0] * 9) == Hold(55.0)
    assert step(1, *[0.0] * 200) == Hold(60.0)


@given(st.integers(1, 400), st.lists(st.floats(0, 200), max_size=300), st.integers(1, 10))
def test_no_window_ever_holds_more_told_one_by_one_than_the_rule_says(
    waiting: int, sent_ago: list[float], most: int
) -> None:
    found = next_step(waiting, sent_ago, most=most, more_than=10, within_seconds=60.0)
    recent = [ago for ago in sent_ago if ago < 60.0]
    match found:
        case Send(notices):
            assert 1 <= notices <= min(most, waiting)
            assert len(recent) + notices <= 10
        case SendDigest(notices):
            assert 10 < notices <= waiting
        case Hold(seconds):
            assert 0.0 < seconds <= 60.0
            assert recent
