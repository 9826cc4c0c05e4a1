"""Moments on pages are told in the zone and the formats of whoever reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from control.reader import reader_for
from control.templatetags.livermore import clock, day, moment, time_of
from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.settings_app.factories import UserFactory
from trading.alerts.reader import Reader
from trading.models import Alert

ANN = Reader(timezone="America/New_York", date_format="MM/DD/YYYY", time_format="12h")
AT = datetime(2025, 11, 28, 22, 30, 5, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1_000)


def trader(**profile: str) -> User:
    document = {"perseus_profile": profile}
    user: User = UserFactory.create(is_superuser=True, document=document)
    return user


def test_a_moment_is_written_as_its_reader_writes_it() -> None:
    assert clock(AT_MS, ANN) == "5:30 PM"
    assert time_of(AT_MS, ANN) == "5:30:05 PM"
    assert day(AT_MS, ANN) == "11/28/2025"
    assert moment(AT_MS, ANN) == "11/28/2025 5:30 PM"


def test_the_date_of_today_goes_without_saying() -> None:
    now = datetime.now(UTC)
    today = [datetime(now.year, now.month, now.day, hour, tzinfo=UTC) for hour in (0, 23)]
    written = [moment(int(at.timestamp() * 1_000), Reader()) for at in today]
    assert written == ["00:00", "23:00"] or datetime.now(UTC).day != now.day


@pytest.mark.django_db
def test_a_reader_is_as_the_settings_say_and_plain_where_they_cannot_be_read() -> None:
    anna = trader(timezone="Asia/Tokyo")
    assert reader_for(anna) == Reader(timezone="Asia/Tokyo")
    User.objects.filter(pk=anna.pk).update(settings={"version": 999}, settings_version=999)
    assert reader_for(anna) == Reader()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "told"), [("Asia/Tokyo", "2025-11-29 07:30"), ("UTC", "2025-11-28 22:30")]
)
def test_the_admins_own_lists_tell_moments_in_the_zone_of_who_looks(zone: str, told: str) -> None:
    user = trader(timezone=zone)
    Alert.objects.create(user=user, kind="system", detail="noted")
    Alert.objects.update(created_at=AT)
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    page = browser.get(reverse("admin:trading_alert_changelist")).content.decode()
    assert told in page
    head = browser.get(reverse("admin:control")).content.decode()
    assert f'data-timezone="{zone}"' in head
