"""What waits is sent, lane by lane, and every row says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from control import incidents, tasks
from control.deliveries import acts
from control.deliveries import outbox as outboxes
from control.deliveries.queue import Claimed
from control.incidents import Kind
from control.models import Incident
from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.control.deliveries.post import Post, Reader, deliver, settled, told_whole
from tests.control.running import eventually, postgresql_away
from tests.settings_app.factories import UserFactory
from trading.alerts.ports import (
    Delivered,
    Later,
    Message,
    Notice,
    Refused,
    Uncertain,
)
from trading.models import Alert, Delivery, DeliveryChannel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

State = Delivery.State
DUE = timezone.now() - timedelta(minutes=1)
DISCORD = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
EMAIL = {"enabled": True, "address": "anna@example.org"}


@pytest.fixture
def anna() -> User:
    return UserFactory.create(document={"notifications": {"discord": DISCORD, "email": EMAIL}})


@pytest.fixture
def bela() -> User:
    return UserFactory.create()


def waits(user: User, count: int = 1, channel: str = "discord", *, first: int = 0) -> list[Alert]:
    made = [told(user, hour=first + number, state="pending") for number in range(count)]
    for alert in made:
        delivery(alert, channel, due_at=DUE)
    return made


def test_what_waits_is_sent_in_order_and_pages_are_told(anna: User) -> None:
    alerts, reader = waits(anna, 7), Reader()
    post = Post({(anna.pk, "discord"): reader})

    deliver(post, settled(State.DELIVERED))

    ids = [alert.pk for alert in alerts]
    assert reader.messages == [ids[:5], ids[5:]]
    assert set(Alert.objects.values_list("state", flat=True)) == {"delivered"}
    assert [event for _, event in post.told] == [
        {"type": "alert", "id": pk, "state": "delivered"} for pk in ids
    ]
    assert {channel for channel, _ in post.told} == {f"livermore:events:{anna.sub}"}
    assert Delivery.objects.values("message").distinct().count() == 2


def test_storm_is_one_message(anna: User) -> None:
    alerts, reader = waits(anna, 40), Reader()
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.DELIVERED))
    assert reader.digests == [[alert.pk for alert in alerts]]
    assert reader.messages == []


def test_trouble_does_not_wait_behind_a_storm(anna: User) -> None:
    waits(anna, 40)
    trouble = troubled(anna)
    delivery(trouble, due_at=DUE)
    reader = Reader()
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.DELIVERED))
    assert reader.messages == [[trouble.pk]]


def test_trouble_does_not_wait_for_signals_that_are_held_for_a_digest(anna: User) -> None:
    for alert in waits(anna, 10):
        sent = {"state": State.DELIVERED, "settled_at": timezone.now()}
        alert.deliveries.update(**sent)
    [held] = waits(anna, first=20)
    reader = Reader()
    post = Post({(anna.pk, "discord"): reader})
    troubles: list[Alert] = []

    def is_told() -> bool:
        if post.prepared and not troubles:  # the signal was looked at, and is held
            troubles.append(troubled(anna))
            delivery(troubles[0], due_at=DUE)
        return bool(reader.read)

    deliver(post, is_told)
    assert reader.messages == [[troubles[0].pk]]
    assert held.deliveries.get().state == State.WAITING


def test_channel_that_hangs_delays_nobody_else(anna: User, bela: User) -> None:
    waits(anna)
    [mine] = waits(anna, 1, "email", first=5)
    [other] = waits(bela)
    hangs, quick, foreign = Reader(), Reader(), Reader()
    hangs.may_answer.clear()
    post = Post(
        {
            (anna.pk, "discord"): hangs,
            (anna.pk, "email"): quick,
            (bela.pk, "discord"): foreign,
        }
    )
    deliver(post, lambda: Delivery.objects.filter(state=State.DELIVERED).count() == 2)
    assert (quick.read, foreign.read) == ([mine.pk], [other.pk])
    assert Delivery.objects.get(channel="discord", user=anna).state == State.SENDING


def test_channel_that_hangs_for_everybody_leaves_the_other_channels_free(
    anna: User, bela: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "MOST_AT_ONCE", 1)
    waits(anna)
    waits(bela)
    [mine] = waits(bela, 1, "email", first=5)
    hangs, quick = Reader(), Reader()
    hangs.may_answer.clear()
    post = Post({(user.pk, "discord"): hangs for user in (anna, bela)})
    post.readers[bela.pk, "email"] = quick
    deliver(post, lambda: bool(hangs.read and quick.read))
    assert quick.read == [mine.pk]
    assert len(hangs.read) == 1


def test_what_cannot_be_put_into_words_has_failed_and_was_never_sent(
    anna: User, bela: User
) -> None:
    [odd], [plain] = waits(anna), waits(bela)

    def compose(claimed: Claimed, is_digest: bool) -> Message:
        if claimed.alerts[0].pk == odd.pk:
            raise ValueError("of no use to a reader")
        return told_whole(claimed, is_digest)

    readers = {(user.pk, "discord"): Reader() for user in (anna, bela)}
    post = Post(readers)
    post.compose = compose
    deliver(post, settled(State.FAILED, State.DELIVERED))
    row = Delivery.objects.get(alert=odd)
    assert (row.state, row.reason) == (
        State.FAILED,
        "Livermore could not put it into words; see the worker's log",
    )
    assert readers[anna.pk, "discord"].read == []
    assert readers[bela.pk, "discord"].read == [plain.pk]


def test_picture_that_cannot_be_drawn_holds_nothing_back(anna: User) -> None:
    [alert], reader = waits(anna), Reader()
    post = Post({(anna.pk, "discord"): reader})

    async def draw(claimed: Claimed, notices: Sequence[Notice]) -> Sequence[Notice]:
        raise RuntimeError

    post.illustrate = draw
    deliver(post, settled(State.DELIVERED))
    assert reader.read == [alert.pk]


def test_what_was_not_taken_is_sent_again(anna: User) -> None:
    [alert] = waits(anna)
    reader = Reader(Later("Discord fails"), Later("asked to wait", after_seconds=0.05))
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.DELIVERED))
    assert reader.read == [alert.pk] * 3
    assert Delivery.objects.get().attempts == 3


def test_what_may_have_arrived_is_not_sent_again(anna: User) -> None:
    [alert] = waits(anna)
    reader = Reader(Uncertain("it broke off"))
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.UNCERTAIN))
    assert reader.read == [alert.pk]
    assert (Delivery.objects.get().reason, Alert.objects.get().state) == (
        "it broke off",
        "uncertain",
    )


def test_channel_that_raises_is_uncertain_and_the_next_lane_goes_on(anna: User, bela: User) -> None:
    waits(anna)
    waits(bela)
    post = Post({(anna.pk, "discord"): Reader(RuntimeError()), (bela.pk, "discord"): Reader()})
    deliver(post, settled(State.UNCERTAIN, State.DELIVERED))
    assert Delivery.objects.get(user=bela).state == State.DELIVERED
    assert Delivery.objects.get(user=anna).state == State.UNCERTAIN


def test_what_is_refused_has_failed_and_says_why(anna: User) -> None:
    waits(anna)
    reader = Reader(Refused("the embed is too long"))
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.FAILED))
    assert Delivery.objects.get().reason == "the embed is too long"
    assert not Incident.objects.exists()


def test_dead_channel_is_told_once_by_the_others_and_told_again_when_it_lives(
    anna: User,
) -> None:
    waits(anna)
    dead = Reader(Refused("the webhook was deleted", is_dead=True))
    email = Reader()
    post = Post({(anna.pk, "discord"): dead, (anna.pk, "email"): email})
    deliver(post, lambda: bool(email.read) and not _being_sent())

    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.ended_at) == ("channel-dead", "discord", None)
    assert incident.detail == "Discord takes no alerts: the webhook was deleted."
    assert Alert.objects.get(pk=email.read[0]).detail == incident.detail

    Delivery.objects.filter(state__in=[State.WAITING]).delete()
    waits(anna, 1, first=9)
    deliver(Post(post.readers), lambda: Incident.objects.get().ended_at is not None)


def test_death_of_a_channel_is_over_when_it_is_turned_off(anna: User, bela: User) -> None:
    began = timezone.now() - timedelta(hours=2)
    for user in (anna, bela):  # of whom only one has turned it on
        detail = "Discord takes no alerts: the webhook was deleted."
        incidents.open_incident(user.pk, Kind.CHANNEL_DEAD, "discord", detail, began)

    post = Post({(anna.pk, "email"): Reader()})
    deliver(post, lambda: Incident.objects.filter(ended_at__isnull=False).exists())

    assert Incident.objects.get(ended_at__isnull=True).user == anna
    told = Alert.objects.filter(user=bela, values__state="ended").get()
    assert told.detail == "Discord took no alerts and is turned off, after 2 h."


def test_dead_channel_that_is_tried_is_not_left_alone(anna: User) -> None:
    waits(anna)
    dead = Reader(Refused("the webhook was deleted", is_dead=True))
    post = Post({(anna.pk, "discord"): dead, (anna.pk, "email"): Reader()})
    trials: list[Delivery] = []

    def is_mended() -> bool:
        if not trials and dead.read and Incident.objects.exists():
            trials.append(acts.begin_test(anna.pk, DeliveryChannel.DISCORD))
        return bool(trials) and Delivery.objects.get(pk=trials[0].pk).state == State.DELIVERED

    deliver(post, is_mended)


def _being_sent() -> bool:
    return Delivery.objects.filter(state=State.SENDING).exists()


def test_channel_that_there_is_not_fails_all_that_waits_at_once(anna: User) -> None:
    waits(anna, 30)
    post = Post({})
    post.refusals[anna.pk, "discord"] = Refused("The variable DISCORD_WEBHOOK is not set")
    deliver(post, settled(State.FAILED))


def test_limit_of_all_webhooks_holds_back_every_user(
    anna: User, bela: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "MOST_AT_ONCE", 1)  # so that one is asked before the other
    waits(anna)
    waits(bela)
    later = Later("Discord asks all of us to wait", after_seconds=3_600.0, is_global=True)
    readers = {(user.pk, "discord"): Reader(later) for user in (anna, bela)}
    post = Post(readers)
    mail = waits(anna, 1, "email", first=7)
    post.readers[anna.pk, "email"] = quick = Reader()
    deliver(post, lambda: bool(quick.read) and not _being_sent())
    assert quick.read == [alert.pk for alert in mail]
    assert sum(len(reader.read) for reader in readers.values() if reader is not quick) == 1


def test_address_that_wants_nothing_for_a_while_is_left_alone(anna: User) -> None:
    waits(anna, 7)
    reader = Reader(Delivered(next_after_seconds=3_600.0))
    post = Post({(anna.pk, "discord"): reader})
    deliver(post, lambda: Delivery.objects.filter(state=State.DELIVERED).count() == 5)
    assert len(reader.messages) == 1


def test_given_up_after_a_day_but_not_before_it_was_tried_some_times(anna: User) -> None:
    [alert] = waits(anna)
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=25))
    fails = [Later("Discord fails") for _ in range(outboxes.FEWEST_ATTEMPTS)]
    reader = Reader(*fails)
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.FAILED))
    assert Delivery.objects.get().reason == "given up after 5 attempts: Discord fails"
    assert reader.read == [alert.pk] * 5


def test_old_one_that_is_sent_again_by_hand_survives_a_failure(anna: User) -> None:
    waits(anna)
    long_ago = timezone.now() - timedelta(days=3)
    Delivery.objects.update(created_at=long_ago, state=State.FAILED, attempts=90)
    acts.retry(anna.pk)
    reader = Reader(Later("Discord fails"))
    deliver(Post({(anna.pk, "discord"): reader}), settled(State.DELIVERED))


def test_outcome_is_written_when_postgresql_is_back(anna: User) -> None:
    [alert] = waits(anna)
    reader = Reader()
    reader.may_answer.clear()
    post = Post({(anna.pk, "discord"): reader})

    async def work() -> None:
        running = asyncio.create_task(post.outbox.run())
        try:
            await post.database.run(eventually, lambda: bool(reader.messages))
            with capture_logs() as logged, postgresql_away():
                reader.may_answer.set()
                # It was tried to be written, and could not be.
                await asyncio.to_thread(eventually, lambda: _tells(logged, "outbox.settles_later"))
            await post.database.run(eventually, settled(State.DELIVERED))
        finally:
            await post.outbox.leave()
            await tasks.end(running)

    asyncio.run(work())
    post.database.close()
    assert reader.read == [alert.pk]


def _tells(logged: Sequence[Mapping[str, object]], event: str) -> bool:
    return any(line["event"] == event for line in logged)


def test_worker_that_is_killed_leaves_an_uncertain_message_and_the_rest_is_sent(
    anna: User,
) -> None:
    alerts, hangs = waits(anna, 7), Reader()
    hangs.may_answer.clear()
    deliver(Post({(anna.pk, "discord"): hangs}), lambda: bool(hangs.messages))
    assert Delivery.objects.filter(state=State.SENDING).count() == 5  # as kill -9 leaves them
    Delivery.objects.filter(state=State.SENDING).update(claimed_until=DUE)

    reader = Reader()
    deliver(Post({(anna.pk, "discord"): reader}, "two"), settled(State.DELIVERED, State.UNCERTAIN))

    assert reader.read == [alert.pk for alert in alerts[5:]]
    assert Delivery.objects.filter(state=State.UNCERTAIN).count() == 5


def test_two_workers_share_the_queue_and_nothing_is_sent_twice(anna: User, bela: User) -> None:
    alerts = [*waits(anna, 20), *waits(bela, 20), *waits(anna, 20, "email", first=50)]
    keys = [(anna.pk, "discord"), (bela.pk, "discord"), (anna.pk, "email")]
    posts = [Post({key: Reader() for key in keys}, name) for name in ("one", "two")]

    async def work() -> None:
        running = [asyncio.create_task(post.outbox.run()) for post in posts]
        try:
            await posts[0].database.run(eventually, settled(State.DELIVERED))
        finally:
            await tasks.end(*running)

    asyncio.run(work())
    for post in posts:
        post.database.close()
    read = [one for post in posts for reader in post.readers.values() for one in reader.read]
    assert sorted(read) == sorted(alert.pk for alert in alerts)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for against others' load is not waited for here."""
    monkeypatch.setattr(outboxes, "LEAVE_SECONDS", 0.2)
    monkeypatch.setattr(outboxes, "LOOK_SECONDS", 0.05)
