"""Rows and what the database holds them to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from tests.settings_app.factories import UserFactory
from tests.trading.alerts.test_compose import fired
from trading.alerts.compose import alert_of, system_alert
from trading.models import Alert, Position

pytestmark = pytest.mark.django_db


def told(user_id: int) -> Alert:
    """The row of one and the same signal, not saved."""
    alert = alert_of(fired())
    alert.user_id = user_id
    return alert


def test_one_signal_of_one_user_is_one_row() -> None:
    ann, bob = UserFactory.create(), UserFactory.create()
    told(ann.pk).save()
    told(bob.pk).save()
    with pytest.raises(IntegrityError, match="trading_alert_once"), transaction.atomic():
        told(ann.pk).save()
    assert Alert.objects.count() == 2


@pytest.mark.parametrize("lacking", ["value", "price", "candle_opened_at", "candle_closed_at"])
def test_a_signal_has_its_candle_with_value_and_price(lacking: str) -> None:
    alert = told(UserFactory.create().pk)
    setattr(alert, lacking, None)
    with pytest.raises(IntegrityError, match="trading_alert_signal_whole"), transaction.atomic():
        alert.save()


def test_what_concerns_livermore_itself_needs_no_candle_and_is_no_signal() -> None:
    ann, bob = UserFactory.create(), UserFactory.create()
    told(ann.pk).save()
    for detail in ("It fails.", "It works again."):
        system_alert(ann.pk, exchange="coinbase", detail=detail, values={}).save()
    assert [str(alert) for alert in ann.alerts.all()] == [
        "It works again.",
        "It fails.",
        "BTC-USD 1m through +150",
    ]
    assert [alert.kind for alert in ann.alerts.signals()] == ["level"]
    assert not bob.alerts.exists()


def test_row_comes_back_as_it_was_written() -> None:
    alert = told(UserFactory.create().pk)
    alert.price = Decimal("0.000000001234")
    alert.save()
    read = Alert.objects.get()
    assert read.price == Decimal("0.000000001234")
    assert read.values == alert.values
    assert (read.value, read.level) == (160.0, 150.0)
    assert read.candle_closed_at == alert.candle_closed_at
    assert str(read) == "BTC-USD 1m through +150"


def test_newest_alert_comes_first() -> None:
    user = UserFactory.create()
    first, second = told(user.pk), told(user.pk)
    second.symbol = "ETH-USD"
    first.save()
    second.save()
    assert [alert.symbol for alert in user.alerts.all()] == ["ETH-USD", "BTC-USD"]


def test_a_users_rows_go_with_the_user() -> None:
    user = UserFactory.create()
    told(user.pk).save()
    Position.objects.create(user=user, symbol="BTC-USD", quantity=Decimal("0.5"))
    user.delete()
    assert not Alert.objects.exists()
    assert not Position.objects.exists()


def test_a_market_is_held_once_and_never_short() -> None:
    user = UserFactory.create()
    held = Position.objects.create(user=user, symbol="BTC-USD", quantity=Decimal("0.50"))
    assert (held.exchange, held.source, str(held)) == ("coinbase", "manual", "0.5 BTC-USD")
    with pytest.raises(IntegrityError, match="trading_position_once"), transaction.atomic():
        Position.objects.create(user=user, symbol="BTC-USD", quantity=Decimal(1))
    with pytest.raises(IntegrityError, match="trading_position_not_short"), transaction.atomic():
        Position.objects.create(user=user, symbol="ETH-USD", quantity=Decimal(-1))
