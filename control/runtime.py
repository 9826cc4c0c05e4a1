"""One user's runtime: it obeys commands one at a time and keeps actual equal to desired.

Rule 1: one method, :meth:`Runtime._apply`, makes a situation true: gate, wanted set and state
    together, on this loop, without waiting. Nothing else touches them.
Rule 2: it never waits for the data plane. Whether an exchange is reachable is status, not a
    reason to withhold an answer.
Rule 3: every request gets an answer, and leaves the stream only behind the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import structlog

from control import inbox, ledger, plan, presumed
from control.answering import Answering
from control.database import AWAY
from control.decisions import Verdict
from control.delivery import Delivery
from control.effects.base import Before, Order, usable, watched
from control.effects.settings import changes
from control.inbox import Inbox, Refusal, Request
from control.leases import Fenced
from control.lifecycle import Life, Trigger
from control.patience import patiently
from control.plan import Situation
from control.protocol import Command, CommandResult, Fault, State, now_ms
from control.reports import Reports, Standing
from control.surroundings import Surroundings
from control.symbols.verifying import Known, market_added
from trading.core.market import Instrument, Market
from trading.ports import Gate, Owner

log = structlog.get_logger(__name__)

T = TypeVar("T")
DATABASE_BACKOFF_SECONDS = (0.1, 3.0)


class _TooLate(Exception):
    """A command grew too old while PostgreSQL was away; the text is the reason."""


class Runtime:
    """One user's runtime in this worker, by right of a lease."""

    def __init__(self, owner: Owner, surroundings: Surroundings) -> None:
        self.owner = owner
        self.life = Life(since_ms=now_ms())
        self.gate = Gate()
        self.situation: Situation | None = None
        self.reports = Reports(owner, surroundings, self._standing)
        """What it tells of itself."""
        self._around = surroundings
        self._fault: Fault | None = None
        self._inbox = Inbox()
        self._asked = asyncio.Event()
        self._answering = Answering(
            owner.sub,
            mailbox=surroundings.mailbox,
            inbox=self._inbox,
            tell=surroundings.tell,
            may_speak=partial(surroundings.may_speak, owner.sub),
            status=self._answer_status,
            done=self._done,
        )
        self._is_behind = False
        self._changes: tuple[dict[str, str], ...] = ()
        self._deciding = asyncio.Lock()
        self._is_stopped = False

    # -- what comes in

    def receive(self, delivery: Delivery) -> None:
        """Take what a delivery asks for. Never waits."""
        at = now_ms()
        items = inbox.read(
            delivery.body,
            entry_id=delivery.entry_id,
            sent_ms=delivery.arrived_ms,
            now_ms=at,
            origin=delivery.origin,
        )
        self._inbox.receive(items, at)
        for item in items:
            if isinstance(item, Refusal):
                log.warning("command.malformed", sub=self.owner.sub, reason=item.reason[:200])
        self._asked.set()
        if self._inbox.at_once:
            self._answering.wake()

    async def answer(self) -> None:
        """Send the answers, beside whatever is being decided, until cancelled."""
        await self._answering.run()

    # -- the commander

    async def obey(self) -> None:
        """Carry out what is asked, until cancelled.

        Raises:
            Fenced: If another worker has taken this user over.
        """
        await self._reconcile()
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._do_what_waits()

    async def _do_what_waits(self, *, before: Command | None = None) -> None:
        """Carry out all that waits; with ``before``, only what overtakes such a command."""
        while True:
            if self._is_behind:
                await self._reconcile()
            while self._inbox.void:
                resume, answer = self._inbox.void.popleft()
                self._answering.answer(resume, await self._refused(resume, answer))
            request = self._inbox.take(before=before)
            if request is not None:
                await self._carry_out(request)
            elif not (self._is_behind or self._inbox.void):
                return

    async def _carry_out(self, request: Request) -> None:
        self._answering.acknowledge(request)
        tells = False
        try:
            known = await self._look_up(request)
            verdict = await self._decide(request, known)
            result = verdict.result
            tells = verdict.situation is not None or verdict.is_repeat
        except _TooLate as exc:
            late = inbox.expired(request.id, str(exc), now_ms())
            result = await self._refused(request, late)
        except Fenced:
            raise
        except Exception as exc:  # the boundary: one command's bug must not end the runtime
            log.exception("command.crashed", sub=self.owner.sub, command_id=request.id)
            self.reports.complain("commands", "error", f"{request.command.command} failed inside")
            text = f"it failed inside ({type(exc).__name__}); the log has the details"
            result = await self._failed_inside(request, inbox.failed(request.id, text, now_ms()))
        self._answering.answer(request, result, tells=tells)

    async def _look_up(self, request: Request) -> Known | None:
        """What is known of the listing that a symbol is to be added from; None: it matters not.

        Where an exchange has to be asked, what overtakes the command is carried out meanwhile: a
        pause waits for no exchange.
        """
        market = market_added(request.command, self.situation)
        if market is None:
            return None
        verifying = self._around.verifying
        if (known := verifying.at_once(market)) is not None:
            return known
        asking = asyncio.create_task(verifying.look(market), name=f"listing for {self.owner.sub}")
        asking.add_done_callback(lambda _: self._asked.set())
        try:
            while not asking.done():
                await self._asked.wait()
                self._asked.clear()
                await self._do_what_waits(before=request.command.command)
            return await asking
        finally:
            asking.cancel()

    async def _decide(self, request: Request, known: Known | None) -> Verdict:
        async with self._deciding:
            before = self._before(known)

            async def attempt() -> Verdict:
                if reason := self._too_old(request):
                    raise _TooLate(reason)
                around, asked = self._around, (self.owner, request.command, before)
                verdict = await presumed.decide(around.hotline.ask, *asked)
                if verdict is None:
                    verdict = await around.database.run(ledger.decide, *asked)
                return verdict

            verdict = await self._patiently(attempt)
            if verdict.is_repeat:
                # Whoever decided it may not have lived to apply it, or not have learnt that it
                # was committed: what the answer says is made so before it goes.
                await self._read_and_apply()
            elif verdict.situation is not None:
                self._apply(verdict.situation)
        if verdict.order is not None:
            self._begin(verdict.order)
        return verdict

    def _before(self, known: Known | None) -> Before:
        seen = self._around.plane.listed

        def listed(exchange: str) -> Mapping[str, Instrument] | None:
            if known is not None and known.exchange == exchange:
                return known.instruments
            return seen(exchange)

        return Before(
            situation=self.situation,
            state=self.life.state,
            epoch=self.owner.fence,
            next_version=self.life.version + 1,
            changes=self._changes,
            plane_is_down=self._around.fault() is not None,
            listed=listed,
            unlisted="" if known is None else known.trouble,
            list_note="" if known is None else known.note,
        )

    def _begin(self, order: Order) -> None:
        """Begin what goes on behind the answer. Never waits."""
        sub = self.owner.sub
        if order.restarts:
            self._around.restart()
        if order.clears:
            self._around.clear(sub, order.id)
        for backfill in order.backfills:
            if refused := self._around.plane.backfill(sub, backfill):
                text = f"no backfill of {backfill.market.symbol}: {refused}"
                self.reports.complain("backfill", "error", text)

    async def _refused(self, request: Request, answer: CommandResult) -> CommandResult:
        """Put a refusal on record; the answer to give, which may be an earlier one."""
        run, refuse = self._around.database.run, ledger.refuse
        return await self._patiently(lambda: run(refuse, self.owner, request.command, answer))

    async def _failed_inside(self, request: Request, answer: CommandResult) -> CommandResult:
        """Put on record that it failed, so that a repetition does not carry it out after all."""
        try:
            return await self._refused(request, answer)
        except Fenced:
            raise
        except Exception:  # the boundary: what broke the command may break its record as well
            log.exception("command.not_recorded", sub=self.owner.sub, command_id=request.id)
            return answer

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await an attempt until PostgreSQL takes it; a lost lease ends the waiting."""

        def failed(exc: BaseException) -> None:
            log.warning("runtime.database_away", sub=self.owner.sub, reason=str(exc).strip())
            self.reports.complain("database", "error", "PostgreSQL is away; commands wait for it.")

        return await patiently(attempt, away=AWAY, delays=DATABASE_BACKOFF_SECONDS, failed=failed)

    def _too_old(self, request: Request) -> str | None:
        at = now_ms()
        redis_at = at + self._around.mailbox.clock_offset_ms
        return inbox.too_old(request, now_ms=at, redis_now_ms=redis_at)

    # -- answers

    def _answer_status(self, request: Request) -> CommandResult:
        now = self.reports.status(now_ms())
        return CommandResult(
            command_id=request.id,
            status="succeeded",
            success=True,
            message=str(now.state),
            data=now.to_dict(),
            timestamp=now.at,
        )

    def _done(self, request: Request, result: CommandResult) -> None:
        log.info(
            "command.done",
            sub=self.owner.sub,
            command_id=request.id,
            command=str(request.command.command),
            status=result.status,
            ms=now_ms() - request.arrived_ms,
        )

    # -- keeping actual equal to desired

    def catch_up(self, desired_revision: int, settings_revision: int) -> None:
        """Hear how far PostgreSQL has got; what no message told is made true soon. Never waits."""
        if self.situation is None:
            return  # it is read at the beginning
        known = (self.situation.desired.revision, self.situation.settings_revision)
        if known != (desired_revision, settings_revision):
            self.look_again()

    def look_again(self) -> None:
        """Hear that what PostgreSQL holds has moved; it is made true soon. Never waits."""
        self._is_behind = True
        self._asked.set()

    async def _reconcile(self) -> None:
        """Read the situation and make it true: at start, and when the poll sees it moved."""
        self._is_behind = False
        async with self._deciding:
            await self._read_and_apply()

    async def _read_and_apply(self) -> None:
        run, user_id = self._around.database.run, self.owner.user_id
        # What was told before this process is asked once: a desk remembers the rest itself.
        is_first = self.situation is None or self.situation.plan is None
        read = plan.opening if is_first else plan.situation
        situation = await self._patiently(lambda: run(read, user_id))
        if situation.plan is None:
            self.reports.complain("settings", "error", "; ".join(map(str, situation.problems)))
        self._apply(situation)

    def _apply(self, situation: Situation) -> None:
        """Make a situation true and note that it is: gate, wanted set and state in one step."""
        if self._is_stopped:
            return
        before, now = self.situation, usable(situation, self.situation)
        if before is not None and before.settings_revision != now.settings_revision:
            self._changes = changes(before, now)
        plane, wanted = self._around.plane, now.plan
        rests = now.desired.is_paused or wanted is None
        if rests:
            self.gate.close()
        else:
            self.gate.open()
        if wanted is None:
            plane.pause(self.owner.sub)
        else:
            plane.install(self.owner, wanted, self.gate, paused=rests)
        if now.document is not None:
            self._around.planner.follow(self.owner, now.document.schedule)
            self._around.positions.follow(self.owner, now.document, is_paused=rests)
            self._around.scans.follow(self.owner, now.document, is_paused=rests)
        self.situation = now  # last: until it is so, the poll finds that it is not
        self._enter(now)

    def _enter(self, now: Situation) -> None:
        at = now_ms()
        self._fault = None
        if now.desired.is_paused:
            self.life = self.life.on(Trigger.PAUSE, at)
        elif now.plan is None:
            problems = "; ".join(map(str, now.problems))
            self._fault = Fault(error=problems, where="settings", since=at, retry_at=at, attempt=1)
            self.life = self.life.on(Trigger.FAULT, at)
        elif (fault := self._around.fault()) is not None:
            self._fault = fault
            self.life = self.life.on(Trigger.FAULT, at)
        elif self.life.state is State.FAULTED:
            self.life = self.life.on(Trigger.RESTART, at)
        else:
            self.life = self.life.on(Trigger.RESUME, at)

    @property
    def watched(self) -> tuple[Market, ...]:
        """The markets that it wants data of."""
        return watched(self.situation)

    # -- what it is on

    def plane_changed(self) -> None:
        """The data plane has died, or turns again: say so, and install what is wanted."""
        if self.situation is not None:
            self._apply(self.situation)

    def stop(self) -> None:
        """Stop all processing for this user in this worker, for good."""
        self._is_stopped = True
        self.gate.close()
        self._around.plane.remove(self.owner.sub)

    @property
    def is_deciding(self) -> bool:
        """Whether a command is being decided: the next state version is promised to its effect."""
        return self._deciding.locked()

    def _standing(self) -> Standing:
        return Standing(
            life=self.life,
            situation=self.situation,
            fault=self._fault,
            queue_depth=len(self._inbox),
            malformed=self._inbox.malformed,
        )
