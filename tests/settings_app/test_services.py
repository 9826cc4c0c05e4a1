"""Reading and writing settings through real rows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from settings_app import services
from settings_app.differences import Difference
from settings_app.documents import canonical, decode, merge_patch
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import default_document, validate
from tests.settings_app.factories import UserFactory
from tests.settings_app.strategies import current_documents
from tests.settings_app.test_upgrades import stored

NAMED_ANN = {"perseus_profile": {"public_name": "Ann"}}
NO_DATABASE_FIXTURE = [HealthCheck.function_scoped_fixture]  # each example overwrites the last


@pytest.fixture
def user() -> User:
    """Somebody with the default document."""
    return UserFactory.create()


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


# ------------------------------------------------------------------ one value
@pytest.mark.django_db
def test_a_value_is_set_at_its_place(user: User) -> None:
    saved = services.set_value(user.pk, "/scanner/top_n", 20, by=user)
    assert (saved.revision, saved.changed_paths) == (2, ("/scanner/top_n",))
    assert row(user)[0]["scanner"]["top_n"] == 20


@pytest.mark.django_db
def test_missing_parents_of_a_value_are_made(user: User) -> None:
    services.set_value(user.pk, "/exchanges/kucoin/defaults/trading_strategy", "slow", by=user)
    kucoin = row(user)[0]["exchanges"]["kucoin"]
    assert kucoin == {"enabled": False, "defaults": {"trading_strategy": "slow"}}


@pytest.mark.django_db
def test_rows_of_a_list_are_added_changed_and_removed(user: User) -> None:
    for symbol in ("BTC-USD", "ETH-USD"):
        services.set_value(
            user.pk, "/watchlist/-", {"symbol": symbol, "exchange": "coinbase"}, by=user
        )
    saved = services.set_value(user.pk, "/watchlist/1/enabled", False, by=user)
    assert saved.changes == (Difference("/watchlist/1/enabled", True, False),)
    services.set_value(user.pk, "/watchlist/0", None, by=user)
    (left,) = row(user)[0]["watchlist"]
    assert (left["symbol"], left["enabled"]) == ("ETH-USD", False)


@pytest.mark.django_db
def test_no_value_is_the_default(user: User) -> None:
    services.set_value(user.pk, "/scanner/top_n", 20, by=user)
    services.set_value(user.pk, "/scanner/top_n", None, by=user)
    assert row(user)[0] == default_document(user.sub)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "value"),
    [("", {}), ("scanner", 1), ("/watchlist/0", None), ("/scanner/top_n/x", 1), ("/scaner", 1)],
)
def test_a_value_in_no_place_is_refused(user: User, path: str, value: Any) -> None:
    with pytest.raises(SettingsInvalid):
        services.set_value(user.pk, path, value, by=user)
    assert row(user)[2] == 1


# ------------------------------------------------------------------ defaults
@pytest.mark.django_db
def test_one_section_gets_its_defaults_again(user: User) -> None:
    services.patch(user.pk, {**NAMED_ANN, "scanner": {"top_n": 20}}, by=user)
    saved = services.reset(user.pk, "scanner", by=user)
    assert saved.changes == (Difference("/scanner/top_n", 20, 50),)
    assert row(user)[0] == merge_patch(default_document(user.sub), NAMED_ANN)


@pytest.mark.django_db
def test_everything_but_the_identity_gets_its_defaults_again(user: User) -> None:
    services.patch(user.pk, {**NAMED_ANN, "scanner": {"top_n": 20}}, by=user)
    services.reset(user.pk, by=user)
    assert row(user)[0] == default_document(user.sub)


@pytest.mark.django_db
def test_a_ruined_document_can_be_reset(user: User) -> None:
    User.objects.filter(pk=user.pk).update(settings={"version": 2, "ruin": True})
    services.reset(user.pk, by=user)
    assert row(user)[0] == default_document(user.sub)


@pytest.mark.django_db
@pytest.mark.parametrize("section", ["skanner", "version", "sub", ""])
def test_a_section_that_is_none_is_refused_with_the_nearest(user: User, section: str) -> None:
    with pytest.raises(SettingsInvalid, match="has no such section; the nearest is "):
        services.reset(user.pk, section, by=user)


# ------------------------------------------------------------------ previews
@pytest.mark.django_db
def test_a_preview_tells_what_a_save_would_do_and_writes_nothing(
    user: User, announced: list[dict[str, Any]]
) -> None:
    before = row(user)
    changes = {"scanner": {"top_n": 20}}
    whole = merge_patch(default_document(user.sub), changes)
    for preview in (
        services.preview_patch(user.pk, changes, by=user),
        services.preview_replace(user.pk, whole, by=user),
        services.preview_load(user.pk, whole, by=user),
    ):
        assert preview.changes == (Difference("/scanner/top_n", 50, 20),)
        assert (preview.revision, preview.errors) == (1, ())
        assert preview.document == validate(whole)
    assert row(user) == before
    assert not LogEntry.objects.exists()
    assert announced == []


@pytest.mark.django_db
def test_a_preview_of_what_would_be_refused_tells_why(user: User) -> None:
    for preview in (
        services.preview_patch(user.pk, {"scanner": {"top_n": 5}}, by=user),
        services.preview_replace(user.pk, {"version": 2, "sub": user.sub, "scanner": 5}, by=user),
        services.preview_load(user.pk, {"version": 2, "sub": "somebody-else"}, by=user),
        services.preview_load(user.pk, {"version": 2, "scaner": {}}, by=user),
    ):
        assert len(preview.errors) == 1
        assert (preview.document, preview.changes) == (None, ())


@pytest.mark.django_db
def test_a_preview_waits_for_nobody(user: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        services.preview_patch(user.pk, NAMED_ANN, by=user)
    assert not any("FOR NO KEY UPDATE" in query["sql"] for query in captured.captured_queries)


# ------------------------------------------------------------------ files
@pytest.mark.django_db
def test_an_old_file_is_taken_over_on_request_and_tells_what_moved(user: User) -> None:
    file = {"sub": "user_of_another_program", "symbols": ["BTC-USD"], "dashboard": 1}
    with pytest.raises(SettingsInvalid, match="/sub: is somebody else's"):
        services.load(user.pk, file, by=user)
    with pytest.raises(SettingsInvalid, match="/dashboard: is not a setting"):
        services.load(user.pk, file, by=user, adopt=True)
    saved = services.load(user.pk, file, by=user, adopt=True, ignore_unknown=True)
    assert row(user)[0]["watchlist"][0]["symbol"] == "BTC-USD"
    assert row(user)[0]["sub"] == user.sub
    assert {note.pointer for note in saved.notes} >= {"/symbols", "/sub", "/dashboard"}
    assert "user_of_another_program" not in str(saved.notes)


@pytest.mark.django_db
def test_a_file_is_never_half_taken(user: User) -> None:
    before = row(user)
    file = {"version": 2, "scanner": {"top_n": 20}, "position_refresh_hours": "four"}
    with pytest.raises(SettingsInvalid, match="/position_refresh_hours"):
        services.load(user.pk, file, by=user, ignore_unknown=True)
    assert row(user) == before


@pytest.mark.django_db
def test_an_export_names_its_time_and_its_version(user: User) -> None:
    export = services.export(user.pk)
    assert list(export) == ["exportedAt", "exportVersion", "settings"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", export["exportedAt"])
    assert export["exportVersion"] == 1
    assert list(export["settings"]) == sorted(default_document(user.sub))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=NO_DATABASE_FIXTURE)
@given(document=current_documents("sub-of-all"))
def test_what_is_exported_and_imported_is_byte_for_byte_the_same(document: Any) -> None:
    user = User.objects.filter(sub="sub-of-all").first() or UserFactory.create(sub="sub-of-all")
    services.replace(user.pk, document, by=user)
    export = json.dumps(services.export(user.pk))
    services.reset(user.pk, by=user)
    services.load(user.pk, decode(export), by=user)
    again = services.export(user.pk)["settings"]
    assert canonical(again) == canonical(json.loads(export)["settings"])


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
