"""An alert and its deliveries are there together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from control import incidents
from control.deliveries import acts, filing, queue
from settings_app.models import User
from tests.control.alerts import signal
from tests.settings_app.factories import UserFactory
from trading.alerts.compose import system_alert
from trading.models import Alert, Delivery, DeliveryChannel, Mute

pytestmark = pytest.mark.django_db

DISCORD = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}


@pytest.fixture
def anna() -> User:
    return UserFactory.create(document={"notifications": {"discord": DISCORD}})


def test_deliveries_are_filed_with_their_alerts(anna: User) -> None:
    filing.save(anna.pk, [signal(anna), signal(anna, hour=1)])
    assert set(Alert.objects.values_list("state", flat=True)) == {"pending"}
    assert Delivery.objects.filter(user=anna, channel="discord", state="waiting").count() == 2


def test_due_by_the_database_clock_whatever_the_clock_of_this_machine(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    filing.save(anna.pk, [signal(anna)])
    acts.begin_test(anna.pk, DeliveryChannel.EMAIL)
    assert {lane.channel for lane in queue.lanes()} == {"discord", "email"}


def test_neither_is_there_when_the_transaction_is_not(anna: User) -> None:
    class Broken(Exception):
        pass

    def fail() -> None:
        with transaction.atomic():
            filing.save(anna.pk, [signal(anna)])
            raise Broken

    with pytest.raises(Broken):
        fail()
    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()


def test_mutes_of_somebody_else_hold_nothing_back(anna: User) -> None:
    Mute.objects.create(user=UserFactory.create(), until=timezone.now() + timedelta(hours=1))
    filing.save(anna.pk, [signal(anna)])
    assert Delivery.objects.get().state == Delivery.State.WAITING


def test_own_mute_holds_back_and_the_row_says_until_when(anna: User) -> None:
    until = timezone.now() + timedelta(hours=1)
    Mute.objects.create(user=anna, symbol="BTC-USD", until=until)
    filing.save(anna.pk, [signal(anna)])
    row = Delivery.objects.get()
    assert row.state == Delivery.State.MUTED
    assert row.reason == f"muted until {until:%Y-%m-%d %H:%M} UTC"
    assert row.settled_at is not None
    assert Alert.objects.get().state == "muted"


def test_settings_that_cannot_be_read_hold_up_no_alert(anna: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE settings_app_user SET settings = jsonb_set(settings, '{watchlist}', '7')"
            " WHERE id = %s",
            [anna.pk],
        )
    filing.save(anna.pk, [signal(anna)])
    assert Alert.objects.get().state == "recorded"


def test_incident_is_delivered_like_any_alert(anna: User) -> None:
    incidents.open_incident(
        anna.pk, incidents.Kind.FEED_STALE, "coinbase", "Nothing comes.", timezone.now()
    )
    assert Delivery.objects.get().alert.detail == "Nothing comes."


def test_nothing_is_filed_of_nothing(anna: User) -> None:
    filing.save(anna.pk, [])
    assert system_alert(anna.pk, exchange="", detail="x", values={}).pk is None
    assert not Delivery.objects.exists()
