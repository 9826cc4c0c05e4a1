"""``manage.py runtime``: the long-running worker that drives the users' runtimes."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from control.management.users import refuse_unknown
from control.sinks import QueuedSinks
from control.wire import UnsuitableRedis
from control.worker import Worker
from trading.plane import DataPlane
from trading.ports import Shelf

# Of the two planes' threads one computes at a time, and the other asks for its turn after this
# long: market data must not keep an answer waiting for Python's 5 ms at each of its steps.
SWITCH_SECONDS = 0.0005


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
        refuse_unknown(options["user"])
        sys.setswitchinterval(SWITCH_SECONDS)
        # What is imported stays: a collection that walks over it every time stops both planes for
        # 0.07 s, and without it for 0.01 s.
        gc.freeze()
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


def _plane(sinks: QueuedSinks, shelf: Shelf) -> DataPlane:
    return DataPlane(endpoints=settings.EXCHANGES, sinks=sinks, shelf=shelf)
