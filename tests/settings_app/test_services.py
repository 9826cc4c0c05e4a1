"""Reading and writing settings through real rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from settings_app import services
from settings_app.documents import canonical, merge_patch
from settings_app.errors import SettingsInvalid, SettingsTooNew, StaleRevision
from settings_app.models import User
from settings_app.schema import default_document, validate
from settings_app.signals import settings_saved
from tests.settings_app.factories import UserFactory
from tests.settings_app.strategies import current_documents
from tests.settings_app.test_upgrades import stored

NAMED_ANN = {"perseus_profile": {"public_name": "Ann"}}
NO_DATABASE_FIXTURE = [HealthCheck.function_scoped_fixture]  # each example overwrites the last


@pytest.fixture
def user() -> User:
    """Somebody with the default document."""
    return UserFactory.create()


@pytest.fixture
def announced() -> Iterator[list[dict[str, Any]]]:
    """What listeners were told, in order."""
    calls: list[dict[str, Any]] = []

    def listen(**told: Any) -> None:
        calls.append({key: told[key] for key in ("user_id", "sub", "revision", "origin")})

    settings_saved.connect(listen)
    yield calls
    settings_saved.disconnect(listen)


def row(user: User) -> tuple[Any, ...]:
    """Everything that a read or a refused write must leave alone."""
    columns = ("settings", "settings_version", "settings_revision", "settings_updated_at")
    values: tuple[Any, ...] = User.objects.values_list(*columns).get(pk=user.pk)
    return values


# ------------------------------------------------------------------ reading
@pytest.mark.django_db
@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_row_of_every_version_reads_as_a_current_document(version: int) -> None:
    document = stored(f"version_{version}")
    user = UserFactory.create(sub=document["sub"], settings=document, settings_version=version)
    before = row(user)
    read = services.read(user.pk)
    expected = document if version == 2 else stored(f"version_{version}.upgraded")
    assert read.document.to_document() == expected
    assert (read.version, read.revision, read.sub) == (version, 1, user.sub)
    assert bool(read.notes) == (version < 2)
    assert row(user) == before  # reading writes nothing


@pytest.mark.django_db
def test_a_row_from_the_future_is_refused_and_left_alone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(
        settings={"version": 3, "wisdom": "new"}, settings_version=3
    )
    before = row(user)
    with pytest.raises(SettingsTooNew):
        services.read(user.pk)
    with pytest.raises(SettingsTooNew):
        services.patch(user.pk, NAMED_ANN, by=user)
    with pytest.raises(SettingsTooNew):
        services.replace(user.pk, default_document(user.sub), by=user)
    assert row(user) == before


@pytest.mark.django_db
def test_nobody_has_no_settings(user: User) -> None:
    with pytest.raises(User.DoesNotExist):
        services.read(0)
    with pytest.raises(User.DoesNotExist):
        services.patch(0, NAMED_ANN, by=user)


# ------------------------------------------------------------------ writing
@pytest.mark.django_db
def test_a_patch_changes_what_it_names_and_nothing_else(user: User) -> None:
    updated_at = user.settings_updated_at
    saved = services.patch(user.pk, NAMED_ANN, by=user)
    assert (saved.revision, saved.changed_paths) == (2, ("/perseus_profile/public_name",))
    document, version, revision, at = row(user)
    assert document == merge_patch(default_document(user.sub), NAMED_ANN)
    assert (version, revision) == (2, 2)
    assert at > updated_at


@pytest.mark.django_db
def test_null_in_a_patch_resets_to_the_default(user: User) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    services.patch(user.pk, {"perseus_profile": None}, by=user)
    assert row(user)[0] == default_document(user.sub)


@pytest.mark.django_db
def test_a_replacement_is_the_whole_document(user: User) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    saved = services.replace(user.pk, {"version": 2, "sub": user.sub}, by=user)
    assert saved.revision == 3
    assert row(user)[0] == default_document(user.sub)


@pytest.mark.django_db
@pytest.mark.parametrize("document", [{}, {"version": 1, "symbols": ["BTC-USD"]}, [], None])
def test_a_replacement_of_an_older_shape_is_refused(user: User, document: Any) -> None:
    before = row(user)
    with pytest.raises(SettingsInvalid):
        services.replace(user.pk, document, by=user)
    assert row(user) == before


@pytest.mark.django_db
def test_a_write_is_validated_whole_and_refused_whole(user: User) -> None:
    before = row(user)
    changes = {**NAMED_ANN, "scanner": {"top_n": 5}, "watchlst": []}
    with pytest.raises(SettingsInvalid) as caught:
        services.patch(user.pk, changes, by=user)
    assert {error.pointer for error in caught.value.errors} == {"/scanner/top_n", "/watchlst"}
    assert row(user) == before
    assert not LogEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("write", [services.patch, services.replace])
def test_a_bomb_of_brackets_is_refused_in_words(user: User, write: Any) -> None:
    bomb: dict[str, Any] = {}
    for _ in range(5_000):
        bomb = {"a": bomb}
    with pytest.raises(SettingsInvalid, match="nested deeper"):
        write(user.pk, bomb, by=user)


@pytest.mark.django_db
def test_nobody_takes_over_another_identity(user: User) -> None:
    other = UserFactory.create()
    with pytest.raises(SettingsInvalid, match="/sub: must be your own"):
        services.patch(user.pk, {"sub": other.sub}, by=user)
    with pytest.raises(SettingsInvalid, match="/sub: must be your own"):
        services.replace(user.pk, default_document(other.sub), by=user)


@pytest.mark.django_db
def test_a_save_that_changes_nothing_writes_nothing(
    user: User, announced: list[dict[str, Any]]
) -> None:
    before = row(user)
    saved = services.replace(user.pk, default_document(user.sub), by=user)
    assert (saved.revision, saved.changed_paths) == (1, ())
    assert row(user) == before
    assert not LogEntry.objects.exists()
    assert announced == []


@pytest.mark.django_db
def test_an_older_document_is_written_whole_by_its_first_patch() -> None:
    document = stored("version_0")
    user = UserFactory.create(sub=document["sub"], settings=document, settings_version=0)
    saved = services.patch(user.pk, NAMED_ANN, by=user)
    assert saved.changed_paths == ("/perseus_profile/public_name",)
    assert row(user)[:3] == (merge_patch(stored("version_0.upgraded"), NAMED_ANN), 2, 2)


@pytest.mark.django_db
def test_a_document_broken_by_other_hands_can_be_replaced(user: User) -> None:
    broken = {**default_document(user.sub), "watchlist": 5}
    User.objects.filter(pk=user.pk).update(settings=broken)
    with pytest.raises(SettingsInvalid):
        services.read(user.pk)
    services.replace(user.pk, default_document(user.sub), by=user)
    assert services.read(user.pk).revision == 2


# ------------------------------------------------------------------ the log and the listeners
@pytest.mark.django_db
def test_the_log_says_who_changed_which_places_and_never_a_value(user: User) -> None:
    admin = UserFactory.create(username="root")
    changes = {"exchanges": {"coinbase": {"ApiKeyEnvironmentVariableName": "My_Secret_Name"}}}
    services.patch(user.pk, changes, by=admin, origin="api")
    entry = LogEntry.objects.get()
    assert entry.user == admin
    assert entry.object_id == str(user.pk)
    assert entry.get_change_message() == (
        "Changed /exchanges/coinbase/ApiKeyEnvironmentVariableName for settings “revision 2”."
    )
    message = json.loads(entry.change_message)[0]
    assert (message["settings_revision"], message["origin"]) == (2, "api")
    assert "My_Secret_Name" not in entry.change_message


@pytest.mark.django_db
def test_listeners_are_told_once_after_the_commit(
    user: User,
    announced: list[dict[str, Any]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.patch(user.pk, NAMED_ANN, by=user, origin="form")
        assert announced == []
    assert announced == [
        {"user_id": user.pk, "sub": user.sub, "revision": 2, "origin": "form"},
    ]


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_does_not_undo_the_save(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ConnectionError("Redis is away")

    settings_saved.connect(fail)
    try:
        services.patch(user.pk, NAMED_ANN, by=user)
    finally:
        settings_saved.disconnect(fail)
    assert services.read(user.pk).revision == 2
    assert "Redis is away" in caplog.text


# ------------------------------------------------------------------ concurrent writers
@pytest.mark.django_db
def test_a_change_made_on_an_older_revision_is_told_who_changed_what(user: User) -> None:
    other = UserFactory.create(username="bob")
    services.patch(user.pk, NAMED_ANN, by=user)
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=other)
    before = row(user)
    with pytest.raises(StaleRevision) as caught:
        services.patch(user.pk, {"position_refresh_hours": 2}, by=user, base_revision=2)
    assert (caught.value.base, caught.value.current) == (2, 3)
    [change] = caught.value.changes
    assert (change.revision, change.paths, change.by) == (3, ("/scanner/top_n",), "bob")
    assert row(user) == before


@pytest.mark.django_db
def test_every_save_since_the_base_is_told_oldest_first(user: User) -> None:
    stranger = UserFactory.create()
    services.patch(stranger.pk, NAMED_ANN, by=stranger)
    for number in (20, 30, 40):
        services.patch(user.pk, {"scanner": {"top_n": number}}, by=user)
    with pytest.raises(StaleRevision) as caught:
        services.patch(user.pk, NAMED_ANN, by=user, base_revision=1)
    assert [change.revision for change in caught.value.changes] == [2, 3, 4]


@pytest.mark.django_db
def test_a_change_made_on_a_revision_that_never_was_is_refused(user: User) -> None:
    with pytest.raises(StaleRevision):
        services.patch(user.pk, NAMED_ANN, by=user, base_revision=9)


@pytest.mark.django_db(transaction=True)
def test_of_two_writers_on_one_revision_one_is_refused(user: User) -> None:
    start = threading.Barrier(2, timeout=10)

    def write(number: int) -> int | None:
        start.wait()
        try:
            changes = {"scanner": {"top_n": number}}
            return services.patch(user.pk, changes, by=user, base_revision=1).revision
        except StaleRevision:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(write, (20, 30)))
    assert sorted(outcomes, key=str) == [2, None]
    assert services.read(user.pk).revision == 2


@pytest.mark.django_db(transaction=True)
def test_writers_that_name_no_revision_wait_for_each_other_and_lose_nothing(user: User) -> None:
    places: list[dict[str, Any]] = [
        {"perseus_profile": {"public_name": "Ann"}},
        {"scanner": {"top_n": 20}},
        {"position_refresh_hours": 2},
        {"livermore_runtime": {"auto_start": False}},
    ]

    def write(changes: dict[str, Any]) -> None:
        try:
            services.patch(user.pk, changes, by=user)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(write, places))
    expected = default_document(user.sub)
    for changes in places:
        expected = merge_patch(expected, changes)
    read = services.read(user.pk)
    assert read.document == validate(expected)
    assert read.revision == 1 + len(places)


@pytest.mark.django_db(transaction=True)
def test_a_save_does_not_hold_up_rows_that_point_at_the_user(user: User) -> None:
    def point_at_the_user() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            LogEntry.objects.create(
                user_id=user.pk,
                content_type=ContentType.objects.get_for_model(User),
                object_id="1",
                object_repr="x",
                action_flag=1,
            )
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        services.patch(user.pk, NAMED_ANN, by=user)  # the row stays locked until the end
        pool.submit(point_at_the_user).result(timeout=10)


# ------------------------------------------------------------------ any document
@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=NO_DATABASE_FIXTURE)
@given(document=current_documents("sub-of-all"))
def test_any_valid_document_survives_jsonb(document: Any) -> None:
    user = User.objects.filter(sub="sub-of-all").first() or UserFactory.create(sub="sub-of-all")
    saved = services.replace(user.pk, document, by=user)
    read = services.read(user.pk).document
    assert read == saved.document
    assert canonical(row(user)[0]) == canonical(saved.document.to_document())
