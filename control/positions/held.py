"""What is held, as a status and a page tell it: the rows, and what they are worth now.

Rule 1: a quantity and what was paid are told as they stand in the rows, digit for digit.
Rule 2: a price is the close of a market's last 1m bar, and says when that closed. Of a market that
    the runtime does not watch now nobody here knows one, and nothing is told in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from control.protocol import HeldStatus, PositionsStatus
from trading.core.indicators import IndicatorPoint
from trading.core.market import Market, Timeframe
from trading.exchanges.registry import EXCHANGES
from trading.models import Position, PositionReading
from trading.ports import DeskFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position as PostgreSQL has it.

    Args:
        quantity: In base currency; may be 0.
        cost_basis: Average price paid, in quote currency; None: unknown.
        by_hand: Its owner entered it; else an exchange has reported it.
        changed_at: When its market began to be held, or its cost changed.
    """

    market: Market
    quantity: Decimal
    cost_basis: Decimal | None
    by_hand: bool
    changed_at: datetime


def held_by(user_id: int, read: Collection[str] | None = None) -> tuple[Held, ...]:
    """A user's positions, by exchange and symbol. Synchronous, for a database thread.

    Args:
        read: The exchanges whose reports count; None: all of them do.
    """
    rows = Position.objects.filter(user_id=user_id)
    if read is not None:
        rows = rows.filter(Q(source=Position.Source.MANUAL) | Q(exchange__in=list(read)))
    columns = rows.order_by("exchange", "symbol").values_list(
        "exchange", "symbol", "quantity", "cost_basis", "source", "updated_at"
    )
    return tuple(
        Held(
            market=Market(exchange, symbol),
            quantity=quantity,
            cost_basis=cost_basis,
            by_hand=source == Position.Source.MANUAL,
            changed_at=changed_at,
        )
        for exchange, symbol, quantity, cost_basis, source, changed_at in columns
    )


def readings_of(user_id: int) -> list[PositionsStatus]:
    """How reading went last, where no runtime tells. Synchronous, for a database thread."""
    return [
        PositionsStatus(
            exchange=row.exchange,
            label=EXCHANGES[row.exchange].label if row.exchange in EXCHANGES else row.exchange,
            state="failed" if row.error else "read",
            read_at=None if row.read_at is None else int(row.read_at.timestamp() * 1_000),
            error=row.error,
            notes=row.notes,
        )
        for row in PositionReading.objects.filter(user_id=user_id).order_by("exchange")
    ]


def told(held: Iterable[Held], facts: DeskFacts | None) -> list[HeldStatus]:
    """What is told of positions, with what the data plane knows of their markets."""
    seen = {market.market: market for market in facts.markets} if facts else {}
    return [_told(one, seen[one.market].points if one.market in seen else {}) for one in held]


def _told(one: Held, points: Mapping[Timeframe, IndicatorPoint]) -> HeldStatus:
    last = points.get(Timeframe.M1)
    made = HeldStatus(
        symbol=one.market.symbol,
        exchange=one.market.exchange,
        quantity=_plain(one.quantity),
        cost_basis=None if one.cost_basis is None else _plain(one.cost_basis),
        by_hand=one.by_hand,
    )
    if last is None:
        return made
    cost = float(one.cost_basis or 0)
    worth = {
        "price": last.close,
        "priced_at": last.closes_at * 1_000,
        "value": round(float(one.quantity) * last.close, 2),
        "gain": round((last.close / cost - 1) * 100, 2) if cost > 0 else None,
    }
    return made.model_copy(update=worth)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
