"""The users in the admin: who sees whom, what nobody can edit there, export and reset."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse

from settings_app import admin, desired, services
from settings_app.documents import canonical
from settings_app.models import User
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:settings_app_user_changelist"
ADD = "admin:settings_app_user_add"
EXPORT = "admin:settings_app_user_export_settings"
RESET = "admin:settings_app_user_reset_settings"

LEGACY = Path(__file__).parent / "documents" / "version_0.json"

# What a browser would have to post to write what no form offers.
FORGED = {
    "settings": "{}",
    "settings_version": "0",
    "settings_revision": "99",
    "settings_updated_at_0": "2001-01-01",
    "settings_updated_at_1": "00:00",
    "is_paused": "true",
    "runtime_mode": "scalper-macdv",
    "desired_revision": "99",
    "sub": "mallory",
}


def signed_in(user: User, *, checks_csrf: bool = False) -> Client:
    """A browser in which a user has signed in."""
    client = Client(enforce_csrf_checks=checks_csrf)
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    """The address of a user's page."""
    return reverse("admin:settings_app_user_change", args=[user.pk])


def address(name: str, *users: User) -> str:
    """The address of a page about some users."""
    return reverse(name) + "?" + "&".join(f"id={user.pk}" for user in users)


def chosen(action: str, *users: User) -> dict[str, Any]:
    """What a browser posts for an action of the list."""
    return {"action": action, ACTION_CHECKBOX_NAME: [user.pk for user in users]}


def confirmed(*users: User, **changes: Any) -> dict[str, Any]:
    """What the confirmation's form posts, where the settings are as these rows say."""
    revisions = {f"revision-{user.pk}": user.settings_revision for user in users}
    return {"id": [user.pk for user in users], **revisions, **changes}


def said(answer: Any) -> list[str]:
    """The messages that the next page will show; the test client adds the request."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


def guarded(user: User) -> dict[str, Any]:
    """What no form may write, as it is in the database."""
    names = ("sub", *sorted(User.GUARDED))
    return dict(zip(names, User.objects.values_list(*names).get(pk=user.pk), strict=True))


@pytest.fixture
def root() -> User:
    """A superuser."""
    return UserFactory.create(username="root", is_superuser=True)


@pytest.fixture
def ann() -> User:
    """Staff, and no more; with settings of her own."""
    return UserFactory.create(username="ann", document={"scanner": {"top_n": 20}})


@pytest.fixture
def bob() -> User:
    """Somebody else of the staff."""
    return UserFactory.create(username="bob", document={"position_refresh_hours": 8.0})


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    """What a browser posts for a user's page."""
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": "on",
        "is_staff": "on",
        **changes,
    }


def test_a_superuser_sees_everybody_and_their_documents(root: User, ann: User) -> None:
    client = signed_in(root)
    assert ann.username in client.get(reverse(LIST)).text
    page = client.get(page_of(ann)).text
    assert ann.sub in page
    assert "&quot;macdv-momentum&quot;" in page
    assert "Stored in version" not in page


def test_staff_see_themselves_and_nobody_else(root: User, ann: User) -> None:
    client = signed_in(ann)
    users = client.get(reverse(LIST))
    assert list(users.context["cl"].queryset) == [ann]
    assert client.get(page_of(ann)).status_code == 200
    stranger, nobody = client.get(page_of(root)), client.get(page_of(User(pk=0)))
    assert stranger.status_code == nobody.status_code == 404
    assert stranger.text == nobody.text
    history = reverse("admin:settings_app_user_history", args=[root.pk])
    assert client.get(history).status_code == 404


def test_staff_find_their_own_page_in_the_side_bar(ann: User) -> None:
    assert f'href="{reverse(LIST)}"' in signed_in(ann).get(reverse("admin:index")).text


def test_staff_cannot_give_themselves_rights(ann: User) -> None:
    answer = signed_in(ann).post(page_of(ann), form_of(ann, is_superuser="on"))
    assert answer.status_code == 403
    ann.refresh_from_db()
    assert ann.is_superuser is False


@pytest.mark.parametrize("address", [ADD, LIST])
def test_a_stranger_is_sent_to_the_sign_in(address: str) -> None:
    assert Client().get(reverse(address)).status_code == 302


def test_staff_make_and_remove_nobody(root: User, ann: User) -> None:
    client = signed_in(ann)
    assert client.get(reverse(ADD)).status_code == 403
    delete = reverse("admin:settings_app_user_delete", args=[ann.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ann.pk).exists()


def test_a_superuser_makes_a_user_who_has_settings_at_once(root: User) -> None:
    word = "a-long-enough-passphrase-1881"
    form = {
        "username": "bob",
        "usable_password": "true",
        "password1": word,
        "password2": word,
    }
    answer = signed_in(root).post(reverse(ADD), form)
    assert answer.status_code == 302
    bob = User.objects.get(username="bob")
    assert services.read(bob.pk).document.sub == bob.sub


def test_the_form_saves_what_it_shows_and_never_the_guarded_columns(root: User, ann: User) -> None:
    before = guarded(ann)
    answer = signed_in(root).post(page_of(ann), form_of(ann, first_name="Anna", **FORGED))
    assert answer.status_code == 302
    assert User.objects.get(pk=ann.pk).first_name == "Anna"
    assert guarded(ann) == before


def test_a_save_that_comes_between_is_not_undone_by_the_form(root: User, ann: User) -> None:
    def save(**_: Any) -> None:
        pre_save.disconnect(save, sender=User)
        services.patch(ann.pk, {"scanner": {"top_n": 30}}, by=ann)
        desired.record(ann.pk, is_paused=True)

    client = signed_in(root)
    pre_save.connect(save, sender=User)  # the form has its copy of the row by then
    answer = client.post(page_of(ann), form_of(ann, first_name="Anna"))
    assert (answer.status_code, User.objects.get(pk=ann.pk).first_name) == (302, "Anna")
    assert services.read(ann.pk).document.scanner.top_n == 30
    assert desired.read_desired(ann.pk).is_paused


def test_a_new_user_begins_with_the_defaults_whatever_the_form_says(root: User) -> None:
    word = "a-long-enough-passphrase-1881"
    form = {"username": "eve", "usable_password": "true", "password1": word, "password2": word}
    assert signed_in(root).post(reverse(ADD), {**form, **FORGED}).status_code == 302
    eve = User.objects.get(username="eve")
    assert eve.sub != "mallory"
    assert services.read(eve.pk).document.to_document() == services.default_document(eve.sub)
    assert (eve.settings_revision, eve.is_paused, eve.desired_revision) == (1, None, 0)


def test_a_document_that_cannot_be_read_is_explained_not_a_crash(root: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(settings={"version": 3}, settings_version=3)
    page = signed_in(root).get(page_of(ann))
    assert page.status_code == 200
    assert "install the newer program again" in page.text


def test_the_document_is_shown_without_inline_style_or_script(root: User, ann: User) -> None:
    note = {"perseus_profile": {"description": "<script>alert(1)</script>"}}
    services.patch(ann.pk, note, by=ann)
    page = signed_in(root).get(page_of(ann)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert 'style="' not in page.split('class="lv-document"')[1].split("</pre>")[0]


def test_an_older_document_is_shown_as_it_is_read_and_that_is_said(root: User) -> None:
    old = json.loads(LEGACY.read_text())
    bela = UserFactory.create(username="bela", settings=old, settings_version=0)
    page = signed_in(root).get(page_of(bela)).text
    assert "Stored in version 0, shown as version 2" in page
    assert "moved to the watchlist, on coinbase" in page
    assert "&quot;watchlist&quot;" in page
    assert "&quot;sparse_symbols&quot;" not in page
    assert User.objects.get(pk=bela.pk).settings == old


def test_what_somebody_wants_of_their_runtime_is_a_word(root: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_paused=True)
    listed = signed_in(root).get(reverse(LIST)).text
    assert '<td class="field-wanted">paused</td>' in listed
    assert '<td class="field-wanted">undecided</td>' in listed


# ---------------------------------------------------------------------- export
def test_one_users_settings_are_a_json_file(root: User, ann: User) -> None:
    client = signed_in(root)
    for answer in (
        client.get(address(EXPORT, ann)),
        client.post(reverse(LIST), chosen("export_settings", ann)),
    ):
        named = r'attachment; filename="livermore-settings-ann-\d{4}-\d\d-\d\d\.json"'
        assert re.fullmatch(named, answer["Content-Disposition"])
        assert answer["Content-Type"] == "application/json"
        export = json.loads(answer.content)
        assert canonical(export["settings"]) == canonical(ann.settings)


def test_several_users_settings_are_a_zip_of_such_files(root: User, ann: User, bob: User) -> None:
    answer = signed_in(root).post(reverse(LIST), chosen("export_settings", ann, bob))
    assert answer["Content-Type"] == "application/zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        subs = {json.loads(archive.read(name))["settings"]["sub"] for name in archive.namelist()}
        names = archive.namelist()
    assert subs == {ann.sub, bob.sub}
    assert names == [
        f"livermore-settings-ann-{ann.pk}.json",
        f"livermore-settings-bob-{bob.pk}.json",
    ]


def test_a_name_cannot_lead_out_of_the_archive(root: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(username="../ann")
    answer = signed_in(root).post(reverse(LIST), chosen("export_settings", root, ann))
    with ZipFile(BytesIO(answer.content)) as archive:
        assert not [name for name in archive.namelist() if "/" in name]


def test_settings_that_cannot_be_read_are_named_and_nothing_is_exported(
    root: User, ann: User
) -> None:
    User.objects.filter(pk=ann.pk).update(settings={"version": 3}, settings_version=3)
    answer = signed_in(root).post(reverse(LIST), chosen("export_settings", root, ann))
    assert answer.status_code == 302
    [message] = said(answer)
    assert message.startswith("Nothing was exported. The settings of ann cannot be read:")


def test_staff_export_their_own_settings_and_nobody_elses(ann: User, bob: User) -> None:
    client = signed_in(ann)
    assert client.get(address(EXPORT, ann)).status_code == 200
    assert client.get(address(EXPORT, bob)).status_code == 404
    assert client.get(address(EXPORT, ann, bob)).status_code == 404
    for forged in ([ann, bob], [bob]):
        for action in ("export_settings", "reset_settings"):
            assert client.post(reverse(LIST), chosen(action, *forged)).status_code == 404
    answer = client.post(reverse(LIST), chosen("export_settings", ann))
    assert json.loads(answer.content)["settings"]["sub"] == ann.sub


@pytest.mark.parametrize("number", ["9" * 5_000, "²", "-1", "1_0", ""])
def test_a_forged_number_is_nobodys_and_no_revision(root: User, ann: User, number: str) -> None:
    client = signed_in(root)
    for page in (EXPORT, RESET):
        assert client.get(f"{reverse(page)}?id={number}").status_code == 404
    form = {"id": [ann.pk], f"revision-{ann.pk}": number}
    [message] = said(client.post(reverse(RESET), form))
    assert "look at what would change first" in message


@pytest.mark.parametrize("name", [EXPORT, RESET])
def test_a_stranger_reaches_neither_page(ann: User, name: str) -> None:
    assert Client().get(address(name, ann)).status_code == 302
    assert Client().post(reverse(name), confirmed(ann)).status_code == 302
    assert User.objects.get(pk=ann.pk).settings_revision == 1


@pytest.mark.parametrize("query", ["", "?id=", "?id=0", "?id=x", "?id=1%00", "?id=" + "9" * 30])
def test_nobody_is_a_404(root: User, query: str) -> None:
    client = signed_in(root)
    assert client.get(reverse(EXPORT) + query).status_code == 404
    assert client.get(reverse(RESET) + query).status_code == 404


def test_more_users_than_a_page_shows_are_too_many(
    root: User, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MOST_AT_ONCE", 1)
    client = signed_in(root)
    for action in ("export_settings", "reset_settings"):
        answer = client.post(reverse(LIST), chosen(action, root, ann))
        assert said(answer)[-1] == "Choose at most 1 users at once."


# ---------------------------------------------------------------------- reset
def test_the_list_asks_before_it_resets(root: User, ann: User, bob: User) -> None:
    client = signed_in(root)
    answer = client.post(reverse(LIST), chosen("reset_settings", bob, ann))
    assert answer.status_code == 302
    assert answer["Location"] == address(RESET, ann, bob)
    page = client.get(answer["Location"]).text
    for shown in (
        *("ann", "/scanner/top_n", "20", "50"),
        *("bob", "/position_refresh_hours", "8.0", "4.0"),
        "Reset the settings of 2 users",
    ):
        assert shown in page
    assert not LogEntry.objects.exists()


def test_a_confirmed_reset_is_done_logged_and_told(root: User, ann: User) -> None:
    services.patch(ann.pk, {"scanner": {"quote": "EUR"}}, by=ann)
    ann.refresh_from_db()
    client = signed_in(root)
    assert "Reset 2 settings of ann" in client.get(address(RESET, ann)).text
    answer = client.post(reverse(RESET), confirmed(ann))
    assert (answer.status_code, answer["Location"]) == (302, page_of(ann))
    assert said(answer) == ["Reset 2 settings of ann to the defaults: revision 3."]
    stored = services.read(ann.pk)
    assert stored.document.to_document() == services.default_document(ann.sub)
    entry = LogEntry.objects.latest("id")
    assert (entry.user, entry.object_id) == (root, str(ann.pk))
    message = json.loads(entry.change_message)[0]
    assert message["settings_revision"] == stored.revision == 3
    assert message["changed"]["fields"] == ["/scanner/quote", "/scanner/top_n"]


def test_what_is_reset_is_what_was_shown(root: User, ann: User) -> None:
    form = confirmed(ann)
    services.patch(ann.pk, {"scanner": {"top_n": 77}}, by=ann)
    answer = signed_in(root).post(reverse(RESET), form)
    [message] = said(answer)
    assert "The settings of ann were changed by ann while you looked" in message
    assert services.read(ann.pk).document.scanner.top_n == 77


@pytest.mark.parametrize("base", [None, "", "-1", "one"])
def test_nothing_is_reset_that_was_not_shown(root: User, ann: User, base: str | None) -> None:
    form = confirmed(ann)
    name = f"revision-{ann.pk}"
    if base is None:
        del form[name]
    else:
        form[name] = base
    [message] = said(signed_in(root).post(reverse(RESET), form))
    assert "look at what would change first" in message
    assert User.objects.get(pk=ann.pk).settings_revision == 1


def test_looking_at_the_confirmation_changes_nothing(root: User, ann: User) -> None:
    client = signed_in(root)
    for method in ("GET", "HEAD"):
        assert client.generic(method, address(RESET, ann)).status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        assert client.generic(method, address(RESET, ann)).status_code == 405
    assert client.post(address(EXPORT, ann)).status_code == 405
    assert User.objects.get(pk=ann.pk).settings_revision == 1


def test_a_reset_from_another_site_is_refused(ann: User) -> None:
    client = signed_in(ann, checks_csrf=True)
    assert client.post(reverse(RESET), confirmed(ann)).status_code == 403
    listed = client.post(reverse(LIST), chosen("reset_settings", ann))
    assert listed.status_code == 403
    assert User.objects.get(pk=ann.pk).settings_revision == 1


def test_staff_reset_their_own_settings_and_nobody_elses(ann: User, bob: User) -> None:
    client = signed_in(ann)
    assert client.get(address(RESET, bob)).status_code == 404
    assert client.post(reverse(RESET), confirmed(bob)).status_code == 404
    assert client.post(reverse(RESET), confirmed(ann, bob)).status_code == 404
    assert User.objects.get(pk=ann.pk).settings_revision == 1
    assert client.post(reverse(RESET), confirmed(ann)).status_code == 302
    assert User.objects.get(pk=ann.pk).settings_revision == 2
    assert User.objects.get(pk=bob.pk).settings_revision == 1


def test_where_nothing_would_change_there_is_no_button(root: User) -> None:
    page = signed_in(root).get(address(RESET, root)).text
    assert "All settings are their defaults already." in page
    assert "lv-danger" not in page
    [message] = said(signed_in(root).post(reverse(RESET), confirmed(root)))
    assert message == "All settings of root are their defaults already."
    assert not LogEntry.objects.exists()


def test_settings_of_a_newer_program_are_never_reset(root: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(settings={"version": 3}, settings_version=3)
    client = signed_in(root)
    page = client.get(address(RESET, ann)).text
    assert "These settings stay as they are" in page
    assert "lv-danger" not in page
    [message] = said(client.post(reverse(RESET), confirmed(ann)))
    assert message.startswith("The settings of ann were not reset.")
    assert User.objects.get(pk=ann.pk).settings == {"version": 3}


def test_the_pages_keep_the_content_security_policy(root: User, ann: User) -> None:
    client = signed_in(root)
    own = client.get(address(RESET, ann)).text.split('class="lv-confirm"')[1].split("</form>")[0]
    assert "style=" not in own
    assert "<script" not in own
    assert " on" + "click=" not in own
    assert "'unsafe-inline'" not in client.get(address(RESET, ann))["Content-Security-Policy"]
