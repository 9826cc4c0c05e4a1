"""Watching a runtime carry out backfills, on a terminal.

Rule 1: what is shown is what its status says; a runtime that says nothing any more is no success.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Never

from django.core.management.base import CommandError
from redis.client import PubSub
from tqdm import tqdm

from control import client, listening
from control.protocol import STATUS_TTL_SECONDS, BackfillStatus, RuntimeStatus, status_of
from settings_app.models import User

ENDED = frozenset({"done", "failed", "cancelled"})


def bar(total: int) -> tqdm[Never]:
    """A bar of candles on a terminal; nothing anywhere else."""
    return tqdm(total=total, unit=" candles", disable=None)


def follow(user: User, ids: Sequence[str], total: int) -> list[str]:
    """Wait until a runtime's backfills have ended.

    Args:
        ids: Those of this user that were ordered just now.
        total: How many candles that is.

    Returns:
        Why some did not work, a sentence each; empty if all are done.

    Raises:
        CommandError: If the runtime falls silent.
        redis.RedisError: If Redis is away.
    """
    last: dict[str, BackfillStatus] = {}
    left = set(ids)
    unseen_until = time.monotonic() + STATUS_TTL_SECONDS
    with listening.listening_to(status_of(user.sub)) as heard, bar(total) as progress:
        statuses = _statuses(user, heard)
        while left:
            shown = {one.id: one for one in next(statuses).backfill if one.id in left}
            last |= shown
            progress.update(sum(one.done for one in last.values()) - progress.n)
            left -= {one.id for one in shown.values() if one.state in ENDED}
            if not shown and time.monotonic() > unseen_until:
                break
    failures = [_sentence(one) for one in last.values() if one.state in ENDED - {"done"}]
    return failures + [f"The runtime says nothing of backfill {one}." for one in sorted(left)]


def _statuses(user: User, heard: PubSub) -> Iterator[RuntimeStatus]:
    """The status as it is, and each as it is told."""
    now = client.status(user)
    while now is not None:
        yield now
        now = _next(heard)
    raise CommandError(
        f"The runtime of {user.username} has fallen silent; whether it had finished is not known."
    )


def _next(heard: PubSub) -> RuntimeStatus | None:
    """The next status; None when there was none for three heartbeats."""
    message = heard.get_message(timeout=STATUS_TTL_SECONDS)
    return None if message is None else RuntimeStatus.model_validate_json(message["data"])


def _sentence(one: BackfillStatus) -> str:
    return f"{one.exchange} {one.symbol} {one.state}: {one.message or 'no reason was told'}"
