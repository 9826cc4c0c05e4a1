"""What a user may do about alerts, and that it is done to no one else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings as Configuration

from control import wire
from control.deliveries import acts
from control.protocol import AlertEvent, events_of
from settings_app.models import User
from tests.control.alerts import delivery, told
from tests.settings_app.factories import UserFactory
from trading.alerts.muting import WantedMute
from trading.models import Alert, Delivery, Mute

pytestmark = pytest.mark.django_db

State = Delivery.State


@pytest.fixture
def anna() -> User:
    return UserFactory.create()


@pytest.fixture
def bela() -> User:
    return UserFactory.create()


def ended(user: User, state: State, *, hour: int = 0) -> Delivery:
    alert = told(user, hour=hour, state="failed")
    return delivery(alert, state=state, reason="it broke off", attempts=7)


def test_what_failed_waits_again_as_if_for_the_first_time(anna: User) -> None:
    row = ended(anna, State.FAILED)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert acts.retry(anna.pk) == 1
    row.refresh_from_db()
    assert (row.state, row.reason, row.attempts, row.settled_at) == ("waiting", "", 0, None)
    for moment in (row.due_at, row.created_at):  # of which the second says when it is given up
        assert abs(moment - timezone.now()) < timedelta(minutes=1)
    assert Alert.objects.get().state == "pending"
    assert acts.retry(anna.pk) == 0


@pytest.mark.parametrize("state", set(State) - {State.FAILED})
def test_nothing_but_what_failed_is_sent_again_with_all(anna: User, state: State) -> None:
    claimed: dict[str, Any] = {"claimed_until": timezone.now()} if state == State.SENDING else {}
    row = delivery(told(anna, state="delivered"), state=state, **claimed)
    assert acts.retry(anna.pk) == 0
    row.refresh_from_db()
    assert row.state == state
    assert Alert.objects.get().state == "delivered"


def test_what_is_uncertain_is_sent_again_only_when_that_is_said(anna: User) -> None:
    row = ended(anna, State.UNCERTAIN)
    assert acts.retry(anna.pk, [row.alert_id]) == 0
    assert acts.retry(anna.pk, [row.alert_id], also_uncertain=True) == 1


def test_only_the_alerts_that_are_named_are_sent_again(anna: User) -> None:
    named, other = ended(anna, State.FAILED), ended(anna, State.FAILED, hour=1)
    assert acts.retry(anna.pk, [named.alert_id]) == 1
    other.refresh_from_db()
    assert other.state == State.FAILED
    assert acts.retry(anna.pk, []) == 0


def test_what_arrived_by_one_channel_stays_there_when_the_other_is_tried_again(anna: User) -> None:
    row = ended(anna, State.FAILED)
    arrived = delivery(row.alert, "email", state=State.DELIVERED)
    assert acts.retry(anna.pk, [row.alert_id], also_uncertain=True) == 1
    arrived.refresh_from_db()
    assert arrived.state == State.DELIVERED


@pytest.mark.django_db(transaction=True)
def test_open_pages_are_told_that_it_waits_again(anna: User, bela: User, redis_url: str) -> None:
    row = ended(anna, State.FAILED)
    with wire.connect() as redis, redis.pubsub() as heard:
        heard.subscribe(events_of(anna.sub), events_of(bela.sub))
        for _ in range(2):
            heard.get_message(timeout=5)  # that it listens
        acts.retry(anna.pk)
        message = heard.get_message(timeout=5)
    assert message is not None
    assert message["channel"] == events_of(anna.sub)
    told_of = AlertEvent.model_validate_json(message["data"])
    assert (told_of.id, told_of.state) == (row.alert_id, "pending")


@pytest.mark.django_db(transaction=True)
def test_what_waits_again_waits_also_while_redis_is_away(
    anna: User, settings: Configuration
) -> None:
    row = ended(anna, State.FAILED)
    wire.shared.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    try:
        assert acts.retry(anna.pk) == 1
    finally:
        wire.shared.cache_clear()
    row.refresh_from_db()
    assert row.state == State.WAITING


def test_nobody_sends_or_acknowledges_what_is_somebody_elses(anna: User, bela: User) -> None:
    row = ended(anna, State.FAILED)
    assert acts.retry(bela.pk, [row.alert_id], also_uncertain=True) == 0
    assert acts.retry(bela.pk) == 0
    assert acts.acknowledge(bela.pk, [row.alert_id]) == 0
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert Alert.objects.get().acknowledged_at is None


def test_an_alert_is_acknowledged_once(anna: User) -> None:
    alert = told(anna)
    assert acts.acknowledge(anna.pk, [alert.pk]) == 1
    alert.refresh_from_db()
    first = alert.acknowledged_at
    assert first is not None
    assert acts.acknowledge(anna.pk, [alert.pk]) == 0
    alert.refresh_from_db()
    assert alert.acknowledged_at == first


def test_the_same_mute_again_moves_its_end(anna: User, bela: User) -> None:
    now = timezone.now()
    first, later = now + timedelta(hours=1), now + timedelta(hours=2)
    made = acts.mute(anna.pk, WantedMute(symbol="BTC-USD", until=first))
    again = acts.mute(anna.pk, WantedMute(symbol="BTC-USD", until=later))
    other = acts.mute(anna.pk, WantedMute(symbol="BTC-USD", kind="level", until=first))
    acts.mute(bela.pk, WantedMute(symbol="BTC-USD", until=first))
    assert made.pk == again.pk
    assert list(acts.mutes_of(anna.pk, now)) == [other, again]
    assert list(acts.mutes_of(anna.pk, first)) == [again]


def test_a_mute_is_ended_by_its_owner_alone(anna: User, bela: User) -> None:
    mute = acts.mute(anna.pk, WantedMute(until=timezone.now() + timedelta(hours=1)))
    assert not acts.unmute(bela.pk, mute.pk)
    assert Mute.objects.exists()
    assert acts.unmute(anna.pk, mute.pk)
    assert not acts.unmute(anna.pk, mute.pk)
