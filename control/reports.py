"""What one runtime tells of itself: its status, its health, its errors.

Rule 1: what it tells is how it stands in that moment (:class:`Standing`), beside what both planes
    know of its markets; nothing here decides anything, and nothing waits.
Rule 2: an error goes to the log, to the trader's pages, and into every status until it is old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from control import status
from control.lifecycle import Life
from control.links import Links
from control.plan import Situation
from control.protocol import Desired, Fault, LogEvent, RuntimeStatus, now_ms
from control.status import Known, Seen
from control.surroundings import Surroundings
from control.symptoms import Health
from trading.ports import FeedFacts, Owner

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a runtime stands.

    Args:
        situation: What it applied last; None before the first.
        fault: Why its data plane does not run.
        queue_depth: Commands that wait.
        malformed: Commands that could not be read, so far.
    """

    life: Life
    situation: Situation | None
    fault: Fault | None
    queue_depth: int
    malformed: int


class Reports:
    """The reports of one runtime.

    Args:
        owner: Whose it is.
        surroundings: What it shares with the others of its worker.
        standing: How it stands now.
    """

    def __init__(
        self, owner: Owner, surroundings: Surroundings, standing: Callable[[], Standing]
    ) -> None:
        self._owner = owner
        self._around = surroundings
        self._standing = standing
        self._errors = status.ErrorTail()
        self._links = Links()
        self._started_at_ms = now_ms()

    def complain(self, where: str, level: str, message: str) -> None:
        """Put an error where the trader sees it, and into the log."""
        log.warning("runtime.error", sub=self._owner.sub, where=where, message=message)
        line = self._errors.add(at_ms=now_ms(), where=where, level=level, message=message)
        event = LogEvent(at=line.at, where=where, level=line.level, message=line.message)
        self._around.tell_pages(self._owner.sub, event)

    def health(self) -> Health:
        """How it is, for those who watch over it."""
        plane, now = self._around.plane, self._standing()
        facts = plane.facts(self._owner.sub)
        return Health(
            state=now.life.state,
            fault=now.fault.error if now.fault else "",
            hangs=plane.beat_age_ms > status.HANGS_AFTER_MS,
            feeds=facts.feeds if facts else None,
            positions=self._around.positions.status_of(self._owner.sub),
        )

    def watch_links(self) -> None:
        """Put a link that was lost among the errors, once for each loss."""
        for feed in self._links.lost(self._feeds()):
            text = feed.detail or f"{feed.label} is {feed.state}."
            self.complain(feed.label, "error", text)

    def beat(self) -> None:
        """Take one sample of each link's latency."""
        self._links.sample(self._feeds())

    def status(self, at_ms: int) -> RuntimeStatus:
        """What is true now."""
        return self.seen().status(at_ms)

    def shape(self) -> int:
        """Changes whenever something has happened that a reader should be told at once."""
        return self.seen().shape()

    def seen(self) -> Seen:
        """What both planes know now."""
        return Seen(self._known(), self._around.plane.facts(self._owner.sub))

    def _feeds(self) -> Sequence[FeedFacts]:
        facts = self._around.plane.facts(self._owner.sub)
        return facts.feeds if facts else ()

    def _known(self) -> Known:
        around, sub, standing = self._around, self._owner.sub, self._standing()
        now = standing.situation
        wanted = now.desired if now else Desired(is_paused=True, mode="", revision=0)
        return Known(
            owner=self._owner,
            life=standing.life,
            desired=wanted,
            mode=wanted.mode,
            timeframes=now.timeframes if now else (),
            indicators=now.indicators if now else (),
            markets=now.plan.markets if now and now.plan else (),
            started_at_ms=self._started_at_ms,
            settings_revision=now.settings_revision if now else 0,
            worker=around.worker,
            beat_age_ms=around.plane.beat_age_ms,
            fault=standing.fault,
            signals_today=around.signals.today(sub),
            alerts_waiting=around.signals.waiting(sub),
            last_signal_at_ms=around.signals.last_at_ms(sub),
            queue_depth=standing.queue_depth,
            malformed=standing.malformed,
            errors=self._errors.lines(),
            latency=self._links.latency,
            credentials_set=now.credentials_set if now else None,
            credentials_missing=now.credentials_missing if now else None,
            undo=now.undo.to_status() if now and now.undo else None,
            planned=around.planner.next_of(sub),
            cache=around.cache(now.plan.markets) if now and now.plan else None,
            positions=around.positions.status_of(sub),
            held=now.held if now else (),
        )
