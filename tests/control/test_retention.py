"""What is removed after its time, and what never is; the worker's way and ``manage.py prune``."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone

from control import retention
from control.deliveries import queue
from control.models import Incident, Receipt, SentIntent
from control.retention import KEPT_DAYS
from settings_app.models import User
from tests.control.alerts import delivery, told
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery, Mute

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=KEPT_DAYS + 1)
YESTERDAY = NOW - timedelta(days=1, hours=1)


@pytest.fixture
def anna() -> User:
    return UserFactory.create(username="anna")


@pytest.fixture
def bela() -> User:
    return UserFactory.create(username="bela")


def aged(row: Any, made_at: Any = LONG_AGO) -> Any:
    """The row, as if it were as old as that."""
    type(row).objects.filter(pk=row.pk).update(created_at=made_at)
    return row


def everything_of(user: User) -> None:
    """One old row of every kind that is kept for a time, the alert with two deliveries."""
    alert = aged(told(user, state="delivered"))
    for channel in ("discord", "email"):
        delivery(alert, channel, state="delivered")
    Mute.objects.create(user=user, until=LONG_AGO)
    Incident.objects.create(user=user, kind="faulted", began_at=LONG_AGO, ended_at=LONG_AGO)
    aged(Receipt.objects.create(user=user, command_id=uuid.uuid4(), result={}))
    aged(SentIntent.objects.create(user=user, command_id=uuid.uuid4(), message={}))


EVERYTHING = {
    "alert": 1,
    "ended mute": 1,
    "incident": 1,
    "receipt": 1,
    "sent intent": 1,
}
KINDS: list[type[Model]] = [Alert, Delivery, Mute, Incident, Receipt, SentIntent]


def left() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in KINDS}


def pruned(*options: str) -> str:
    out = StringIO()
    call_command("prune", *options, stdout=out)
    return out.getvalue().strip()


def test_what_is_older_than_it_is_kept_for_goes(anna: User, bela: User) -> None:
    everything_of(anna)
    told(anna, hour=1, state="delivered")
    nothing = {"ended session": 0, "sign-in": 0}
    assert retention.count() == retention.prune() == EVERYTHING | nothing
    assert retention.prune() == dict.fromkeys([*EVERYTHING, *nothing], 0)
    assert left() == {**dict.fromkeys(left(), 0), "Alert": 1}


def test_sessions_that_ran_out_and_old_sign_ins_go(anna: User) -> None:
    for key, until in (("gone", NOW - timedelta(hours=1)), ("here", NOW + timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=until)
    for made_at in (LONG_AGO, YESTERDAY):
        row = AccessLog.objects.create(username="anna")
        AccessLog.objects.filter(pk=row.pk).update(attempt_time=made_at)
    assert pruned("--user", "anna") == "Nothing is old enough."
    assert pruned() == "Removed 1 ended session, 1 sign-in."
    assert Session.objects.get().session_key == "here"
    assert AccessLog.objects.count() == 1


def test_more_than_one_batch_goes(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "BATCH", 2)
    for hour in range(5):
        delivery(aged(told(anna, hour=hour)), state="failed")
    assert (retention.prune()["alert"], Delivery.objects.count()) == (5, 0)


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_an_alert_that_is_on_its_way_stays_however_old(anna: User, state: str) -> None:
    alert = aged(told(anna))
    claimed: dict[str, Any] = {"claimed_until": NOW} if state == "sending" else {}
    delivery(alert, "discord", state="delivered")
    delivery(alert, "email", state=state, **claimed)
    assert retention.prune()["alert"] == 0
    Delivery.objects.update(state="failed")
    assert retention.prune()["alert"] == 1


def keeping(days: int, **columns: Any) -> User:
    """A user who keeps alerts for so many days."""
    user: User = UserFactory.create(document={"notifications": {"kept_days": days}}, **columns)
    return user


def test_each_users_alerts_are_kept_as_long_as_their_own_settings_say() -> None:
    short, long = keeping(1), keeping(365)
    for user in (short, long):
        aged(told(user, hour=1), YESTERDAY)
        aged(told(user, hour=2))
        told(user, hour=3)
    assert retention.count() == retention.prune()
    assert Alert.objects.filter(user=short).count() == 1
    assert Alert.objects.filter(user=long).count() == 3
    assert retention.prune(days=30)["alert"] == 1


def test_settings_that_cannot_be_read_let_nothing_go(anna: User) -> None:
    told_of = keeping(1)
    for user in (anna, told_of):
        aged(told(user))
    User.objects.filter(pk=anna.pk).update(settings={"version": 99}, settings_version=99)
    assert retention.prune()["alert"] == 1
    assert Alert.objects.get().user == anna


def test_an_incident_that_is_open_stays_however_old(anna: User) -> None:
    Incident.objects.create(user=anna, kind="faulted", began_at=LONG_AGO)
    assert retention.prune()["incident"] == 0


def test_a_mute_in_effect_stays_however_old(anna: User) -> None:
    aged(Mute.objects.create(user=anna, until=NOW + timedelta(days=1)))
    assert retention.prune()["ended mute"] == 0


def test_an_id_is_known_for_a_day_whatever_is_asked_for(anna: User) -> None:
    ids = [uuid.uuid4(), uuid.uuid4()]
    for command_id, made_at in zip(ids, (NOW, YESTERDAY), strict=True):
        aged(Receipt.objects.create(user=anna, command_id=command_id, result={}), made_at)
        aged(SentIntent.objects.create(user=anna, command_id=command_id, message={}), made_at)
    retention.prune(days=1)
    assert Receipt.objects.get().command_id == SentIntent.objects.get().command_id == ids[0]


def test_one_users_rows_go_and_nobody_elses(anna: User, bela: User) -> None:
    everything_of(anna)
    everything_of(bela)
    assert pruned("--user", "anna").startswith("Removed 1 alert, ")
    assert {row.user for row in Alert.objects.all()} == {bela}
    assert left() == {**dict.fromkeys(left(), 1), "Delivery": 2}


def test_a_dry_run_says_what_would_go_and_removes_nothing(anna: User) -> None:
    everything_of(anna)
    before = left()
    assert pruned("--dry-run") == (
        "Would remove 1 alert, 1 ended mute, 1 incident, 1 receipt, 1 sent intent."
    )
    assert left() == before
    assert pruned().startswith("Removed 1 alert, ")
    assert pruned() == "Nothing is old enough."


def test_the_days_say_how_long_is_kept(anna: User) -> None:
    aged(told(anna), YESTERDAY)
    assert pruned("--days", "2") == "Nothing is old enough."
    assert pruned("--days", "1") == "Removed 1 alert."


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--days", "0"), "--days must be from 1"), (("--user", "zoe"), "no user 'zoe'")],
)
def test_what_cannot_be_pruned_is_refused(anna: User, options: tuple[str, ...], words: str) -> None:
    aged(told(anna))
    with pytest.raises(CommandError, match=words):
        pruned(*options)
    assert Alert.objects.exists()
