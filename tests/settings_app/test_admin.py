"""The users in the admin: who sees whom, and what nobody can edit there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from settings_app import services
from settings_app.models import User
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:settings_app_user_changelist"
ADD = "admin:settings_app_user_add"


def signed_in(user: User) -> Client:
    """A browser in which a user has signed in."""
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    """The address of a user's page."""
    return reverse("admin:settings_app_user_change", args=[user.pk])


@pytest.fixture
def root() -> User:
    """A superuser."""
    return UserFactory.create(username="root", is_superuser=True)


@pytest.fixture
def ann() -> User:
    """Staff, and no more."""
    return UserFactory.create(username="ann")


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
    assert "Nothing to upgrade." in page


def test_staff_see_themselves_and_nobody_else(root: User, ann: User) -> None:
    client = signed_in(ann)
    users = client.get(reverse(LIST))
    assert list(users.context["cl"].queryset) == [ann]
    assert client.get(page_of(ann)).status_code == 200
    stranger, nobody = client.get(page_of(root)), client.get(page_of(User(pk=0)))
    assert (stranger.status_code, stranger.headers.get("Location")) == (
        nobody.status_code,
        nobody.headers.get("Location"),
    )
    assert root.sub not in stranger.text


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
    services.patch(ann.pk, {"perseus_profile": {"public_name": "Ann"}}, by=ann)
    forged = {"settings": "{}", "settings_revision": "99", "is_paused": "on", "sub": "mallory"}
    answer = signed_in(root).post(page_of(ann), form_of(ann, first_name="Anna", **forged))
    assert answer.status_code == 302
    now = User.objects.get(pk=ann.pk)
    assert (now.first_name, now.sub, now.is_paused) == ("Anna", ann.sub, None)
    assert (now.settings_revision, now.settings["perseus_profile"]["public_name"]) == (2, "Ann")


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
