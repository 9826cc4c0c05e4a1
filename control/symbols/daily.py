"""The daily scan: a proposal and an alert that asks to look at it, never a change.

Rule 1: each user has a moment of the day of their own, so that not everybody asks at once. What was
    done is in the rows: a restart neither repeats nor forgets it.
Rule 2: not in a pause, and where it is switched off. What fell due meanwhile is done afterwards.
Rule 3: the run and its alert are one transaction, under the fence. A scan that failed is a row as
    well, is told among the errors, and is tried again with growing, jittered delays.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from control import leases
from control.database import AWAY, Database
from control.deliveries import filing
from control.leases import Fenced
from control.models import ScanRun
from control.symbols import scans
from control.symbols.listings import Listing, ListingUnknown, alisting
from control.symbols.scanning import ScanRefused, criteria_for, found_in
from settings_app import desired, services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import Settings
from trading.alerts.compose import SCAN, system_alert
from trading.models import Alert
from trading.net.backoff import Backoff
from trading.ports import Owner
from trading.scanner import Verdict

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 5.0
BEGINS: Final = timedelta(minutes=15)
SPREAD_SECONDS: Final = 3_600
RETRY_SECONDS: Final = (60.0, 3_600.0)
WHERE: Final = "scanner"

Complain = Callable[[str, str, str, str], None]  # sub, where, level, message


class _Stale(Exception):
    """The exchange does not answer; its older figures propose nothing."""


@dataclass(slots=True)
class _User:
    owner: Owner
    last_at: datetime | None = None
    is_known: bool = False  # whether the rows were read
    retry_at: float = 0.0  # by the rising clock
    backoff: Backoff = field(
        default_factory=lambda: Backoff(first=RETRY_SECONDS[0], longest=RETRY_SECONDS[1])
    )


class DailyScans:
    """Scans for the users it was told of.

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

    def follow(self, owner: Owner, document: Settings, *, is_paused: bool) -> None:
        """Scan for a user by this document from now on. Never waits."""
        if is_paused or not document.scanner.enabled:
            self._users.pop(owner.sub, None)
            return
        known = self._users.get(owner.sub)
        if known is None or known.owner != owner:
            self._users[owner.sub] = _User(owner)
        else:
            known.retry_at = 0.0  # somebody may have mended what was wrong

    def forget(self, sub: str) -> None:
        """Scan for a user no more."""
        self._users.pop(sub, None)

    async def run(self) -> None:
        """Look every few seconds what is due, until cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Scan for whom it is due, one after another."""
        for user in tuple(self._users.values()):
            if time.monotonic() < user.retry_at:
                continue
            try:
                await self._attend(user)
            except AWAY as exc:
                log.warning("scans.database_away", sub=user.owner.sub, reason=str(exc).strip())
                return
            except Fenced as exc:
                self.forget(user.owner.sub)  # the worker lets go of it
                log.info("scans.fenced", sub=user.owner.sub, reason=str(exc))
            except Exception as exc:  # the boundary: one user's trouble is that user's alone
                log.exception("scans.crashed", sub=user.owner.sub)
                text = f"it failed inside ({type(exc).__name__}); the log has the details"
                self._put_off(user, text)

    async def _attend(self, user: _User) -> None:
        owner, run = user.owner, self._database.run
        if not user.is_known:
            user.last_at = await run(scans.last_daily_at, owner.user_id)
            user.is_known = True
        now = self._clock()
        if not is_due(owner.sub, user.last_at, now):
            return
        try:
            made = await self._scan(owner, now)
        except (ListingUnknown, ScanRefused, SettingsInvalid, SettingsTooNew, _Stale) as exc:
            await self._failed(user, str(exc), now)
        else:
            user.last_at = now
            user.backoff.reset()
            log.info("scans.made", sub=owner.sub, run=made.pk, exchange=made.exchange)

    async def _scan(self, owner: Owner, now: datetime) -> ScanRun:
        run = self._database.run
        document = (await run(services.read, owner.user_id)).document
        known = await alisting(criteria_for(document).exchange)
        if known.trouble:
            raise _Stale(known.note)
        return await run(_write, owner, document, known, now)

    async def _failed(self, user: _User, reason: str, now: datetime) -> None:
        self._put_off(user, reason)
        await self._database.run(_note_failure, user.owner, reason, now)

    def _put_off(self, user: _User, reason: str) -> None:
        delay = user.backoff.next_delay()
        user.retry_at = time.monotonic() + delay
        log.warning("scans.failed", sub=user.owner.sub, reason=reason, again_in=round(delay, 1))
        self._complain(user.owner.sub, WHERE, "error", f"The daily scan was not made: {reason}")


def due_at(sub: str, day: datetime) -> datetime:
    """When a user's scan of a day is due."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + BEGINS + timedelta(seconds=zlib.crc32(sub.encode()) % SPREAD_SECONDS)


def is_due(sub: str, last_at: datetime | None, now: datetime) -> bool:
    """Whether a user's scan of today is to be made now."""
    today = due_at(sub, now)
    return now >= today and (last_at is None or last_at < today)


def next_at(sub: str, last_at: datetime | None, now: datetime) -> datetime:
    """When a user's next scan is due; in the past, if it waits to be made."""
    today = due_at(sub, now)
    done = last_at is not None and last_at >= today
    return today + timedelta(days=1) if done else today


def expected_at(user: User, document: Settings, now: datetime) -> datetime | None:
    """When a user's next scan is due, in the past if it waits to be made; None while it is switched
    off, or a pause holds it back.
    """
    if not document.scanner.enabled or desired.read_desired(user.pk).is_paused:
        return None
    return next_at(user.sub, scans.last_daily_at(user.pk), now)


def _write(owner: Owner, document: Settings, known: Listing, at: datetime) -> ScanRun:
    """The run and its alert.

    Raises:
        Fenced: If another worker drives this user; that one scans.
    """
    criteria = criteria_for(document)
    run = scans.new_run(owner.user_id, criteria, ScanRun.Cause.DAILY)
    run.at = at
    scans.fill(run, found_in(known, criteria, document), note="")
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        _forget_failure(owner.user_id)
        run.save()
        filing.save(owner.user_id, [alert_of(owner.user_id, run, known.label)])
        scans.prune(owner.user_id)
    return run


def alert_of(user_id: int, run: ScanRun, label: str) -> Alert:
    """What a user is told of a daily run."""
    add, remove = (len(scans.symbols_of(run, v)) for v in (Verdict.ADD, Verdict.REMOVE))
    detail = (
        f"Scan of {label}: {add} to add, {remove} to remove. Nothing was changed; look at it"
        " under Symbols, Scanner, and approve what you want."
    )
    values = {"kind": SCAN, "scan": run.pk, "add": add, "remove": remove}
    values["at"] = int(run.at.timestamp() * 1_000)
    return system_alert(user_id, exchange=run.exchange, detail=detail, values=values)


def _forget_failure(user_id: int) -> None:
    """There is one failure at most: that of the last attempt."""
    failed = ScanRun.objects.filter(user_id=user_id, state=ScanRun.State.FAILED)
    failed.filter(cause=ScanRun.Cause.DAILY).delete()


def _note_failure(owner: Owner, reason: str, at: datetime) -> None:
    """A row that says why, one at a time.

    Raises:
        Fenced: If another worker drives this user.
    """
    try:
        criteria = scans.criteria_of(services.read(owner.user_id).document)
    except (SettingsInvalid, SettingsTooNew):  # they may be why it failed
        run = ScanRun(user_id=owner.user_id, cause=ScanRun.Cause.DAILY, criteria={})
    else:
        run = scans.new_run(owner.user_id, criteria, ScanRun.Cause.DAILY)
    run.at, run.state, run.reason = at, ScanRun.State.FAILED, reason
    with transaction.atomic():
        leases.hold(owner.user_id, owner.fence)
        _forget_failure(owner.user_id)
        run.save()
