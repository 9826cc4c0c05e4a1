"""``manage.py runtime``: the long-running worker that drives the users' runtimes."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from control.sinks import QueuedSinks
from control.wire import UnsuitableRedis
from control.worker import Worker
from trading.plane import DataPlane


class Command(BaseCommand):
    """Parses, and makes one ``asyncio.run``."""

    help = "Run the worker: it drives the runtime of every active staff user with an exchange."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--user",
            action="append",
            default=[],
            metavar="NAME",
            help="Host only this user; may be given several times.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            asyncio.run(_serve(options["user"]))
        except UnsuitableRedis as exc:
            raise CommandError(str(exc)) from exc


async def _serve(only: list[str]) -> None:
    worker = Worker(make_plane=_plane, only=only, deadman_url=settings.DEADMAN_URL)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Explicit: a process started in the background inherits SIGINT as ignored.
        loop.add_signal_handler(number, worker.stop)
    await worker.run()


def _plane(sinks: QueuedSinks) -> DataPlane:
    return DataPlane(endpoints=settings.EXCHANGES, sinks=sinks)
