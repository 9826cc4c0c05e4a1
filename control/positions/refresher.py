"""When each hosted user's positions are read, and what is told of it.

Rule 1: at the start, then every ``position_refresh_hours``; sooner, with growing, jittered delays,
    while reading fails, and at once when the runtime was told something. Not in a pause.
Rule 2: each exchange of each user is read by itself: one that hangs holds up nobody else.
Rule 3: what fails changes no position. It is logged, it is among the errors, and it stands in the
    status beside when reading worked last, until it works again.
Rule 4: what only a person can mend (a key refused, a variable that is not set) is told as such.
Rule 5: what is read for somebody who is paused, or has other keys, by the time that it is there,
    is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from control.database import Database
from control.leases import Fenced
from control.positions import rows
from control.positions.rows import Written
from control.positions.sources import Source, key_of, sources
from control.protocol import PositionsStatus
from settings_app.credentials import CredentialError
from settings_app.schema import Settings
from trading.core.errors import ConfigError, KeyRefused, TradingError
from trading.net.backoff import Backoff
from trading.ports import Owner
from trading.positions import Reads

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 1.0
AT_ONCE: Final = 8  # readings; the budget of each exchange sets the pace
LONGEST_SECONDS: Final = 300.0
RETRY_SECONDS: Final = (10.0, 900.0)
WHERE: Final = "positions"
FOR_A_PERSON: Final = (ConfigError, KeyRefused, CredentialError)
_NEVER: Final = float("inf")

Complain = Callable[[str, str, str, str], None]  # sub, where, level, message


class _Dropped(Exception):
    """Nobody wants what was read any more."""


@dataclass(slots=True, eq=False)
class _Watch:
    """One exchange that is read for one user."""

    owner: Owner
    source: Source
    told: PositionsStatus
    due_at: float  # by the rising clock
    is_being_read: bool = False
    read_at: float | None = None  # likewise; None before the first time in this worker
    warned: tuple[str, ...] = ()
    backoff: Backoff = field(
        default_factory=lambda: Backoff(first=RETRY_SECONDS[0], longest=RETRY_SECONDS[1])
    )

    @property
    def has_failed(self) -> bool:
        """Whether it did not work the last time."""
        return self.told.state == "failed"


@dataclass(slots=True)
class _User:
    is_paused: bool
    watches: dict[str, _Watch]


class Refresher:
    """Reads the positions of the users it was told of.

    Args:
        database: The worker's.
        reader: Asks the exchanges.
        complain: Puts a line among a user's errors.
        changed: Told the ``sub`` of whoever holds something else than before.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        database: Database,
        reader: Reads,
        *,
        complain: Complain,
        changed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._reader = reader
        self._complain = complain
        self._changed = changed
        self._clock = clock
        self._users: dict[str, _User] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()

    # -- for whom

    def follow(self, owner: Owner, document: Settings, *, is_paused: bool) -> None:
        """Read for a user by this document from now on. Never waits."""
        before = self._users.get(owner.sub)
        known = {} if before is None else before.watches
        watches = {
            source.exchange: self._watch(owner, source, known.get(source.exchange))
            for source in sources(document)
        }
        self._users[owner.sub] = _User(is_paused=is_paused, watches=watches)
        self._wake.set()

    def forget(self, sub: str) -> None:
        """Read for a user no more."""
        self._users.pop(sub, None)

    def status_of(self, sub: str) -> tuple[PositionsStatus, ...]:
        """How reading goes, one for each exchange of a user."""
        user = self._users.get(sub)
        if user is None:
            return ()
        told = (watch.told for watch in user.watches.values())
        if user.is_paused:
            return tuple(one.model_copy(update={"next_at": None}) for one in told)
        return tuple(told)

    def _watch(self, owner: Owner, source: Source, known: _Watch | None) -> _Watch:
        if known is None or (known.owner, known.source.variables) != (owner, source.variables):
            label = self._reader.label_of(source.exchange)
            told = PositionsStatus(exchange=source.exchange, label=label, state="waiting")
            return _Watch(owner, source, told, due_at=self._clock())
        known.source = source
        if known.has_failed:
            known.due_at = self._clock()  # somebody may have mended what was wrong
        elif known.read_at is not None:
            self._plan(known, known.read_at + source.every_seconds)
        return known

    # -- the side task

    async def run(self) -> None:
        """Read what is due, until cancelled."""
        for user in self._users.values():
            for watch in user.watches.values():
                watch.is_being_read = False  # by a life of this task that has ended
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                for watch in tuple(self._due()):
                    watch.is_being_read = True
                    name = f"positions of {watch.owner.sub} on {watch.source.exchange}"
                    tasks.create_task(self._attend(watch), name=name)
                try:
                    async with asyncio.timeout(TURN_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    def _due(self) -> Iterator[_Watch]:
        now = self._clock()
        for user in self._users.values():
            for watch in user.watches.values():
                if not user.is_paused and not watch.is_being_read and watch.due_at <= now:
                    yield watch

    async def _attend(self, watch: _Watch) -> None:
        """Read once, whatever comes of it."""
        sub, exchange = watch.owner.sub, watch.source.exchange
        try:
            async with self._places, asyncio.timeout(LONGEST_SECONDS):
                written = await self._read(watch)
        except _Dropped:
            log.info("positions.dropped", sub=sub, exchange=exchange)
        except Fenced as exc:
            watch.due_at = _NEVER  # the worker lets go of it
            log.info("positions.fenced", sub=sub, reason=str(exc))
        except (TradingError, CredentialError) as exc:
            await self._failed(watch, str(exc), needs_you=isinstance(exc, FOR_A_PERSON))
        except TimeoutError:
            await self._failed(watch, f"it took longer than {LONGEST_SECONDS:g} s")
        except DatabaseError as exc:
            log.warning("positions.database", sub=sub, exchange=exchange, reason=str(exc).strip())
            await self._failed(watch, "PostgreSQL did not take what was read")
        except Exception as exc:  # the boundary: one user's trouble is that user's alone
            log.exception("positions.crashed", sub=sub, exchange=exchange)
            text = f"it failed inside ({type(exc).__name__}); the log has the details"
            await self._failed(watch, text)
        else:
            self._succeeded(watch, written)
        finally:
            watch.is_being_read = False

    async def _read(self, watch: _Watch) -> Written:
        owner, source, run = watch.owner, watch.source, self._database.run
        self._insist(watch)
        accounts = self._reader.accounts_of(source.exchange)
        key: Any = await run(key_of, owner.user_id, source, accounts)
        reading = await self._reader.read(source.exchange, key)
        self._insist(watch)
        return await run(rows.write, owner, watch.source, reading, watch.told.label)

    def _insist(self, watch: _Watch) -> None:
        """Raises: _Dropped, if nobody wants it to be read now."""
        user = self._users.get(watch.owner.sub)
        if user is None or user.is_paused:
            raise _Dropped
        if user.watches.get(watch.source.exchange) is not watch:
            raise _Dropped

    # -- what came of it

    def _succeeded(self, watch: _Watch, written: Written) -> None:
        sub, made = watch.owner.sub, written.changes
        log.info(
            "positions.read",
            sub=sub,
            exchange=watch.source.exchange,
            positions=written.positions,
            opened=len(made.opened),
            resized=len(made.resized),
            closed=len(made.closed),
        )
        watch.backoff.reset()
        watch.read_at = self._clock()
        watch.told = watch.told.model_copy(
            update={
                "state": "read",
                "read_at": _ms(written.read_at),
                "positions": written.positions,
                "error": "",
                "failing_since": None,
                "failures": 0,
                "needs_you": False,
                "notes": list(written.notes),
            }
        )
        self._plan(watch, watch.read_at + watch.source.every_seconds)
        for warning in written.warnings:
            if warning not in watch.warned:
                self._complain(sub, WHERE, "warning", f"{watch.told.label}: {warning}")
        watch.warned = written.warnings
        if not made.is_empty:
            self._changed(sub)

    async def _failed(self, watch: _Watch, reason: str, *, needs_you: bool = False) -> None:
        sub, exchange, label = watch.owner.sub, watch.source.exchange, watch.told.label
        delay = watch.backoff.next_delay()
        log.warning(
            "positions.failed", sub=sub, exchange=exchange, reason=reason, again_in=round(delay, 1)
        )
        changes: dict[str, Any] = {
            "state": "failed",
            "error": reason,
            "failing_since": watch.told.failing_since or _ms(datetime.now(UTC)),
            "failures": watch.told.failures + 1,
            "needs_you": needs_you,
        }
        try:
            run, note = self._database.run, rows.note_failure
            worked_at = await run(note, watch.owner, exchange, reason)
        except (DatabaseError, Fenced) as exc:
            log.info("positions.failure_not_noted", sub=sub, reason=str(exc).strip())
        else:
            changes["read_at"] = None if worked_at is None else _ms(worked_at)
        watch.told = watch.told.model_copy(update=changes)
        self._plan(watch, self._clock() + delay)
        text = f"{label}: positions were not read, and stay as they were: {reason}"
        self._complain(sub, WHERE, "error", text)

    def _plan(self, watch: _Watch, due_at: float) -> None:
        """Read it next at ``due_at``, and say when that is."""
        watch.due_at = due_at
        moment = datetime.now(UTC) + timedelta(seconds=max(0.0, due_at - self._clock()))
        watch.told = watch.told.model_copy(update={"next_at": _ms(moment)})


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
