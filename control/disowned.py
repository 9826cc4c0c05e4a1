"""What a worker could not tell a user for it had lost the lease, left to the next one.

What Redis keeps of a market is shared, and tells a worker how far the one before it has told. A
worker that lost the lease of one user, with alerts that waited for a PostgreSQL that was away, goes
on with the others and keeps the candles for them. So it notes from when on that user was not told.

Rule 1: only the very next holder of the lease heeds it: what that one tells is told.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import redis.asyncio

from control.protocol import disowned_of
from trading.ports import Owner

KEPT_SECONDS: Final = 14_400
"""Longer than a gap after which a market is warmed up anew instead of repaired."""


async def note_disowned(client: redis.asyncio.Redis, owner: Owner, since: int) -> None:
    """Note that nothing that closed at ``since`` (unix seconds) or later was told to a user.

    Raises:
        redis.RedisError: If Redis did not take it; call again with the same.
    """
    known = await disowned_since(client, [_next(owner)])
    earliest = since if known is None else min(since, known)
    await client.set(disowned_of(owner.sub), f"{owner.fence}:{earliest}", ex=KEPT_SECONDS)


async def disowned_since(client: redis.asyncio.Redis, owners: Collection[Owner]) -> int | None:
    """From when on the worker before did not tell one of these users, unix seconds; None: it did.

    Raises:
        redis.RedisError: If Redis does not say.
    """
    if not owners:
        return None
    async with client.pipeline(transaction=False) as pipe:
        for owner in owners:
            pipe.get(disowned_of(owner.sub))
        notes: list[Any] = await pipe.execute()
    found = [_since(text, owner) for text, owner in zip(notes, owners, strict=True)]
    return min((since for since in found if since is not None), default=None)


def _since(text: Any, owner: Owner) -> int | None:
    fence, _, since = str(text or "").partition(":")
    return int(since) if fence == str(owner.fence - 1) and since.isdecimal() else None


def _next(owner: Owner) -> Owner:
    """Whoever holds the lease behind an owner."""
    return Owner(user_id=owner.user_id, sub=owner.sub, fence=owner.fence + 1)
