"""A process that stood still doubts its leases until it has asked for them."""

from __future__ import annotations

from control.standstill import Standstill


def test_a_loop_that_keeps_turning_never_doubts() -> None:
    standstill = Standstill(3.0, 0.0)
    assert not any(standstill.is_open(at) for at in (0.2, 3.0, 6.0, 9.0))


def test_whoever_asks_first_after_a_standstill_notices_it_for_all() -> None:
    standstill = Standstill(3.0, 0.0)
    assert standstill.is_open(9.0)
    assert standstill.is_open(9.1)


def test_the_doubt_ends_with_an_answer_that_was_asked_for_afterwards() -> None:
    standstill = Standstill(3.0, 0.0)
    noticed = standstill.noticed(9.0)
    assert standstill.is_open(9.1)
    standstill.answered(noticed)
    assert not standstill.is_open(9.2)


def test_an_answer_that_was_asked_for_before_is_none() -> None:
    standstill = Standstill(3.0, 0.0)
    noticed = standstill.noticed(1.0)  # and then it stood still until the answer came
    standstill.answered(noticed)
    assert standstill.is_open(9.0)
    standstill.answered(noticed)
    assert standstill.is_open(9.1)
