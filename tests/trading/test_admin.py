"""Positions in the admin: owner, stranger, superuser."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from settings_app.models import User
from tests.settings_app.factories import UserFactory
from trading.models import Position, PositionReading

pytestmark = pytest.mark.django_db

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
def position(ann: User) -> Position:
    return Position.objects.create(user=ann, symbol="BTC-USD", quantity=Decimal("0.5"))


def test_stranger_sees_nothing_of_it(bob: User, position: Position) -> None:
    stranger = signed_in(bob)
    assert "BTC-USD" not in stranger.get(reverse(POSITIONS)).content.decode()
    page = stranger.get(reverse(POSITION, args=[position.pk]), follow=True)
    assert "BTC-USD" not in page.content.decode()
    stranger.post(
        reverse(POSITION, args=[position.pk]),
        {"exchange": "coinbase", "symbol": "BTC-USD", "quantity": "9"},
    )
    position.refresh_from_db()
    assert position.quantity == Decimal("0.5")


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
