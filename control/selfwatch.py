"""The worker's watch over its runtimes: what begins or ends to fail becomes rows and alerts.

Rule 1: looking is pure and never waits; the rows are written here, beside it.
Rule 2: what could not be written waits, bounded, until PostgreSQL takes it: of each thing that can
    fail, at most what it was before and what it is now.
Rule 3: what is open is read when a runtime is taken on, so that a worker ends what the one before
    it began, and begins nothing twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from control import incidents
from control.database import AWAY, Database
from control.incidents import Key, Kind, Turn
from control.leases import Fenced
from control.protocol import SystemEvent, events_of
from control.symptoms import Health, Symptoms
from trading.ports import Owner

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
AWAY_SECONDS = (0.5, 3.0)
READ_AT_ONCE = 500

Publish = Callable[[str, str], Awaitable[bool]]  # channel, text; whether Redis took it


@dataclass(slots=True)
class _Watched:
    """A hosted user; without symptoms until it is known what is open."""

    owner: Owner
    symptoms: Symptoms | None = None
    waiting: dict[Key, list[Turn]] = field(default_factory=dict)

    def note(self, turn: Turn) -> None:
        """Let a turn wait to be written."""
        turns = self.waiting.setdefault(turn.key, [])
        if len(turns) < 2:
            turns.append(turn)
        elif turn.state == "began":
            turns.pop()  # it ended and begins again: it goes on
        else:
            turns[:] = [turn]  # what was open is over, later

    def take(self) -> list[Turn]:
        """Everything that waits, of each thing in its order; nothing waits any more."""
        waiting, self.waiting = self.waiting, {}
        return [turn for turns in waiting.values() for turn in turns]


class SelfWatch:
    """Watches the runtimes that it was told of, and writes what turned.

    Args:
        database: The worker's.
        publish: Puts a text on a Redis channel; the mailbox's.
    """

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._publish = publish
        self._watched: dict[str, _Watched] = {}
        self._new: set[str] = set()  # of whom it is not known yet what is open

    def host(self, owner: Owner) -> None:
        """Watch a user's runtime; an incident of a missing worker ends with that. Never waits."""
        self._watched[owner.sub] = _Watched(owner=owner)
        self._new.add(owner.sub)

    def forget(self, sub: str) -> None:
        """Watch a runtime no more. What is open stays open: the next worker sees for itself."""
        self._watched.pop(sub, None)
        self._new.discard(sub)

    def look(self, sub: str, health: Health, at_ms: int) -> None:
        """Take one look at a hosted runtime. Never waits."""
        watched = self._watched.get(sub)
        if watched is None or watched.symptoms is None:
            return
        for turn in watched.symptoms.look(health, at_ms):
            key, told = turn.key, {"sub": sub, "detail": turn.detail}
            if turn.state == "began":
                log.warning("incident.began", kind=str(key.kind), subject=key.subject, **told)
            else:
                log.info("incident.ended", kind=str(key.kind), subject=key.subject, **told)
            watched.note(turn)

    # -- the side task

    async def run(self) -> None:
        """Write what turned, until cancelled."""
        while True:
            try:
                await self.turn()
            except AWAY as exc:
                waiting = sum(bool(watched.waiting) for watched in self._watched.values())
                log.warning("selfwatch.waits", users=waiting, reason=str(exc).strip())
                await asyncio.sleep(random.uniform(*AWAY_SECONDS))  # noqa: S311  # jitter
            await asyncio.sleep(LOOK_SECONDS)

    async def turn(self) -> None:
        """Read what is open of new users, then write what waits.

        Raises:
            django.db.Error: One of :data:`AWAY`, if PostgreSQL is away; what waits goes on
                waiting.
        """
        await self._take_on()
        for sub, watched in tuple(self._watched.items()):
            if watched.waiting:
                await self._write(sub, watched)

    async def _take_on(self) -> None:
        new = [self._watched[sub] for sub in self._new][:READ_AT_ONCE]
        if not new:
            return
        user_ids = [watched.owner.user_id for watched in new]
        found = await self._database.run(incidents.open_of, user_ids)
        for watched in new:
            sub, is_open = watched.owner.sub, found[watched.owner.user_id]
            if self._watched.get(sub) is not watched:
                continue  # let go, or hosted anew, meanwhile
            self._new.discard(sub)
            gone = Key(Kind.WORKER_GONE)
            watched.symptoms = Symptoms(is_open - {gone})
            if gone in is_open:
                now = datetime.now(UTC)
                back = incidents.WORKER_IS_BACK
                watched.note(Turn(key=gone, state="ended", detail=back, at=now))

    async def _write(self, sub: str, watched: _Watched) -> None:
        turns = watched.take()
        try:
            events = await self._database.run(incidents.write, watched.owner, turns)
        except AWAY:
            for turn in (*turns, *watched.take()):  # before what has turned since
                watched.note(turn)
            raise
        except Fenced as exc:
            log.info("selfwatch.fenced", sub=sub, reason=str(exc))  # the worker lets go of it
        except Exception:  # the boundary: one user's trouble is that user's alone
            log.exception("selfwatch.not_written", sub=sub, turns=len(turns))
        else:
            for event in events:
                await self._tell(sub, event)

    async def _tell(self, sub: str, event: SystemEvent) -> None:
        if not await self._publish(events_of(sub), event.to_json()):
            log.info("selfwatch.not_told", sub=sub)  # the row is there; a page reads it when asked
