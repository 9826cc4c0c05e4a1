"""The settings page: what it shows, and what a post of it does without JavaScript."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from settings_app import services
from settings_app.models import User
from settings_app.schema import default_document
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

PAGE = "/admin/settings/"
SAVE = "/admin/settings/save"
SECRET = "qW8xk29vTtb0Zs71mN4hYcR5uJ3eLpAa"  # looks like one, and is none


@pytest.fixture
def anna(redis_url: str) -> User:
    """A trader with a watchlist."""
    rows = [{"symbol": symbol, "exchange": "coinbase"} for symbol in ("BTC-USD", "ETH-USD")]
    return UserFactory.create(username="anna", document={"watchlist": rows})


@pytest.fixture
def bela(redis_url: str) -> User:
    """Another one."""
    return UserFactory.create(username="bela")


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def visitor(anna: User) -> Client:
    """Anna's."""
    return browser_of(anna)


class Form(HTMLParser):
    """Reads the fields of a form, each with its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.select = self.area = ""
        self.is_model = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "template":
            self.is_model = True
        if self.is_model:
            return
        if tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            self.fields[name] = [""]
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in self.fields:
                self.fields[self.select] = [value]
        elif tag == "input" and name:
            if given.get("type") in {"checkbox", "radio"} and "checked" not in given:
                return
            self.fields.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.is_model = False
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area][0] += data


def fields_of(page: Any) -> dict[str, Any]:
    """What the form on a page would post, read as a browser reads it."""
    form = Form()
    form.feed(page.content.decode().split('id="st-form"')[1].split("</form>")[0])
    areas = form.fields.items()
    return {name: [text.removeprefix("\n") for text in texts] for name, texts in areas}


def stored(user: User) -> dict[str, Any]:
    return services.read(user.pk).document.to_document()


def post(visitor: Client, view: str, **changes: Any) -> Any:
    """Press the button of a view after some fields were changed."""
    fields = fields_of(visitor.get(PAGE)) | {"view": view} | changes.pop("fields", {})
    return visitor.post(SAVE, fields | changes)


# ------------------------------------------------------------------ reading
def test_the_page_shows_the_document_in_both_views(anna: User, visitor: Client) -> None:
    page = visitor.get(PAGE)
    assert page.status_code == 200
    fields = fields_of(page)
    assert json.loads(fields["document"][0]) == stored(anna)
    assert fields["/watchlist/1/symbol"] == ["ETH-USD"]
    assert fields["/scanner/top_n"] == ["50"]
    assert fields["revision"] == ["1"]


def test_only_this_page_lets_the_editor_write_styles(visitor: Client) -> None:
    assert "style-src 'self' 'unsafe-inline'" in visitor.get(PAGE)["Content-Security-Policy"]
    assert "style-src" not in visitor.get("/admin/control/")["Content-Security-Policy"]


def test_nobody_else_sees_the_page(anna: User) -> None:
    stranger = UserFactory.create(is_staff=False)
    for client in (Client(), browser_of(stranger)):
        assert client.get(PAGE).status_code == 302
        assert client.post(SAVE, {"view": "form", "revision": 1}).status_code == 302
    assert services.read(anna.pk).revision == 1


def test_everybody_sees_and_saves_their_own_settings(
    anna: User, bela: User, visitor: Client
) -> None:
    before = stored(anna)
    assert "ETH-USD" not in browser_of(bela).get(PAGE).content.decode()
    post(browser_of(bela), "form", fields={"/scanner/top_n": "30"})
    assert stored(bela)["scanner"]["top_n"] == 30
    assert stored(anna) == before


def test_a_save_needs_the_token_and_a_post(visitor: Client, anna: User) -> None:
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    assert checked.post(SAVE, {"view": "form", "revision": 1}).status_code == 403
    assert visitor.get(SAVE).status_code == 405


# ------------------------------------------------------------------ saving
def test_an_untouched_form_saves_nothing(anna: User, visitor: Client) -> None:
    response = post(visitor, "form")
    assert response.status_code == 302
    assert services.read(anna.pk).revision == 1
    assert "Nothing was different" in visitor.get(PAGE).content.decode()


def test_the_form_saves_what_was_changed_in_it(anna: User, visitor: Client) -> None:
    before = stored(anna)
    changes = {"/scanner/top_n": "25", "/watchlist/0/symbol": "", "document": "{"}
    assert post(visitor, "form", fields=changes).status_code == 302
    after = stored(anna)
    assert after["scanner"] == {**before["scanner"], "top_n": 25}
    assert [row["symbol"] for row in after["watchlist"]] == ["ETH-USD"]
    page = visitor.get(PAGE).content.decode()
    assert "Revision 2 saved: 2 changes, 1 at once, 1 at next refresh." in page
    assert "Recorded, not yet applied" in page


def test_the_json_saves_the_text_that_was_typed(anna: User, visitor: Client) -> None:
    document = stored(anna) | {"position_refresh_hours": 2.0}
    response = post(visitor, "json", document=json.dumps(document), fields={"/scanner/top_n": "9"})
    assert response.status_code == 302
    assert stored(anna) == document


def test_what_is_wrong_is_told_in_its_place_and_nothing_typed_is_lost(
    anna: User, visitor: Client
) -> None:
    changes = {"/scanner/top_n": "5000", "/watchlist/0/symbol": "BTCUSD", "/scanner/quote": "EUR"}
    response = post(visitor, "form", fields=changes)
    assert response.status_code == 422
    page = response.content.decode()
    assert "Nothing was saved: 2 problems" in page
    assert "must be at most 100" in page
    assert "must be a symbol such as BTC-USD" in page
    fields = fields_of(response)
    assert {name: fields[name] for name in changes} == {k: [v] for k, v in changes.items()}
    assert json.loads(fields["document"][0])["scanner"]["top_n"] == 5000
    assert services.read(anna.pk).revision == 1


def test_a_text_that_is_no_json_is_shown_again_as_it_is(visitor: Client) -> None:
    text = '{"scanner": {"top_n": 25},,\n  "more": "}'
    response = post(visitor, "json", document=text)
    assert response.status_code == 422
    assert fields_of(response)["document"] == [text]
    assert "must be JSON" in response.content.decode()


@pytest.mark.parametrize(
    "text", ["[]", "7", "null", '{"watchlist": 7}', '{"modes": []}', '{"scanner": {"": 1}}']
)
def test_any_json_can_be_posted_and_is_refused(visitor: Client, text: str) -> None:
    response = post(visitor, "json", document=text)
    assert response.status_code == 422
    assert fields_of(response)["document"] == [text]


def test_a_pasted_secret_is_not_shown_again(anna: User, visitor: Client) -> None:
    name = "/exchanges/coinbase/SecretEnvironmentVariableName"
    key = "/exchanges/coinbase/ApiKeyEnvironmentVariableName"
    for response in (
        post(visitor, "form", fields={name: SECRET, key: "COINBASE_KEY"}),
        post(visitor, "json", document=json.dumps(stored(anna) | {"x": SECRET})),
        post(visitor, "json", document=f'{{"key": "{SECRET}",,'),
    ):
        assert response.status_code == 422
        assert SECRET not in response.content.decode()
    fields = fields_of(post(visitor, "form", fields={name: SECRET, key: "COINBASE_KEY"}))
    assert fields[key] == ["COINBASE_KEY"]


def test_nor_is_it_when_only_a_row_was_moved(visitor: Client) -> None:
    name = "/exchanges/coinbase/SecretEnvironmentVariableName"
    key = "/exchanges/coinbase/ApiKeyEnvironmentVariableName"
    typed = fields_of(visitor.get(PAGE)) | {name: SECRET, key: "COINBASE_KEY"}
    moved = visitor.post(SAVE, typed | {"move": "up /watchlist/1"})
    assert SECRET not in moved.content.decode()
    shown = fields_of(moved)
    assert (shown[name], shown[key]) == ([""], ["COINBASE_KEY"])
    assert shown["/watchlist/0/symbol"] == ["ETH-USD"]


def test_a_post_that_is_not_of_the_page_saves_nothing(anna: User, visitor: Client) -> None:
    for body in ({}, {"view": "all", "revision": 1}, {"view": "form", "revision": "x"}):
        assert visitor.post(SAVE, body).status_code == 302
    assert services.read(anna.pk).revision == 1


# ------------------------------------------------------------------ two at once
def test_a_change_elsewhere_is_kept_when_the_older_form_is_saved(
    anna: User, visitor: Client
) -> None:
    fields = fields_of(visitor.get(PAGE))
    services.patch(anna.pk, {"scanner": {"quote": "EUR"}}, by=anna)
    response = visitor.post(SAVE, fields | {"view": "form", "/scanner/top_n": "25"})
    assert response.status_code == 302
    assert stored(anna)["scanner"]["quote"] == "EUR"
    assert stored(anna)["scanner"]["top_n"] == 25


@pytest.mark.parametrize("view", ["form", "json"])
def test_a_stale_save_is_refused_and_offered_again_on_top(
    anna: User, bela: User, visitor: Client, view: str
) -> None:
    fields = fields_of(visitor.get(PAGE))
    services.patch(anna.pk, {"scanner": {"top_n": 40, "quote": "EUR"}}, by=bela)
    mine = stored(anna)
    mine["scanner"] |= {"top_n": 25, "quote": "USD"}
    text = json.dumps(mine)
    changed = fields | {"view": view, "/scanner/top_n": "25", "document": text}
    response = visitor.post(SAVE, changed)
    assert response.status_code == 412
    page = response.content.decode()
    assert "Revision 2 by bela" in page
    assert "You both changed Scanner: How many" in page
    offered = fields_of(response)
    assert offered["revision"] == ["2"]
    assert offered["/scanner/top_n"] == ["25"]
    assert offered["/scanner/quote"] == ["EUR"]
    assert stored(anna)["scanner"]["top_n"] == 40
    assert visitor.post(SAVE, offered | {"view": "form"}).status_code == 302
    assert stored(anna)["scanner"]["top_n"] == 25
    assert stored(anna)["scanner"]["quote"] == "EUR"


def test_what_is_shown_again_says_on_which_revision_it_was_made_to_the_modules_too(
    anna: User, visitor: Client
) -> None:
    fields = fields_of(visitor.get(PAGE))
    services.patch(anna.pk, {"scanner": {"quote": "EUR"}}, by=anna)
    response = visitor.post(SAVE, fields | {"view": "form", "/scanner/top_n": "many"})
    assert response.status_code == 422
    boot = response.context["boot"]
    mended = boot["draft"] | {"scanner": boot["draft"]["scanner"] | {"top_n": 25}}
    # As the page's module saves it, once it is there.
    match = f'"{boot["revision"]}"'
    saved = visitor.put(
        "/api/settings", mended, content_type="application/json", headers={"If-Match": match}
    )
    assert saved.status_code == 200
    assert stored(anna)["scanner"]["top_n"] == 25
    assert stored(anna)["scanner"]["quote"] == "EUR"


# ------------------------------------------------------------------ what cannot be shown
def test_settings_of_a_newer_program_are_left_alone(anna: User, visitor: Client) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 3}, settings_version=3)
    for response in (
        visitor.get(PAGE),
        visitor.post(SAVE, {"view": "form", "revision": 1}),
    ):
        assert response.status_code == 409
        assert "install the newer program again" in response.content.decode()


def test_damaged_settings_say_where(anna: User, visitor: Client) -> None:
    User.objects.filter(pk=anna.pk).update(
        settings={"version": 2, "sub": anna.sub, "scanner": {"top_n": "many"}}
    )
    response = visitor.get(PAGE)
    assert response.status_code == 409
    assert "/scanner/top_n" in response.content.decode()


def test_damaged_settings_can_be_reset_and_no_others(anna: User, visitor: Client) -> None:
    before = stored(anna)
    assert visitor.post("/admin/settings/reset").status_code == 302
    assert stored(anna) == before
    User.objects.filter(pk=anna.pk).update(settings={"version": 2, "sub": anna.sub, "x": 1})
    assert "Reset all settings" in visitor.get(PAGE).content.decode()
    assert visitor.get("/admin/settings/reset").status_code == 405
    assert visitor.post("/admin/settings/reset").status_code == 302
    assert stored(anna) == default_document(anna.sub)
    assert "every setting has its default again" in visitor.get(PAGE).content.decode()


def test_five_hundred_rows_can_be_posted_without_javascript(anna: User, visitor: Client) -> None:
    rows = [{"symbol": f"A{n}-USD", "exchange": "coinbase"} for n in range(500)]
    services.patch(anna.pk, {"watchlist": rows}, by=anna)
    response = post(visitor, "form", fields={"/watchlist/499/symbol": "LAST-USD"})
    assert response.status_code == 302
    assert stored(anna)["watchlist"][-1]["symbol"] == "LAST-USD"
