"""``manage.py clear_cache``: remove what is kept for a user, and read market data anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from control import cache, client, plan
from control.backfills import ordered_by_clear
from control.management import backfilling
from control.management.following import follow
from control.management.users import add_user_option, the_user
from control.protocol import ClearCachePayload, field_errors
from control.protocol import Command as WireCommand
from settings_app.models import User
from settings_app.reporting import counted
from trading.market.history import candles_in
from trading.ports import BackfillOrder


class Command(BaseCommand):
    """Has the user's runtime do it, or does it where none is up; exits 0 when all is done."""

    help = "Remove what Redis keeps for one user; candles, which all share, are read anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scope",
            choices=("all", "symbol", "timeframe"),
            default="all",
            help="Everything (default), one market, or one timeframe of every market.",
        )
        parser.add_argument("--symbol", metavar="SYMBOL", help="e.g. BTC-USD")
        parser.add_argument("--exchange", metavar="NAME", help="Of the symbol, or to limit to it.")
        parser.add_argument("--timeframe", metavar="NAME", help="e.g. 1h")
        add_user_option(parser)
        backfilling.add_consent_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        user = the_user(options["user"])
        payload = read_payload(options)
        orders = ordered_here(user, payload)
        backfilling.served(orders)
        with backfilling.finishing(self.stderr):
            is_up = client.status(user) is not None
            self._tell(user, payload, orders)
            who = f"The runtime of {user.username}" if is_up else "This command"
            self.stdout.write(f"{who} {'would do' if options['dry_run'] else 'does'} it.")
            if options["dry_run"]:
                return
            backfilling.consent("Go ahead?", given=options["yes"])
            if is_up:
                failures = self._have_it_done(user, payload, orders)
            else:
                failures = self._do(user, payload, orders)
        if failures:
            raise CommandError("\n".join(failures))
        self.stdout.write("Done.")

    def _tell(
        self, user: User, payload: ClearCachePayload, orders: Sequence[BackfillOrder]
    ) -> None:
        if cache.is_private_too(payload):
            found = backfilling.with_redis(lambda connection: cache.count(connection, user.sub))
            for kind, number in found.items():
                self.stdout.write(f"{kind} of {user.username}: removes {counted(number, 'key')}")
        for line in backfilling.plan_lines(orders):
            self.stdout.write(line)

    def _do(
        self, user: User, payload: ClearCachePayload, orders: Sequence[BackfillOrder]
    ) -> list[str]:
        if cache.is_private_too(payload):
            backfilling.with_redis(lambda connection: cache.clear(connection, user.sub))
        return backfilling.refetch_here(orders)

    def _have_it_done(
        self, user: User, payload: ClearCachePayload, orders: Sequence[BackfillOrder]
    ) -> list[str]:
        answer = backfilling.sent(user, WireCommand.CLEAR_CACHE, payload)
        if not answer.applied or answer.result is None:
            return [backfilling.reason(answer)]
        ids = [str(one) for one in (answer.result.data or {}).get("backfills", [])]
        total = sum(candles_in(order.timeframes) for order in orders)
        return follow(user, ids, total) if ids else []


def read_payload(options: dict[str, Any]) -> ClearCachePayload:
    """What the options ask for.

    Raises:
        CommandError: If they do not go together.
    """
    names = ("scope", "symbol", "exchange", "timeframe")
    try:
        return ClearCachePayload.model_validate({name: options[name] for name in names})
    except ValidationError as exc:
        raise CommandError(field_errors(exc)) from None


def ordered_here(user: User, payload: ClearCachePayload) -> tuple[BackfillOrder, ...]:
    """What is read anew, by the settings as they are stored.

    Raises:
        CommandError: If they cannot be used.
    """
    primary = backfilling.primary_of(user)
    now = plan.situation(user.pk).plan
    watched = now.markets if now else ()
    return ordered_by_clear(payload, command_id="here", primary=primary, watched=watched)
