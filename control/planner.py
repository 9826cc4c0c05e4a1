"""The worker's clockwork: it fires the schedules of the users that the worker hosts.

Rule 1: when each user's next entry is due is kept in memory; PostgreSQL is asked when a schedule
    changed or something is due, never by the second.
Rule 2: it works for a paused runtime as for any other: a planned resume must fire.
Rule 3: with PostgreSQL away it tries again, within the grace; with Redis away the intent is
    recorded, and the poll applies it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from control import client, planned, schedule
from control.database import AWAY, Database
from control.leases import Fenced
from control.planned import Agendum, Fired, Skipped
from control.protocol import Planned
from control.schedule import NeverDue
from settings_app.schema.runtime import ScheduledCommand
from trading.ports import Owner

log = structlog.get_logger(__name__)

TURN_SECONDS = 1.0
AWAY_SECONDS = (1.0, 3.0)

Complain = Callable[[str, str, str, str], None]  # sub, where, level, message
Schedule = tuple[ScheduledCommand, ...]


@dataclass(slots=True)
class _User:
    """A hosted user with a schedule, and what is known of its rows."""

    owner: Owner
    rows: Schedule
    agenda: tuple[Agendum, ...] = ()

    def is_due(self, now: datetime) -> bool:
        """Whether the soonest entry is due."""
        return bool(self.agenda) and self.agenda[0].due_at <= now


class Planner:
    """Fires what is due for the users it was told of.

    Args:
        database: The worker's.
        complain: Puts a line among a user's errors.
        clock: The moment, aware UTC.
    """

    def __init__(
        self,
        database: Database,
        complain: Complain,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._complain = complain
        self._clock = clock
        self._users: dict[str, _User] = {}
        self._behind: set[str] = set()  # whose rows are not yet those of the schedule
        self._redis_answers = True

    # -- whose schedule is followed

    def follow(self, owner: Owner, rows: Schedule) -> None:
        """Follow a user's schedule from the next turn on. Never waits; repeating costs nothing."""
        known = self._users.get(owner.sub)
        if known is None or (known.owner, known.rows) != (owner, rows):
            agenda = () if known is None else known.agenda  # what is shown until the rows are read
            self._users[owner.sub] = _User(owner=owner, rows=rows, agenda=agenda)
            self._behind.add(owner.sub)

    def forget(self, sub: str) -> None:
        """Follow a user no more; the rows wait for whoever hosts the user next."""
        self._users.pop(sub, None)
        self._behind.discard(sub)

    def next_of(self, sub: str) -> Planned | None:
        """What is planned next, for the status."""
        user = self._users.get(sub)
        if user is None or not user.agenda:
            return None
        due_at, entry = user.agenda[0]
        try:
            row = schedule.row_of(entry)
        except NeverDue:
            return None  # said when it is due
        at_ms = int(due_at.timestamp() * 1_000)
        return Planned(at=at_ms, command=row.command, text=schedule.text_of(row))

    # -- the side task

    async def run(self) -> None:
        """Look every second what is due, until cancelled."""
        while True:
            try:
                await self.turn()
            except AWAY as exc:
                log.warning("planner.database_away", reason=str(exc).strip())
                await asyncio.sleep(random.uniform(*AWAY_SECONDS))  # noqa: S311  # jitter
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Bring the rows in line with the schedules that changed, then fire what is due.

        Raises:
            django.db.Error: One of :data:`AWAY`, if PostgreSQL is away; what was not done is done
                by the next turn.
        """
        self._redis_answers = True
        for sub in tuple(self._behind):
            await self._guarded(sub, self._bring_up)
        now = self._clock()
        for sub in [sub for sub, user in self._users.items() if user.is_due(now)]:
            await self._guarded(sub, self._fire)

    async def _guarded(self, sub: str, act: Callable[[_User], Awaitable[None]]) -> None:
        """Do something for one user, whose trouble is that user's alone."""
        user = self._users.get(sub)
        if user is None:
            return  # let go meanwhile
        try:
            await act(user)
        except AWAY:
            raise
        except Fenced as exc:
            log.info("planner.fenced", sub=sub, reason=str(exc))  # the worker lets go of it
        except Exception:  # the boundary: nobody else's schedule stands still for it
            log.exception("planner.failed", sub=sub)
            text = "the schedule stands still until the settings are saved again; see the log"
            self._complain(sub, "schedule", "error", text)
        else:
            return
        if self._users.get(sub) is user:  # else it is followed anew, and that is yet to be done
            user.agenda = ()
            self._behind.discard(sub)

    async def _bring_up(self, user: _User) -> None:
        sub = user.owner.sub
        followed = await self._database.run(planned.follow, user.owner, user.rows, self._clock())
        user.agenda = followed.agenda
        for problem in followed.problems:
            log.warning("planner.never_due", sub=sub, reason=problem)
            self._complain(sub, "schedule", "error", problem)
        if self._users.get(sub) is user:  # else it has changed again
            self._behind.discard(sub)

    async def _fire(self, user: _User) -> None:
        run, owner = self._database.run, user.owner
        while (outcome := await run(planned.fire, owner, self._clock())) is not None:
            match outcome:
                case Fired():
                    await self._send(owner.sub, outcome)
                case Skipped():
                    self._say_skipped(owner.sub, outcome)
        user.agenda = await run(planned.agenda, owner.user_id)

    async def _send(self, sub: str, fired: Fired) -> None:
        """Tell the runtime, which does at once what its poll would do in a moment."""
        told = {"sub": sub, "text": fired.text, "due_at": fired.due_at.isoformat()}
        try:
            if self._redis_answers:  # it is asked once a turn, for asking can take seconds
                await asyncio.to_thread(client.publish, sub, fired.message, fired.origin)
                log.info("schedule.fired", command_id=str(fired.message.id), **told)
                return
        except (RedisError, OSError) as exc:
            self._redis_answers = False
            told["reason"] = str(exc)
        log.warning("schedule.recorded_not_sent", **told)  # the poll applies it

    def _say_skipped(self, sub: str, skipped: Skipped) -> None:
        told = {"sub": sub, "text": skipped.text, "due_at": skipped.due_at.isoformat()}
        if not skipped.is_trouble:
            log.info("schedule.skipped", reason=skipped.reason, **told)
            return
        log.warning("schedule.skipped", reason=skipped.reason, **told)
        due = f"{skipped.due_at:%Y-%m-%d %H:%M} UTC"
        text = f"not done: {skipped.text}, due {due}: {skipped.reason}"
        self._complain(sub, "schedule", "warning", text)
