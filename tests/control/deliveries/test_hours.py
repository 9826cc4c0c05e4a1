"""When a user trades, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.deliveries.hours import DAYS, TradingHours

MONDAY = datetime(2026, 9, 28, tzinfo=UTC)


def at(day: str, clock: str) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return MONDAY + timedelta(days=DAYS.index(day), hours=hours, minutes=minutes)


@pytest.mark.parametrize(
    ("hours", "days", "day", "clock", "held"),
    [
        ("00:00-24:00", "mon-sun", "sun", "23:59", True),
        ("13:30-20:00", "mon-fri", "mon", "13:29", False),
        ("13:30-20:00", "mon-fri", "mon", "13:30", True),
        ("13:30-20:00", "mon-fri", "fri", "19:59", True),
        ("13:30-20:00", "mon-fri", "fri", "20:00", False),
        ("13:30-20:00", "mon-fri", "sat", "15:00", False),
        ("22:00-06:00", "mon-fri", "sat", "03:00", True),
        ("22:00-06:00", "mon-fri", "mon", "03:00", False),
        ("22:00-06:00", "mon-fri", "sat", "22:00", False),
        ("22:00-06:00", "mon,wed", "tue", "05:59", True),
        ("00:00-24:00", "sat-mon", "sun", "12:00", True),
        ("00:00-24:00", "sat-mon", "tue", "00:00", False),
    ],
)
def test_range_belongs_to_the_day_on_which_it_begins(
    hours: str, days: str, day: str, clock: str, *, held: bool
) -> None:
    assert TradingHours.read(hours, days).hold(at(day, clock)) is held


def test_moment_is_the_same_in_whatever_zone_it_is_written() -> None:
    hours = TradingHours.read("13:30-20:00", "mon")
    assert hours.hold(at("mon", "13:30").astimezone(timezone(timedelta(hours=11))))


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 7 * 1440 - 1))
def test_a_week_of_a_range_is_as_long_as_seven_of_it(begins: int, ends: int, offset: int) -> None:
    if begins == ends:
        return
    hours = TradingHours(begins, ends, frozenset(range(7)))
    minute = offset % 1440
    within = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    assert hours.hold(MONDAY + timedelta(minutes=offset)) is within
