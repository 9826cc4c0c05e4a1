"""Templates, files and moved rows without JavaScript: shown first, then saved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from control.pages.filling import in_words
from settings_app import services
from settings_app.documents import ABSENT
from settings_app.models import User
from tests.control.pages.test_settings import SAVE, SECRET, browser_of, fields_of, stored
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

PAGE = "/admin/settings/"
FILL = "/admin/settings/fill"
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")


@pytest.fixture
def anna(redis_url: str) -> User:
    rows = [{"symbol": symbol, "exchange": "coinbase"} for symbol in SYMBOLS]
    return UserFactory.create(username="anna", document={"watchlist": rows})


@pytest.fixture
def visitor(anna: User) -> Client:
    return browser_of(anna)


def watched(document: dict[str, Any]) -> list[str]:
    return [row["symbol"] for row in document["watchlist"]]


def shown(page: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(fields_of(page)["document"][0])
    return document


# ------------------------------------------------------------------ templates and files
def test_a_template_fills_in_the_form_and_saves_nothing(anna: User, visitor: Client) -> None:
    before = stored(anna)
    page = visitor.post(FILL, {"template": "night-watch"})
    text = page.content.decode()
    assert "Filled in from Night watch. Nothing is saved yet" in text
    assert "Cooldown: 300 → <b>7200</b>" in text
    assert shown(page)["modes"]["scalper-macdv"]["cooldown_seconds"] == 7200
    assert stored(anna) == before
    saved = visitor.post(SAVE, fields_of(page) | {"view": "form"})
    assert saved.status_code == 302
    assert stored(anna)["modes"]["scalper-macdv"]["cooldown_seconds"] == 7200
    assert watched(stored(anna)) == list(SYMBOLS)


@pytest.mark.parametrize("way", ["file", "text"])
def test_an_old_file_is_made_current_and_says_what_it_drops(
    way: str, anna: User, visitor: Client
) -> None:
    text = json.dumps({"symbols": ["XRP-USD"], "scanner_auto_restart_services": True})
    given = text if way == "text" else SimpleUploadedFile("old.json", text.encode())
    page = visitor.post(FILL, {way: given})
    assert page.status_code == 200
    assert "Filled in from your file. Nothing is saved yet" in page.content.decode()
    assert "dropped" in page.content.decode()
    assert watched(shown(page)) == ["XRP-USD"]
    assert watched(stored(anna)) == list(SYMBOLS)


def test_the_document_of_somebody_else_needs_a_word(anna: User, visitor: Client) -> None:
    other = services.export(UserFactory.create(username="bela").pk)
    given = {"text": json.dumps(other)}
    refused = visitor.post(FILL, given)
    assert refused.status_code == 422
    assert "Nothing was filled in: 1 problem" in refused.content.decode()
    assert visitor.post(FILL, {**given, "adopt": "on"}).status_code == 200
    assert services.read(anna.pk).revision == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "choose a template or a file, or paste a document"),
        ({"text": "{"}, "must be JSON"),
        ({"text": '{"version": 2, "version": 2}'}, "must not be in its object twice"),
        ({"text": '{"version": 99}'}, "version"),
        ({"text": '{"version": 2, "scanner": {"top_n": 500}}'}, "must be at most 100"),
        ({"template": "no-such"}, "no-such"),
    ],
)
def test_what_cannot_be_taken_says_why_and_changes_nothing(
    given: dict[str, str], why: str, anna: User, visitor: Client
) -> None:
    before = stored(anna)
    page = visitor.post(FILL, given)
    assert page.status_code == 422
    assert why in page.content.decode()
    assert shown(page) == before == stored(anna)


def test_a_secret_in_a_file_is_shown_nowhere(visitor: Client) -> None:
    page = visitor.post(FILL, {"text": json.dumps({"api_key": SECRET})})
    assert page.status_code == 422
    assert SECRET not in page.content.decode()


def test_nobody_fills_in_by_looking_or_from_outside(anna: User, visitor: Client) -> None:
    assert visitor.get(FILL).status_code == 405
    stranger = browser_of(UserFactory.create(is_staff=False))
    for client in (Client(), stranger):
        assert client.post(FILL, {"template": "night-watch"}).status_code == 302
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    assert guarded.post(FILL, {"template": "night-watch"}).status_code == 403


# ------------------------------------------------------------------ rows
@pytest.mark.parametrize(
    ("move", "order"),
    [
        ("up /watchlist/2", ["BTC-USD", "SOL-USD", "ETH-USD"]),
        ("down /watchlist/0", ["ETH-USD", "BTC-USD", "SOL-USD"]),
        ("up /watchlist/0", list(SYMBOLS)),
        ("remove /watchlist/1", ["BTC-USD", "SOL-USD"]),
    ],
)
def test_a_row_is_moved_by_its_button_and_saved_with_the_rest(
    move: str, order: list[str], anna: User, visitor: Client
) -> None:
    typed = fields_of(visitor.get(PAGE)) | {"/scanner/top_n": ["35"]}
    page = visitor.post(SAVE, typed | {"move": move})
    assert page.status_code == 200
    assert "Nothing is saved yet" in page.content.decode()
    assert watched(shown(page)) == order
    assert watched(stored(anna)) == list(SYMBOLS)
    visitor.post(SAVE, fields_of(page) | {"view": "form"})
    assert watched(stored(anna)) == order
    assert stored(anna)["scanner"]["top_n"] == 35


def test_a_button_that_no_row_has_does_nothing(anna: User, visitor: Client) -> None:
    fields = fields_of(visitor.get(PAGE))
    assert visitor.post(SAVE, fields | {"move": "sideways /watchlist/0"}).status_code == 302
    page = visitor.post(SAVE, fields | {"move": "up /watchlist/70"})
    assert watched(shown(page)) == list(SYMBOLS)
    assert services.read(anna.pk).revision == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "on"),
        (150.0, "150"),
        (2.5, "2.5"),
        ("", "empty"),
        ([], "none"),
        (["1h", "4h"], "1h, 4h"),
        ({}, "empty"),
        ({"symbol": "BTC-USD", "exchange": "coinbase", "enabled": True}, "BTC-USD · coinbase"),
        ({"trading_days": ["mon"], "defaults": {}, "from": 9.0}, "trading days: mon · from: 9"),
        (ABSENT, "–"),
    ],
)
def test_a_value_is_written_as_the_page_writes_it(value: Any, words: str) -> None:
    assert in_words(value) == words
