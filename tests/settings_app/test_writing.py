"""Saving a document: the transaction, the lock, the log, and whose change goes before whose."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from settings_app import services, stored
from settings_app.differences import Difference
from settings_app.documents import canonical, merge_patch
from settings_app.errors import SettingsInvalid, StaleRevision
from settings_app.models import User
from settings_app.schema import default_document, validate
from settings_app.schema.validation import inspect
from settings_app.signals import settings_saved
from tests.settings_app import test_upgrades
from tests.settings_app.factories import UserFactory
from tests.settings_app.strategies import anything, current_documents

NAMED_ANN = {"perseus_profile": {"public_name": "Ann"}}
PLANTED = ("ftp-kestrel-before", "ftp-kestrel-after")  # values that no log may hold
BTC, ETH, SOL = (
    {"symbol": symbol, "exchange": "coinbase"} for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")
)


@pytest.fixture
def user() -> User:
    """Somebody with the default document."""
    return UserFactory.create()


def stored_in(user: User) -> Any:
    """The document as the row has it, not made current."""
    return User.objects.values_list("settings", flat=True).get(pk=user.pk)


def revision_of(user: User) -> int:
    """The settings' revision as the row has it."""
    return User.objects.values_list("settings_revision", flat=True).get(pk=user.pk)


def store(user: User, document: Any) -> None:
    """Put a document into the row as other hands may do it: no validation, no log, no revision."""
    User.objects.filter(pk=user.pk).update(settings=document)


# ------------------------------------------------------------------ what travels
def test_only_the_section_that_changed_is_written(db: None, user: User) -> None:
    spelt = default_document(user.sub)
    short = {**spelt, "scanner": {"top_n": 20}, "modes": {}}  # valid, and shorter than we spell
    store(user, short)
    services.patch(user.pk, NAMED_ANN, by=user)
    assert stored_in(user) == merge_patch(short, NAMED_ANN)


def test_a_section_that_the_row_leaves_out_is_made_and_told_truly(db: None, user: User) -> None:
    spelt = default_document(user.sub)
    store(user, {key: spelt[key] for key in spelt if key not in {"scanner", "modes"}})
    saved = services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)
    assert saved.changes == (Difference("/scanner/top_n", 50, 20),)
    assert stored_in(user)["scanner"] == {**spelt["scanner"], "top_n": 20}
    assert "modes" not in stored_in(user)


def test_several_sections_are_one_statement_with_the_log(
    db: None, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)  # Django has looked up its content type
    changes = {"scanner": {"top_n": 20}, "position_refresh_hours": 2.0, "watchlist": [BTC]}
    with django_assert_num_queries(4) as captured:  # savepoint, lock, write, release
        services.patch(user.pk, changes, by=user)
    lock, write = (query["sql"] for query in captured.captured_queries[1:3])
    assert "FOR NO KEY UPDATE" in lock
    assert write.count("jsonb_set(") == 3
    assert "public_name" not in write
    assert "INSERT INTO django_admin_log" in write
    assert services.read(user.pk).document == validate(stored_in(user))


@pytest.mark.django_db
@pytest.mark.parametrize("version", [0, 1])
def test_an_older_document_is_written_whole(version: int) -> None:
    document = test_upgrades.stored(f"version_{version}")
    user = UserFactory.create(sub=document["sub"], settings=document, settings_version=version)
    expected = services.read(user.pk).document.to_document()
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)
    assert stored_in(user) == merge_patch(expected, {"scanner": {"top_n": 20}})
    user.refresh_from_db()
    assert (user.settings_version, user.settings_revision) == (2, 2)


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=current_documents("sub-of-all"), changes=current_documents("sub-of-all"))
def test_a_patch_makes_what_validating_the_whole_would_make(document: Any, changes: Any) -> None:
    user = User.objects.filter(sub="sub-of-all").first() or UserFactory.create(sub="sub-of-all")
    services.replace(user.pk, document, by=user)
    wanted = merge_patch(stored.current(user.pk, lock=False).document, changes)
    expected, errors = inspect(wanted)
    if expected is None:
        with pytest.raises(SettingsInvalid) as caught:
            services.patch(user.pk, changes, by=user)
        assert list(caught.value.errors) == errors
    else:
        assert services.patch(user.pk, changes, by=user).document == expected
        assert canonical(stored_in(user)) == canonical(expected.to_document())


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=anything)
def test_any_patch_is_saved_whole_or_refused_whole(changes: Any) -> None:
    user = User.objects.filter(sub="sub-of-all").first() or UserFactory.create(sub="sub-of-all")
    expected = stored_in(user)
    with suppress(SettingsInvalid):
        expected = services.patch(user.pk, changes, by=user).document.to_document()
    assert canonical(stored_in(user)) == canonical(expected)


@pytest.mark.parametrize(
    "text", ["a\x00b", "\ud800", "-----BEGIN PRIVATE KEY-----", "postgres://ann:planted@db/x"]
)
def test_no_value_that_must_not_be_stored_gets_past_the_short_way(
    db: None, user: User, text: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        services.set_value(user.pk, "/perseus_profile/description", text, by=user)
    (error,) = caught.value.errors
    assert error.pointer == "/perseus_profile/description"
    assert text not in error.message
    assert stored_in(user) == default_document(user.sub)


def test_a_rule_between_a_changed_and_an_unchanged_section_holds(db: None, user: User) -> None:
    with pytest.raises(SettingsInvalid, match="/perseus_profile/primary_exchange"):
        services.patch(
            user.pk,
            {"exchanges": {"coinbase": {"enabled": False}, "kucoin": {"enabled": True}}},
            by=user,
        )


def test_what_was_allowed_before_holds_up_no_other_change(
    db: None, user: User, settings: LazySettings
) -> None:
    names = {"ApiKeyEnvironmentVariableName": "ANN_KEY", "SecretEnvironmentVariableName": "ANN_S"}
    settings.CREDENTIAL_GRANTS = {user.username: ("ANN_*",)}
    services.patch(user.pk, {"exchanges": {"coinbase": names}}, by=user)
    settings.CREDENTIAL_GRANTS = {}
    services.patch(user.pk, {"exchanges": {"coinbase": {"enabled": True}}, **NAMED_ANN}, by=user)
    with pytest.raises(SettingsInvalid, match="/exchanges/coinbase/ApiKey"):
        services.patch(
            user.pk,
            {"exchanges": {"coinbase": {"ApiKeyEnvironmentVariableName": "ANN_OTHER"}}},
            by=user,
        )


# ------------------------------------------------------------------ the log and the listeners
@pytest.mark.django_db
def test_the_log_says_who_changed_which_places_and_never_a_value(user: User) -> None:
    admin = UserFactory.create(username="root")
    services.patch(user.pk, {"perseus_profile": {"public_name": PLANTED[0]}}, by=admin)
    LogEntry.objects.all().delete()
    changes = {"perseus_profile": {"public_name": PLANTED[1]}}
    services.patch(user.pk, changes, by=admin, origin="api")
    entry = LogEntry.objects.get()
    assert entry.user == admin
    assert entry.object_id == str(user.pk)
    assert entry.get_change_message() == (
        "Changed /perseus_profile/public_name for settings “revision 3”."
    )
    message = json.loads(entry.change_message)[0]
    assert (message["settings_revision"], message["origin"]) == (3, "api")
    for value in PLANTED:
        assert value not in json.dumps(list(LogEntry.objects.values()), default=str)


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


# ------------------------------------------------------------------ on an older revision
def test_a_patch_of_another_place_is_made_on_what_is_stored_now(db: None, user: User) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    saved = services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user, base_revision=1)
    assert (saved.revision, saved.rebased_from) == (3, 1)
    assert saved.changed_paths == ("/scanner/top_n",)
    expected = merge_patch(default_document(user.sub), {**NAMED_ANN, "scanner": {"top_n": 20}})
    assert stored_in(user) == expected


def test_a_patch_on_the_current_revision_is_not_rebased(db: None, user: User) -> None:
    assert services.patch(user.pk, NAMED_ANN, by=user, base_revision=1).rebased_from is None


def test_a_patch_of_the_same_place_is_refused_with_who_and_what(db: None, user: User) -> None:
    bob = UserFactory.create(username="bob")
    services.patch(user.pk, NAMED_ANN, by=user)
    services.patch(user.pk, {"scanner": {"top_n": 20, "quote": "EUR"}}, by=bob)
    changes = {"scanner": {"top_n": 30}, "position_refresh_hours": 2}
    with pytest.raises(StaleRevision, match="both changed the same places") as caught:
        services.patch(user.pk, changes, by=user, base_revision=1)
    stale = caught.value
    assert (stale.base, stale.current, stale.conflicts) == (1, 3, ("/scanner/top_n",))
    assert [(change.revision, change.by) for change in stale.changes] == [
        (2, user.username),
        (3, "bob"),
    ]
    assert stale.changes[1].paths == ("/scanner/quote", "/scanner/top_n")
    assert revision_of(user) == 3


@pytest.mark.parametrize("path", ["/watchlist/0/enabled", "/watchlist/1/enabled", "/watchlist/1"])
def test_a_row_by_its_number_is_another_row_once_the_list_was_saved(
    db: None, user: User, path: str
) -> None:
    rows = [{"symbol": symbol, "exchange": "coinbase"} for symbol in ("BTC-USD", "ETH-USD")]
    off = {"symbol": "XRP-USD", "exchange": "coinbase", "enabled": False}
    base = services.patch(user.pk, {"watchlist": rows}, by=user).revision
    services.patch(user.pk, {"watchlist": [off]}, by=user)  # where 0 is off already, and 1 is gone
    value = None if path == "/watchlist/1" else False
    with pytest.raises(StaleRevision) as caught:
        services.set_value(user.pk, path, value, by=user, base_revision=base)
    assert caught.value.conflicts == ("/watchlist",)
    assert [row["symbol"] for row in stored_in(user)["watchlist"]] == ["XRP-USD"]


def test_a_row_by_its_number_is_the_same_row_while_the_list_was_not_saved(
    db: None, user: User
) -> None:
    rows = [{"symbol": "BTC-USD", "exchange": "coinbase"}]
    base = services.patch(user.pk, {"watchlist": rows}, by=user).revision
    services.patch(user.pk, NAMED_ANN, by=user)
    services.set_value(user.pk, "/watchlist/0/enabled", False, by=user, base_revision=base)
    assert not stored_in(user)["watchlist"][0]["enabled"]


def test_saves_of_somebody_else_are_nobodys_conflict(db: None, user: User) -> None:
    stranger = UserFactory.create()
    services.patch(user.pk, NAMED_ANN, by=user)
    services.patch(stranger.pk, {"scanner": {"top_n": 20}}, by=user)
    services.patch(user.pk, {"scanner": {"top_n": 30}}, by=user, base_revision=1)
    assert stored_in(user)["scanner"]["top_n"] == 30


def test_two_changes_of_one_list_are_a_conflict(db: None, user: User) -> None:
    services.patch(user.pk, {"watchlist": [BTC]}, by=user)
    with pytest.raises(StaleRevision) as caught:
        services.patch(user.pk, {"watchlist": [ETH]}, by=user, base_revision=1)
    assert caught.value.conflicts == ("/watchlist",)


def test_a_row_is_added_to_whatever_list_is_stored(db: None, user: User) -> None:
    services.patch(user.pk, {"watchlist": [BTC, ETH]}, by=user)
    services.set_value(user.pk, "/watchlist/-", SOL, by=user, base_revision=1)
    symbols = [row["symbol"] for row in stored_in(user)["watchlist"]]
    assert symbols == ["BTC-USD", "ETH-USD", "SOL-USD"]


def test_a_row_is_not_changed_in_a_list_that_was_saved_meanwhile(db: None, user: User) -> None:
    services.patch(user.pk, {"watchlist": [BTC, ETH]}, by=user)
    services.patch(user.pk, {"watchlist": [SOL, ETH]}, by=user)
    with pytest.raises(StaleRevision):
        services.set_value(user.pk, "/watchlist/0/enabled", False, by=user, base_revision=2)


def test_a_reset_does_not_undo_what_it_has_not_seen(db: None, user: User) -> None:
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)
    with pytest.raises(StaleRevision):
        services.reset(user.pk, "scanner", by=user, base_revision=1)
    with pytest.raises(StaleRevision):
        services.reset(user.pk, by=user, base_revision=1)


def test_what_others_have_said_already_is_no_conflict(db: None, user: User) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    saved = services.patch(user.pk, NAMED_ANN, by=user, base_revision=1)
    assert (saved.revision, saved.changed_paths) == (2, ())


def test_a_whole_document_keeps_what_its_author_has_not_touched(db: None, user: User) -> None:
    read = services.read(user.pk)
    services.patch(user.pk, {**NAMED_ANN, "watchlist": [BTC]}, by=user)
    document = merge_patch(read.document.to_document(), {"scanner": {"top_n": 20}})
    saved = services.replace(user.pk, document, by=user, base_revision=read.revision)
    assert (saved.rebased_from, saved.changed_paths) == (1, ("/scanner/top_n",))
    now = stored_in(user)
    assert now["perseus_profile"]["public_name"] == "Ann"
    assert [row["symbol"] for row in now["watchlist"]] == ["BTC-USD"]


def test_a_whole_document_is_refused_where_both_have_changed_a_place(db: None, user: User) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    bela = {"perseus_profile": {"public_name": "Bela"}}
    document = merge_patch(default_document(user.sub), bela)
    for write in (services.replace, services.load):
        with pytest.raises(StaleRevision) as caught:
            write(user.pk, document, by=user, base_revision=1)
        assert caught.value.conflicts == ("/perseus_profile/public_name",)
    assert revision_of(user) == 2


def test_a_merged_document_that_breaks_a_rule_is_refused(db: None, user: User) -> None:
    services.patch(user.pk, {"exchanges": {"kucoin": {"enabled": True}}}, by=user)
    services.patch(user.pk, {"scanner": {"enabled": True, "exchange": "kucoin"}}, by=user)
    without = merge_patch(services.read(user.pk).document.to_document(), {"scanner": None})
    services.patch(user.pk, {"scanner": None}, by=user)
    before = revision_of(user)
    services.patch(user.pk, {"scanner": {"enabled": True, "exchange": "kucoin"}}, by=user)
    without = merge_patch(without, {"exchanges": {"kucoin": None}})
    with pytest.raises(SettingsInvalid, match="/scanner"):
        services.replace(user.pk, without, by=user, base_revision=before)


def test_a_changed_secret_key_makes_a_conflict_and_loses_nothing(
    db: None, user: User, settings: LazySettings
) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    settings.SECRET_KEY = "another-" + "k" * 50
    document = merge_patch(default_document(user.sub), {"scanner": {"top_n": 20}})
    with pytest.raises(StaleRevision):
        services.replace(user.pk, document, by=user, base_revision=1)
    assert stored_in(user)["perseus_profile"]["public_name"] == "Ann"
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user, base_revision=1)  # needs no digest


@pytest.mark.parametrize("removed", ["revision 2", "revision 3"])
def test_a_gap_in_the_log_is_refused(db: None, user: User, removed: str) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)
    LogEntry.objects.filter(change_message__contains=removed).delete()
    with pytest.raises(StaleRevision, match="the log does not reach back to it") as caught:
        services.patch(user.pk, {"position_refresh_hours": 2}, by=user, base_revision=1)
    assert caught.value.conflicts == ()
    assert revision_of(user) == 3


def test_a_change_made_on_a_revision_that_never_was_is_refused(db: None, user: User) -> None:
    with pytest.raises(StaleRevision, match="which never was"):
        services.patch(user.pk, NAMED_ANN, by=user, base_revision=9)


def test_of_a_ruin_by_other_hands_nothing_is_told(db: None, user: User) -> None:
    store(user, {"version": 2, "sub": user.sub, PLANTED[0]: {"a": PLANTED[1]}})
    saved = services.reset(user.pk, by=user)
    assert saved.changed_paths == ("",)
    told = str(saved) + str(saved.changes) + str(list(LogEntry.objects.values()))
    assert not any(value in told for value in PLANTED)
    with pytest.raises(StaleRevision):  # the whole document was replaced
        services.patch(user.pk, NAMED_ANN, by=user, base_revision=1)


def test_equal_values_do_not_show_as_equal_in_the_log(db: None, user: User) -> None:
    other = UserFactory.create()
    for one in (user, other):
        for name in ("Ann", "Bob", "Ann", "Bob"):
            services.patch(one.pk, {"perseus_profile": {"public_name": name}}, by=user)
    messages = [json.loads(entry.change_message)[0] for entry in LogEntry.objects.all()]
    digests = [digest for message in messages for digest in message["before"]]
    assert len(digests) == len(set(digests)) == 8


# ------------------------------------------------------------------ concurrent writers
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


@pytest.mark.django_db(transaction=True)
def test_writers_on_one_old_revision_lose_nothing_where_their_places_differ(user: User) -> None:
    places: list[dict[str, Any]] = [
        {"perseus_profile": {"public_name": "Ann"}},
        {"scanner": {"top_n": 20}},
        {"scanner": {"quote": "EUR"}},
        {"position_refresh_hours": 2.0},
    ]
    start = threading.Barrier(len(places), timeout=10)

    def write(changes: dict[str, Any]) -> int:
        start.wait()
        try:
            return services.patch(user.pk, changes, by=user, base_revision=1).revision
        finally:
            connection.close()

    with ThreadPoolExecutor(len(places)) as pool:
        assert sorted(pool.map(write, places)) == [2, 3, 4, 5]
    expected = default_document(user.sub)
    for changes in places:
        expected = merge_patch(expected, changes)
    assert stored_in(user) == expected


@pytest.mark.django_db(transaction=True)
def test_a_writer_reads_behind_the_lock_what_the_one_before_has_written(user: User) -> None:
    is_locked, may_commit = threading.Event(), threading.Event()

    def first() -> None:
        try:
            with transaction.atomic():
                services.patch(user.pk, {"watchlist": [BTC]}, by=user)
                is_locked.set()
                assert may_commit.wait(10)
        finally:
            connection.close()

    def second() -> None:
        try:
            services.set_value(user.pk, "/watchlist/-", ETH, by=user)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert is_locked.wait(10)
        other = pool.submit(second)
        wait_until_somebody_waits_for_a_lock()
        may_commit.set()
        for future in (one, other):
            future.result(timeout=10)
    assert [row["symbol"] for row in stored_in(user)["watchlist"]] == ["BTC-USD", "ETH-USD"]


def wait_until_somebody_waits_for_a_lock() -> None:
    """Return once PostgreSQL says so; the test's time limit ends it otherwise."""
    waiting = False
    while not waiting:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock')"
            )
            (waiting,) = cursor.fetchone()


# ------------------------------------------------------------------ what other hands wrote
def ruined(user: User, top_n: Any) -> None:
    document = merge_patch(default_document(user.sub), {"scanner": {"top_n": top_n}})
    User.objects.filter(pk=user.pk).update(settings=document)


def test_a_ruin_that_only_looks_like_the_new_document_is_written_over(db: None, user: User) -> None:
    ruined(user, 50.0)  # the default is 50; to Python they are equal, the schema reads only one
    assert services.reset(user.pk, by=user).revision == 2
    assert canonical(stored_in(user)) == canonical(default_document(user.sub))
    assert services.read(user.pk).document.scanner.top_n == 50


@pytest.mark.parametrize("write", ["replace", "patch"])
def test_nothing_is_merged_into_a_ruin(db: None, user: User, write: str) -> None:
    services.patch(user.pk, NAMED_ANN, by=user)
    ruined(user, "many")
    content = {"replace": default_document(user.sub), "patch": {"scanner": {"top_n": 20}}}
    with pytest.raises(StaleRevision) as caught:
        getattr(services, write)(user.pk, content[write], by=user, base_revision=1)
    assert caught.value.conflicts == ("",)
    getattr(services, write)(user.pk, content[write], by=user, base_revision=2)
    services.read(user.pk)


def test_who_is_refused_is_offered_their_document_with_what_others_saved(
    db: None, user: User
) -> None:
    mine = services.read(user.pk).document.to_document()
    others = {"scanner": {"top_n": 30, "quote": "EUR"}}
    services.patch(user.pk, others, by=user)
    mine["scanner"]["top_n"] = 25
    with pytest.raises(StaleRevision) as caught:
        services.replace(user.pk, mine, by=user, base_revision=1)
    assert caught.value.offered["scanner"]["top_n"] == 25  # both changed it: it stays the caller's
    assert caught.value.offered["scanner"]["quote"] == "EUR"
