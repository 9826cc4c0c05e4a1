"""Alerts over HTTP: searching, paging, reading one."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from settings_app.models import User
from settings_app.problems import MALFORMED_REQUEST, NOT_FOUND, NOT_SIGNED_IN, NOT_STAFF
from tests.control.alerts import delivery, told, troubled
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.alerts.compose import SCAN
from trading.core.modes import SignalKind
from trading.core.severity import Severity, severity
from trading.models import Alert

ALERTS = "/api/alerts"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def listed(api: Caller, query: str = "") -> list[int]:
    response = api.get(f"{ALERTS}?{query}")
    assert response.status_code == 200, response.content
    return [alert["id"] for alert in response.json()["alerts"]]


def test_an_alert_is_told_with_its_deliveries_and_the_values_that_made_it_fire(
    anna: User, api: Caller
) -> None:
    alert = told(anna, state="failed")
    delivery(alert, "email", state="delivered", attempts=1)
    delivery(alert, "discord", state="failed", reason="the webhook is gone", attempts=7)
    answer = api.get(f"{ALERTS}/{alert.pk}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": alert.pk,
        "kind": "level",
        "exchange": "coinbase",
        "symbol": "BTC-USD",
        "timeframe": "1h",
        "direction": "up",
        "candleOpenedAt": "2026-09-30T11:00:00Z",
        "candleClosedAt": "2026-09-30T12:00:00Z",
        "macdV": 160.25,
        "price": "0.0000000012",
        "level": 150.0,
        "stage": "rallying",
        "severity": "notice",
        "detail": "through +150",
        "state": "failed",
        "createdAt": alert.created_at.isoformat().replace("+00:00", "Z"),
        "deliveries": [
            {
                "channel": "discord",
                "state": "failed",
                "reason": "the webhook is gone",
                "attempts": 7,
                "settledAt": "2026-09-30T12:00:00Z",
            },
            {
                "channel": "email",
                "state": "delivered",
                "attempts": 1,
                "settledAt": "2026-09-30T12:00:00Z",
            },
        ],
        "values": {"bar": {"macdV": 160.25}},
    }


def test_what_waits_says_when_it_is_sent_next(anna: User, api: Caller) -> None:
    alert = told(anna)
    delivery(alert, attempts=2, reason="Discord asks to wait 3 s")
    [shown] = api.get(f"{ALERTS}/{alert.pk}").json()["deliveries"]
    assert shown["dueAt"] == "2026-09-30T12:00:00Z"
    assert "settledAt" not in shown


def test_an_alert_of_livermore_itself_has_no_candle(anna: User, api: Caller) -> None:
    alert = troubled(anna)
    shown = api.get(f"{ALERTS}/{alert.pk}").json()
    assert (shown["kind"], shown["detail"]) == ("system", "Nothing comes from Coinbase.")
    assert not shown.keys() & {"symbol", "candleClosedAt", "macdV", "price", "direction"}


def test_what_tells_of_a_daily_scan_names_it_in_every_answer(anna: User, api: Caller) -> None:
    alert = troubled(anna, "Scan of Coinbase: 2 to add, 0 to remove.")
    Alert.objects.filter(pk=alert.pk).update(values={"kind": SCAN, "scan": 7})
    assert api.get(f"{ALERTS}/{alert.pk}").json()["scan"] == 7
    assert [one["scan"] for one in api.get(ALERTS).json()["alerts"]] == [7]


@pytest.mark.parametrize(
    "values", [{"kind": "feed", "scan": 7}, {"kind": SCAN, "scan": "7"}, {"kind": SCAN}, [SCAN], {}]
)
def test_what_tells_of_no_scan_names_none(anna: User, api: Caller, values: Any) -> None:
    alert = troubled(anna)
    Alert.objects.filter(pk=alert.pk).update(values=values)
    [shown] = api.get(ALERTS).json()["alerts"]
    assert "scan" not in shown


def test_pages_follow_each_other_without_a_gap_whatever_is_told_meanwhile(
    anna: User, bela: User, api: Caller
) -> None:
    made = [told(anna, hour=hour).pk for hour in range(7)]
    told(bela)
    first = api.get(f"{ALERTS}?limit=3").json()
    told(anna, hour=99)
    second = api.get(f"{ALERTS}?limit=3&before={first['next']}").json()
    last = api.get(f"{ALERTS}?limit=3&before={second['next']}").json()
    pages = [alert["id"] for page in (first, second, last) for alert in page["alerts"]]
    assert pages == made[::-1]
    assert "next" not in last


def test_a_page_that_is_just_full_is_the_last_one(anna: User, api: Caller) -> None:
    told(anna)
    assert "next" not in api.get(f"{ALERTS}?limit=1").json()


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("symbol=ETH-USD", {"symbol": "ETH-USD"}),
        ("exchange=binance", {"exchange": "binance"}),
        ("q=tH-u", {"symbol": "ETH-USD"}),
        ("timeframe=4h", {"timeframe": "4h"}),
        ("kind=reversal", {"kind": "reversal"}),
        ("direction=down", {"direction": "down"}),
        ("state=muted", {"state": "muted"}),
        ("acknowledged=true", {"acknowledged_at": timezone.now()}),
        ("symbol=ETH-USD&timeframe=4h", {"symbol": "ETH-USD", "timeframe": "4h"}),
    ],
)
def test_a_filter_finds_what_it_names_and_nothing_else(
    anna: User, api: Caller, query: str, columns: dict[str, Any]
) -> None:
    told(anna)
    found = told(anna, hour=1, **columns)
    assert listed(api, query) == [found.pk]
    assert len(listed(api)) == 2


def test_a_severity_finds_what_the_rule_says_of_each_signal(anna: User, api: Caller) -> None:
    levels = [None, 150.0, -200.0, 249.9, 250.0, -250.0, 400.0]
    places = list(itertools.product(SignalKind, levels))
    made = [told(anna, hour=n, kind=kind, level=to) for n, (kind, to) in enumerate(places)]
    troubled(anna)
    for step in Severity:
        wanted = [
            alert.pk
            for alert, (kind, level) in zip(made, places, strict=True)
            if severity(kind, level) is step
        ]
        assert listed(api, f"severity={step}&limit=200") == wanted[::-1]
        assert {api.get(f"{ALERTS}/{pk}").json()["severity"] for pk in wanted} == {step}


@pytest.mark.parametrize(
    "values", [{}, [], {"bar": None}, {"bar": {"rsi": "61"}}, {"bar": {"rsi": 10**400}}]
)
def test_rsi_is_told_where_it_is_kept_and_nothing_is_made_of_what_is_not(
    anna: User, api: Caller, values: Any
) -> None:
    whole, broken = told(anna, values={"bar": {"rsi": 61.5}}), told(anna, hour=1, values=values)
    assert api.get(f"{ALERTS}/{whole.pk}").json()["rsi"] == 61.5
    assert "rsi" not in api.get(f"{ALERTS}/{broken.pk}").json()


def test_signals_and_what_livermore_says_of_itself_are_told_apart(anna: User, api: Caller) -> None:
    signal, system = told(anna), troubled(anna)
    assert listed(api, "about=signals") == [signal.pk]
    assert listed(api, "about=system") == listed(api, "kind=system") == [system.pk]
    assert listed(api, "acknowledged=false") == [system.pk, signal.pk]


def test_a_channel_finds_what_goes_by_it_once(anna: User, api: Caller) -> None:
    both, neither = told(anna), told(anna, hour=1)
    delivery(both, "discord")
    delivery(both, "email")
    assert listed(api, "channel=discord") == listed(api, "channel=email") == [both.pk]
    assert listed(api, "channel=push") == []
    assert listed(api) == [neither.pk, both.pk]


def test_times_bound_when_it_was_told(anna: User, api: Caller) -> None:
    old, new = told(anna), told(anna, hour=1)
    noon = timezone.now() - timedelta(days=1)
    Alert.objects.filter(pk=old.pk).update(created_at=noon - timedelta(seconds=1))
    bound = noon.isoformat().replace("+", "%2B")
    assert listed(api, f"since={bound}") == [new.pk]
    assert listed(api, f"until={bound}") == [old.pk]
    assert listed(api, f"since={noon.isoformat()}") == [new.pk], "a plus that was not escaped"
    assert listed(api, f"until={bound.partition('.')[0]}Z") == [old.pk]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("symbl=BTC-USD", "The nearest is symbol."),
        ("symbol=A&symbol=B", "symbol must be given once"),
        ("exchange=kraken", "exchange must be coinbase or binance or kucoin"),
        ("state=lost", "state must be pending or delivered or"),
        ("kind=level-up", "kind must be level or crossover"),
        ("timeframe=2h", "timeframe must be 1m or 5m"),
        ("direction=sideways", "direction must be up or down"),
        ("channel=fax", "channel must be discord or email or push"),
        ("acknowledged=1", "acknowledged must be true or false"),
        ("about=all", "about must be signals or system"),
        ("symbol=%00", "symbol must be text without NUL"),
        ("since=yesterday", "since must be a time with its zone: 2026-"),
        ("since=2026-11-28T09:30:00", "since must be a time with its zone"),
        ("since=0001-01-01T00:00:00%2B14:00", "since must be a time with its zone"),
        (
            "since=2026-11-28T09:30:00Z&until=2026-11-28T09:30:00Z",
            "since must be earlier than until",
        ),
        ("limit=201", "limit must be a whole number from 1 to 200"),
        ("limit=0", "limit must be a whole number"),
        ("before=x", "before must be a whole number"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_way_out(
    api: Caller, query: str, words: str
) -> None:
    for address in (ALERTS, f"{ALERTS}.csv"):
        if address.endswith("csv") and query.startswith(("limit", "before")):
            words = "This address has no such parameter."
        detail = problem(api.get(f"{address}?{query}"), MALFORMED_REQUEST)["detail"]
        assert words in detail


def test_a_strangers_alert_is_a_404_like_one_that_never_was(bela: User, api: Caller) -> None:
    alert = told(bela)
    stranger = problem(api.get(f"{ALERTS}/{alert.pk}"), NOT_FOUND)
    assert stranger == problem(api.get(f"{ALERTS}/{alert.pk + 1}"), NOT_FOUND)
    assert stranger == problem(api.get(f"{ALERTS}/{10**40}"), NOT_FOUND)
    assert listed(api) == []
    assert listed(api, f"before={alert.pk + 1}") == []


@pytest.mark.parametrize("path", ["", "/1", ".csv"])
def test_nobody_and_no_customer_reads_alerts(path: str) -> None:
    problem(Caller().get(ALERTS + path), NOT_SIGNED_IN)
    problem(Caller(UserFactory.create(is_staff=False)).get(ALERTS + path), NOT_STAFF)


def test_a_page_costs_the_same_queries_however_long_it_is(
    anna: User, api: Caller, django_assert_num_queries: Any
) -> None:
    for hour in range(3):
        delivery(told(anna, hour=hour))
    api.get(ALERTS)
    with django_assert_num_queries(4):  # the session, the user, alerts, deliveries
        assert len(listed(api)) == 3
