"""The signals page as the server writes it, and its forms: owner, stranger, nobody."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from control.deliveries import acts
from control.pages.signal_filter import SignalFilter
from control.pages.signals import ROWS
from settings_app.models import User
from tests.control.admin.conftest import signed_in
from tests.control.alerts import delivery, told, troubled
from tests.settings_app.factories import UserFactory
from trading.alerts.compose import SCAN
from trading.alerts.muting import WantedMute
from trading.alerts.selection import Selection
from trading.core.severity import Severity
from trading.models import Alert, Delivery, Mute

PAGE = "/admin/signals/"


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def visitor(anna: User) -> Client:
    return signed_in(anna)


def shown(visitor: Client, query: str = "") -> str:
    response = visitor.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response.content.decode()


def listed(html: str) -> list[int]:
    """The ids of the rows, in their order, without that of the template."""
    return [int(one) for one in re.findall(r'<tr data-alert="(\d+)"', html)]


def row(html: str, alert: Alert) -> str:
    found = re.search(rf'<tr data-alert="{alert.pk}".*?</tr>', html, re.DOTALL)
    assert found is not None
    return found[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def token(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    assert found is not None
    return found[1]


# ---------------------------------------------------------------------- reading
def test_a_signal_is_told_in_a_line_with_what_became_of_it(anna: User, visitor: Client) -> None:
    alert = told(anna, state="failed", values={"bar": {"rsi": 71.26}}, level=250.0)
    delivery(alert, "discord", state="failed", reason="the webhook is gone", attempts=7)
    delivery(alert, "email", state="delivered", attempts=1)
    line = row(shown(visitor), alert)
    assert words(line).startswith(
        "2026-09-30 12:00 BTC-USD coinbase 1h ▲ level through +150 urgent"
    )
    assert "Discord: the webhook is gone (7 attempts) · E-mail" in line
    assert ">71.3<" in line
    assert ">+160<" in line
    assert 'data-s="bad"' in line
    assert "#i-x" in line


def test_a_number_below_zero_has_a_minus_sign(anna: User, visitor: Client) -> None:
    alert = told(anna, detail="zone -150 to -50", kind="momentum-shift")
    assert "momentum shift zone \u2212150 to \u221250" in row(shown(visitor), alert)


def test_a_line_leads_to_the_chart_of_its_moment(anna: User, visitor: Client) -> None:
    alert = told(anna, symbol="A&B-USD")
    [address] = re.findall(r'href="(/admin/signals/chart/[^"]+)"', row(shown(visitor), alert))
    asked = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
    assert asked == {
        "exchange": ["coinbase"],
        "symbol": ["A&B-USD"],
        "timeframe": ["1h"],
        "at": [str(int(datetime(2026, 9, 30, 12, tzinfo=UTC).timestamp()) * 1_000)],
    }


def test_what_tells_of_a_daily_scan_leads_to_its_proposal(anna: User) -> None:
    alert = troubled(anna, "Scan of Coinbase: 2 to add, 0 to remove.")
    Alert.objects.filter(pk=alert.pk).update(values={"kind": SCAN, "scan": 7})
    page = signed_in(anna).get(reverse("admin:signals"), {"about": "system"})
    assert 'href="/admin/symbols/?scan=7#scan"' in page.content.decode()


def test_what_livermore_says_of_itself_stands_between_the_signals(
    anna: User, visitor: Client
) -> None:
    signal, trouble = told(anna), troubled(anna)
    html = shown(visitor)
    assert listed(html) == [trouble.pk, signal.pk]
    line = row(html, trouble)
    assert "Livermore coinbase Nothing comes from Coinbase." in words(line).replace("  ", " ")
    assert "signals/chart" not in line


def test_moments_are_written_as_their_reader_writes_them(redis_url: str, db: None) -> None:
    profile = {"timezone": "Asia/Tokyo", "date_format": "DD.MM.YYYY", "time_format": "12h"}
    user = UserFactory.create(document={"perseus_profile": profile})
    alert = told(user)
    assert words(row(shown(signed_in(user)), alert)).startswith("30.09.2026 9:00")


def test_a_page_has_so_many_rows_and_leads_to_older_and_newer_ones(
    anna: User, visitor: Client
) -> None:
    made = [told(anna, hour=hour).pk for hour in range(ROWS + 2)]
    first = shown(visitor)
    assert listed(first) == made[:1:-1]
    [older] = re.findall(r'href="\?([^"]+)" rel="next"', first)
    second = shown(visitor, older)
    assert listed(second) == made[1::-1]
    assert re.search(r'rel="next" id="sg-older" hidden', second)
    assert 'rel="first"' in second
    for text in (first, second):  # so that nothing of the first page is called new on the second
        [boot] = re.findall(r'id="lv-boot" type="application/json">([^<]+)<', text)
        assert json.loads(boot)["newest"] == made[-1]


FILTERS: list[tuple[str, dict[str, Any]]] = [
    ("q=tH-u", {"symbol": "ETH-USD"}),
    ("exchange=binance", {"exchange": "binance"}),
    ("timeframe=4h", {"timeframe": "4h"}),
    ("kind=reversal", {"kind": "reversal"}),
    ("direction=down", {"direction": "down"}),
    ("severity=urgent", {"kind": "reversal"}),
    ("state=missed", {"state": "missed"}),
    ("about=system", {"kind": "system"}),
    ("acknowledged=true", {"acknowledged_at": timezone.now()}),
    ("q=eth&kind=reversal&state=", {"symbol": "ETH-USD", "kind": "reversal"}),
]


@pytest.mark.parametrize(("query", "columns"), FILTERS)
def test_a_filter_shows_what_it_names_and_keeps_it_in_form_and_file(
    anna: User, visitor: Client, query: str, columns: dict[str, Any]
) -> None:
    told(anna)
    found = told(anna, hour=1, **columns)
    html = shown(visitor, query)
    assert listed(html) == [found.pk]
    assert "1 matches" in words(html)
    [export] = re.findall(r'href="(/api/alerts\.csv[^"]*)"', html)
    file: Any = visitor.get(export.replace("&amp;", "&"))
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{found.pk},")


def test_days_are_those_of_the_reader(redis_url: str, db: None) -> None:
    user = UserFactory.create(document={"perseus_profile": {"timezone": "America/New_York"}})
    early, inside, late = (told(user, hour=hour) for hour in range(3))
    midnight = datetime(2026, 9, 30, 4, tzinfo=UTC)  # in New York
    for alert, moment in (
        (early, midnight - timedelta(seconds=1)),
        (inside, midnight),
        (late, midnight + timedelta(days=1)),
    ):
        Alert.objects.filter(pk=alert.pk).update(created_at=moment)
    html = shown(signed_in(user), "first=2026-09-30&last=2026-09-30")
    assert listed(html) == [inside.pk]
    assert 'value="2026-09-30"' in html


def test_what_cannot_be_asked_is_said_and_left_out(anna: User, visitor: Client) -> None:
    told(anna)
    kept = told(anna, hour=1, timeframe="4h")
    html = shown(visitor, "timeframe=4h&state=lost&first=2026-13-40&before=no&severity=huge")
    assert listed(html) == [kept.pk]
    assert html.count('role="alert"') == 4 + 1  # and the dialog's
    assert "What became of it was left out: it is none of the choices" in html
    assert "huge" not in html


asked = st.dictionaries(
    st.sampled_from([*SignalFilter.base_fields, "mute", "x"]), st.text(max_size=12), max_size=8
)


@given(query=asked)
def test_whatever_is_asked_is_a_selection_whose_address_asks_the_same(
    query: dict[str, str],
) -> None:
    form = SignalFilter(query)
    wanted = form.selection()
    again = {name: value for name, [value] in parse_qs(form.page_query()).items()}
    assert SignalFilter(again).selection() == wanted


def test_an_empty_question_is_everything() -> None:
    form = SignalFilter({"q": " ", "severity": ""})
    assert form.selection() == Selection()
    assert not form.is_narrowed
    assert SignalFilter({"severity": "urgent"}).selection().severity is Severity.URGENT


def test_nothing_yet_and_nothing_that_matches_say_what_to_do(anna: User, visitor: Client) -> None:
    assert "No signals yet" in shown(visitor)
    told(anna)
    html = shown(visitor, "kind=reversal")
    assert "No signal matches" in html
    assert "Show all signals" in html


def test_a_page_costs_the_same_queries_however_long_it_is(
    anna: User, visitor: Client, django_assert_max_num_queries: Any
) -> None:
    for hour in range(9):
        delivery(told(anna, hour=hour))
    with django_assert_max_num_queries(16):
        shown(visitor)


def test_nobody_and_no_customer_sees_the_page(db: None, redis_url: str) -> None:
    customer = UserFactory.create(is_staff=False)
    for client in (Client(), signed_in(customer)):
        for address in (PAGE, reverse("admin:chart")):
            response = client.get(address)
            assert response.status_code == 302
            assert "/admin/login/" in response["Location"]


# ---------------------------------------------------------------------- acting
def test_a_form_has_one_alert_sent_again_and_leads_back(anna: User, visitor: Client) -> None:
    alert, other = told(anna, state="uncertain"), told(anna, hour=1, state="failed")
    sent = delivery(alert, state="uncertain", attempts=3, reason="no answer")
    left = delivery(other, state="failed")
    address = reverse("admin:signals-retry", args=[alert.pk])
    response = visitor.post(address, {"here": "kind=level&x=1"}, follow=True)
    assert response.redirect_chain == [(f"{PAGE}?kind=level", 302)]
    assert "1 delivery waits to be sent again." in response.content.decode()
    sent.refresh_from_db()
    left.refresh_from_db()
    assert (sent.state, sent.attempts) == (Delivery.State.WAITING, 0)
    assert left.state == Delivery.State.FAILED


def test_a_form_has_everything_sent_again_that_failed(
    anna: User, bela: User, visitor: Client
) -> None:
    for hour in range(2):
        delivery(told(anna, hour=hour, state="failed"), state="failed")
    strange = delivery(told(bela, state="failed"), state="failed")
    html = shown(visitor)
    assert "2 deliveries failed" in words(html)
    response = visitor.post(reverse("admin:signals-retry-all"), follow=True)
    assert "2 deliveries wait to be sent again." in response.content.decode()
    strange.refresh_from_db()
    assert strange.state == Delivery.State.FAILED
    again = visitor.post(reverse("admin:signals-retry-all"), follow=True)
    assert "Nothing had failed" in again.content.decode()


def test_a_form_marks_one_or_all_of_a_page_as_seen(anna: User, bela: User, visitor: Client) -> None:
    first, second, third = (told(anna, hour=hour) for hour in range(3))
    strange = told(bela)
    visitor.post(reverse("admin:signals-acknowledge", args=[first.pk]))
    assert 'data-seen="yes"' in row(shown(visitor), first)
    ids = [second.pk, strange.pk, "x", 10**12, "9" * 5_000]
    response = visitor.post(reverse("admin:signals-seen"), {"id": ids}, follow=True)
    assert "1 alert marked as seen." in response.content.decode()
    for alert in (first, second):
        alert.refresh_from_db()
        assert alert.acknowledged_at is not None
    for alert in (third, strange):
        alert.refresh_from_db()
        assert alert.acknowledged_at is None


def test_a_rows_link_opens_the_form_that_mutes_its_like(anna: User, visitor: Client) -> None:
    alert = told(anna, kind="momentum-shift", symbol="DOGE-USD")
    html = shown(visitor, f"mute={alert.pk}")
    assert re.search(r'<dialog[^>]*id="sg-mute"[^>]*open>', html)
    assert 'name="symbol" value="DOGE-USD"' in html
    assert re.search(r'value="momentum-shift" selected>', html)
    assert not re.search(r'<dialog[^>]*id="sg-mute"[^>]*open>', shown(visitor))


def test_a_form_mutes_for_a_time_and_another_ends_it(anna: User, visitor: Client) -> None:
    told(anna)
    form = {"symbol": " doge-usd", "kind": "level", "exchange": "", "hours": "24"}
    response = visitor.post(reverse("admin:signals-mute"), form, follow=True)
    html = response.content.decode()
    assert "Muted for 1 day: level of DOGE-USD." in html
    [mute] = Mute.objects.filter(user=anna)
    assert timedelta(hours=23) < mute.until - timezone.now() <= timedelta(hours=24)
    assert "level of DOGE-USD until" in words(html)
    visitor.post(reverse("admin:signals-unmute", args=[mute.pk]))
    assert not Mute.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"symbol": "<b>", "hours": "8"},
        {"kind": "everything", "hours": "8"},
        {"exchange": "nowhere", "hours": "8"},
        {"symbol": "BTC-USD", "hours": "99999"},
        {},
    ],
)
def test_a_mute_that_cannot_be_is_refused_without_repeating_it(
    visitor: Client, form: dict[str, str]
) -> None:
    response = visitor.post(reverse("admin:signals-mute"), form, follow=True)
    assert "Nothing was muted" in response.content.decode()
    assert "<b>" not in words(response.content.decode())
    assert not Mute.objects.exists()


def test_a_strangers_alert_and_mute_are_404_like_those_that_never_were(
    anna: User, bela: User
) -> None:
    alert = told(anna, state="failed")
    row_ = delivery(alert, state="failed")
    until = timezone.now() + timedelta(days=1)
    mute = acts.mute(anna.pk, WantedMute.written(exchange="", symbol="", kind="", until=until))
    stranger = signed_in(bela)
    assert listed(shown(stranger)) == []
    assert 'value="BTC-USD"' not in shown(stranger, f"mute={alert.pk}")
    for name, pk in (("retry", alert.pk), ("acknowledge", alert.pk), ("unmute", mute.pk)):
        for one in (pk, 999_999_999):
            assert stranger.post(reverse(f"admin:signals-{name}", args=[one])).status_code == 404
    alert.refresh_from_db()
    row_.refresh_from_db()
    assert alert.acknowledged_at is None
    assert row_.state == Delivery.State.FAILED
    assert Mute.objects.get() == mute


def test_nothing_is_done_by_get_or_without_a_token(anna: User) -> None:
    alert = told(anna, state="failed")
    delivery(alert, state="failed")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    addresses = [
        reverse("admin:signals-retry-all"),
        reverse("admin:signals-seen"),
        reverse("admin:signals-mute"),
        reverse("admin:signals-retry", args=[alert.pk]),
        reverse("admin:signals-acknowledge", args=[alert.pk]),
        reverse("admin:signals-unmute", args=[1]),
    ]
    for address in addresses:
        assert strict.get(address).status_code == 405
        assert strict.post(address).status_code == 403
    html = shown(strict)
    own = {"csrfmiddlewaretoken": token(html)}
    assert strict.post(addresses[3], own).status_code == 302


def test_more_than_are_counted_are_told_as_more(
    anna: User, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.pages.signals.COUNTED", 2)
    for hour in range(2):
        told(anna, hour=hour)
    assert re.search(r'id="sg-count">\s*2 kept', shown(visitor))
    told(anna, hour=3)
    assert re.search(r'id="sg-count">\s*more than 2 kept', shown(visitor))
