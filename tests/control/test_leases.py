"""Exactly one worker drives a user, by PostgreSQL's clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from control import leases
from control.models import Lease
from settings_app.models import User
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    user: User = UserFactory.create()
    return user


def expire(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE control_lease SET expires_at = clock_timestamp() WHERE user_id = %s", [user.pk]
        )


def test_the_first_worker_takes_a_free_user_and_the_second_gets_nothing(anna: User) -> None:
    assert leases.acquire([anna.pk], "first") == {anna.pk: 1}
    assert leases.acquire([anna.pk], "second") == {}


def test_nobody_takes_a_lease_twice_not_even_its_owner(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    assert leases.acquire([anna.pk], "first") == {}


def test_an_expired_lease_goes_to_another_worker_with_a_higher_fence(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    expire(anna)
    assert leases.acquire([anna.pk], "second") == {anna.pk: 2}


def test_an_expired_lease_that_nobody_took_can_still_be_renewed(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    expire(anna)
    assert leases.renew({anna.pk: 1}, "first") == {anna.pk}
    assert leases.acquire([anna.pk], "second") == {}


def test_a_worker_that_was_replaced_learns_it_when_it_renews(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    expire(anna)
    leases.acquire([anna.pk], "second")
    assert leases.renew({anna.pk: 1}, "first") == set()


def test_letting_go_frees_the_user_at_once_and_only_ones_own(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    leases.release({anna.pk: 1}, "second")
    assert leases.acquire([anna.pk], "second") == {}
    leases.release({anna.pk: 1}, "first")
    assert leases.acquire([anna.pk], "second") == {anna.pk: 3}


def test_whoever_has_let_go_can_write_nothing_more(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    leases.release({anna.pk: 1}, "first")
    with pytest.raises(leases.Fenced), transaction.atomic():
        leases.hold(anna.pk, 1)


def test_each_user_is_leased_on_its_own() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    leases.acquire([anna.pk], "first")
    assert leases.acquire([anna.pk, bela.pk], "second") == {bela.pk: 1}
    assert set(Lease.objects.values_list("user_id", "owner")) == {
        (anna.pk, "first"),
        (bela.pk, "second"),
    }


def test_a_fenced_off_worker_can_write_nothing(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    expire(anna)
    leases.acquire([anna.pk], "second")
    with pytest.raises(leases.Fenced, match="fence 1 is void"), transaction.atomic():
        leases.hold(anna.pk, 1)
    with transaction.atomic():
        leases.hold(anna.pk, 2)


def test_a_user_that_does_not_exist_is_not_leased() -> None:
    assert leases.acquire([987_654], "first") == {}


@contextmanager
def in_mid_transaction(user: User, fence: int) -> Iterator[None]:
    """A worker that has begun to write for a user, and goes no further within this block."""
    holds, ends = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            leases.hold(user.pk, fence)
            holds.set()
            ends.wait(20)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert holds.wait(20)
        yield
    finally:
        ends.set()
        thread.join()


@contextmanager
def waiting_for_nobody() -> Iterator[None]:
    """Whatever waits longer for a lock within this block than a busy server takes, fails."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        try:
            yield
        finally:
            cursor.execute("RESET lock_timeout")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stands_still_in_mid_transaction_keeps_its_own_user_alone() -> None:
    anna, bela, cora = (UserFactory.create() for _ in range(3))
    leases.acquire([anna.pk, bela.pk], "first")
    expire(anna)
    expire(bela)
    with in_mid_transaction(anna, 1), waiting_for_nobody():
        everybody = [anna.pk, bela.pk, cora.pk]
        assert leases.acquire(everybody, "second") == {bela.pk: 2, cora.pk: 1}
    assert leases.acquire([anna.pk], "second") == {anna.pk: 2}


@pytest.mark.django_db(transaction=True)
def test_what_is_written_under_a_lease_delays_the_renewal_of_no_other() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    fences = leases.acquire([anna.pk, bela.pk], "first")
    expire(bela)
    with in_mid_transaction(anna, 1), waiting_for_nobody():
        assert leases.renew(fences, "first") == {anna.pk, bela.pk}
        assert leases.acquire([bela.pk], "second") == {}


@pytest.mark.django_db(transaction=True)
def test_letting_go_of_many_leaves_only_what_is_written_under_to_expire() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    fences = leases.acquire([anna.pk, bela.pk], "first")
    with in_mid_transaction(anna, 1), waiting_for_nobody():
        assert leases.release(fences, "first") == {anna.pk}
        assert leases.acquire([anna.pk, bela.pk], "second") == {bela.pk: 3}


def test_a_worker_that_leaves_lets_go_of_all_that_is_its_own_and_of_nothing_else() -> None:
    anna, bela, cora = (UserFactory.create() for _ in range(3))
    leases.acquire([anna.pk, bela.pk], "first")
    leases.acquire([cora.pk], "second")
    assert leases.release_all("first") == set()
    assert leases.acquire([anna.pk, bela.pk, cora.pk], "third") == {anna.pk: 3, bela.pk: 3}


def test_looking_for_what_is_free_writes_nothing_where_nothing_is(anna: User) -> None:
    leases.acquire([anna.pk], "first")
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmax FROM control_lease")
        before = cursor.fetchone()
        leases.acquire([anna.pk], "second")
        cursor.execute("SELECT xmax FROM control_lease")
        assert cursor.fetchone() == before
