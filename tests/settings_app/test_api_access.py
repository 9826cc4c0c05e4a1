"""Who may use the settings API, and whose settings it is about."""

from __future__ import annotations

from typing import Any

import pytest

from settings_app import services
from settings_app.models import User
from settings_app.problems import CSRF_FAILED, NOT_SIGNED_IN, NOT_STAFF
from settings_app.schema import default_document
from tests.settings_app.calling import SETTINGS, Caller, Response, problem, row
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

# Every operation, in a form that its owner may use.
READS = [("GET", path) for path in ("", "/export", "/schema", "/templates")]
WRITES: list[tuple[str, str]] = [
    ("PUT", ""),
    ("PATCH", ""),
    ("POST", "/validate"),
    ("POST", "/import"),
    ("POST", "/reset"),
    ("POST", "/templates/paper-demo/preview"),
]
EVERYTHING = [*READS, *(("HEAD", path) for _, path in READS), *WRITES]


@pytest.fixture
def owner(redis_url: str) -> User:
    """Somebody with settings of their own."""
    return UserFactory.create(document={"perseus_profile": {"public_name": "Ann of the owls"}})


def use(caller: Caller, method: str, path: str, sub: str, **headers: str) -> Response:
    """Use an operation as its owner would, with a body where it takes one."""
    body: Any = {**default_document(sub), "scanner": {"top_n": 30}}
    if method in {"GET", "HEAD"} or path.startswith(("/reset", "/templates")):
        body = None
    return caller.send(method, path, body, if_match="*", **headers)


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_the_owner_may_use_every_operation(owner: User, method: str, path: str) -> None:
    assert use(Caller(owner), method, path, owner.sub).status_code == 200


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_nobody_else_may(owner: User, method: str, path: str) -> None:
    before = row(owner)
    ordinary = UserFactory.create(is_staff=False)
    gone = UserFactory.create()
    caller_gone = Caller(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for caller, kind in (
        (Caller(), NOT_SIGNED_IN),
        (Caller(ordinary), NOT_STAFF),
        (caller_gone, NOT_SIGNED_IN),
    ):
        response = use(caller, method, path, owner.sub)
        assert response.status_code == kind.status
        if method != "HEAD":
            assert problem(response, kind)
    assert row(owner) == before
    assert row(ordinary)[2] == row(gone)[2] == 1


def test_who_is_not_signed_in_is_challenged_and_sent_nowhere(redis_url: str) -> None:
    response = Caller().get()
    problem(response, NOT_SIGNED_IN)
    assert response["WWW-Authenticate"].startswith("Cookie ")
    assert "/admin/login/" in response.json()["detail"]


def test_a_superuser_has_no_other_settings_than_their_own_here(owner: User) -> None:
    admin = UserFactory.create(is_superuser=True)
    assert Caller(admin).get().json()["sub"] == admin.sub
    for query in (f"?user={owner.pk}", f"?sub={owner.sub}"):
        assert Caller(admin).get(query).status_code == 400


def test_whose_document_is_meant_is_not_said_by_the_body(owner: User) -> None:
    stranger = UserFactory.create()
    before = row(owner)
    document = {**default_document(owner.sub), "scanner": {"top_n": 30}}
    caller = Caller(stranger)
    for response in (
        caller.put(document, if_match="*"),
        caller.patch({"sub": owner.sub}),
        caller.patch(f'"{owner.sub}"', "?path=/sub"),
        caller.post("/import", document),
    ):
        assert response.status_code == 422
        assert [error["pointer"] for error in response.json()["errors"]] == ["/sub"]
    assert caller.post("/import?adopt=true", document).json()["settings"]["sub"] == stranger.sub
    assert row(owner) == before


def test_nothing_of_one_user_is_in_the_answers_to_another(owner: User) -> None:
    volume = 7_182_818_284  # so long that no random token holds it by chance
    services.patch(owner.pk, {"scanner": {"min_volume_24h_quote": volume}}, by=owner)
    stranger = UserFactory.create()
    caller = Caller(stranger)
    assert str(volume) in Caller(owner).get().content.decode()
    theirs = ("owls", owner.sub, owner.username, owner.email, str(volume))
    for method, path in (*EVERYTHING, ("GET", "/api/openapi.json"), ("GET", "/api/docs")):
        response = use(caller, method, path, stranger.sub)
        told = response.content.decode() + str(response.headers)
        if not path.startswith("/api"):
            assert response.status_code == 200
        for word in theirs:
            assert word not in told, (method, path, word)
    stale = caller.put(default_document(stranger.sub), if_match='"99"')
    assert "owls" not in stale.content.decode()
    assert services.read(owner.pk).revision == 2


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_page_of_whoever_was_signed_in_before_changes_nothing(
    owner: User, method: str, path: str
) -> None:
    stranger, caller, before = UserFactory.create(), Caller(owner), row(owner)
    said = problem(use(caller, method, path, owner.sub, livermore_user=stranger.sub), NOT_SIGNED_IN)
    assert said["detail"].startswith("This page was made for another user.")
    assert row(owner) == before
    problem(caller.get(livermore_user=stranger.sub), NOT_SIGNED_IN)
    assert caller.get(livermore_user=owner.sub).status_code == 200


# ------------------------------------------------------------------ CSRF
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_whatever_sends_something_needs_the_token(owner: User, method: str, path: str) -> None:
    caller = Caller(owner, checks_csrf=True)
    before = row(owner)
    problem(use(caller, method, path, owner.sub), CSRF_FAILED)
    problem(use(caller, method, path, owner.sub, x_csrftoken="x" * 32), CSRF_FAILED)
    assert row(owner) == before
    caller.client.get("/admin/control/")  # a page with a form brings the cookie
    token = caller.client.cookies["csrftoken"].value
    assert use(caller, method, path, owner.sub, x_csrftoken=token).status_code == 200


def test_another_site_cannot_send_anything_even_with_the_token(owner: User) -> None:
    caller = Caller(owner, checks_csrf=True)
    caller.client.get("/admin/control/")
    token = caller.client.cookies["csrftoken"].value
    before = row(owner)
    response = caller.patch({}, x_csrftoken=token, origin="https://elsewhere.example")
    problem(response, CSRF_FAILED)
    assert row(owner) == before


@pytest.mark.parametrize(("method", "path"), READS)
def test_reading_needs_no_token(owner: User, method: str, path: str) -> None:
    assert Caller(owner, checks_csrf=True).send(method, path).status_code == 200


def test_who_nobody_is_hears_nothing_of_tokens(redis_url: str) -> None:
    problem(Caller(checks_csrf=True).patch({}), NOT_SIGNED_IN)


def test_a_form_of_another_site_is_no_request(owner: User) -> None:
    """The content types that a form can send without asking are none of ours."""
    caller = Caller(owner)
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        assert caller.post("/import", "{}", kind=kind).status_code in {400, 415}
    assert caller.client.post(f"{SETTINGS}/import", {"a": "b"}).status_code == 415
