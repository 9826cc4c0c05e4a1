"""Alerts on their way while workers die: no row is lost, none invented, nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control.deliveries import filing
from settings_app.models import User
from tests.control.alerts import signal
from tests.control.running import eventually
from tests.faults.programs import Worker
from tests.faults.push_service import Answer, PushService, push_service
from tests.faults.stage import Stage
from trading.models import Alert, Delivery

pytestmark = pytest.mark.timeout(120)

State = Delivery.State
SETTLES_SECONDS = 60.0


@pytest.fixture
def service() -> Iterator[PushService]:
    """Where alerts go."""
    with push_service() as service:
        yield service


@pytest.fixture
def anna(stage: Stage) -> User:
    """Reads alerts, and makes none of their own: the runtime is paused."""
    return reader(stage, "anna")


@pytest.fixture
def bela(stage: Stage) -> User:
    """Another one."""
    return reader(stage, "bela")


def reader(stage: Stage, name: str) -> User:
    push = {
        "enabled": True,
        "troubles": False,
        "url_environment_variable": f"PUSH_{name.upper()}",
    }
    notifications: dict[str, Any] = {"push": push, "digest": {"more_than": 200}}
    return stage.trader(username=name, is_paused=True, document={"notifications": notifications})


def sender(stage: Stage, service: PushService) -> Worker:
    """A worker that knows where the service is."""
    return stage.worker(
        LIVERMORE_CREDENTIALS="anna=PUSH_ANNA; bela=PUSH_BELA",
        PUSH_ANNA=service.url_of("anna"),
        PUSH_BELA=service.url_of("bela"),
        NO_PROXY="127.0.0.1",
    )


def file(user: User, *numbers: int) -> None:
    """File alerts of a user as signals are, each of a symbol of its own."""
    filing.save(user.pk, [signal(user, hour=one, symbol=symbol(user, one)) for one in numbers])


def symbol(user: User, number: int) -> str:
    return f"{user.username[0].upper()}{number:02}-USD"


def states(user: User) -> dict[str, str]:
    return dict(Delivery.objects.filter(user=user).values_list("alert__symbol", "state"))


def settled() -> bool:
    lasting = (State.DELIVERED, State.UNCERTAIN)
    return not Delivery.objects.exclude(state__in=lasting).exists()


def who_sends(workers: list[Worker], service: PushService) -> Worker | None:
    """The worker whose message the service holds just now."""
    holders = Delivery.objects.filter(state=State.SENDING, user__username__in=service.held[:1])
    pids = {holder.split(":")[1] for holder in holders.values_list("claimed_by", flat=True)}
    return next((worker for worker in workers if str(worker.pid) in pids), None)


def test_worker_that_dies_while_it_sends_leaves_that_message_uncertain_and_no_other(
    stage: Stage, anna: User, bela: User, service: PushService
) -> None:
    service.open.clear()
    file(anna, 1, 2, 3)
    first = sender(stage, service)
    eventually(lambda: service.held == ["anna"])
    file(anna, 4, 5)
    first.kill()
    stage.expire_claims(first)
    service.open.set()
    file(bela, 1)
    sender(stage, service)
    eventually(settled, seconds=SETTLES_SECONDS)
    assert states(anna) == {
        symbol(anna, number): State.UNCERTAIN if number <= 3 else State.DELIVERED
        for number in range(1, 6)
    }
    assert states(bela) == {symbol(bela, 1): State.DELIVERED}
    assert set(service.taken["anna"].values()) == {1}
    assert set(service.taken["bela"]) == {symbol(bela, 1)}


def test_nothing_is_lost_invented_or_sent_twice_though_workers_die_again_and_again(
    stage: Stage, anna: User, bela: User, service: PushService
) -> None:
    service.answer(Answer.TAKEN, Answer.TROUBLE, Answer.TAKEN, Answer.BUSY, Answer.BROKEN)
    numbers = range(30)
    for user in (anna, bela):
        file(user, *numbers)
    workers = [sender(stage, service), sender(stage, service)]
    for _ in range(3):
        service.open.clear()
        victim = eventually(lambda: who_sends(workers, service), seconds=SETTLES_SECONDS)
        assert victim is not None
        victim.kill()
        stage.expire_claims(victim)
        service.open.set()
        workers[workers.index(victim)] = sender(stage, service)
    eventually(settled, seconds=SETTLES_SECONDS)
    for user in (anna, bela):
        found, taken = states(user), service.taken[user.username]
        assert set(found) == {symbol(user, number) for number in numbers}
        assert max(taken.values()) == 1
        assert {name for name in found if found[name] == State.DELIVERED} <= set(taken)
    assert Alert.objects.exclude(state__in=["delivered", "uncertain"]).count() == 0
    assert Alert.objects.count() == Delivery.objects.count() == 2 * len(numbers)
    assert all(f":{service.port}" not in worker.said for worker in stage.workers)  # a secret
