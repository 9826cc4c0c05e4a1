"""Any interleaving of commands, crashes and redeliveries, on the pure parts of the protocol.

The shell's order is played by hand: take, decide, commit, apply, then answer and leave the stream
in one transaction. A crash may come between any two of these, a sender may die between recording
and sending, an entry may come again, and a fenced-off worker may wake up at any time.

What must hold when all is quiet: actual = desired; each id was carried out at most once; each
command in the stream was answered, and always alike; nothing is left in the stream. And of every
intent that is answered "succeeded", that it was what the user wanted when it was decided.
"""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from control import decisions, inbox, presumed
from control.decisions import Verdict
from control.effects.base import usable, watched
from control.inbox import Inbox, Request
from control.leases import Fenced
from control.plan import Situation
from control.protocol import Command, CommandResult
from tests.control.ledgers import MemoryLedger, Rows, found, kept_as_believed

NOW = 1_700_000_000_000
OLD_MS = 31_000

Intent = tuple[Command, dict[str, Any], dict[str, Any]]  # payload; what is recorded

INTENTS: list[Intent] = [
    (Command.PAUSE, {}, {"is_paused": True}),
    (Command.RESUME, {}, {"is_paused": False}),
    (Command.SWITCH_MODE, {"mode": "position-monitor"}, {"mode": "position-monitor"}),
    (Command.SWITCH_MODE, {"mode": "scalper-macdv"}, {"mode": "scalper-macdv"}),
]
OTHERS: list[tuple[Command, dict[str, Any]]] = [
    (Command.ADD_SYMBOL, {"symbol": "SOL-USD"}),
    (Command.REMOVE_SYMBOL, {"symbol": "BTC-USD"}),
    (Command.RELOAD_SETTINGS, {}),
    (Command.UNDO, {}),
    (Command.FORCE_BACKFILL, {"symbol": "BTC-USD"}),
    (Command.STATUS, {}),
]


@dataclass
class Worker:
    """One life of a worker: what it has in memory, and goes with it."""

    fence: int
    situation: Situation
    inbox: Inbox = field(default_factory=Inbox)
    held: set[str] = field(default_factory=set)
    decided: tuple[Request, Verdict] | None = None  # committed, and not applied


class Protocol(RuleBasedStateMachine):
    """The world of one user, who wants now this and now that."""

    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()
        self.stream: dict[str, Any] = {}
        self.sent: dict[str, Command] = {}
        self.answers: dict[str, list[CommandResult]] = defaultdict(list)
        self.numbers = itertools.count(1)
        self.worker: Worker | None = None
        self.fenced_off: Worker | None = None

    # -- senders

    @initialize()
    def begin(self) -> None:
        self.take_over()

    @rule(
        target=entries,
        intent=st.sampled_from(INTENTS),
        is_foreign=st.booleans(),
        is_lost=st.booleans(),
    )
    def intend(
        self,
        intent: Intent,
        is_foreign: bool,
        is_lost: bool,
    ) -> Any:
        """A sender records and sends; a foreign one only sends, and one may die in between."""
        if is_foreign:
            return self._send(_body(*intent[:2]))
        body = self._recorded(intent)
        return multiple() if is_lost else self._send(body)

    @precondition(lambda self: self.worker is not None and self.worker.decided is None)
    @rule(
        target=entries,
        intent=st.sampled_from(INTENTS),
        meanwhile=st.sampled_from([None, *INTENTS]),
        is_applied=st.booleans(),
        seems_to_fail=st.booleans(),
    )
    def press(
        self,
        intent: Intent,
        meanwhile: Intent | None,
        is_applied: bool,
        seems_to_fail: bool,
    ) -> Any:
        """A button, as most are pressed: recorded, sent, heard and decided without delay.

        Another may be recorded in between, whose sender dies before it is sent.
        """
        entry = self._send(self._recorded(intent))
        if meanwhile is not None:
            self.rows.record(**meanwhile[2])
        self._deliver(self.worker, entry)
        self._decide(self.worker, commits=True, is_old=False, seems_to_fail=seems_to_fail)
        if is_applied and self.worker is not None and self.worker.decided is not None:
            self._apply_and_answer(self.worker)
        return entry

    @rule(target=entries, entry=entries)
    def repeat(self, entry: str) -> Any:
        """A sender that does not trust the first time sends the same id again."""
        body = self.stream.get(entry)
        return multiple() if body is None else self._send(body)

    @rule()
    def save_settings_elsewhere(self) -> None:
        """Somebody else saves; a page, an import."""
        self.rows.document = {**self.rows.document, "position_refresh_hours": 8.0}
        self.rows.settings_revision += 1

    # -- the worker

    @precondition(lambda self: self.worker is not None)
    @rule(entry=entries)
    def deliver(self, entry: str) -> None:
        """An entry is read, or one comes again that is held already."""
        self._deliver(self.worker, entry)

    @precondition(lambda self: self.worker is not None and self.worker.decided is None)
    @rule(commits=st.booleans(), is_old=st.booleans(), seems_to_fail=st.booleans())
    def decide(self, commits: bool, is_old: bool, seems_to_fail: bool) -> None:
        """The next command; the transaction commits or fails, and then it is tried again."""
        self._decide(self.worker, commits=commits, is_old=is_old, seems_to_fail=seems_to_fail)

    @precondition(lambda self: self.worker is not None and self.worker.decided is not None)
    @rule()
    def apply_and_answer(self) -> None:
        self._apply_and_answer(self.worker)

    @precondition(lambda self: self.worker is not None)
    @rule()
    def answer_at_once(self) -> None:
        self._answer_at_once(self.worker)

    @precondition(lambda self: self.worker is not None and self.worker.decided is None)
    @rule()
    def poll(self) -> None:
        """The worker sees in PostgreSQL what no message told it."""
        assert self.worker is not None
        self.worker.situation = usable(self.rows.situation(), self.worker.situation)

    @precondition(lambda self: self.worker is not None)
    @rule()
    def kill(self) -> None:
        """kill -9: memory is gone, the lease runs out."""
        self.worker = None

    @precondition(lambda self: self.worker is not None)
    @rule()
    def freeze(self) -> None:
        """The worker stands still so long that another takes its place."""
        self.fenced_off, self.worker = self.worker, None
        self.take_over()

    @precondition(lambda self: self.worker is None)
    @rule()
    def take_over(self) -> None:
        """Another worker gets the lease, and reads what is wanted before anything else."""
        self.rows.fence += 1
        self.worker = Worker(fence=self.rows.fence, situation=self.rows.situation())
        for entry in tuple(self.stream):  # what was never settled is claimed
            self._deliver(self.worker, entry)

    @precondition(lambda self: self.fenced_off is not None)
    @rule(commits=st.booleans())
    def wake_up(self, commits: bool) -> None:
        """A fenced-off worker goes on where it stood: it answers what it had committed in time."""
        assert self.fenced_off is not None
        if self.fenced_off.decided is not None:
            self._apply_and_answer(self.fenced_off)
        else:
            self._decide(self.fenced_off, commits=commits, is_old=False)

    # -- what must hold

    def teardown(self) -> None:
        """Let it come to rest, and look."""
        self.fenced_off = None
        if self.worker is None:
            self.take_over()
        worker = self.worker
        assert worker is not None
        for entry in tuple(self.stream):
            self._deliver(worker, entry)
        while worker.decided or worker.inbox.void or len(worker.inbox):
            if worker.decided:
                self._apply_and_answer(worker)
            else:
                self._decide(worker, commits=True, is_old=False)
        self._answer_at_once(worker)
        if worker.situation.desired.revision != self.rows.desired.revision:
            self.poll()
        assert worker.situation.desired == self.rows.desired
        assert watched(worker.situation) == watched(self.rows.situation())
        assert self.stream == {}
        assert worker.held == set()
        for command_id, name in self.sent.items():
            assert self.rows.carried_out[command_id] <= 1
            told = self.answers[command_id]
            assert told, f"{name} was never answered"
            if name is not Command.STATUS:
                assert all(answer == told[0] for answer in told)

    # -- within

    def _recorded(self, intent: Intent) -> dict[str, Any]:
        """Our client's body of an intent, which it records first."""
        name, payload, wish = intent
        return _body(name, payload) | {"desiredRevision": self.rows.record(**wish).revision}

    def _send(self, body: Any) -> str:
        for one in body if isinstance(body, list) else [body]:
            self.sent[one["id"]] = Command(one["command"])
        entry = f"{next(self.numbers)}-0"
        self.stream[entry] = body
        return entry

    def _deliver(self, worker: Worker | None, entry: str) -> None:
        assert worker is not None
        if entry not in self.stream or entry in worker.held:
            return
        worker.held.add(entry)
        items = inbox.read(self.stream[entry], entry_id=entry, sent_ms=NOW, now_ms=NOW)
        worker.inbox.receive(items, NOW)

    def _decide(
        self,
        worker: Worker | None,
        *,
        commits: bool,
        is_old: bool,
        seems_to_fail: bool = False,
    ) -> None:
        assert worker is not None
        transaction = MemoryLedger(self.rows, fence=worker.fence)
        try:
            if worker.inbox.void:
                resume, answer = worker.inbox.void[0]
                told = decisions.refuse(transaction, resume.command, answer)
                if commits:
                    worker.inbox.void.popleft()
                    transaction.commit()
                    self._settle(worker, resume, told)
                return
            if (request := worker.inbox.take()) is None:
                return
            later = NOW + OLD_MS if is_old else NOW
            if reason := inbox.too_old(request, now_ms=later, redis_now_ms=later):
                answer = inbox.expired(request.id, reason, NOW)
                told = decisions.refuse(transaction, request.command, answer)
                transaction.commit()
                self._settle(worker, request, told)
                return
            if commits and self._is_presumed(worker, request, seems_to_fail=seems_to_fail):
                return
            transaction = MemoryLedger(self.rows, fence=worker.fence)
            verdict = decisions.decide(transaction, request.command, found(worker.situation))
            if seems_to_fail:  # it commits, and the answer of the database is lost
                transaction.commit()
                self._check_truth(request, verdict)
            if not commits or seems_to_fail:  # it is decided again
                transaction = MemoryLedger(self.rows, fence=worker.fence)
                verdict = decisions.decide(transaction, request.command, found(worker.situation))
            transaction.commit()
            self._check_truth(request, verdict)
            worker.decided = (request, verdict)
        except Fenced:
            if worker is self.fenced_off:
                self.fenced_off = None  # it lets go, and never says a word of it
            else:
                raise

    def _is_presumed(self, worker: Worker, request: Request, *, seems_to_fail: bool) -> bool:
        """Decide by what the worker believes, if the rows agree.

        Where that only seems to fail, it is tried again.
        """
        presumption = presumed.presume(request.command, found(worker.situation))
        if presumption is None:
            return False
        if not kept_as_believed(self.rows, request.command, presumption, fence=worker.fence):
            return False
        self._check_truth(request, presumption.verdict)
        if seems_to_fail:
            return self._is_presumed(worker, request, seems_to_fail=False)
        worker.decided = (request, presumption.verdict)
        return True

    def _check_truth(self, request: Request, verdict: Verdict) -> None:
        if not verdict.result.success or verdict.situation is None:
            return
        wish = self.rows.desired
        match request.command.command:
            case Command.PAUSE | Command.RESUME as name:
                assert wish.is_paused is (name is Command.PAUSE)
            case Command.SWITCH_MODE:
                assert wish.mode == (request.command.payload or {})["mode"]

    def _apply_and_answer(self, worker: Worker | None) -> None:
        assert worker is not None
        assert worker.decided is not None
        request, verdict = worker.decided
        worker.decided = None
        if verdict.is_repeat:
            worker.situation = usable(self.rows.situation(), worker.situation)
        elif verdict.situation is not None:
            worker.situation = usable(verdict.situation, worker.situation)
        if worker is self.worker:
            self._check_effect(worker, request, verdict.result)
        self._settle(worker, request, verdict.result)

    def _check_effect(self, worker: Worker, request: Request, answer: CommandResult) -> None:
        """Whoever is told "paused" finds it so, unless the user wants something else by now."""
        if not answer.success or request.command.command is not Command.PAUSE:
            return
        if self.rows.desired.is_paused:
            assert worker.situation.desired.is_paused

    def _answer_at_once(self, worker: Worker | None) -> None:
        assert worker is not None
        while worker.inbox.at_once:
            item, answer = worker.inbox.at_once.popleft()
            assert isinstance(item, Request)
            status = CommandResult(
                command_id=item.id, status="succeeded", success=True, timestamp=0
            )
            self._settle(worker, item, answer or status)

    def _settle(self, worker: Worker, request: Request, answer: CommandResult) -> None:
        self.answers[request.id].append(answer)
        if entry := request.parcel.settled_by_one_more():
            self.stream.pop(entry, None)
            worker.held.discard(entry)


def _status(command_id: str) -> CommandResult:
    return CommandResult(command_id=command_id, status="succeeded", success=True, timestamp=0)


def _body(name: Command, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "command": str(name),
        "payload": payload,
        "timestamp": NOW,
        "source": "admin",
    }


class AllCommands(Protocol):
    """All commands, batches of them too."""

    # Names are looked up in the class body.
    entries = Protocol.entries

    @rule(target=entries, which=st.sampled_from(OTHERS))
    def ask(self, which: tuple[Command, dict[str, Any]]) -> str:
        """Anything that is no intent."""
        return self._send(_body(*which))

    @rule(target=entries, several=st.lists(st.sampled_from(OTHERS), min_size=2, max_size=4))
    def ask_at_once(self, several: list[tuple[Command, dict[str, Any]]]) -> str:
        """A batch: one entry, answered command by command."""
        return self._send([_body(*one) for one in several])


TestIntentsInAnyInterleaving = Protocol.TestCase
TestIntentsInAnyInterleaving.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None
)
TestAnyInterleaving = AllCommands.TestCase
TestAnyInterleaving.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
