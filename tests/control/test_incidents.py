"""An incident is told once when it begins and once when it ends, whoever notices it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from control import incidents, leases
from control.incidents import Key, Kind, Turn
from control.models import Incident, Lease
from control.protocol import SystemEvent
from settings_app.models import User
from tests.settings_app.factories import UserFactory
from trading.models import Alert
from trading.ports import Owner

pytestmark = pytest.mark.django_db

THEN = datetime(2026, 3, 28, 22, tzinfo=UTC)
LATER = THEN + timedelta(minutes=3, seconds=20)
STALE = (Kind.FEED_STALE, "coinbase")


@pytest.fixture
def ann() -> User:
    return UserFactory.create()


@pytest.fixture
def bob() -> User:
    return UserFactory.create()


def leased(user: User) -> Owner:
    fence = leases.acquire([user.pk], "w")[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


def told(user: User) -> list[str]:
    """What a user was told, oldest first."""
    return [alert.detail for alert in user.alerts.order_by("id")]


def test_it_is_told_once_and_its_end_once(ann: User) -> None:
    for _ in range(3):
        incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)
    for _ in range(3):
        incidents.close_incident(ann.pk, *STALE, "It comes again", LATER)
    assert told(ann) == ["Nothing comes.", "It comes again, after 3 min 20 s."]
    incident = Incident.objects.get()
    assert (incident.began_at, incident.ended_at) == (THEN, LATER)
    assert (incident.kind, incident.subject, incident.detail) == (*STALE, "Nothing comes.")


def test_the_same_again_later_is_another_incident(ann: User) -> None:
    for at in (THEN, LATER):
        incidents.open_incident(ann.pk, *STALE, "Nothing comes.", at)
        incidents.close_incident(ann.pk, *STALE, "It comes again", at)
    assert len(told(ann)) == 4
    assert Incident.objects.count() == 2


def test_the_end_of_nothing_is_not_told(ann: User) -> None:
    assert incidents.close_incident(ann.pk, *STALE, "It comes again", LATER) is None
    assert told(ann) == []


def test_each_user_and_each_subject_has_incidents_of_its_own(ann: User, bob: User) -> None:
    incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)
    incidents.open_incident(bob.pk, *STALE, "Nothing comes.", THEN)
    incidents.open_incident(ann.pk, Kind.FEED_STALE, "kucoin", "Nothing comes.", THEN)
    incidents.close_incident(ann.pk, *STALE, "It comes again", LATER)
    assert incidents.open_of([ann.pk, bob.pk]) == {
        ann.pk: {Key(Kind.FEED_STALE, "kucoin")},
        bob.pk: {Key(*STALE)},
    }
    assert told(bob) == ["Nothing comes."]


def test_what_a_page_is_told_is_the_alert(ann: User) -> None:
    event = incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)
    alert = Alert.objects.get()
    at_ms = int(THEN.timestamp() * 1_000)
    assert event == SystemEvent(
        id=alert.pk,
        incident="feed-stale",
        subject="coinbase",
        state="began",
        detail="Nothing comes.",
        at=at_ms,
    )
    assert (alert.kind, alert.exchange, alert.state) == ("system", "coinbase", "recorded")
    assert alert.values == {
        "incident": Incident.objects.get().pk,
        "kind": "feed-stale",
        "subject": "coinbase",
        "state": "began",
        "at": at_ms,
    }


def test_what_ends_before_it_began_took_no_time(ann: User) -> None:
    incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)  # by a clock that is fast
    incidents.close_incident(ann.pk, *STALE, "It comes again", THEN - timedelta(seconds=5))
    assert told(ann)[1] == "It comes again, after less than a second."


def test_nobody_is_told_of_a_user_who_is_gone(ann: User) -> None:
    user_id = ann.pk
    ann.delete()
    assert incidents.open_incident(user_id, *STALE, "Nothing comes.", THEN) is None


def test_a_runtime_writes_under_its_fence(ann: User) -> None:
    owner = leased(ann)
    began = Turn(key=Key(*STALE), state="began", detail="Nothing comes.", at=THEN)
    ended = Turn(key=Key(*STALE), state="ended", detail="It comes again", at=LATER)
    assert [event.state for event in incidents.write(owner, [began, ended])] == ["began", "ended"]
    Lease.objects.update(fence=owner.fence + 1)
    with pytest.raises(leases.Fenced):
        incidents.write(owner, [began])
    with pytest.raises(leases.Fenced):
        incidents.worker_is_back(owner, LATER)
    assert len(told(ann)) == 2


def test_a_worker_that_is_back_ends_its_absence_alone(ann: User) -> None:
    owner = leased(ann)
    assert incidents.worker_is_back(owner, LATER) is None
    incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)
    incidents.open_incident(ann.pk, Kind.WORKER_GONE, "", "No worker.", THEN)
    event = incidents.worker_is_back(owner, LATER)
    assert event is not None
    assert event.detail == "A worker drives this runtime again, after 3 min 20 s."
    assert incidents.open_of([ann.pk]) == {ann.pk: {Key(*STALE)}}


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "less than a second"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=1, seconds=5), "1 h"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(span: timedelta, words: str) -> None:
    assert incidents.in_words(span) == words


def race(*acts: Callable[[], object]) -> None:
    """Do all of these at once, each in a thread with a connection of its own."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        ready.wait(10)
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_of_several_who_notice_at_once_one_tells() -> None:
    ann = UserFactory.create()
    race(*[lambda: incidents.open_incident(ann.pk, *STALE, "Nothing comes.", THEN)] * 4)
    assert told(ann) == ["Nothing comes."]
    race(*[lambda: incidents.close_incident(ann.pk, *STALE, "It comes again", LATER)] * 4)
    assert len(told(ann)) == 2
