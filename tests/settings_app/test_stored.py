"""What a row holds: ruins that no reader may stumble over, and values that registries forgot."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from settings_app import services
from settings_app.documents import canonical, merge_patch
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.problems import INVALID_SETTINGS, SETTINGS_DAMAGED, SETTINGS_TOO_NEW
from settings_app.schema import default_document, fields
from settings_app.schema.registries import timezones
from settings_app.stored import made_current
from tests.settings_app.calling import MERGE_PATCH, Caller, problem
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "a sentence that nobody else would choose"
DIGITS, DEEP = "1" * 5_001, "[" * 1_500 + "]" * 1_500

# What PostgreSQL keeps and this program cannot read: the text of a document, and its version.
RUINS = {
    "forty levels": ('{"version": 1, "symbols": %s}' % ("[" * 40 + "]" * 40), 1),
    "old digits": (f'{{"version": 1, "position_min_value_usd": {DIGITS}}}', 1),
    "old brackets": (f'{{"symbols": {DEEP}}}', 0),
    "digits": (f'{{"version": 2, "position_min_value_usd": {DIGITS}}}', 2),
    "digits of nobody": (f'{{"version": 2, "nobody": {DIGITS}}}', 2),
    "brackets": (f'{{"version": 2, "watchlist": {DEEP}}}', 2),
    "levels that python can read": (
        '{"version": 2, "watchlist": %s}' % ("[" * 400 + "]" * 400),
        2,
    ),
    "a wrong row": ('{"version": 2, "watchlist": [5]}', 2),
}


STORE = "UPDATE settings_app_user SET settings = %s, settings_version = %s WHERE id = %s"


def ruin(user: User, name: str) -> None:
    """Put a document into the row as other hands may do it."""
    with connection.cursor() as cursor:
        cursor.execute(STORE, [*RUINS[name], user.pk])


@pytest.fixture
def root() -> User:
    """A superuser with a password."""
    user = UserFactory.create(username="root", is_superuser=True)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture(params=sorted(RUINS))
def ann(request: pytest.FixtureRequest, root: User) -> User:
    """Somebody whose document is a ruin, as root's own is."""
    user = UserFactory.create(username="ann")
    for one in (user, root):
        ruin(one, request.param)
    return user


# ------------------------------------------------------------------ through the services
def test_a_ruin_is_refused_in_words(ann: User) -> None:
    for read in (services.read, services.export):
        with pytest.raises(SettingsInvalid):
            read(ann.pk)


def test_a_ruin_is_replaced(ann: User) -> None:
    document = default_document(ann.sub)
    assert services.preview_replace(ann.pk, document, by=ann).errors == ()
    saved = services.replace(ann.pk, document, by=ann)
    assert (saved.revision, saved.changed_paths, saved.before) == (2, ("",), {})
    assert services.read(ann.pk).document.to_document() == document


def test_a_ruin_is_imported_over(ann: User) -> None:
    file = {"symbols": ["BTC-USD"]}
    assert services.preview_load(ann.pk, file, by=ann).errors == ()
    services.load(ann.pk, file, by=ann)
    assert services.read(ann.pk).document.watchlist[0].symbol == "BTC-USD"


def test_a_ruin_is_reset(ann: User) -> None:
    services.reset(ann.pk, by=ann)
    assert services.read(ann.pk).document.to_document() == default_document(ann.sub)


def test_a_ruin_cannot_be_changed_in_part(ann: User) -> None:
    changes = {"perseus_profile": {"public_name": "Ann"}}
    with pytest.raises(SettingsInvalid):
        services.patch(ann.pk, changes, by=ann)
    assert services.preview_patch(ann.pk, changes, by=ann).errors


@pytest.mark.parametrize("name", ["forty levels", "brackets"])
def test_of_a_ruin_that_holds_nothing_to_build_on_the_way_out_is_told(name: str) -> None:
    user = UserFactory.create()
    ruin(user, name)
    with pytest.raises(SettingsInvalid, match="put or import a whole document, or reset them"):
        services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)


def test_a_wrong_replacement_of_a_ruin_is_told_what_is_wrong_in_it(ann: User) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        services.replace(ann.pk, {**default_document(ann.sub), "watchlist": 5}, by=ann)
    assert [error.pointer for error in caught.value.errors] == ["/watchlist"]


def test_an_upgrade_of_all_leaves_ruins_alone_and_goes_on(
    ann: User, capsys: pytest.CaptureFixture[str]
) -> None:
    last = UserFactory.create(settings={"version": 1}, settings_version=1)
    is_old = User.objects.get(pk=ann.pk).settings_version < 2
    with pytest.raises(SystemExit) if is_old else nullcontext():
        call_command("upgrade_settings")
    assert ("ann: left alone." in capsys.readouterr().err) == is_old
    assert services.read(last.pk).version == 2


def test_what_a_newer_program_wrote_is_no_ruin_however_deep() -> None:
    text = f'{{"version": 3, "symbols": {DEEP}}}'
    with pytest.raises(SettingsTooNew):
        made_current(text, 3, sub="ann")


# ------------------------------------------------------------------ over HTTP
def test_a_ruin_is_told_to_be_one_and_put(ann: User) -> None:
    caller, document = Caller(ann), default_document(ann.sub)
    problem(caller.get(), SETTINGS_DAMAGED)
    problem(caller.get("/export"), SETTINGS_DAMAGED)
    problem(caller.patch({"scanner": {"top_n": 20}}, kind=MERGE_PATCH), INVALID_SETTINGS)
    assert caller.post("/validate", document).json()["valid"]
    assert caller.put(document, if_match='"1"').status_code == 200
    assert caller.get().json() == document


def test_a_ruin_is_imported_over_through_http(ann: User) -> None:
    caller = Caller(ann)
    assert caller.post("/import", {"symbols": ["BTC-USD"]}).status_code == 200
    assert caller.get().json()["watchlist"][0]["symbol"] == "BTC-USD"


def test_a_ruin_is_reset_through_http(ann: User) -> None:
    caller = Caller(ann)
    assert caller.post("/reset").status_code == 200
    assert caller.get().json() == default_document(ann.sub)


def test_a_newer_document_is_told_to_be_newer() -> None:
    user = UserFactory.create(settings={"version": 3}, settings_version=3)
    for answer in (Caller(user).get(), Caller(user).post("/reset")):
        problem(answer, SETTINGS_TOO_NEW)


# ------------------------------------------------------------------ in the admin
@pytest.mark.usefixtures("ann")
def test_whoever_has_a_ruin_signs_in(root: User) -> None:
    client, index = Client(), reverse("admin:index")
    form = {"username": root.username, "password": PASSWORD, "next": index}
    assert client.post(reverse("admin:login"), form)["Location"] == index
    assert client.get(index).context["user"] == root


def test_the_pages_about_a_ruin_are_shown(ann: User, root: User) -> None:
    LogEntry.objects.log_actions(root.pk, User.objects.filter(pk=ann.pk), 2, "Changed.")
    client = Client()
    client.force_login(root)
    listed = client.get(reverse("admin:settings_app_user_changelist"))
    assert (listed.status_code, "ann" in listed.text) == (200, True)
    for page in ("change", "history"):
        address = reverse(f"admin:settings_app_user_{page}", args=[ann.pk])
        assert client.get(address).status_code == 200
    exported = client.get(reverse("admin:settings_app_user_export_settings"), {"id": ann.pk})
    assert exported.status_code == 302
    reset = reverse("admin:settings_app_user_reset_settings")
    assert client.get(reset, {"id": ann.pk}).status_code == 200
    client.post(reset, {"id": ann.pk, f"revision-{ann.pk}": "1"})
    assert services.read(ann.pk).document.to_document() == default_document(ann.sub)


# ------------------------------------------------------------------ what registries forgot
@pytest.fixture
def bob(monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody who lives in a time zone that is no more, and plans in it."""
    schedule = [
        {"at": at, "command": "pause", "timezone": "Asia/Riyadh"} for at in ("08:00", "09:00")
    ]
    user = UserFactory.create(
        document={
            "perseus_profile": {"timezone": "Asia/Riyadh", "currency": "SAR"},
            "schedule": schedule,
        }
    )
    known = timezones() - {"Asia/Riyadh"}
    monkeypatch.setattr(fields, "timezones", lambda: known)
    return user


NAMED = {"perseus_profile": {"public_name": "Bob"}}


def test_another_key_of_the_same_section_is_patched(bob: User) -> None:
    saved = services.patch(bob.pk, NAMED, by=bob)
    assert saved.changed_paths == ("/perseus_profile/public_name",)
    services.set_value(bob.pk, "/perseus_profile/public_name", "Robert", by=bob)
    services.set_value(bob.pk, "/schedule/0/at", "07:00", by=bob)
    profile = services.read(bob.pk).document.perseus_profile
    assert (profile.public_name, profile.timezone) == ("Robert", "Asia/Riyadh")


def test_the_whole_document_is_put_with_the_rest_untouched(bob: User) -> None:
    caller = Caller(bob)
    document = merge_patch(caller.get().json(), NAMED)
    assert caller.put(document, if_match='"1"').status_code == 200
    document["scanner"]["top_n"] = 20
    assert caller.put(document, if_match='"2"').status_code == 200
    assert caller.get().json() == document


def test_an_untouched_export_is_imported(bob: User) -> None:
    export = services.export(bob.pk)
    services.patch(bob.pk, {"scanner": {"top_n": 20}}, by=bob)
    services.load(bob.pk, json.loads(json.dumps(export)), by=bob)
    assert canonical(services.export(bob.pk)["settings"]) == canonical(export["settings"])


def test_rows_before_one_with_a_forgotten_value_may_go_and_come(bob: User) -> None:
    services.set_value(bob.pk, "/schedule/0", None, by=bob)
    row = {"at": "10:00", "command": "pause", "timezone": "UTC"}
    [kept] = services.read(bob.pk).document.to_document()["schedule"]
    services.patch(bob.pk, {"schedule": [row, kept]}, by=bob)
    assert services.read(bob.pk).document.schedule[1].timezone == "Asia/Riyadh"


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"perseus_profile": {"timezone": "Mars/Phobos"}}, ["/perseus_profile/timezone"]),
        ({"perseus_profile": {"currency": "DEM"}}, ["/perseus_profile/currency"]),
        ({"perseus_profile": {"public_nam": "Bob"}}, ["/perseus_profile/public_nam"]),
        (
            {"perseus_profile": {"public_name": "B" * 5_000, "locale": "xx-YY"}},
            ["/perseus_profile/public_name", "/perseus_profile/locale"],
        ),
        (
            {**NAMED, "scanner": {"enabled": True, "exchange": "kucoin"}},
            ["/scanner/exchange"],
        ),
        (
            {"perseus_profile": {"primary_exchange": "kucoin"}},
            ["/perseus_profile/primary_exchange"],
        ),
    ],
)
def test_what_is_new_is_asked_of_everything(
    bob: User, changes: dict[str, Any], pointers: list[str]
) -> None:
    whole = merge_patch(services.read(bob.pk).document.to_document(), changes)
    for refused in (
        services.preview_patch(bob.pk, changes, by=bob),
        services.preview_replace(bob.pk, whole, by=bob),
        services.preview_load(bob.pk, whole, by=bob),
    ):
        assert [error.pointer for error in refused.errors] == pointers


def test_a_forgotten_value_cannot_move_to_another_place(bob: User) -> None:
    UserFactory.create()
    services.patch(bob.pk, {"perseus_profile": {"timezone": "UTC"}}, by=bob)
    with pytest.raises(SettingsInvalid, match="/perseus_profile/timezone"):
        services.patch(bob.pk, {"perseus_profile": {"timezone": "Asia/Riyadh"}}, by=bob)


# ------------------------------------------------------------------ resetting one section
@pytest.mark.parametrize(
    ("section", "together"),
    [
        ("exchanges", {"exchanges": None, "perseus_profile": {"primary_exchange": "coinbase"}}),
        ("exchanges", {"exchanges": None, "perseus_profile": None}),
        (
            "perseus_profile",
            {"perseus_profile": None, "exchanges": {"coinbase": {"enabled": True}}},
        ),
    ],
)
def test_a_reset_of_one_of_two_places_that_need_each_other_names_a_way_out_that_works(
    section: str, together: dict[str, Any]
) -> None:
    user = UserFactory.create(
        document={
            "exchanges": {"coinbase": None, "kucoin": {"enabled": True}},
            "perseus_profile": {"primary_exchange": "kucoin"},
        }
    )
    with pytest.raises(SettingsInvalid) as caught:
        services.reset(user.pk, section, by=user)
    [error] = caught.value.errors
    missing, held = ("kucoin", "coinbase") if section == "exchanges" else ("coinbase", "kucoin")
    assert f"/exchanges would hold after this change: {held}." in error.message
    assert f'"{missing}": {{"enabled": true}} there, in one save of both places' in error.message
    services.patch(user.pk, together, by=user)
