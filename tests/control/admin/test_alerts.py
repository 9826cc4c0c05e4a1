"""Alerts and deliveries in the admin: owner, stranger, anonymous, superuser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from control.marks import mark_of_delivery
from settings_app.models import User
from tests.control.admin.conftest import signed_in
from tests.control.alerts import delivery, told, troubled
from trading.alerts.compose import SCAN
from trading.models import Alert, Delivery

ALERTS = "admin:trading_alert_changelist"
ALERT = "admin:trading_alert_change"
DELIVERIES = "admin:trading_delivery_changelist"
DELIVERY = "admin:trading_delivery_change"


@pytest.fixture
def alert(anna: User) -> Alert:
    return told(anna)


def page_of(client: Client, name: str, *arguments: object, **query: str) -> str:
    response = client.get(reverse(name, args=arguments), query)
    assert response.status_code == 200
    return response.content.decode()


def rows_of(page: str) -> str:
    """The list alone, without its filters."""
    table = re.search(r'<table id="result_list">.*?</table>', page, re.DOTALL)
    return table[0] if table else ""


def test_owner_reads_alerts_in_words(anna: User, alert: Alert) -> None:
    page = page_of(signed_in(anna), ALERTS)
    for words in ("2026-09-30 12:00", "▲ level through +150", "+160.2", "Waiting"):
        assert words in page
    whole = page_of(signed_in(anna), ALERT, alert.pk)
    for words in ("2026-09-30 11:00:00", "0.0000000012", "&quot;macdV&quot;: 160.25"):
        assert words in whole


@pytest.mark.parametrize("state", Alert.State)
def test_every_state_of_an_alert_is_shown_in_a_word(anna: User, state: Alert.State) -> None:
    alert = told(anna, state=state)
    told(anna, hour=1, state="failed" if state != "failed" else "quiet")
    rows = rows_of(page_of(signed_in(anna), ALERTS, state__exact=str(state)))
    assert re.search(rf"</svg>{state.label}</span>", rows)
    assert rows.count("2026-09-30") == 1
    assert f"</svg>{state.label}</span>" in page_of(signed_in(anna), ALERT, alert.pk)


@pytest.mark.parametrize("state", Delivery.State)
def test_every_state_of_a_delivery_is_shown_with_its_reason(
    anna: User, alert: Alert, state: Delivery.State
) -> None:
    claimed: dict[str, Any] = {"claimed_until": timezone.now()} if state == "sending" else {}
    row = delivery(alert, state=state, reason="because", attempts=3, **claimed)
    word = mark_of_delivery(state).word
    client = signed_in(anna)
    for page in (
        page_of(client, ALERT, alert.pk),
        rows_of(page_of(client, DELIVERIES, state__exact=str(state))),
        page_of(client, DELIVERY, row.pk),
    ):
        for words in (f"</svg>{word}</span>", "because", "Discord"):
            assert words in page
    assert f'Discord<span class="lv-sr">: {word}</span>' in page_of(client, ALERTS)


def test_alerts_are_filtered_by_channel_and_by_whether_they_were_seen(
    anna: User, alert: Alert
) -> None:
    seen = told(anna, hour=1, symbol="ETH-USD", acknowledged_at=timezone.now())
    delivery(seen, "email")
    client = signed_in(anna)
    for query in ({"deliveries__channel__exact": "email"}, {"acknowledged": "yes"}):
        rows = rows_of(page_of(client, ALERTS, **query))
        assert ("ETH-USD" in rows, "BTC-USD" in rows) == (True, False)
    rows = rows_of(page_of(client, ALERTS, acknowledged="no"))
    assert ("ETH-USD" in rows, "BTC-USD" in rows) == (False, True)


@pytest.mark.parametrize(("state", "sign"), [("began", "⚠"), ("ended", "✓")])
def test_what_concerns_livermore_itself_is_read_beside_the_signals(
    anna: User, alert: Alert, state: str, sign: str
) -> None:
    system = troubled(anna, "No worker.")
    Alert.objects.filter(pk=system.pk).update(values={"state": state})
    client = signed_in(anna)
    page = page_of(client, ALERTS)
    for words in ("Livermore", f"{sign} No worker.", f"{system.created_at:%H:%M}", "through +150"):
        assert words in page
    only = page_of(client, ALERTS, kind="system")
    assert "No worker." in only
    assert "through +150" not in only
    assert "No worker." in page_of(client, ALERT, system.pk)


def test_the_alert_of_a_daily_scan_leads_to_its_proposal(anna: User) -> None:
    alert = troubled(anna, "Scan of Coinbase: 2 to add, 0 to remove.")
    Alert.objects.filter(pk=alert.pk).update(values={"kind": SCAN, "scan": 7})
    for page in (page_of(signed_in(anna), ALERTS), page_of(signed_in(anna), ALERT, alert.pk)):
        assert (
            'Scan of Coinbase: 2 to add, 0 to remove. <a href="/admin/symbols/?scan=7#scan">'
            in page
        )
        assert "⚠ Scan" not in page


def test_stranger_sees_nothing_of_it(bela: User, alert: Alert) -> None:
    row = delivery(alert, reason="no such mailbox")
    stranger = signed_in(bela)
    for name in (ALERTS, DELIVERIES):
        assert "BTC-USD" not in page_of(stranger, name)
    for name, pk in ((ALERT, alert.pk), (DELIVERY, row.pk)):
        page = stranger.get(reverse(name, args=[pk]), follow=True).content.decode()
        assert "BTC-USD" not in page
        assert "no such mailbox" not in page


def test_anonymous_is_sent_to_the_sign_in(alert: Alert) -> None:
    for name in (ALERTS, DELIVERIES):
        assert Client().get(reverse(name)).status_code == 302


def test_superuser_sees_everybodys_and_whose(root: User, anna: User, alert: Alert) -> None:
    delivery(alert)
    for name in (ALERTS, DELIVERIES):
        page = page_of(signed_in(root), name)
        assert "BTC-USD" in page
        assert anna.username in page


def test_nobody_adds_or_changes_an_alert_and_a_superuser_deletes_it(
    root: User, anna: User, alert: Alert
) -> None:
    row = delivery(alert)
    for user in (root, anna):
        client = signed_in(user)
        for model, pk in (("alert", alert.pk), ("delivery", row.pk)):
            assert client.get(reverse(f"admin:trading_{model}_add")).status_code == 403
            change = reverse(f"admin:trading_{model}_change", args=[pk])
            assert client.post(change, {"detail": "x", "state": "failed"}).status_code == 403
    delete = reverse("admin:trading_alert_delete", args=[alert.pk])
    assert signed_in(anna).post(delete, {"post": "yes"}).status_code == 403
    assert signed_in(root).post(delete, {"post": "yes"}).status_code == 302
    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()


def act(client: Client, action: str, *alerts: Alert) -> str:
    """Choose some rows of the list and do something about them; what is said of it."""
    chosen = {"action": action, "_selected_action": [alert.pk for alert in alerts]}
    page = client.post(reverse(ALERTS), chosen, follow=True).content.decode()
    said = re.search(r'<ul class="messagelist">.*?<li[^>]*>(.*?)</li>', page, re.DOTALL)
    return said[1].strip() if said else ""


def test_owner_has_what_failed_sent_again(anna: User, alert: Alert) -> None:
    rows = [delivery(alert, "email", state="failed"), delivery(alert, "push", state="uncertain")]
    other = delivery(told(anna, hour=1), state="failed")
    client = signed_in(anna)
    assert act(client, "retry_failed", alert) == "1 delivery to be sent again."
    assert act(client, "retry_failed", alert) == "None had failed."
    for row in (*rows, other):
        row.refresh_from_db()
    assert [row.state for row in (*rows, other)] == ["waiting", "uncertain", "failed"]


def test_owner_acknowledges_alerts(anna: User, alert: Alert) -> None:
    second = told(anna, hour=1)
    assert act(signed_in(anna), "acknowledge", alert, second) == "2 alerts acknowledged."
    assert not Alert.objects.filter(acknowledged_at=None).exists()


@pytest.mark.parametrize("action", ["retry_failed", "acknowledge"])
def test_no_action_touches_somebody_elses_alert(
    bela: User, root: User, alert: Alert, action: str
) -> None:
    row = delivery(alert, state="failed")
    act(signed_in(bela), action, alert)
    own = told(root)
    assert "1 alert of others left alone." in act(signed_in(root), action, alert, own)
    row.refresh_from_db()
    alert.refresh_from_db()
    assert (row.state, alert.acknowledged_at) == ("failed", None)


def test_no_link_does_what_an_action_does(anna: User, alert: Alert) -> None:
    query = {"action": "acknowledge", "_selected_action": str(alert.pk)}
    signed_in(anna).get(reverse(ALERTS), query)
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
