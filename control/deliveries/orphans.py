"""Delivering what Livermore says of itself where no worker is there to do it: above all that.

Rule 1: for a process that serves pages and watches for workers that are missing. Signals wait for a
    worker; what it says of a missing one, and of what failed before, must not.
Rule 2: it takes nothing out of a worker's hands: only what has waited longer than any worker lets
    it wait, of users whom none drives.
Rule 3: it fails nothing. A variable that is not set here may be set where workers run, so what
    cannot be sent from here goes on waiting.
"""

from __future__ import annotations

import asyncio
import os
import socket

import structlog
from redis.exceptions import RedisError

from control import wire
from control.database import Database, with_living_connection
from control.deliveries import queue
from control.deliveries.channels import Channels
from control.deliveries.outbox import Outbox
from control.deliveries.queue import Lane
from trading.alerts import discord

log = structlog.get_logger(__name__)


def deliver_orphans() -> int:
    """Send what is due and nobody sends; how many lanes were looked at. In a thread of its own.

    Raises:
        django.db.Error: If PostgreSQL is away.
    """
    lanes = with_living_connection(queue.orphans)
    if lanes:
        asyncio.run(_deliver(lanes))
    return len(lanes)


async def _deliver(lanes: list[Lane]) -> None:
    database = Database(threads=2)
    try:
        async with discord.client() as client:
            outbox = Outbox(
                database,
                Channels(client).prepare,
                worker=f"pages of {socket.gethostname()}:{os.getpid()}",
                publish=_publish,
                only_troubles=True,
            )
            for lane in lanes:
                await outbox.serve(lane)
    finally:
        database.close()


async def _publish(channel: str, text: str) -> bool:
    try:
        await asyncio.to_thread(wire.shared().publish, channel, text)
    except RedisError as exc:
        log.info("orphans.not_told", reason=str(exc))  # the row is there
        return False
    return True
