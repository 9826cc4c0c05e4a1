"""``manage.py backfill SYMBOL…``: read the history of markets anew."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from control import client
from control.backfills import ordered_by_backfill
from control.management import backfilling
from control.management.following import follow
from control.management.users import add_user_option, the_user
from control.protocol import BackfillPayload, field_errors
from control.protocol import Command as WireCommand
from settings_app.models import User
from trading.core.market import Timeframe
from trading.market.history import candles_in
from trading.ports import BackfillOrder


class Command(BaseCommand):
    """Orders it of the user's runtime, or does it where none is up; exits 0 when all is done."""

    help = "Read the history of markets from their exchange and swap it into the candle cache."

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(Timeframe)
        parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="e.g. BTC-USD")
        parser.add_argument("--exchange", metavar="NAME", help="Without it the primary one.")
        parser.add_argument(
            "--timeframes", metavar="LIST", help=f"Of {known}, with commas; without it all."
        )
        add_user_option(parser)
        backfilling.add_consent_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        user = the_user(options["user"])
        payloads = read_payloads(options)
        primary = backfilling.primary_of(user)
        orders = [
            ordered_by_backfill(payload, command_id=str(uuid.uuid4()), primary=primary)
            for payload in payloads
        ]
        backfilling.served(orders)
        with backfilling.finishing(self.stderr):
            is_up = client.status(user) is not None
            for line in backfilling.plan_lines(orders):
                self.stdout.write(line)
            who = f"The runtime of {user.username}" if is_up else "This command"
            self.stdout.write(f"{who} {'would do' if options['dry_run'] else 'does'} it.")
            if options["dry_run"]:
                if refusals := backfilling.unlisted(orders):
                    raise CommandError("\n".join(refusals))
                return
            backfilling.consent("Go ahead?", given=options["yes"])
            if is_up:
                failures = self._have_it_done(user, payloads, orders)
            else:
                failures = backfilling.refetch_here(orders)
        if failures:
            raise CommandError("\n".join(failures))
        self.stdout.write("Done.")

    def _have_it_done(
        self, user: User, payloads: Sequence[BackfillPayload], orders: Sequence[BackfillOrder]
    ) -> list[str]:
        failures, ids, total = [], [], 0
        for payload, order in zip(payloads, orders, strict=True):
            answer = backfilling.sent(user, WireCommand.FORCE_BACKFILL, payload)
            if answer.applied:
                ids.append(answer.command_id)
                total += candles_in(order.timeframes)
            else:
                failures.append(f"{payload.symbol}: {backfilling.reason(answer)}")
        return failures + (follow(user, ids, total) if ids else [])


def read_payloads(options: dict[str, Any]) -> list[BackfillPayload]:
    """One for each symbol that is named.

    Raises:
        CommandError: If any is not as it must be.
    """
    timeframes = options["timeframes"]
    wanted = {
        "exchange": options["exchange"],
        "timeframes": None if timeframes is None else timeframes.replace(" ", "").split(","),
    }
    try:
        return [
            BackfillPayload.model_validate({"symbol": symbol, **wanted})
            for symbol in dict.fromkeys(options["symbols"])
        ]
    except ValidationError as exc:
        raise CommandError(field_errors(exc)) from None
