"""Alerts and positions in the admin: owner, stranger, superuser."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from settings_app.models import User
from tests.settings_app.factories import UserFactory
from tests.trading.test_models import told
from trading.alerts.compose import system_alert
from trading.models import Alert, Position, PositionReading

pytestmark = pytest.mark.django_db

ALERTS = "admin:trading_alert_changelist"
ALERT = "admin:trading_alert_change"
POSITIONS = "admin:trading_position_changelist"
POSITION = "admin:trading_position_change"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ann() -> User:
    return UserFactory.create()


@pytest.fixture
def bob() -> User:
    return UserFactory.create()


@pytest.fixture
def root() -> User:
    return UserFactory.create(is_superuser=True)


@pytest.fixture
def alert(ann: User) -> Alert:
    made = told(ann.pk)
    made.save()
    return made


@pytest.fixture
def position(ann: User) -> Position:
    return Position.objects.create(user=ann, symbol="BTC-USD", quantity=Decimal("0.5"))


def test_owner_reads_alerts_in_words(ann: User, alert: Alert) -> None:
    page = signed_in(ann).get(reverse(ALERTS))
    assert page.status_code == 200
    for words in ("2026-09-30 12:02", "▲ level through +150", "+160.0", "Waiting"):
        assert words in page.content.decode()
    assert signed_in(ann).get(reverse(ALERT, args=[alert.pk])).status_code == 200


@pytest.mark.parametrize(("state", "sign"), [("began", "⚠"), ("ended", "✓")])
def test_what_concerns_livermore_itself_is_read_beside_the_signals(
    ann: User, alert: Alert, state: str, sign: str
) -> None:
    told = system_alert(ann.pk, exchange="", detail="No worker.", values={"state": state})
    told.save()
    client = signed_in(ann)
    page = client.get(reverse(ALERTS)).content.decode()
    for words in (
        "Livermore",
        f"{sign} No worker.",
        "▲ level through +150",
        f"{told.created_at:%H:%M}",
    ):
        assert words in page
    only = client.get(reverse(ALERTS), {"kind": "system"}).content.decode()
    assert "No worker." in only
    assert "through +150" not in only
    assert client.get(reverse(ALERT, args=[told.pk])).status_code == 200


def test_stranger_sees_nothing_of_it(bob: User, alert: Alert, position: Position) -> None:
    stranger = signed_in(bob)
    assert "BTC-USD" not in stranger.get(reverse(ALERTS)).content.decode()
    assert "BTC-USD" not in stranger.get(reverse(POSITIONS)).content.decode()
    for name, row in ((ALERT, alert), (POSITION, position)):
        page = stranger.get(reverse(name, args=[row.pk]), follow=True)
        assert "BTC-USD" not in page.content.decode()
    position.refresh_from_db()
    stranger.post(
        reverse(POSITION, args=[position.pk]),
        {"exchange": "coinbase", "symbol": "BTC-USD", "quantity": "9"},
    )
    position.refresh_from_db()
    assert position.quantity == Decimal("0.5")


def test_anonymous_is_sent_to_the_sign_in(alert: Alert) -> None:
    assert Client().get(reverse(ALERTS)).status_code == 302


def test_superuser_sees_everybodys_and_whose(root: User, ann: User, alert: Alert) -> None:
    page = signed_in(root).get(reverse(ALERTS)).content.decode()
    assert "BTC-USD" in page
    assert ann.username in page


def test_nobody_adds_or_changes_an_alert_and_a_superuser_deletes_it(
    root: User, ann: User, alert: Alert
) -> None:
    for user in (root, ann):
        client = signed_in(user)
        assert client.get(reverse("admin:trading_alert_add")).status_code == 403
        assert client.post(reverse(ALERT, args=[alert.pk]), {"detail": "x"}).status_code == 403
    delete = reverse("admin:trading_alert_delete", args=[alert.pk])
    assert signed_in(ann).post(delete, {"post": "yes"}).status_code == 403
    assert signed_in(root).post(delete, {"post": "yes"}).status_code == 302
    assert not Alert.objects.exists()


def test_owner_enters_and_edits_a_position_by_hand(ann: User) -> None:
    client = signed_in(ann)
    entered = {"exchange": "coinbase", "symbol": " eth-usd ", "quantity": "2", "cost_basis": ""}
    assert client.post(reverse("admin:trading_position_add"), entered).status_code == 302
    held = Position.objects.get()
    assert (held.user, held.symbol, held.source) == (ann, "ETH-USD", "manual")
    edited = entered | {"quantity": "3", "cost_basis": "1500.5"}
    assert client.post(reverse(POSITION, args=[held.pk]), edited).status_code == 302
    held.refresh_from_db()
    assert (held.quantity, held.cost_basis) == (Decimal(3), Decimal("1500.5"))
    assert "1500.5" in client.get(reverse(POSITIONS)).content.decode()


def test_symbol_without_a_dash_is_refused_in_words(ann: User) -> None:
    entered = {"exchange": "coinbase", "symbol": "BTCUSD", "quantity": "2", "cost_basis": ""}
    page = signed_in(ann).post(reverse("admin:trading_position_add"), entered)
    assert "Write base and quote with a dash" in page.content.decode()
    assert not Position.objects.exists()


def test_market_held_twice_is_an_error_in_words_not_a_crash(ann: User, position: Position) -> None:
    entered = {"exchange": "coinbase", "symbol": "BTC-USD", "quantity": "2", "cost_basis": ""}
    page = signed_in(ann).post(reverse("admin:trading_position_add"), entered)
    assert page.status_code == 200
    assert "You already hold BTC-USD on coinbase." in page.content.decode()


def test_of_a_position_of_the_exchange_only_what_was_paid_is_edited(
    ann: User, position: Position
) -> None:
    Position.objects.update(source=Position.Source.EXCHANGE)
    client = signed_in(ann)
    assert client.get(reverse(POSITION, args=[position.pk])).status_code == 200
    edited = {"exchange": "kucoin", "symbol": "ETH-USD", "quantity": "9", "cost_basis": "61000"}
    assert client.post(reverse(POSITION, args=[position.pk]), edited).status_code == 302
    position.refresh_from_db()
    assert (position.exchange, position.symbol) == ("coinbase", "BTC-USD")
    assert (position.quantity, position.cost_basis) == (Decimal("0.5"), Decimal(61_000))
    assert position.source == Position.Source.EXCHANGE
    delete = reverse("admin:trading_position_delete", args=[position.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_no_action_deletes_what_the_exchange_reported(ann: User, position: Position) -> None:
    Position.objects.update(source=Position.Source.EXCHANGE)
    chosen = {"action": "delete_selected", "_selected_action": [position.pk], "post": "yes"}
    signed_in(ann).post(reverse(POSITIONS), chosen)
    assert Position.objects.exists()


def test_the_list_says_when_a_position_was_read_and_that_reading_fails(
    ann: User, position: Position
) -> None:
    client = signed_in(ann)
    read_at = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    reading = PositionReading.objects.create(user=ann, exchange="coinbase", read_at=read_at)
    assert "2026-11-28 09:30" not in client.get(reverse(POSITIONS)).content.decode()
    Position.objects.update(source=Position.Source.EXCHANGE)
    page = client.get(reverse(POSITIONS)).content.decode()
    assert "2026-11-28 09:30" in page
    assert "⚠" not in page
    PositionReading.objects.filter(pk=reading.pk).update(error="coinbase: 401 Unauthorized")
    page = client.get(reverse(POSITIONS)).content.decode()
    assert "⚠ 2026-11-28 09:30" in page
    told = "Coinbase cannot be read; its positions stay as they were: coinbase: 401 Unauthorized"
    assert page.count(told) == 1


def test_a_reading_that_fails_is_told_to_its_owner_and_to_superusers(
    root: User, ann: User, bob: User
) -> None:
    PositionReading.objects.create(user=ann, exchange="coinbase", error="coinbase: 401 no")
    assert "401 no" not in signed_in(bob).get(reverse(POSITIONS)).content.decode()
    assert "cannot be read; its" in signed_in(ann).get(reverse(POSITIONS)).content.decode()
    page = signed_in(root).get(reverse(POSITIONS)).content.decode()
    assert f"cannot be read for {ann.username}; its" in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"exchange": "kraken"}, "Livermore watches no such exchange"),
        ({"quantity": "-1"}, "Write how much is held"),
        ({"cost_basis": "0"}, "Write the average price paid for one, above 0"),
        ({"cost_basis": "-5"}, "Write the average price paid for one, above 0"),
    ],
)
def test_what_cannot_be_held_is_refused_in_words(
    ann: User, wrong: dict[str, str], words: str
) -> None:
    entered = {"exchange": "Coinbase", "symbol": "BTC-USD", "quantity": "2", "cost_basis": ""}
    page = signed_in(ann).post(reverse("admin:trading_position_add"), entered | wrong)
    assert words in page.content.decode()
    assert not Position.objects.exists()
