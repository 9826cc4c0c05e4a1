"""The user's row: what guards it, and what PostgreSQL itself refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from settings_app import desired, services
from settings_app.models import User
from settings_app.schema import CURRENT_VERSION, default_document
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

STORE = "UPDATE settings_app_user SET settings = %s, settings_version = %s WHERE id = %s"


def reread(user: User) -> User:
    """The row as it is now."""
    return User.objects.get(pk=user.pk)


# ------------------------------------------------------------------ a new user
def test_a_new_user_has_the_default_document_with_their_own_identity() -> None:
    user = User.objects.create_user("ann")
    assert user.settings == default_document(user.sub)
    assert services.read(user.pk).document.sub == user.sub
    assert (user.settings_version, user.settings_revision) == (CURRENT_VERSION, 1)
    assert user.is_paused is None
    assert (user.runtime_mode, user.desired_revision) == ("position-monitor", 0)


def test_two_users_never_share_an_identity() -> None:
    one, other = User.objects.create_user("ann"), User.objects.create_user("bob")
    assert one.sub != other.sub
    with pytest.raises(IntegrityError):
        UserFactory.create(sub=one.sub)


# ------------------------------------------------------------------ guarded columns
def test_a_stale_copy_of_the_row_cannot_undo_a_save() -> None:
    user = UserFactory.create()
    stale = reread(user)
    services.patch(user.pk, {"perseus_profile": {"public_name": "Ann"}}, by=user)
    desired.record(user.pk, is_paused=True, mode="scalper-macdv")
    stale.first_name = "Ann"
    stale.save()
    now = reread(user)
    assert now.first_name == "Ann"
    assert now.settings["perseus_profile"]["public_name"] == "Ann"
    assert now.settings_revision == 2
    assert (now.is_paused, now.runtime_mode, now.desired_revision) == (True, "scalper-macdv", 1)


@pytest.mark.parametrize("column", sorted(User.GUARDED))
def test_save_writes_a_guarded_column_only_when_it_is_named(column: str) -> None:
    user = UserFactory.create()
    before = getattr(user, column)
    other = UserFactory.build(
        settings={"version": 2, "sub": "other"},
        settings_version=1,
        settings_revision=7,
        is_paused=True,
        runtime_mode="scalper-macdv",
        desired_revision=7,
    )
    setattr(user, column, getattr(other, column))
    user.save()
    assert getattr(reread(user), column) == before
    if column != "settings_version":  # the document's version would have to change with it
        user.save(update_fields=[column])
        assert getattr(reread(user), column) == getattr(other, column)


def test_a_deferred_field_stays_as_it_is() -> None:
    user = UserFactory.create(first_name="Ann")
    partly = User.objects.only("username").get(pk=user.pk)
    partly.username = "ann"
    partly.save()
    assert (reread(user).username, reread(user).first_name) == ("ann", "Ann")


def test_an_instance_made_by_hand_cannot_overwrite_a_row() -> None:
    user = UserFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        User(pk=user.pk, username="mallory").save()
    assert reread(user).username == user.username


def test_saving_a_deleted_user_does_not_bring_them_back() -> None:
    user = UserFactory.create()
    User.objects.filter(pk=user.pk).delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        user.save()
    assert not User.objects.filter(pk=user.pk).exists()


# ------------------------------------------------------------------ the identity
def test_the_identity_cannot_be_changed() -> None:
    user = UserFactory.create()
    before = user.sub
    user.sub = "somebody-else"
    for attempt in (user.clean, user.save, lambda: user.save(update_fields=["sub"])):
        with pytest.raises(ValidationError, match="identity of a user cannot be changed"):
            attempt()
    assert reread(user).sub == before


def test_the_identity_cannot_be_changed_on_a_row_loaded_without_it() -> None:
    user = User.objects.defer("sub").get(pk=UserFactory.create().pk)
    user.sub = "somebody-else"
    with pytest.raises(ValidationError):
        user.save()


def test_a_new_user_may_bring_the_identity_that_a_provider_gave_them() -> None:
    user = UserFactory.create(sub="auth0|5f7c8ec7")
    user.save()
    assert reread(user).sub == "auth0|5f7c8ec7"


@pytest.mark.parametrize("sub", ["", "a:b", "a b", "*", "ü", "x" * 256, "new\nline"])
def test_an_identity_that_would_break_a_name_on_the_wire_is_refused(sub: str) -> None:
    with pytest.raises(IntegrityError, match="sub_fits_every_wire"):
        UserFactory.create(sub=sub, settings=default_document("x"))


# ------------------------------------------------------------------ the database's own rules
@pytest.mark.parametrize(
    ("document", "version", "constraint"),
    [
        ("[]", 0, "settings_is_object"),
        ("5", 0, "settings_is_object"),
        ('"text"', 0, "settings_is_object"),
        ("null", 0, "settings_is_object"),
        ('{"version": 1}', 2, "settings_version_is_column"),
        ('{"version": 2}', 1, "settings_version_is_column"),
        ('{"version": "2"}', 2, "settings_version_is_column"),
        ('{"version": null}', 0, "settings_version_is_column"),
        ("{}", 2, "settings_version_is_column"),
    ],
)
def test_postgresql_refuses_a_document_that_is_no_object_of_its_version(
    document: str, version: int, constraint: str
) -> None:
    user = UserFactory.create()
    with pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(STORE, [document, version, user.pk])


@pytest.mark.parametrize(("document", "version"), [("{}", 0), ('{"version": 1}', 1)])
def test_postgresql_keeps_documents_of_older_versions(document: str, version: int) -> None:
    user = UserFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(STORE, [document, version, user.pk])
    assert reread(user).settings_version == version


def test_what_the_worker_polls_for_follows_the_document() -> None:
    user = UserFactory.create()
    assert (user.enables_exchange, user.auto_start) == (True, True)
    changes = {
        "livermore_runtime": {"auto_start": False},
        "exchanges": {"coinbase": {"enabled": False}},
    }
    services.patch(user.pk, changes, by=user)
    assert (reread(user).enables_exchange, reread(user).auto_start) == (False, False)


# ------------------------------------------------------------------ the document
def test_a_user_is_looked_up_without_the_document_which_comes_when_asked_for(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    made = UserFactory.create()
    with django_assert_num_queries(1):
        user = User.objects.get(pk=made.pk)
    assert user.get_deferred_fields() == {"settings"}
    with django_assert_num_queries(1):
        assert user.settings == default_document(user.sub)
    user.refresh_from_db()
    assert user.settings == made.settings


def test_a_superuser_is_made_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a sentence that nobody else would choose")
    call_command(
        "createsuperuser", "--no-input", "--username=root", "--email=root@example.org", verbosity=0
    )
    root = User.objects.get(username="root")
    assert root.settings == default_document(root.sub)


def test_migrations_know_every_column() -> None:
    call_command("makemigrations", "--check", "--dry-run", "settings_app", verbosity=0)
