"""What a user's own symbols did in 24 hours, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from control.symbols.figures import kept_figures, own_markets
from settings_app.models import User
from settings_app.problems import MALFORMED_REQUEST, NOT_SIGNED_IN, NOT_STAFF, SETTINGS_TOO_NEW
from tests.control.conftest import trader
from tests.settings_app.calling import Caller, problem, row
from tests.settings_app.factories import UserFactory
from trading.models import Position
from trading.simulator.venues.ports import Trouble

FIGURES = "/api/symbols/figures"


def told(api: Caller) -> dict[str, Any]:
    answer = api.get(FIGURES)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_the_figures_of_the_watchlist_come_with_their_moment(api: Caller) -> None:
    body = told(api)
    assert [one["symbol"] for one in body["figures"]] == ["BTC-USD", "ETH-USD"]
    assert all(one["price"] > 0 and one["quoteVolume24h"] > 0 for one in body["figures"])
    [source] = body["exchanges"]
    assert (source["exchange"], source["label"]) == ("coinbase", "Coinbase")
    assert datetime.fromisoformat(source["readAt"]).tzinfo is not None
    assert "note" not in source


def test_what_is_held_beside_the_watchlist_has_figures_too(anna: User, api: Caller) -> None:
    Position.objects.create(user=anna, symbol="SOL-USD", quantity=2)
    assert [one["symbol"] for one in told(api)["figures"]][-1] == "SOL-USD"


def test_what_its_exchange_does_not_list_has_none(db: None, redis_url: str) -> None:
    assert told(Caller(trader("NOPE-USD")))["figures"] == []


def test_an_exchange_in_trouble_says_so_and_what_was_read_serves(
    api: Caller, in_trouble: Callable[[Trouble], None]
) -> None:
    in_trouble("internal")
    body = told(api)
    [source] = body["exchanges"]
    assert body["figures"] == []
    assert "readAt" not in source
    assert source["note"].startswith("Coinbase did not tell its figures")


def test_each_sees_their_own_symbols(api: Caller, bela: User) -> None:
    assert [one["symbol"] for one in told(Caller(bela))["figures"]] == ["SOL-USD"]
    assert "SOL-USD" not in str(told(api))


def test_a_page_shows_what_was_read_before_without_asking(
    anna: User, api: Caller, in_trouble: Callable[[Trouble], None]
) -> None:
    assert kept_figures(own_markets(anna)).tickers == {}
    told(api)
    in_trouble("internal")
    figures = kept_figures(own_markets(anna))
    assert [market.symbol for market in figures.tickers] == ["BTC-USD", "ETH-USD"]


def test_a_stranger_sees_nothing_and_no_parameter_names_somebody(anna: User, api: Caller) -> None:
    problem(Caller().get(FIGURES), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).get(FIGURES), NOT_STAFF)
    problem(api.get(f"{FIGURES}?user=bela"), MALFORMED_REQUEST)


def test_reading_them_changes_nothing(anna: User, api: Caller) -> None:
    before = row(anna)
    told(api)
    assert row(anna) == before


def test_settings_of_a_newer_program_are_told(anna: User, api: Caller) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 99}, settings_version=99)
    problem(api.get(FIGURES), SETTINGS_TOO_NEW)
