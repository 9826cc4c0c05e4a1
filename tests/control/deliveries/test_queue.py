"""The queue that workers share, in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from django.db.models import F
from django.utils import timezone

from control.deliveries import acts, queue
from control.deliveries.queue import Lane
from settings_app.models import User
from tests.control.alerts import delivery, signal, told, troubled
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery, DeliveryChannel

State = Delivery.State
NOW = timezone.now() - timedelta(minutes=1)


@pytest.fixture
def anna(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def bela(db: None) -> User:
    return UserFactory.create()


def lane_of(user: User, channel: DeliveryChannel = DeliveryChannel.DISCORD) -> Lane:
    return Lane(user.pk, user.sub, channel)


def waits(user: User, count: int = 1, channel: str = "discord", *, first: int = 0) -> list[Alert]:
    made = [told(user, hour=first + number, state="pending") for number in range(count)]
    for alert in made:
        delivery(alert, channel, due_at=NOW)
    return made


def claim(lane: Lane, worker: str = "one", *, most: int = 10) -> tuple[UUID, list[int]] | None:
    message = uuid4()
    claimed = queue.claim(lane, worker, message, most=most, system=False)
    return None if claimed is None else (message, [alert.pk for alert in claimed.alerts])


def test_lanes_are_where_something_is_due(anna: User, bela: User) -> None:
    waits(anna)
    waits(bela, channel="email")
    later = told(bela, hour=5)
    delivery(later, "push", due_at=timezone.now() + timedelta(hours=1))
    delivery(later, "discord", state=State.MUTED)

    assert set(queue.lanes()) == {lane_of(anna), lane_of(bela, DeliveryChannel.EMAIL)}
    assert queue.lanes([anna.username]) == {lane_of(anna): False}


def test_oldest_are_claimed_first_and_only_of_that_lane(anna: User, bela: User) -> None:
    mine = [alert.pk for alert in waits(anna, 3)]
    waits(bela, 2)
    waits(anna, 1, "email", first=10)

    found = claim(lane_of(anna), most=2)

    assert found is not None
    assert found[1] == mine[:2]


def test_claimed_lane_has_nothing_for_another_worker(anna: User) -> None:
    waits(anna, 3)
    assert claim(lane_of(anna), most=1) is not None
    assert claim(lane_of(anna), "two") is None
    assert queue.lanes() == {}


def test_what_livermore_says_of_itself_has_messages_of_its_own(anna: User) -> None:
    waits(anna, 2)
    trouble = troubled(anna)
    delivery(trouble, due_at=NOW)

    waiting = queue.waiting(lane_of(anna), 60.0)
    assert (waiting.signals, waiting.troubles) == (2, 1)
    claimed = queue.claim(lane_of(anna), "one", uuid4(), most=10, system=True)
    assert claimed is not None
    assert [alert.pk for alert in claimed.alerts] == [trouble.pk]


def test_pace_of_a_lane_is_found_without_reading_what_was_sent_long_ago(anna: User) -> None:
    sent = Alert.objects.bulk_create(signal(anna, hour=hour) for hour in range(3_000))
    Delivery.objects.bulk_create(
        Delivery(
            alert=alert,
            user=anna,
            channel="discord",
            state=State.DELIVERED,
            due_at=NOW,
            settled_at=NOW - timedelta(hours=hour),
        )
        for hour, alert in enumerate(sent, start=1)
    )
    values: dict[str, int | str | float] = {
        "user": anna.pk,
        "channel": "discord",
        "window": 60.0,
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE trading_delivery")
        cursor.execute(f"EXPLAIN {queue.WAITING}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert re.search(r"on trading_delivery_pace.*\n +Index Cond: .*settled_at >", plan), plan


def test_settled_message_moves_its_alerts(anna: User) -> None:
    first, second = waits(anna, 2)
    delivery(second, "email", due_at=NOW)
    found = claim(lane_of(anna))
    assert found is not None

    moved = queue.settle(found[0], State.DELIVERED, "")

    assert moved == [queue.Moved(first.pk, anna.sub, "delivered")]
    second.refresh_from_db()
    assert second.state == "pending"  # its other channel waits
    assert set(first.deliveries.values_list("state", "claimed_by", "attempts")) == {
        ("delivered", "", 1)
    }


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (("delivered", "failed"), "failed"),
        (("delivered", "uncertain"), "uncertain"),
        (("delivered", "quiet"), "delivered"),
        (("muted", "quiet"), "muted"),
        (("quiet",), "quiet"),
        (("failed", "waiting"), "pending"),
    ],
)
def test_alert_follows_the_worst_of_its_channels(
    anna: User, states: tuple[str, ...], state: str
) -> None:
    alert = told(anna, state="recorded")
    for channel, one in zip(DeliveryChannel, states, strict=False):
        delivery(alert, channel, state=one)
    queue.follow([alert.pk])
    alert.refresh_from_db()
    assert alert.state == state


def test_message_that_is_to_be_sent_again_waits_until_then(anna: User) -> None:
    waits(anna)
    found = claim(lane_of(anna))
    assert found is not None
    queue.settle(found[0], State.WAITING, "Discord asks to wait", again_seconds=3_600.0)
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.settled_at) == ("waiting", "Discord asks to wait", None)
    assert row.due_at > timezone.now() + timedelta(minutes=50)
    assert claim(lane_of(anna)) is None


def test_lane_that_is_to_wait_waits_for_every_worker(anna: User, bela: User) -> None:
    waits(anna, 2)
    waits(bela)
    found = claim(lane_of(anna), most=1)
    assert found is not None
    queue.settle(found[0], State.WAITING, "Discord asks to wait", again_seconds=3_600.0)
    assert queue.lanes() == {lane_of(bela): False}
    assert claim(lane_of(anna), "two") is None  # what came later does not overtake


def test_nothing_is_sent_to_who_is_deactivated(anna: User, bela: User) -> None:
    waits(anna)
    waits(bela)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert queue.lanes() == {lane_of(bela): False}


def test_claim_that_ran_out_is_uncertain_and_claimed_by_nobody(anna: User) -> None:
    waits(anna)
    run_out(lane_of(anna))
    assert Delivery.objects.get().reason == queue.GONE
    assert Alert.objects.get().state == "uncertain"
    assert queue.lanes() == {}


def test_who_sent_it_and_lives_still_knows_what_became_of_it(anna: User) -> None:
    [alert] = waits(anna)
    message = run_out(lane_of(anna))

    moved = queue.settle(message, State.DELIVERED, "")

    assert moved == [queue.Moved(alert.pk, anna.sub, "delivered")]
    row = Delivery.objects.get()
    assert (row.state, row.reason) == (State.DELIVERED, "")


def test_what_its_owner_had_sent_again_is_not_settled_by_who_sent_it_before(anna: User) -> None:
    waits(anna)
    message = run_out(lane_of(anna))
    acts.retry(anna.pk, also_uncertain=True)
    assert queue.settle(message, State.FAILED, "too late") == []
    assert Delivery.objects.get().state == State.WAITING


def run_out(lane: Lane) -> UUID:
    """Claim what waits, and let the time for it pass."""
    found = claim(lane)
    assert found is not None
    assert queue.expire() == []
    Delivery.objects.update(claimed_until=F("claimed_until") - timedelta(hours=1))
    [moved] = queue.expire()
    assert moved.state == "uncertain"
    return found[0]


def test_old_alerts_are_pruned_but_for_those_that_wait(anna: User, bela: User) -> None:
    [pending] = waits(anna)
    old = told(anna, hour=1, state="delivered")
    delivery(old, state=State.DELIVERED)
    new, other = told(anna, hour=2, state="delivered"), told(bela, state="delivered")
    long_ago = timezone.now() - timedelta(days=91)
    Alert.objects.exclude(pk=new.pk).update(created_at=long_ago)

    assert queue.prune(anna.pk, timedelta(days=90)) == 1

    assert set(Alert.objects.values_list("pk", flat=True)) == {pending.pk, new.pk, other.pk}


@pytest.fixture
def hands() -> Iterator[ThreadPoolExecutor]:
    """Threads that have connections of their own, and close them."""
    with ThreadPoolExecutor(4) as pool:
        yield pool
        for _ in range(4):
            pool.submit(connections.close_all)


def test_workers_that_claim_at_once_never_claim_the_same(
    transactional_db: None, hands: ThreadPoolExecutor
) -> None:
    user = UserFactory.create()
    alerts = {alert.pk for alert in waits(user, 12)}
    sent: list[int] = []

    def serve(worker: int) -> list[int]:
        try:
            mine: list[int] = []
            for _ in range(40):
                found = claim(lane_of(user), str(worker), most=3)
                if found is not None:
                    mine += found[1]
                    queue.settle(found[0], State.DELIVERED, "")
            return mine
        finally:
            connection.close()

    for mine in hands.map(serve, range(4)):
        sent += mine

    assert sorted(sent) == sorted(alerts)
