"""When an entry is due: every day of the week, and every night on which clocks are set."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control import schedule
from control.schedule import NeverDue, entry_of, latest, next_after, row_of, text_of
from settings_app.schema.runtime import ScheduledCommand

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"),
    *("Africa/Cairo", "America/Santiago", "Pacific/Chatham", "Africa/Casablanca"),
)


def planned(at: str, zone: str = "UTC", **fields: Any) -> ScheduledCommand:
    row = {"at": at, "timezone": zone, "command": "pause", **fields}
    return ScheduledCommand.model_validate_json(json.dumps(row))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due_times(row: ScheduledCommand, after: datetime, count: int) -> list[datetime]:
    return [after := next_after(row, after) for _ in range(count)]


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        # the clocks skip the time: once, right behind the gap
        ("Europe/Berlin", "02:30", "2026-03-28T12:00", ["03-29 01:00", "03-30 00:30"]),
        ("America/New_York", "02:30", "2026-03-07T12:00", ["03-08 07:00", "03-09 06:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T00:00", ["10-03 15:30", "10-04 15:15"]),
        # the night has the time twice: once, the first time
        ("Europe/Berlin", "02:30", "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30"]),
        ("America/New_York", "01:30", "2026-10-31T12:00", ["11-01 05:30", "11-02 06:30"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-04T00:00", ["04-04 14:45", "04-05 15:15"]),
        # a zone that sets no clocks
        ("Asia/Kolkata", "02:30", "2026-03-28T12:00", ["03-28 21:00", "03-29 21:00"]),
        ("UTC", "02:30", "2026-03-28T12:00", ["03-29 02:30", "03-30 02:30"]),
    ],
)
def test_a_night_on_which_clocks_are_set_has_an_entry_once(
    zone: str, at: str, after: str, expected: list[str]
) -> None:
    found = due_times(planned(at, zone), utc(after), 2)
    assert [f"{moment:%m-%d %H:%M}" for moment in found] == expected


def test_the_second_time_round_an_hour_does_not_bring_its_times_back() -> None:
    # 02:10 in Berlin for the second time; 02:30 was twenty minutes after the first.
    second = utc("2026-10-25T01:10")
    assert f"{second.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "02:10"
    assert next_after(planned("02:30", "Europe/Berlin"), second) == utc("2026-10-26T01:30")


def test_next_is_later_never_the_moment_itself() -> None:
    row = planned("06:30")
    assert next_after(row, utc("2026-03-28T06:29:59.999")) == utc("2026-03-28T06:30")
    assert next_after(row, utc("2026-03-28T06:30")) == utc("2026-03-29T06:30")


@pytest.mark.parametrize(("number", "day"), list(enumerate(DAYS)))
def test_a_day_of_the_week_is_that_of_the_entrys_own_zone(number: int, day: str) -> None:
    row = planned("01:00", "Asia/Tokyo", days=(day,))
    local = next_after(row, utc("2026-03-28T12:00")).astimezone(ZoneInfo("Asia/Tokyo"))
    assert (local.weekday(), f"{local:%H:%M}") == (number, "01:00")


def brute_force(row: ScheduledCommand, after: datetime) -> datetime:
    """The next time, found by writing down every day's moment of the next fortnight."""
    zone = ZoneInfo(row.timezone)
    hour, minute = map(int, row.at.split(":"))
    first = after.astimezone(zone).date() - timedelta(days=2)
    moments = (
        moment_of(first + timedelta(days=day), time(hour, minute), zone)
        for day in range(14)
        if DAYS[(first + timedelta(days=day)).weekday()] in row.days
    )
    return min(moment for moment in moments if moment > after)


def moment_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, clock, zone)
    while local.astimezone(UTC).astimezone(zone).replace(fold=0) != local:
        local += timedelta(minutes=1)  # there is no such time that night
    return local.astimezone(UTC)


@given(
    zone=st.sampled_from(ZONES),
    clock=st.times(),
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    after=st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
)
def test_it_is_the_next_time_that_a_calendar_has(
    zone: str, clock: time, days: list[str], after: datetime
) -> None:
    row = planned(f"{clock:%H:%M}", zone, days=tuple(days))
    assert next_after(row, after) == brute_force(row, after)


def test_of_several_missed_times_the_last_counts() -> None:
    row, now = planned("06:30"), utc("2026-03-28T07:00")
    assert latest(row, utc("2026-03-28T06:30"), now) == utc("2026-03-28T06:30")
    assert latest(row, utc("2026-03-25T06:30"), now) == utc("2026-03-28T06:30")
    weekly = planned("06:30", days=("sun",))
    assert latest(weekly, utc("2026-03-01T06:30"), now) == utc("2026-03-22T06:30")


def test_years_of_missed_times_are_not_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []

    def counted(row: ScheduledCommand, after: datetime) -> datetime:
        asked.append(after)
        return next_after(row, after)

    monkeypatch.setattr(schedule, "next_after", counted)
    missed, now = utc("1970-01-01T06:30"), utc("2026-03-28T07:00")
    assert latest(planned("06:30"), missed, now) == utc("2026-03-28T06:30")
    assert len(asked) < 20


def test_an_entry_is_its_canonical_text_and_comes_back_from_it() -> None:
    row = planned(
        "06:30", "Europe/Berlin", command="switch-mode", payload={"mode": "scalper-macdv"}
    )
    assert entry_of(row) == (
        '{"at":"06:30","command":"switch-mode","payload":{"mode":"scalper-macdv"},'
        '"timezone":"Europe/Berlin"}'
    )
    assert row_of(entry_of(row)) == row
    assert text_of(row) == "switch to scalper-macdv at 06:30, Europe/Berlin"
    assert text_of(planned("22:00")) == "pause at 22:00, UTC"


def test_what_is_no_entry_is_said_to_be_none() -> None:
    with pytest.raises(NeverDue, match="save the settings again"):
        row_of('{"at":"25:00"}')


@pytest.mark.parametrize("zone", ["Asia/Riyadh87", "Mars/Olympus", "America", "../UTC"])
def test_a_zone_that_is_not_known_here_is_named_with_the_way_out(zone: str) -> None:
    row = planned("06:30").model_copy(update={"timezone": zone})
    with pytest.raises(NeverDue, match=rf"the time zone {zone} is not known here; choose another"):
        next_after(row, utc("2026-03-28T07:00"))
