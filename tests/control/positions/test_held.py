"""What is told of positions: as they stand in the rows, and worth what their markets say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec import structs

from control.positions.held import Held, held_by, readings_of, told
from tests.control.test_status import FACTS, POINT
from tests.settings_app.factories import UserFactory
from trading.core.market import Market, Timeframe
from trading.models import Position, PositionReading
from trading.ports import DeskFacts, MarketFacts

BTC, ETH = Market("coinbase", "BTC-USD"), Market("coinbase", "ETH-USD")
HELD = Held(
    market=BTC,
    quantity=Decimal("0.500"),
    cost_basis=Decimal("4.000"),
    by_hand=False,
    changed_at=datetime.now(UTC),
)


def facts(close: float) -> DeskFacts:
    point = structs.replace(POINT, close=close, closes_at=120)
    market = MarketFacts(market=BTC, live="receiving", points={Timeframe.M1: point})
    return replace(FACTS, markets=(market,))


def test_a_position_is_worth_what_its_market_closed_at_last() -> None:
    [one] = told([HELD], facts(5.0))
    assert (one.quantity, one.cost_basis, one.by_hand) == ("0.5", "4", False)
    assert (one.price, one.priced_at, one.value, one.gain) == (5.0, 120_000, 2.5, 25.0)


def test_of_what_was_paid_nobody_knows_there_is_no_gain() -> None:
    [one] = told([replace(HELD, cost_basis=None)], facts(5.0))
    assert (one.value, one.gain) == (2.5, None)


@pytest.mark.parametrize("seen", [None, facts(5.0)])
def test_a_market_that_is_not_watched_has_no_price_and_no_other_in_its_place(
    seen: DeskFacts | None,
) -> None:
    [one] = told([replace(HELD, market=ETH)], seen)
    assert (one.symbol, one.quantity, one.cost_basis) == ("ETH-USD", "0.5", "4")
    assert (one.price, one.priced_at, one.value, one.gain) == (None, None, None, None)


def test_a_market_without_a_closed_minute_has_no_price_yet() -> None:
    warming = MarketFacts(market=BTC, live="warming")
    [one] = told([HELD], replace(FACTS, markets=(warming,)))
    assert one.price is None


@pytest.mark.django_db
def test_what_an_exchange_reported_counts_while_it_is_read_and_each_sees_their_own() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    rows = {"user": anna, "quantity": Decimal(2)}
    Position.objects.create(symbol="ETH-USD", source="exchange", **rows)
    Position.objects.create(symbol="ADA-USD", source="manual", **rows)
    Position.objects.create(user=bela, symbol="SOL-USD", quantity=Decimal(1))
    assert [one.market.symbol for one in held_by(anna.pk)] == ["ADA-USD", "ETH-USD"]
    assert [one.market.symbol for one in held_by(anna.pk, {"coinbase"})] == ["ADA-USD", "ETH-USD"]
    assert [one.market.symbol for one in held_by(anna.pk, ())] == ["ADA-USD"]
    assert [one.by_hand for one in held_by(anna.pk)] == [True, False]
    assert [one.market.symbol for one in held_by(bela.pk)] == ["SOL-USD"]


@pytest.mark.django_db
def test_without_a_runtime_the_rows_say_how_reading_went() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    read_at = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    PositionReading.objects.create(user=anna, exchange="coinbase", read_at=read_at, notes=["Dust."])
    PositionReading.objects.create(user=bela, exchange="coinbase", error="coinbase: 401 no")
    [worked], [failed] = readings_of(anna.pk), readings_of(bela.pk)
    assert (worked.label, worked.state, worked.notes) == ("Coinbase", "read", ["Dust."])
    assert worked.read_at == int(read_at.timestamp() * 1_000)
    assert (failed.state, failed.error, failed.read_at) == ("failed", "coinbase: 401 no", None)
