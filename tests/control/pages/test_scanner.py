"""The scanner's part of the symbols page, as a browser without modules meets it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as Configuration

from control.models import ScanRun
from control.pages.proposals import LISTED, Words, proposal_of, scanner_of
from control.symbols import scanning, scans
from control.templatetags.scanner import volume
from settings_app import desired, services
from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.control.conftest import trader
from tests.settings_app.factories import UserFactory
from trading.alerts.reader import Reader
from trading.net.endpoints import Endpoints
from trading.scanner import Verdict
from trading.simulator import faults
from trading.simulator.server import Simulator

PAGE = "/admin/symbols/"
SCANNER = f"{PAGE}scanner/"
RUN = f"{SCANNER}run"
APPLY = f"{SCANNER}apply"
TEN = {"scanner": {"top_n": 10}}


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is there to be waited for."""
    monkeypatch.setattr("control.pages.scanner.WAIT_SECONDS", 0.1)


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", document=TEN)


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD", document=TEN)


def browser_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user, backend=BACKEND)
    return client


def page_of(user: User, address: str = PAGE, **query: Any) -> str:
    return read(browser_of(user).get(address, query).content)


def read(content: bytes) -> str:
    """The words of a page, without the markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", content.decode())))


def watched(user: User) -> list[str]:
    return [row.symbol for row in services.read(user.pk).document.watchlist]


def boxes(html: str, name: str) -> list[str]:
    return [tag for tag in re.findall(r"<input[^>]*>", html) if f'name="{name}"' in tag]


# ------------------------------------------------------------------ what it shows
def test_before_the_first_scan_the_page_says_what_one_would_do(anna: User) -> None:
    words = page_of(anna)
    assert "never run" in words
    assert "Coinbase, priced in USD: the 10 with the most volume in 24 h" in words
    assert "from 100,000 USD on." in words
    assert "daily scan off" in words
    assert "It changes nothing." in words


def test_a_scan_is_asked_for_by_a_form_and_changes_nothing(anna: User) -> None:
    before = services.read(anna.pk).revision
    answer = browser_of(anna).post(RUN)
    run = scans.last(anna.pk)
    assert run is not None
    assert answer["Location"] == f"{PAGE}?scan={run.pk}#scan"
    html = browser_of(anna).get(answer["Location"]).content.decode()
    assert re.search(r'<details[^>]*id="scan"[^>]*\sopen>', html)
    assert len(boxes(html, "add")) == 9
    assert all("checked" in box for box in boxes(html, "add"))
    words = read(html.encode())
    assert "9 to add, 0 to remove" in words
    assert "1 stay as they are" in words
    assert "Nothing is added without your approval." in words
    assert services.read(anna.pk).revision == before


def test_what_would_go_has_its_reason_and_is_not_chosen(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"exclude": ["BTC-USD"]}}, by=anna)
    scanning.preview(anna)
    html = browser_of(anna).get(SCANNER).content.decode()
    [box] = boxes(html, "remove")
    assert "checked" not in box
    assert "it is among those that you never want to see" in read(html.encode())
    assert "never the 1 you excluded" in read(html.encode())


def test_exactly_what_is_selected_is_applied(anna: User) -> None:
    run = scanning.preview(anna)
    first, second, *rest = scans.symbols_of(run, Verdict.ADD)
    answer = browser_of(anna).post(APPLY, {"run": run.pk, "add": [first, second]}, follow=True)
    assert watched(anna) == ["BTC-USD", first, second]
    words = read(answer.content)
    assert "Scan approved: 2 added, 0 removed; saved" in words
    assert f"{first} on the watchlist" in words
    assert f"{rest[0]} not added" in words
    assert boxes(answer.content.decode(), "add") == []


def test_nothing_is_applied_where_nothing_is_selected(anna: User) -> None:
    run = scanning.preview(anna)
    browser_of(anna).post(APPLY, {"run": run.pk})
    assert watched(anna) == ["BTC-USD"]


def test_what_was_added_by_hand_since_cannot_be_chosen_any_more(anna: User) -> None:
    run = scanning.preview(anna)
    first, second, *_ = scans.symbols_of(run, Verdict.ADD)
    rows = [
        {"symbol": "BTC-USD", "exchange": "coinbase"},
        {"symbol": first, "exchange": "coinbase"},
        {"symbol": second, "exchange": "coinbase", "enabled": False},
    ]
    services.patch(anna.pk, {"watchlist": rows}, by=anna)
    shown = scanner_of(anna, Reader()).proposal
    assert shown is not None
    fates = {one.symbol: one.fate for one in shown.add}
    assert fates[first] == LISTED
    assert fates[second] is None, "it can be switched on by it"
    assert shown.choices == len(shown.add) - 1


def test_a_scan_that_was_approved_elsewhere_is_refused_and_says_so(anna: User) -> None:
    run = scanning.preview(anna)
    form = {"run": run.pk, "add": scans.symbols_of(run, Verdict.ADD)[:1]}
    browser_of(anna).post(APPLY, form)
    words = read(browser_of(anna).post(APPLY, form, follow=True).content)
    assert "Nothing was applied. This scan was approved already" in words


@pytest.mark.parametrize("value", ["", "seven", "-1", str(2**63), "1; DROP"])
def test_a_run_that_cannot_be_read_is_refused(anna: User, value: str) -> None:
    words = read(browser_of(anna).post(APPLY, {"run": value}, follow=True).content)
    assert "Which scan is meant cannot be read. Nothing was changed." in words


def test_what_is_not_proposed_is_not_added(anna: User) -> None:
    run = scanning.preview(anna)
    form = {"run": run.pk, "add": ["NOPE-USD"]}
    words = read(browser_of(anna).post(APPLY, form, follow=True).content)
    assert "Nothing was applied. This scan does not propose to add NOPE-USD." in words
    assert watched(anna) == ["BTC-USD"]


def test_an_exchange_in_trouble_gives_no_proposal_and_says_why(
    anna: User, simulator: Simulator
) -> None:
    simulator.inject(faults.Fail(how="bad_gateway", requests=1_000_000))
    try:
        words = read(browser_of(anna).post(RUN, follow=True).content)
    finally:
        simulator.inject(faults.Accept())
    assert "No scan was made. Coinbase did not tell what it lists" in words
    assert "Try again later." in words


def test_an_exchange_that_is_off_is_said_with_the_way_out(db: None, redis_url: str) -> None:
    carl = trader(document={"scanner": {"exchange": "kucoin"}})
    html = browser_of(carl).get(SCANNER).content.decode()
    assert "No scan can be made" in html
    assert "kucoin is not enabled in the settings" in read(html.encode())
    assert 'href="/admin/settings/#s-scanner"' in html


def test_a_daily_scan_that_failed_says_why_beside_the_last_proposal(anna: User) -> None:
    scanning.preview(anna)
    ScanRun.objects.create(
        user=anna, cause="daily", criteria={}, state="failed", reason="Coinbase was away."
    )
    words = page_of(anna)
    assert "Scanner failed" in words
    assert "The daily scan was not made" in words
    assert "Coinbase was away." in words
    assert "To add" in words


def test_figures_that_are_old_are_told(anna: User) -> None:
    run = scanning.preview(anna)
    ScanRun.objects.filter(pk=run.pk).update(note="Coinbase did not answer; this is 12 min old.")
    words = page_of(anna)
    assert "this is 12 min old. Figures older than an hour propose nothing." in words


def test_a_proposal_of_three_days_ago_cannot_be_approved_and_says_so(anna: User) -> None:
    run = scanning.preview(anna)
    ScanRun.objects.filter(pk=run.pk).update(at=run.at - timedelta(days=3))
    html = browser_of(anna).get(PAGE).content.decode()
    assert boxes(html, "add") == []
    assert "too old to approve" in read(html.encode())
    assert "Run again" in read(html.encode())


def test_the_daily_scan_says_when_it_is_next_and_that_it_waits_for_a_resume(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"enabled": True}}, by=anna)
    desired.record(anna.pk, is_paused=True)
    assert "daily scan when you have resumed" in page_of(anna)
    desired.record(anna.pk, is_paused=False)
    assert re.search(r"daily scan (next \d|due now)", page_of(anna))


def test_moments_are_written_as_the_reader_writes_them(anna: User) -> None:
    run = scanning.preview(anna, by="anna")
    run.at = run.at.replace(year=2026, month=3, day=5, hour=23, minute=30)
    reader = Reader(timezone="Europe/Berlin", date_format="DD.MM.YYYY", time_format="24h")
    shown = proposal_of(run, {}, Words(reader, timezone.now()))
    assert shown.made == "made 06.03.2026 00:30 by anna"


def test_the_modes_that_follow_the_scanner_are_named(anna: User) -> None:
    services.patch(anna.pk, {"modes": {"scalper-macdv": {"symbolSource": "scanner"}}}, by=anna)
    scanning.preview(anna)
    words = page_of(anna)
    assert "What stays and what you add is what scalper-macdv watches from then on." in words


# ------------------------------------------------------------------ addresses
def test_an_alert_leads_to_its_scan(anna: User) -> None:
    first = scanning.preview(anna, by="first")
    scanning.preview(anna, by="second")
    assert "by first" in page_of(anna, scan=first.pk)
    assert "by second" in page_of(anna)


@pytest.mark.parametrize("asked", ["999999", "0", "-1", "x", "9" * 40, "٣", "1 OR 1=1"])
def test_a_scan_that_is_not_there_gives_way_to_the_newest(anna: User, asked: str) -> None:
    scanning.preview(anna, by="anna")
    words = page_of(anna, scan=asked)
    assert "by anna" in words


def test_a_stranger_sees_and_approves_nothing_of_it(anna: User, bela: User) -> None:
    run = scanning.preview(anna, by="anna-herself")
    add = scans.symbols_of(run, Verdict.ADD)[:1]
    words = page_of(bela, scan=run.pk)
    assert "anna-herself" not in words
    assert "That scan is not kept any more" in words
    answer = browser_of(bela).post(APPLY, {"run": run.pk, "add": add}, follow=True)
    assert "There is no such scan of yours." in read(answer.content)
    assert watched(bela) == ["SOL-USD"]
    assert scans.last_approved(anna.pk) is None


@pytest.mark.parametrize("address", [RUN, APPLY])
def test_nothing_is_done_by_a_get(anna: User, address: str) -> None:
    assert browser_of(anna).get(address).status_code == 405
    assert scans.last(anna.pk) is None


@pytest.mark.parametrize("address", [SCANNER, RUN, APPLY])
def test_nobody_else_gets_in(anna: User, address: str) -> None:
    for client in (Client(), browser_of(UserFactory.create(is_staff=False))):
        answer = client.get(address) if address == SCANNER else client.post(address)
        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]
    if address != SCANNER:
        assert browser_of(anna, enforce_csrf_checks=True).post(address).status_code == 403
    assert not ScanRun.objects.exists()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (999.4, "999"),
        (1_000.0, "1.00 k"),
        (84_210.0, "84.2 k"),
        (659_300_000.0, "659 M"),
        (1_700_000_000.0, "1.70 B"),
        (2.5e12, "2.50 T"),
    ],
)
def test_volumes_are_told_in_three_figures(value: float | None, text: str) -> None:
    assert volume(value) == text
