"""Simulated time and how Go and RFC 3339 write it."""

from __future__ import annotations

import time

import pytest

from trading.simulator.clock import SimulatedClock, go_time, rfc3339

SECOND = 1_000_000_000
AT = 1_790_735_994 * SECOND


class Steady:
    """A steady clock that only moves when told."""

    def __init__(self) -> None:
        self.now = 77

    def __call__(self) -> int:
        return self.now


def test_speed_multiplies_the_seconds_that_pass() -> None:
    steady = Steady()
    clock = SimulatedClock(speed=60.0, anchor_ns=AT, steady=steady)
    steady.now += SECOND
    assert clock.now_ns() == AT + 60 * SECOND
    assert clock.now_us() == clock.now_ns() // 1_000


def test_without_an_anchor_it_is_now() -> None:
    assert abs(SimulatedClock().now_ns() - time.time_ns()) < 5 * SECOND


def test_time_cannot_stand_still() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        SimulatedClock(speed=0)


@pytest.mark.parametrize(
    ("at_ns", "digits", "text"),
    [
        (AT, 9, "2026-09-30T02:39:54Z"),
        (AT + 14_999_553, 9, "2026-09-30T02:39:54.014999553Z"),
        (AT + 20_250_000, 9, "2026-09-30T02:39:54.02025Z"),
        (AT + 977_543_999, 6, "2026-09-30T02:39:54.977543Z"),
        (AT + 977_543_999, 0, "2026-09-30T02:39:54Z"),
    ],
)
def test_fractions_are_trimmed(at_ns: int, digits: int, text: str) -> None:
    assert rfc3339(at_ns, digits) == text


def test_go_prints_its_monotonic_reading() -> None:
    text = go_time(AT + 57_889_610, 139_651_272_674_714)
    assert text == "2026-09-30 02:39:54.05788961 +0000 UTC m=+139651.272674714"
