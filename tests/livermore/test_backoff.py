"""The pauses before a program is started again."""

from __future__ import annotations

from livermore.supervisor.backoff import Backoff


def test_pauses_double_up_to_half_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.pause_after(1.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_long_life_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.pause_after(1.0)
    assert backoff.pause_after(60.0) == 0.5
