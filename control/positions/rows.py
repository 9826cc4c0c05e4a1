"""What was read becomes rows, or stays as it was.

Rule 1: synchronous, for a database thread. All of a reading is one transaction; a worker's holds
    the lease in it, and whoever else reads at the same time waits.
Rule 2: only a row that differs is touched. ``updated_at`` is when its market began to be held, or
    its cost changed, for that is what a plan is made of; another quantity does not move it.
Rule 3: a failure changes no position.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection, transaction

from control import leases
from control.positions.sources import Source
from trading.core.market import Market
from trading.core.portfolio import Changes, Known, changes, in_words, portfolio
from trading.models import Position, PositionReading
from trading.ports import Owner
from trading.positions import Reading

ERROR_LENGTH: Final = 500
# Not through the model: its signals ask for a reload, and whoever writes here applies it itself.
CLOSE: Final = """
    DELETE FROM trading_position
     WHERE user_id = %(user)s AND exchange = %(exchange)s AND symbol = ANY(%(symbols)s)
       AND source = %(source)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a reading.

    Args:
        positions: How many of the exchange there are now, those entered by hand among them.
        notes: What the owner should know, a sentence each; the warnings first.
        warnings: Those that concern the key.
    """

    changes: Changes
    positions: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    read_at: datetime


def write(owner: Owner, source: Source, reading: Reading, label: str) -> Written:
    """:func:`write_of` by right of a lease.

    Raises:
        Fenced: If another worker drives this user: nothing was written.
        django.db.Error: If PostgreSQL did not take it: nothing was written either.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        return write_of(owner.user_id, source, reading, label)


def write_of(user_id: int, source: Source, reading: Reading, label: str) -> Written:
    """Make a user's positions at an exchange those that were read.

    Args:
        label: What people call the exchange.

    Raises:
        django.db.Error: If PostgreSQL did not take it: nothing was written.
    """
    at = datetime.now(UTC)
    with transaction.atomic():
        record = _locked_record(user_id, source.exchange)
        rows = Position.objects.filter(user_id=user_id, exchange=source.exchange)
        known = [_known(row) for row in rows.select_for_update()]
        found = portfolio(
            reading.balances,
            reading.instruments,
            minimum_usd=source.minimum_usd,
            known=[position.market for position in known],
            named=source.named,
        )
        made = changes(known, found.positions)
        _make(user_id, source.exchange, made)
        notes = (
            *reading.warnings,
            *in_words(found, made.overruled, exchange=label, minimum_usd=source.minimum_usd),
        )
        record.read_at, record.failed_at, record.error = at, None, ""
        record.notes = list(notes)
        record.save()
        return Written(
            changes=made,
            positions=rows.count(),
            notes=notes,
            warnings=reading.warnings,
            read_at=at,
        )


def note_failure(owner: Owner, exchange: str, error: str) -> datetime | None:
    """Put on record that a reading failed; when one worked last.

    Raises:
        Fenced: If another worker drives this user.
        django.db.Error: If PostgreSQL did not take it.
    """
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        return note_failure_of(owner.user_id, exchange, error)


def note_failure_of(user_id: int, exchange: str, error: str) -> datetime | None:
    """:func:`note_failure` without a lease."""
    with transaction.atomic():
        record = _locked_record(user_id, exchange)
        record.failed_at, record.error = datetime.now(UTC), error[:ERROR_LENGTH]
        record.save()
        return record.read_at


def _locked_record(user_id: int, exchange: str) -> PositionReading:
    PositionReading.objects.get_or_create(user_id=user_id, exchange=exchange)
    records = PositionReading.objects.select_for_update()
    return records.get(user_id=user_id, exchange=exchange)


def _known(row: Position) -> Known:
    market = Market(row.exchange, row.symbol)
    return Known(market, row.quantity, by_hand=row.source == Position.Source.MANUAL)


def _make(user_id: int, exchange: str, made: Changes) -> None:
    source = Position.Source.EXCHANGE
    if made.closed:
        symbols = [market.symbol for market in made.closed]
        named: dict[str, Any] = {"user": user_id, "exchange": exchange, "symbols": symbols}
        with connection.cursor() as cursor:
            cursor.execute(CLOSE, {**named, "source": str(source)})
    ours = Position.objects.filter(user_id=user_id, exchange=exchange, source=source)
    for one in made.resized:
        ours.filter(symbol=one.market.symbol).update(quantity=one.quantity)
    opened = [
        Position(
            user_id=user_id,
            exchange=exchange,
            symbol=one.market.symbol,
            quantity=one.quantity,
            source=source,
        )
        for one in made.opened
    ]
    # Where one was entered by hand in this very moment, that row stands.
    Position.objects.bulk_create(opened, ignore_conflicts=True)
