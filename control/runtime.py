"""One user's runtime: it obeys commands one at a time and keeps actual equal to desired.

Rule 1: it never waits for the data plane. The gate closes and the wanted set is installed at
    once; whether an exchange is reachable is status, not a reason to withhold an answer.
Rule 2: whatever it does in memory follows from the situation in PostgreSQL, so doing it again,
    after a failed commit or on another worker, ends in the same place.
Rule 3: every request gets an answer, and leaves the stream only behind the commit.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db import OperationalError

from control import decisions, inbox, plan, status
from control.database import Database
from control.decisions import CommandFailed, Done, Verdict
from control.inbox import Inbox, Refusal, Request
from control.lifecycle import Life, Trigger
from control.mailbox import Delivery, Mailbox
from control.plan import Situation
from control.protocol import (
    Command,
    CommandAck,
    CommandResult,
    Desired,
    Fault,
    RuntimeStatus,
    State,
    now_ms,
)
from control.sinks import SignalLog
from trading.plane import DataPlane
from trading.ports import DeskPlan, Gate, Installed, Owner

log = structlog.get_logger(__name__)

DATABASE_BACKOFF_SECONDS = (0.1, 3.0)
LATENCY_SAMPLES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every runtime of a worker shares."""

    worker: str
    database: Database
    mailbox: Mailbox
    plane: DataPlane
    signals: SignalLog
    tell: Callable[[str], Awaitable[None]]  # publishes a user's status now, within its rate


class Runtime:
    """One user's runtime in this worker, by right of a lease."""

    def __init__(self, owner: Owner, surroundings: Surroundings) -> None:
        self.owner = owner
        self.life = Life(since_ms=now_ms())
        self.gate = Gate()
        self.errors = status.ErrorTail()
        self.fault: Fault | None = None
        self.situation: Situation | None = None
        self._around = surroundings
        self._inbox = Inbox()
        self._asked = asyncio.Event()
        self._deciding = asyncio.Lock()
        self._started_at_ms = now_ms()
        self._malformed = 0
        self._latency: dict[str, deque[float]] = {}
        self._unanswered: list[tuple[Refusal | Request, CommandResult | None]] = []
        self._effects: Mapping[Command, Callable[[Situation], Done]] = {
            Command.PAUSE: self._pause,
            Command.RESUME: self._resume,
            Command.SWITCH_MODE: self._follow,
            Command.RELOAD_SETTINGS: self._reload,
        }

    # -- what comes in

    def receive(self, delivery: Delivery) -> None:
        """Queue what a delivery asks for. Never waits."""
        at = now_ms()
        for item in inbox.read(
            delivery.body, entry_id=delivery.entry_id, sent_ms=delivery.arrived_ms, now_ms=at
        ):
            if isinstance(item, Refusal):
                self._refuse(item)
            elif self._inbox.is_full and item.command.command is not Command.PAUSE:
                full = inbox.failed(item.id, "the queue of this runtime is full; try again", at)
                self._unanswered.append((item, full))
            else:
                for resume in self._inbox.put(item):
                    void = inbox.superseded(resume.id, "a later pause", at)
                    self._unanswered.append((resume, void))
        self._asked.set()

    def _refuse(self, refusal: Refusal) -> None:
        self._malformed += 1
        answer = None
        if refusal.command_id is not None:
            answer = inbox.failed(refusal.command_id, refusal.reason, now_ms())
        log.warning("command.malformed", sub=self.owner.sub, reason=refusal.reason[:200])
        self._unanswered.append((refusal, answer))

    # -- the commander

    async def obey(self) -> None:
        """Carry out what is asked, until cancelled.

        Raises:
            Fenced: If another worker has taken this user over.
        """
        await self.reconcile()
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._unanswered or len(self._inbox):
                await self._answer_refused()
                if request := self._inbox.take():
                    await self._carry_out(request)

    async def _answer_refused(self) -> None:
        refused, self._unanswered = self._unanswered, []
        for item, refusal in refused:
            answer = refusal
            if isinstance(item, Request) and refusal is not None:
                answer = await self._patiently(decisions.refuse, self.owner, item.command, refusal)
            await self._settle(item, answer)

    async def _carry_out(self, request: Request) -> None:
        command = request.command
        await self._around.mailbox.acknowledge(
            self.owner.sub, CommandAck(command_id=request.id, timestamp=now_ms())
        )
        at = now_ms()
        redis_at = at + self._around.mailbox.clock_offset_ms
        if reason := inbox.too_old(request, now_ms=at, redis_now_ms=redis_at):
            late = inbox.expired(request.id, reason, at)
            result = await self._patiently(decisions.refuse, self.owner, command, late)
        elif command.command is Command.STATUS:
            # A question changes nothing: it needs no receipt and no database.
            result = self._answer_status(request)
        else:
            async with self._deciding:
                verdict: Verdict = await self._patiently(
                    decisions.carry_out, self.owner, command, self._effect(command.command)
                )
                self._enter(verdict.situation)
            result = verdict.result
            # Whoever reads the answer finds the status that goes with it.
            await self._around.tell(self.owner.sub)
        await self._settle(request, result)

    def _effect(self, command: Command) -> Callable[[Situation], Done]:
        try:
            return self._effects[command]
        except KeyError:

            def refuse(_: Situation) -> Done:
                raise CommandFailed(f"{command} is not supported by this worker's version")

            return refuse

    async def _settle(self, item: Request | Refusal, result: CommandResult | None) -> None:
        entry_id = item.parcel.settled_by_one_more()
        history = None
        if isinstance(item, Request) and result is not None:
            took = now_ms() - item.arrived_ms
            history = {
                "id": item.id,
                "command": str(item.command.command),
                "payload": item.command.payload or {},
                "origin": item.command.source,
                "status": result.status,
                "message": result.message,
                "ms": took,
                "at": item.arrived_ms,
            }
            log.info(
                "command.done",
                sub=self.owner.sub,
                command=str(item.command.command),
                command_id=item.id,
                status=result.status,
                ms=took,
            )
        await self._around.mailbox.settle(
            self.owner.sub, result, entry_id=entry_id, history=history
        )

    async def _patiently(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Await a database function until PostgreSQL takes it; a lost lease ends the waiting."""
        low, high = DATABASE_BACKOFF_SECONDS
        limit = low
        while True:
            try:
                return await self._around.database.run(function, *args)
            except OperationalError as exc:
                self.complain("database", "error", f"PostgreSQL is away: {exc}".strip())
                await asyncio.sleep(random.uniform(0, limit))  # noqa: S311  # jitter, not a secret
                limit = min(high, limit * 2)

    # -- keeping actual equal to desired

    async def reconcile(self) -> None:
        """Read the situation and make it true: at start, and when the poll sees it moved.

        Raises:
            Fenced: If another worker has taken this user over.
        """
        async with self._deciding:
            situation: Situation = await self._patiently(plan.situation, self.owner.user_id)
            if situation.plan is None:
                self.complain("settings", "error", "; ".join(situation.problems))
            self._follow(situation)
            self._enter(situation)

    def is_behind(self, desired_revision: int, settings_revision: int) -> bool:
        """Whether PostgreSQL has moved on since the situation was last made true."""
        if self.situation is None:
            return True
        known = (self.situation.desired.revision, self.situation.settings_revision)
        return known != (desired_revision, settings_revision)

    def _enter(self, situation: Situation | None) -> None:
        """Note the state that follows from a situation which is in effect by now."""
        if situation is None:
            return
        situation = self._usable(situation)
        self.situation = situation
        at = now_ms()
        if situation.desired.is_paused:
            self.life = self.life.on(Trigger.PAUSE, at)
            self.fault = None
        elif situation.plan is None:
            self._fault("settings", "; ".join(situation.problems), at)
        elif self.life.state is State.FAULTED and self._around.plane.failure is None:
            self.fault = None
            self.life = self.life.on(Trigger.RESTART, at)
        else:
            self.life = self.life.on(Trigger.RESUME, at)

    # -- effects: in memory, immediate, repeatable

    def _pause(self, situation: Situation) -> Done:
        already = self.life.state is State.PAUSED
        installed = self._rest(self._usable(situation).plan)
        left = len(installed.removed)
        message = "already paused" if already else f"paused; left {left} subscriptions"
        return Done(message=message, data=self._data(situation, installed))

    def _resume(self, situation: Situation) -> Done:
        situation = self._usable(situation)
        if situation.plan is None:
            raise CommandFailed(*_unusable(situation, "nothing can be watched"))
        already = self.life.state is State.RUNNING
        installed = self._install(situation.plan)
        watched = len(installed.added) + len(installed.kept)
        message = "already running" if already else f"running; watching {watched} symbols"
        return Done(message=message, data=self._data(situation, installed))

    def _follow(self, situation: Situation) -> Done:
        """Make the situation true, whatever it says."""
        situation = self._usable(situation)
        if situation.desired.is_paused or situation.plan is None:
            installed = self._rest(situation.plan)
            text = f"mode {situation.desired.mode}; takes effect on resume"
        else:
            installed = self._install(situation.plan)
            watched = len(installed.added) + len(installed.kept)
            text = f"mode {situation.desired.mode}; watching {watched} symbols"
        return Done(message=text, data=self._data(situation, installed))

    def _reload(self, situation: Situation) -> Done:
        if situation.plan is None:
            raise CommandFailed(*_unusable(situation, "the settings before stay in effect"))
        before = self.situation
        done = self._follow(situation)
        if before is not None and before.settings_revision == situation.settings_revision:
            return Done(message="nothing had changed", data=done.data)
        text = f"settings revision {situation.settings_revision} applied"
        return Done(message=text, data=done.data)

    def _answer_status(self, request: Request) -> CommandResult:
        now = self.status(now_ms())
        return CommandResult(
            command_id=request.id,
            status="succeeded",
            success=True,
            message=str(now.state),
            data=now.to_dict(),
            timestamp=now.at,
        )

    def _install(self, wanted: DeskPlan) -> Installed:
        self.gate.open()
        return self._around.plane.install(self.owner, wanted, self.gate)

    def _rest(self, wanted: DeskPlan | None) -> Installed:
        """Watch nothing; the plan is noted all the same, for the status and for the resume."""
        self.gate.close()
        left = self._around.plane.pause(self.owner.sub)
        if wanted is not None:
            self._around.plane.install(self.owner, wanted, self.gate)
            self._around.plane.pause(self.owner.sub)
        return left

    def _usable(self, situation: Situation) -> Situation:
        """Go on with the plan before where the stored document cannot be used."""
        if situation.plan is not None or self.situation is None:
            return situation
        return replace(situation, plan=self.situation.plan)

    def _data(self, situation: Situation, installed: Installed) -> dict[str, Any]:
        return {
            "epoch": self.owner.fence,
            "stateVersion": self.life.version + 1,
            "desired": situation.desired.to_dict(),
            "settingsRevision": situation.settings_revision,
            "added": [str(market.symbol) for market in installed.added],
            "removed": [str(market.symbol) for market in installed.removed],
            "kept": len(installed.kept),
        }

    # -- health

    def faulted(self, fault: Fault) -> None:
        """The data plane has stopped; commands are still obeyed."""
        if self.life.state is not State.PAUSED:
            self.fault = fault
        self.complain(fault.where, "error", fault.error)
        self.life = self.life.on(Trigger.FAULT, now_ms())

    def restarted(self) -> None:
        """The data plane turns again: install what is wanted and go on."""
        if self.situation is None:
            return
        self._follow(self.situation)
        self._enter(self.situation)

    def _fault(self, where: str, error: str, at: int) -> None:
        self.fault = Fault(error=error, where=where, since=at, retry_at=at, attempt=1)
        self.life = self.life.on(Trigger.FAULT, at)

    @property
    def is_deciding(self) -> bool:
        """Whether a command is being carried out, whose effect no status may anticipate."""
        return self._deciding.locked()

    def beat(self) -> None:
        """Take one sample of each link's latency, for the line that the panel draws."""
        facts = self._around.plane.facts(self.owner.sub)
        for feed in facts.feeds if facts else ():
            if feed.latency_ms is not None:
                line = self._latency.setdefault(feed.exchange, deque(maxlen=LATENCY_SAMPLES))
                line.append(round(feed.latency_ms, 2))

    def complain(self, where: str, level: str, message: str) -> None:
        """Put an error where the trader sees it, and into the log."""
        log.warning("runtime.error", sub=self.owner.sub, where=where, message=message)
        self.errors.add(at_ms=now_ms(), where=where, level=level, message=message)

    def stop(self) -> None:
        """Stop all processing for this user in this worker."""
        self.gate.close()
        self._around.plane.remove(self.owner.sub)

    def status(self, at_ms: int) -> RuntimeStatus:
        """What is true now."""
        situation = self.situation
        plane = self._around.plane
        wanted = situation.desired if situation else Desired(is_paused=True, mode="", revision=0)
        known = status.Known(
            owner=self.owner,
            life=self.life,
            desired=wanted,
            mode=wanted.mode,
            timeframes=situation.timeframes if situation else (),
            markets=situation.plan.markets if situation and situation.plan else (),
            started_at_ms=self._started_at_ms,
            settings_revision=situation.settings_revision if situation else 0,
            worker=self._around.worker,
            beat_age_ms=plane.beat_age_ms,
            fault=self.fault,
            signals_today=self._around.signals.today(self.owner.sub),
            alerts_waiting=self._around.signals.waiting(self.owner.sub),
            last_signal_at_ms=self._around.signals.last_at_ms(self.owner.sub),
            queue_depth=len(self._inbox),
            malformed=self._malformed,
            errors=self.errors.lines(),
            latency={name: tuple(line) for name, line in self._latency.items()},
        )
        return status.compose(known, plane.facts(self.owner.sub), at_ms)


def _unusable(situation: Situation, consequence: str) -> tuple[str, dict[str, Any]]:
    problems = list(situation.problems)
    return f"the settings cannot be used; {consequence}: {'; '.join(problems)}", {
        "errors": problems
    }
