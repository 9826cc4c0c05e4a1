"""``manage.py positions sync|list``: what is held, and reading it from the exchanges now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from control import client
from control.management import backfilling
from control.management.users import add_user_option, the_user
from control.positions import rows
from control.positions.rows import Written
from control.positions.sources import Source, key_of, sources
from control.protocol import Command as WireCommand
from control.protocol import Origin
from settings_app.credentials import CredentialError, NotSet
from settings_app.models import User
from settings_app.reporting import counted
from trading.core.errors import TradingError
from trading.models import Position, PositionReading
from trading.positions import PositionReader


class Command(BaseCommand):
    """Needs no running runtime; one that is up is told. Exits 0 when everything was read."""

    help = "Show a user's positions, or read them from the exchanges now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["sync", "list"], help="Read them, or show them.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, only.")
        add_user_option(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        user = the_user(options["user"])
        if options["act"] == "list":
            self._list(user)
        else:
            self._sync(user, is_dry=options["dry_run"])

    # -- showing

    def _list(self, user: User) -> None:
        held = list(Position.objects.filter(user=user))
        if not held:
            self.stdout.write(f"{user.username} has no positions.")
        for row in held:
            cost = "unknown" if row.cost_basis is None else _plain(row.cost_basis)
            self.stdout.write(
                f"{row.exchange} {row.symbol}: {_plain(row.quantity)}, cost {cost},"
                f" {row.get_source_display().lower()}"
            )
        for reading in PositionReading.objects.filter(user=user).order_by("exchange"):
            for line in _lines_of(reading):
                self.stdout.write(line)

    # -- reading

    def _sync(self, user: User, *, is_dry: bool) -> None:
        wanted = _sources_of(user)
        reader = PositionReader(settings.EXCHANGES)
        failures, moved = [], False
        for source in wanted:
            try:
                written = _read(user, source, reader, is_dry=is_dry)
            except (TradingError, CredentialError) as exc:
                if not is_dry:
                    rows.note_failure_of(user.pk, source.exchange, str(exc))
                failures.append(f"{reader.label_of(source.exchange)}: {_reason(exc)}")
            else:
                moved |= not written.changes.is_empty
                for line in _changes(written, is_dry=is_dry):
                    self.stdout.write(f"{reader.label_of(source.exchange)}: {line}")
        if moved and not is_dry:
            self._tell(user)
        if failures:
            raise CommandError("\n".join(failures))

    def _tell(self, user: User) -> None:
        """Have a runtime that is up know what is held now."""
        try:
            client.send(
                user,
                WireCommand.RELOAD_SETTINGS,
                None,
                origin=Origin(who="", via="command line"),
                wait=None,
            )
        except client.NotSent as exc:
            self.stderr.write(f"The runtime was not told ({exc}); its next reload sees it.")


def _sources_of(user: User) -> Sequence[Source]:
    document = backfilling.document_of(user)
    if not document.load_positions_from_exchange:
        raise CommandError(
            f"The settings of {user.username} read no positions: set"
            " /load_positions_from_exchange to true."
        )
    return sources(document)


def _read(user: User, source: Source, reader: PositionReader, *, is_dry: bool) -> Written:
    key = key_of(user.pk, source, reader.accounts_of(source.exchange))
    reading = asyncio.run(reader.read(source.exchange, key))
    with transaction.atomic():
        written = rows.write_of(user.pk, source, reading, reader.label_of(source.exchange))
        transaction.set_rollback(is_dry)
    return written


def _reason(exc: Exception) -> str:
    # It is this process that has read it, wherever the worker runs.
    way_out = " Set it in this shell, too." if isinstance(exc, NotSet) else ""
    return f"{exc}{way_out}"


def _changes(written: Written, *, is_dry: bool) -> list[str]:
    made = written.changes
    would = "would be " if is_dry else ""
    return [
        *(f"{one.market.symbol} {would}opened: {_plain(one.quantity)}" for one in made.opened),
        *(f"{one.market.symbol} {would}changed: {_plain(one.quantity)}" for one in made.resized),
        *(f"{market.symbol} {would}closed" for market in made.closed),
        *written.notes,
        f"{counted(written.positions, 'position')}"
        + (", nothing changed." if made.is_empty else "."),
    ]


def _lines_of(reading: PositionReading) -> list[str]:
    read_at = "never" if reading.read_at is None else f"{reading.read_at:%Y-%m-%d %H:%M} UTC"
    lines = [f"{reading.exchange} was read: {read_at}."]
    if reading.error:
        lines.append(f"{reading.exchange} failed since: {reading.error}")
    return [*lines, *(f"{reading.exchange}: {note}" for note in reading.notes)]


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
