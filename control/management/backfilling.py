"""What ``manage.py backfill`` and ``manage.py clear_cache`` have in common.

Rule 1: where the user's runtime is up, it does the work and is only watched here, for the limits
    of an exchange count by address; else the command does it itself.
Rule 2: a market is swapped in whole or not at all, so an interruption leaves nothing half-done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import redis.asyncio
from django.conf import settings
from django.core.management.base import CommandError, CommandParser, OutputWrapper
from redis.exceptions import RedisError

from control import client, wire
from control.candles import READS, read_candles
from control.management.following import bar
from control.protocol import Command, Origin, Wire
from control.refetch import refetch
from control.symbols.listings import ListingUnknown, listing_with
from control.symbols.metrics import MarketUnknown, holding
from settings_app import services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.reporting import counted
from settings_app.schema import Settings
from trading.exchanges.registry import EXCHANGES
from trading.market.history import candles_in, requests_in
from trading.ports import BackfillOrder

T = TypeVar("T")
INTERRUPTED = 130  # as a shell says of SIGINT


def add_consent_options(parser: CommandParser) -> None:
    """``--dry-run`` and ``--yes``."""
    parser.add_argument("--dry-run", action="store_true", help="Say what would be done, only.")
    parser.add_argument("--yes", action="store_true", help="Do it without asking.")


def consent(question: str, *, given: bool) -> None:
    """Have a person agree.

    Raises:
        CommandError: If nobody did.
    """
    if given:
        return
    if not sys.stdin.isatty():
        raise CommandError("There is nobody to ask: add --yes, or --dry-run to see what it does.")
    if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was done.")


@contextmanager
def finishing(err: OutputWrapper) -> Iterator[None]:
    """Say in words why the work ended early.

    Raises:
        CommandError: If Redis is away.
    """
    try:
        yield
    except RedisError as exc:
        raise CommandError(f"Redis is away: {exc}") from exc
    except KeyboardInterrupt:
        err.write("Interrupted; every market has its candles from before, or all of the new ones.")
        sys.exit(INTERRUPTED)


def with_redis(act: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
    """Run something asynchronous that needs Redis, from start to end."""

    async def run() -> T:
        async with wire.connect_async() as connection:
            return await act(connection)

    return asyncio.run(run())


def document_of(user: User) -> Settings:
    """The settings of a user.

    Raises:
        CommandError: If they cannot be read.
    """
    try:
        return services.read(user.pk).document
    except SettingsTooNew as exc:
        raise CommandError(str(exc)) from exc
    except SettingsInvalid as exc:
        errors = "; ".join(f"{error.pointer or '/'}: {error.message}" for error in exc.errors)
        raise CommandError(f"The settings cannot be used: {errors}") from exc


def primary_of(user: User) -> str:
    """The exchange that is meant where none is named.

    Raises:
        CommandError: If the settings cannot be read.
    """
    return document_of(user).perseus_profile.primary_exchange


def served(orders: Sequence[BackfillOrder]) -> None:
    """Let only those pass whose exchange is known.

    Raises:
        CommandError: If one is not.
    """
    known = sorted(EXCHANGES.keys() & settings.EXCHANGES.keys())
    for order in orders:
        if order.market.exchange not in known:
            raise CommandError(
                f"Livermore has no feed for {order.market.exchange}; known are {', '.join(known)}."
            )


def unlisted(orders: Sequence[BackfillOrder]) -> list[str]:
    """Why some of these would be refused, each in a line; none where the exchange does not say."""
    refusals = []
    for market in dict.fromkeys(order.market for order in orders):
        try:
            holding(listing_with(market.exchange, market.symbol), market.symbol)
        except ListingUnknown:
            continue
        except MarketUnknown as exc:
            refusals.append(f"{market.symbol}: would be refused; {exc}")
    return refusals


def plan_lines(orders: Sequence[BackfillOrder]) -> list[str]:
    """What carrying out these orders asks and replaces, market by market."""
    kept = with_redis(lambda connection: _kept(connection, orders))
    lines, requests, candles = [], 0, 0
    for order, count in zip(orders, kept, strict=True):
        asked = requests_in(order.timeframes, EXCHANGES[order.market.exchange].candles_per_request)
        wanted = candles_in(order.timeframes)
        requests, candles = requests + asked, candles + wanted
        names = counted(len(order.timeframes), "key")
        lines.append(
            f"{order.market.exchange} {order.market.symbol} {' '.join(order.timeframes)}:"
            f" {counted(asked, 'request')} for {counted(wanted, 'candle')};"
            f" swaps {names}, {counted(count, 'candle')} in them"
        )
    lines.append(f"In all {counted(requests, 'request')} for {counted(candles, 'candle')}.")
    return lines


def refetch_here(orders: Sequence[BackfillOrder]) -> list[str]:
    """Carry out orders in this process; why some could not be, a sentence each."""
    total = sum(candles_in(order.timeframes) for order in orders)
    with bar(total) as progress:
        return with_redis(
            lambda connection: refetch(connection, orders, settings.EXCHANGES, progress.update)
        )


def sent(user: User, command: Command, payload: Wire) -> client.Answer:
    """Have a runtime do something, and wait for its word that it has begun.

    Raises:
        CommandError: If it was not even sent.
    """
    wanted = payload.to_dict()
    try:
        return client.send(user, command, wanted, origin=Origin(who="", via="command line"))
    except (client.CommandRefused, client.NotSent) as exc:
        raise CommandError(str(exc)) from exc


def reason(answer: client.Answer) -> str:
    """Why a runtime did not do what it was asked to."""
    if answer.result is None:
        return "the runtime has not answered; it will, unless it has stopped"
    return answer.result.message or answer.result.status


async def _kept(connection: redis.asyncio.Redis, orders: Sequence[BackfillOrder]) -> list[int]:
    """How many candles are kept now of what each order swaps."""
    return [
        sum(
            [
                len(await read_candles(connection, order.market, timeframe, counter=READS))
                for timeframe in order.timeframes
            ]
        )
        for order in orders
    ]
