"""Incidents in the admin: owner, stranger, anonymous, superuser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from control import incidents
from control.incidents import Kind
from control.models import Incident
from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:control_incident_changelist"
ONE = "admin:control_incident_change"
THEN = datetime(2026, 3, 28, 22, tzinfo=UTC)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def ann() -> User:
    return UserFactory.create()


@pytest.fixture
def incident(ann: User) -> Incident:
    incidents.open_incident(ann.pk, Kind.FEED_STALE, "coinbase", "Nothing comes.", THEN)
    return Incident.objects.get()


def test_owner_reads_what_failed_and_for_how_long(ann: User, incident: Incident) -> None:
    client = signed_in(ann)
    page = client.get(reverse(LIST)).content.decode()
    for words in ("2026-03-28 22:00:00", "Feed stale", "coinbase", "Nothing comes.", ">open<"):
        assert words in page
    later = THEN + timedelta(minutes=5)
    incidents.close_incident(ann.pk, Kind.FEED_STALE, "coinbase", "It comes again", later)
    page = client.get(reverse(LIST)).content.decode()
    assert "2026-03-28 22:05:00" in page
    assert "5 min" in page
    assert client.get(reverse(ONE, args=[incident.pk])).status_code == 200
    assert "coinbase" not in client.get(reverse(LIST), {"ended_at__isempty": "1"}).content.decode()


def test_moments_are_written_as_the_reader_writes_them() -> None:
    profile = {"timezone": "Asia/Tokyo", "date_format": "DD.MM.YYYY", "time_format": "12h"}
    reader = UserFactory.create(document={"perseus_profile": profile}, is_superuser=True)
    incidents.open_incident(reader.pk, Kind.FEED_STALE, "coinbase", "Nothing comes.", THEN)
    User.objects.filter(pk=reader.pk).update(settings_updated_at=THEN, last_login=THEN)
    client = signed_in(reader)

    assert "29.03.2026 7:00:00" in client.get(reverse(LIST)).content.decode()
    users = client.get(reverse("admin:settings_app_user_changelist")).content.decode()
    assert "29.03.2026 7:00" in users
    page = client.get(reverse(ONE, args=[Incident.objects.get().pk])).content.decode()
    assert "2026-03-29 07:00:00" in page  # written by Django itself


def test_stranger_sees_nothing_of_it(incident: Incident) -> None:
    stranger = signed_in(UserFactory.create())
    assert "coinbase" not in stranger.get(reverse(LIST)).content.decode()
    page = stranger.get(reverse(ONE, args=[incident.pk]), follow=True)
    assert "Nothing comes." not in page.content.decode()


def test_anonymous_is_sent_to_the_sign_in(incident: Incident) -> None:
    assert Client().get(reverse(LIST)).status_code == 302


def test_superuser_sees_everybodys_and_whose(ann: User, incident: Incident) -> None:
    page = signed_in(UserFactory.create(is_superuser=True)).get(reverse(LIST)).content.decode()
    assert "Nothing comes." in page
    assert ann.username in page


def test_nobody_adds_or_changes_one_and_a_superuser_deletes_it(
    ann: User, incident: Incident
) -> None:
    root = UserFactory.create(is_superuser=True)
    for user in (root, ann):
        client = signed_in(user)
        assert client.get(reverse("admin:control_incident_add")).status_code == 403
        assert client.post(reverse(ONE, args=[incident.pk]), {"detail": "x"}).status_code == 403
    delete = reverse("admin:control_incident_delete", args=[incident.pk])
    assert signed_in(ann).post(delete, {"post": "yes"}).status_code == 403
    assert signed_in(root).post(delete, {"post": "yes"}).status_code == 302
    assert not Incident.objects.exists()
