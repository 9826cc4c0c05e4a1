"""The operations of the settings API, for the owner of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from settings_app import services
from settings_app.models import User
from settings_app.problems import (
    INVALID_SETTINGS,
    MALFORMED_REQUEST,
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
)
from settings_app.schema import default_document, json_schema
from settings_app.signals import settings_saved
from settings_app.templates import TEMPLATES
from tests.settings_app.calling import JSON, MERGE_PATCH, Caller, problem, row
from tests.settings_app.factories import UserFactory
from tests.settings_app.test_upgrades import stored

pytestmark = pytest.mark.django_db

TOP_N = "?path=/scanner/top_n"
CHANGED = [{"path": "/scanner/top_n", "old": 50, "new": 30, "applies": "at next refresh"}]


@pytest.fixture
def user(redis_url: str) -> User:
    """Somebody with the default document."""
    return UserFactory.create(username="anna")


@pytest.fixture
def caller(user: User) -> Caller:
    """Their program."""
    return Caller(user)


@pytest.fixture
def origins() -> Iterator[list[str]]:
    """Where listeners are told that saves come from."""
    heard: list[str] = []

    def listen(*, origin: str, **_: Any) -> None:
        heard.append(origin)

    settings_saved.connect(listen)
    yield heard
    settings_saved.disconnect(listen)


# ------------------------------------------------------------------ reading
def test_get_answers_the_bare_document_with_its_revision_as_tag(user: User, caller: Caller) -> None:
    response = caller.get()
    assert response.status_code == 200
    assert response.json() == services.read(user.pk).document.to_document()
    assert response["Content-Type"] == "application/json"
    assert response["ETag"] == '"1"'
    saved_at = User.objects.get(pk=user.pk).settings_updated_at
    assert parsedate_to_datetime(response["Last-Modified"]) == saved_at.replace(microsecond=0)


def test_an_answer_belongs_to_who_asked_for_it(caller: Caller) -> None:
    for response in (caller.get(), caller.get("/export"), caller.get("/nothing")):
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Vary"] == "Cookie"


def test_who_has_the_document_is_not_sent_it_again(caller: Caller) -> None:
    tag = caller.get()["ETag"]
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = caller.get(if_none_match=header)
        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == tag
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Vary"] == "Cookie"
        assert "Last-Modified" in response
    caller.patch({"scanner": {"top_n": 30}})
    assert caller.get(if_none_match=tag).status_code == 200


@pytest.mark.parametrize("path", ["", "/export", "/schema", "/templates"])
def test_head_answers_like_get_without_the_body(caller: Caller, path: str) -> None:
    asked, headed = caller.get(path), caller.send("HEAD", path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert {**headed.headers} == {**asked.headers}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET, HEAD, OPTIONS, PATCH, PUT"), ("/import", "OPTIONS, POST")],
)
def test_options_tells_the_methods(caller: Caller, path: str, allowed: str) -> None:
    response = caller.send("OPTIONS", path)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Allow"] == allowed


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_document_is_read_as_a_current_one(redis_url: str, version: int) -> None:
    document = stored(f"version_{version}")
    user = UserFactory.create(sub=document["sub"], settings=document, settings_version=version)
    before = row(user)
    assert Caller(user).get().json() == stored(f"version_{version}.upgraded")
    assert row(user) == before


# ------------------------------------------------------------------ writing
def test_put_replaces_the_document_and_tells_what_changed(user: User, caller: Caller) -> None:
    document = {**default_document(user.sub), "scanner": {"top_n": 30}}
    response = caller.put(document, if_match='"1"')
    assert (response.status_code, response["ETag"]) == (200, '"2"')
    told = response.json()
    assert told["settings"] == services.read(user.pk).document.to_document()
    assert told["settings"]["scanner"]["top_n"] == 30
    assert {key: told[key] for key in told if key != "settings"} == {
        "revision": 2,
        "changes": CHANGED,
        "notes": [],
    }
    assert caller.get()["ETag"] == '"2"'


@pytest.mark.parametrize("kind", [MERGE_PATCH, JSON, "application/json; charset=UTF-8"])
def test_patch_takes_a_merge_patch(caller: Caller, kind: str) -> None:
    response = caller.patch({"scanner": {"top_n": 30}}, kind=kind)
    assert response.json()["changes"] == CHANGED
    back = caller.patch({"scanner": {"top_n": None}}, kind=kind)
    assert back.json()["settings"]["scanner"]["top_n"] == 50


def test_patch_takes_one_value_at_a_path(caller: Caller) -> None:
    assert caller.patch(30, TOP_N).json()["changes"] == CHANGED
    assert caller.patch(None, TOP_N).status_code == 415  # no body at all
    assert caller.patch("null", TOP_N).json()["settings"]["scanner"]["top_n"] == 50
    row_of_list = {"symbol": "BTC-USD", "exchange": "coinbase"}
    [change] = caller.patch(row_of_list, "?path=/watchlist/-").json()["changes"]
    assert change["path"] == "/watchlist/0"
    assert "old" not in change


def test_a_value_at_a_path_is_no_merge_patch(caller: Caller) -> None:
    assert caller.patch({"top_n": 30}, "?path=/scanner", kind=MERGE_PATCH).status_code == 415


@pytest.mark.parametrize("path", ["scanner", "/scanner/~2", "", "/watchlist/7", "/watchlist/-1/x"])
def test_a_path_that_leads_nowhere_is_told(user: User, caller: Caller, path: str) -> None:
    before = row(user)
    told = problem(caller.patch(1, f"?path={path}"), INVALID_SETTINGS)
    assert told["errors"]
    assert row(user) == before


def test_a_save_that_changes_nothing_keeps_the_revision(user: User, caller: Caller) -> None:
    response = caller.patch({})
    assert (response.json()["revision"], response["ETag"]) == (1, '"1"')
    assert response.json()["changes"] == []


def test_reset_of_a_section_leaves_the_others(user: User, caller: Caller) -> None:
    caller.patch({"scanner": {"top_n": 30}, "position_min_value_usd": 5})
    told = caller.post("/reset?section=scanner").json()
    assert told["settings"]["scanner"]["top_n"] == 50
    assert told["settings"]["position_min_value_usd"] == 5
    assert caller.post("/reset").json()["settings"] == default_document(user.sub)


def test_reset_names_the_nearest_section(user: User, caller: Caller) -> None:
    caller.patch({"scanner": {"top_n": 30}})
    before = row(user)
    [error] = problem(caller.post("/reset?section=scaner"), INVALID_SETTINGS)["errors"]
    assert "scanner" in error["detail"]
    assert row(user) == before


def test_reset_refuses_a_body_that_it_would_ignore(user: User, caller: Caller) -> None:
    caller.patch({"scanner": {"top_n": 30}})
    before = row(user)
    problem(caller.post("/reset", {"section": "modes"}), MALFORMED_REQUEST)
    assert row(user) == before


@pytest.mark.django_db(transaction=True)
def test_saves_are_told_to_come_from_the_api(
    user: User, caller: Caller, origins: list[str]
) -> None:
    export = caller.get("/export").json()
    caller.patch({"scanner": {"top_n": 30}})
    caller.patch(40, TOP_N)
    caller.put(default_document(user.sub), if_match="*")
    caller.patch(30, TOP_N)
    caller.post("/import", export)
    caller.patch(30, TOP_N)
    caller.post("/reset")
    assert origins == ["api"] * 7


def test_a_save_in_between_of_other_places_is_kept(caller: Caller) -> None:
    caller.patch({"position_min_value_usd": 5})
    told = caller.patch({"scanner": {"top_n": 30}}, if_match='"1"').json()
    assert (told["revision"], told["rebasedFrom"]) == (3, 1)
    assert told["settings"]["position_min_value_usd"] == 5


# ------------------------------------------------------------------ looking ahead
def test_validate_tells_what_would_change_and_saves_nothing(user: User, caller: Caller) -> None:
    before = row(user)
    document = {**default_document(user.sub), "scanner": {"top_n": 30}}
    expected = {"revision": 1, "valid": True, "errors": [], "changes": CHANGED, "notes": []}
    assert caller.post("/validate", document).json() == expected
    patch = {"scanner": {"top_n": 30}}
    assert caller.post("/validate", patch, kind=MERGE_PATCH).json() == expected
    assert row(user) == before


def test_validate_tells_every_error_with_status_200(user: User, caller: Caller) -> None:
    document = {**default_document(user.sub), "scanner": {"top_n": 1000}, "sacnner": {}}
    response = caller.post("/validate", document)
    told = response.json()
    assert (response.status_code, told["valid"], told["changes"]) == (200, False, [])
    assert {error["pointer"] for error in told["errors"]} == {"/scanner/top_n", "/sacnner"}
    [unknown] = [error for error in told["errors"] if error["pointer"] == "/sacnner"]
    assert "scanner" in unknown["detail"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_a_templates_preview_tells_what_its_patch_then_changes(
    caller: Caller, user: User, template: Any
) -> None:
    before = row(user)
    told = caller.post(f"/templates/{template.name}/preview").json()
    assert (told["valid"], row(user)) == (True, before)
    assert told["changes"]
    assert caller.patch(dict(template.patch)).json()["changes"] == told["changes"]


def test_templates_are_listed_with_their_patches(caller: Caller) -> None:
    listed = caller.get("/templates").json()["templates"]
    assert [one["name"] for one in listed] == [one.name for one in TEMPLATES]
    assert [one["patch"] for one in listed] == [one.patch for one in TEMPLATES]
    assert all(one["title"] and one["description"] for one in listed)


def test_a_template_that_is_not_there_names_those_that_are(caller: Caller) -> None:
    told = problem(caller.post("/templates/paper-dmeo/preview"), NOT_FOUND)
    assert "paper-demo" in told["detail"]
    assert "dmeo" not in told["detail"]


def test_the_schema_is_the_schema(caller: Caller) -> None:
    response = caller.get("/schema")
    assert response["Content-Type"] == "application/schema+json"
    assert response.json() == json_schema()


# ------------------------------------------------------------------ files
def test_an_export_is_a_file_with_the_day_in_its_name(user: User, caller: Caller) -> None:
    response = caller.get("/export")
    pattern = r'attachment; filename="livermore-settings-anna-(\d{4}-\d\d-\d\d)\.json"'
    named = re.fullmatch(pattern, response["Content-Disposition"])
    assert named
    made = datetime.fromisoformat(response.json()["exportedAt"])
    assert made.astimezone(UTC).date().isoformat() == named[1]
    assert response.json()["settings"] == caller.get().json()


@pytest.mark.parametrize(
    ("username", "shown"),
    [("Änna Öz", "-anna-oz"), ("日本", ""), ("a@b/../c", "-abc"), ("x" * 150, f"-{'x' * 40}")],
)
def test_the_name_of_a_file_is_plain_ascii(redis_url: str, username: str, shown: str) -> None:
    disposition = Caller(UserFactory.create(username=username)).get("/export")[
        "Content-Disposition"
    ]
    assert re.fullmatch(
        rf'attachment; filename="livermore-settings{shown}-[\d-]{{10}}\.json"', disposition
    )


def test_an_import_takes_back_what_an_export_gave(user: User, caller: Caller) -> None:
    caller.patch({"scanner": {"top_n": 30}})
    export = caller.get("/export")
    caller.post("/reset")
    told = caller.post("/import", export.content).json()
    assert told["changes"] == CHANGED
    assert caller.get("/export").json()["settings"] == export.json()["settings"]


def test_a_dry_run_of_an_import_saves_nothing(user: User, caller: Caller) -> None:
    document = {**default_document(user.sub), "scanner": {"top_n": 30}}
    before = row(user)
    told = caller.post("/import?dryRun=true", document).json()
    assert (told["valid"], told["changes"]) == (True, CHANGED)
    assert told["settings"]["scanner"]["top_n"] == 30
    assert told["settings"].keys() == document.keys()
    refused = caller.post("/import?dryRun=true", {"version": 2, "x": 1}).json()
    assert (refused["valid"], "settings" in refused) == (False, False)
    assert row(user) == before
    assert caller.post("/import?dryRun=false", document).json()["revision"] == 2


def test_an_error_says_whether_it_is_about_a_secret(user: User, caller: Caller) -> None:
    document = default_document(user.sub)
    secret = "ghp_" + "a1B2" * 9
    document["exchanges"]["coinbase"]["SecretEnvironmentVariableName"] = secret
    told = caller.post("/validate", document)
    [error] = told.json()["errors"]
    assert error["secret"] is True
    assert secret not in told.content.decode()
    [refused] = problem(caller.post("/import", document), INVALID_SETTINGS)["errors"]
    assert refused == error
    document["exchanges"]["coinbase"]["SecretEnvironmentVariableName"] = "not a name"
    [error] = caller.post("/validate", document).json()["errors"]
    assert "secret" not in error


def test_somebody_elses_file_needs_to_be_adopted(user: User, caller: Caller) -> None:
    document = {**default_document("somebody-else"), "scanner": {"top_n": 30}}
    before = row(user)
    [error] = problem(caller.post("/import", document), INVALID_SETTINGS)["errors"]
    assert error["pointer"] == "/sub"
    problem(caller.post("/import?adopt=false", document), INVALID_SETTINGS)
    assert row(user) == before
    told = caller.post("/import?adopt=true", document).json()
    assert told["settings"]["sub"] == user.sub
    assert told["notes"]


def test_unknown_keys_of_a_file_are_dropped_only_on_demand(user: User, caller: Caller) -> None:
    document = {**default_document(user.sub), "sacnner": {"top_n": 30}}
    before = row(user)
    problem(caller.post("/import", document), INVALID_SETTINGS)
    assert row(user) == before
    told = caller.post("/import?ignoreUnknown=true", document).json()
    assert [note["pointer"] for note in told["notes"]] == ["/sacnner"]


# ------------------------------------------------------------------ newer than the program
def test_settings_of_a_newer_program_are_refused_and_left_alone(user: User, caller: Caller) -> None:
    User.objects.filter(pk=user.pk).update(settings={"version": 3, "x": 1}, settings_version=3)
    before = row(user)
    document = default_document(user.sub)
    for response in (
        caller.get(),
        caller.get("/export"),
        caller.put(document, if_match="*"),
        caller.patch({}),
        caller.patch(30, TOP_N),
        caller.post("/validate", document),
        caller.post("/import", document),
        caller.post("/import?dryRun=true", document),
        caller.post("/reset"),
        caller.post("/templates/paper-demo/preview"),
    ):
        told = problem(response, SETTINGS_TOO_NEW)
        assert (told["version"], told["known"]) == (3, 2)
    assert row(user) == before


def test_a_file_of_a_newer_program_is_refused(user: User, caller: Caller) -> None:
    before = row(user)
    problem(caller.post("/import", {"version": 3}), SETTINGS_TOO_NEW)
    assert row(user) == before


def test_settings_that_other_hands_have_damaged_are_told_and_can_be_replaced(
    user: User, caller: Caller
) -> None:
    ruin = {"version": 2, "sub": user.sub, "scanner": {"top_n": "many"}}
    User.objects.filter(pk=user.pk).update(settings=ruin)
    for path in ("", "/export"):
        [error] = problem(caller.get(path), SETTINGS_DAMAGED)["errors"]
        assert error["pointer"] == "/scanner/top_n"
    assert caller.put(default_document(user.sub), if_match="*").status_code == 200
    assert caller.get().json() == default_document(user.sub)


def test_a_change_that_something_acts_on_is_not_said_to_be_recorded_only(caller: Caller) -> None:
    row = {"symbol": "BTC-USD", "exchange": "coinbase"}
    [change] = caller.patch({"watchlist": [row]}).json()["changes"]
    assert change["path"] == "/watchlist/0"
    assert "effect" not in change
