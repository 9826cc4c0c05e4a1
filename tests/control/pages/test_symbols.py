"""The symbols page as a browser without JavaScript meets it: read, and changed by its forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings as Configuration

from control.templatetags.symbols import compact
from settings_app import services
from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.control.conftest import trader
from tests.settings_app.factories import UserFactory
from trading.models import Position
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator

PAGE = "/admin/symbols/"
CHANGE = "/admin/symbols/change"
ROW = re.compile(r'<tr data-key="([^"]+)" data-state="([^"]*)">')


@pytest.fixture(autouse=True)
def _exchange(
    settings: Configuration, endpoints: dict[str, Endpoints], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulated exchange is Coinbase; nobody waits for a runtime that is not there."""
    settings.EXCHANGES = endpoints
    monkeypatch.setattr("control.pages.symbols.WAIT_SECONDS", 0.0)
    monkeypatch.setattr("control.pages.symbol_import.WAIT_SECONDS", 0.0)


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD")


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD")


@pytest.fixture
def visitor(anna: User) -> Client:
    return visitor_of(anna)


def visitor_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def text_of(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return unescape(answer.content.decode())


def rows_shown(client: Client) -> list[str]:
    return [key for key, _ in ROW.findall(text_of(client)) if key]


def watchlist(user: User) -> list[tuple[str, bool, tuple[str, ...]]]:
    document = services.read(user.pk).document
    return [(one.symbol, one.enabled, tuple(one.categories)) for one in document.watchlist]


def said(client: Client, path: str, body: dict[str, Any]) -> str:
    """What the page that a form leads to says of it."""
    answer = client.post(path, body, follow=True)
    assert answer.status_code == 200, answer.content
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', answer.content.decode(), re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


# ---------------------------------------------------------------------- reading
def test_the_watchlist_is_shown_in_its_order_with_its_states(visitor: Client) -> None:
    found = ROW.findall(text_of(visitor))
    assert found[:2] == [("coinbase:BTC-USD", "offline"), ("coinbase:ETH-USD", "offline")]


def test_what_is_held_stands_beside_the_list_and_says_so(anna: User, visitor: Client) -> None:
    Position.objects.create(user=anna, symbol="SOL-USD", quantity=2)
    text = text_of(visitor)
    beside = text.index('id="sy-beside"')
    assert text.index('data-key="coinbase:SOL-USD"') > beside > text.index("coinbase:ETH-USD")


def test_figures_are_asked_for_only_when_somebody_wants_them(
    visitor: Client, simulator: Simulator
) -> None:
    def prices() -> list[str]:
        found = re.findall(r'data-slot="price">([^<]*)<', text_of(visitor, asked[0]))
        return [one for one in found if one]

    asked = [PAGE]
    assert set(prices()) == {"–"}
    asked[0] = f"{PAGE}?figures"
    assert prices()[:2] != ["–", "–"]
    asked[0] = PAGE
    assert prices()[:2] != ["–", "–"]  # they are kept, with their age
    assert "figures of" in text_of(visitor)


def test_a_symbol_leads_to_its_chart(visitor: Client) -> None:
    found = re.search(r'data-slot="symbol" href="([^"]+)">BTC-USD<', text_of(visitor))
    assert found is not None
    assert "BTC-USD" in text_of(visitor, found[1])


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        (1.7e9, "1.70 B"),
        (659.3e6, "659.3 M"),
        (12_345.0, "12.3 k"),
        (9_990.0, "9.99 k"),
        (78, "78"),
    ],
)
def test_a_volume_is_written_in_a_few_figures(volume: float, text: str) -> None:
    assert compact(volume) == text


def test_another_user_sees_nothing_of_it(visitor: Client, bela: User) -> None:
    assert rows_shown(visitor_of(bela)) == ["coinbase:SOL-USD"]
    assert "coinbase:SOL-USD" not in text_of(visitor)


@pytest.mark.parametrize(
    "path",
    [PAGE, "/admin/symbols/import", "/admin/symbols/edit/coinbase/BTC-USD/"],
)
def test_nobody_else_is_let_in(anna: User, path: str) -> None:
    assert Client().get(path).status_code == 302
    assert visitor_of(UserFactory.create(is_staff=False)).get(path).status_code == 302


@pytest.mark.parametrize("path", ["add", "change", "import/apply"])
def test_nothing_is_changed_by_looking(visitor: Client, path: str) -> None:
    assert visitor.get(f"{PAGE}{path}").status_code == 405


def test_forms_need_their_token(anna: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna, backend=BACKEND)
    for path in ("add", "change", "import", "import/apply"):
        assert client.post(f"{PAGE}{path}", {}).status_code == 403


def test_an_empty_list_says_what_to_do_next(db: None, redis_url: str) -> None:
    text = text_of(visitor_of(trader()))
    assert "Your watchlist is empty" in text
    nothing = trader(document={"exchanges": {"coinbase": {"enabled": False}}})
    text = text_of(visitor_of(nothing))
    assert "No exchange is enabled" in text
    assert reverse("admin:settings") in text


def test_settings_of_a_newer_program_are_said_to_be_so(anna: User, visitor: Client) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 99}, settings_version=99)
    text = text_of(visitor)
    assert "Your settings cannot be read" in text
    assert "lv-boot" not in text


def test_with_redis_away_the_list_is_shown_and_nothing_is_claimed_of_it(
    visitor: Client, redis_away: None
) -> None:
    text = text_of(visitor)
    assert "is not known now" in text
    assert ROW.findall(text)[:1] == [("coinbase:BTC-USD", "unknown")]


# ---------------------------------------------------------------------- adding
def test_a_symbol_is_added_as_people_write_it(anna: User, visitor: Client) -> None:
    told = said(visitor, f"{PAGE}add", {"symbol": "sol-usd", "exchange": ""})
    assert told.startswith("1 added")
    assert watchlist(anna)[-1] == ("SOL-USD", True, ())


def test_what_is_not_listed_is_refused_with_the_nearest_names(anna: User, visitor: Client) -> None:
    told = said(visitor, f"{PAGE}add", {"symbol": "BTCC-USD"})
    assert "BTCC-USD was not added" in told
    assert "BTC-USD" in told.split("did you mean")[1]
    assert len(watchlist(anna)) == 2


def test_an_exchange_in_trouble_is_said_and_nothing_is_added(
    anna: User, visitor: Client, simulator: Simulator
) -> None:
    simulator.inject(faults.Fail(how="internal", requests=1_000))
    try:
        told = said(visitor, f"{PAGE}add", {"symbol": "SOL-USD"})
    finally:
        simulator.inject(faults.Accept())
    assert "Coinbase did not tell what it lists" in told
    assert len(watchlist(anna)) == 2


def test_what_stands_beside_the_list_is_put_on_it_by_its_own_button(
    anna: User, visitor: Client
) -> None:
    Position.objects.create(user=anna, symbol="SOL-USD", quantity=2)
    assert 'value="add coinbase:SOL-USD"' in text_of(visitor)
    assert "1 added" in said(visitor, CHANGE, {"one": "add coinbase:SOL-USD"})
    assert watchlist(anna)[-1] == ("SOL-USD", True, ())
    assert 'value="add coinbase:SOL-USD"' not in text_of(visitor)


# ---------------------------------------------------------------------- changing
def test_a_row_is_switched_off_and_on_by_its_own_button(anna: User, visitor: Client) -> None:
    assert "1 disabled" in said(visitor, CHANGE, {"one": "disable coinbase:BTC-USD"})
    assert watchlist(anna)[0] == ("BTC-USD", False, ())
    assert "1 enabled" in said(visitor, CHANGE, {"one": "enable coinbase:BTC-USD"})
    assert watchlist(anna)[0] == ("BTC-USD", True, ())


def test_rows_that_are_ticked_are_changed_together(anna: User, visitor: Client) -> None:
    both = ["coinbase:BTC-USD", "coinbase:ETH-USD"]
    before = services.read(anna.pk).revision
    told = said(visitor, CHANGE, {"act": "categorise", "market": both, "categories": "Fast, l 1"})
    assert "2 categorised" in told
    assert watchlist(anna) == [(name, True, ("fast", "l 1")) for name in ("BTC-USD", "ETH-USD")]
    assert services.read(anna.pk).revision == before + 1


def test_removing_asks_first_and_says_what_stops(anna: User, visitor: Client) -> None:
    Position.objects.create(user=anna, symbol="BTC-USD", quantity=1)
    answer = visitor.post(CHANGE, {"one": "remove coinbase:BTC-USD"})
    text = answer.content.decode()
    assert "no more alerts come of it" in text
    assert "its price is not followed any more" in text
    assert len(watchlist(anna)) == 2
    told = said(visitor, CHANGE, {"act": "remove", "market": "coinbase:BTC-USD", "sure": "on"})
    assert "1 removed" in told
    assert [name for name, *_ in watchlist(anna)] == ["ETH-USD"]


def test_what_is_held_stays_watched_where_the_mode_watches_positions(
    db: None, redis_url: str
) -> None:
    anna = trader("BTC-USD", runtime_mode="position-monitor")
    Position.objects.create(user=anna, symbol="BTC-USD", quantity=1)
    answer = visitor_of(anna).post(CHANGE, {"one": "remove coinbase:BTC-USD"})
    assert "It stays watched: it is held." in answer.content.decode()


def test_the_history_of_several_is_asked_for(visitor: Client) -> None:
    both = ["coinbase:BTC-USD", "coinbase:ETH-USD"]
    assert "taken by no runtime yet: 2" in said(
        visitor, CHANGE, {"act": "backfill", "market": both}
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"act": "enable"}, "Choose symbols first."),
        ({"act": "explode", "market": "coinbase:BTC-USD"}, "not known here"),
        ({"one": "explode coinbase:BTC-USD"}, "not known here"),
        ({"act": "categorise", "market": "coinbase:BTC-USD"}, "Write a category."),
        (
            {"act": "categorise", "market": "coinbase:BTC-USD", "categories": "_"},
            "categories",
        ),
        ({"act": "enable\0", "market": "coinbase:BTC-USD"}, "Null characters are not allowed."),
        ({"one": "enable\0 coinbase:BTC-USD"}, "Null characters are not allowed."),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    anna: User, visitor: Client, body: dict[str, str], reason: str
) -> None:
    assert reason in said(visitor, CHANGE, body)
    assert watchlist(anna) == [("BTC-USD", True, ()), ("ETH-USD", True, ())]


def test_nobody_changes_the_list_of_another(anna: User, visitor: Client, bela: User) -> None:
    told = said(visitor, CHANGE, {"one": "disable coinbase:SOL-USD"})
    assert "not on the watchlist" in told
    assert watchlist(bela) == [("SOL-USD", True, ())]
    assert visitor.get("/admin/symbols/edit/coinbase/SOL-USD/").status_code == 404


def test_a_row_is_edited_on_a_page_of_its_own(anna: User, visitor: Client) -> None:
    path = "/admin/symbols/edit/coinbase/ETH-USD/"
    assert 'value="2"' in text_of(visitor, path)
    body = {"enabled": "on", "categories": "majors", "position": "1"}
    assert "1 changed" in said(visitor, path, body)
    assert watchlist(anna) == [("ETH-USD", True, ("majors",)), ("BTC-USD", True, ())]
    wrong = visitor.post(path, {**body, "categories": "_"})
    assert wrong.status_code == 200
    assert b"errorlist" in wrong.content


# ---------------------------------------------------------------------- a list
LIST = "symbol,categories\nSOL-USD,fast\nBTC-USD,\nBTCC-USD,\nSOL-USD,\n!,\n"


def test_an_import_is_shown_first_and_then_applied_as_it_was_ticked(
    anna: User, visitor: Client
) -> None:
    answer = visitor.post("/admin/symbols/import", {"text": f"{LIST}LTC-USD,\n"})
    text = unescape(answer.content.decode())
    for words in ("will be added", "already on the list", "twice in this list", "did you mean"):
        assert words in text
    assert "line 6, column 1" in text
    assert len(watchlist(anna)) == 2
    found = re.search(r'name="approval" value="([^"]+)"', text)
    assert found is not None
    body = {"approval": found[1], "row": ["1"]}
    assert said(visitor, "/admin/symbols/import/apply", body).startswith("1 added")
    assert watchlist(anna)[2:] == [("SOL-USD", True, ("fast",))]
    assert "applied already" in said(visitor, "/admin/symbols/import/apply", body)


@pytest.mark.parametrize("number", ["x", "-1", "9" * 5_000])
def test_what_is_no_number_of_a_row_applies_nothing(visitor: Client, number: str) -> None:
    body = {"approval": "x", "row": [number]}
    assert "No row was ticked." in said(visitor, "/admin/symbols/import/apply", body)


def test_an_approval_is_good_for_nobody_else(visitor: Client, bela: User) -> None:
    text = visitor.post("/admin/symbols/import", {"text": "SOL-USD"}).content.decode()
    found = re.search(r'name="approval" value="([^"]+)"', text)
    assert found is not None
    body = {"approval": found[1], "row": ["1"]}
    assert "too old" in said(visitor_of(bela), "/admin/symbols/import/apply", body)
    assert watchlist(bela) == [("SOL-USD", True, ())]


def test_a_file_is_taken_and_one_that_cannot_be_read_says_where(
    visitor: Client, open_file: Callable[[str], Any]
) -> None:
    shown = visitor.post("/admin/symbols/import", {"file": open_file("SOL-USD\n")})
    assert b"will be added" in shown.content
    broken = visitor.post("/admin/symbols/import", {"file": open_file('{"watchlist": [}')})
    assert b"line 1, column" in broken.content
    nothing = visitor.post("/admin/symbols/import", {"text": ""})
    assert b"Paste symbols, or choose a file." in nothing.content


@pytest.fixture
def open_file() -> Callable[[str], Any]:
    return lambda text: SimpleUploadedFile("list.csv", text.encode())
