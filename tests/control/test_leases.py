"""Exactly one worker drives a user, by PostgreSQL's clock."""

from __future__ import annotations

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
