"""A ledger in memory: the rows of one user, with transactions that can fail."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from control import decisions, inbox
from control.decisions import Opened, Verdict
from control.effects.base import Before
from control.leases import Fenced
from control.plan import Situation, plan_of
from control.presumed import Presumption
from control.protocol import Command, CommandResult, Desired, RuntimeCommand, State
from control.undo import Undo
from settings_app.desired import Former
from settings_app.schema import default_document, validate
from trading.core.market import Instrument, Market
from trading.core.modes import Mode

SUB = "f5a1"


def instrument(symbol: str, **fields: Any) -> Instrument:
    """A spot market that is open to trade, unless the fields say otherwise."""
    base, _, quote = symbol.partition("-")
    steps: dict[str, Any] = {"price_increment": "0.01", "base_increment": "0.01"}
    market = Market("coinbase", symbol)
    told = {"market": market, "base": base, "quote": quote, "streamable": True, **steps}
    return Instrument(**told | fields)


def listing(*instruments: Instrument) -> Callable[[str], Mapping[str, Instrument] | None]:
    """What Coinbase lists, and nothing known of any other exchange."""
    by_symbol = {one.market.symbol: one for one in instruments}
    return {"coinbase": by_symbol}.get


LISTED = listing(*map(instrument, ("BTC-USD", "ETH-USD", "SOL-USD", "LTC-USD")))


class Rows:
    """What PostgreSQL holds of one user."""

    def __init__(self, *, is_paused: bool = False) -> None:
        self.desired = Desired(is_paused=is_paused, mode="scalper-macdv", revision=0)
        self.former: Former | None = None
        self.document = default_document(SUB) | {
            "watchlist": [
                {"symbol": symbol, "exchange": "coinbase", "enabled": True, "categories": []}
                for symbol in ("BTC-USD", "ETH-USD")
            ]
        }
        self.held: dict[Market, Decimal | None] = {}
        self.settings_revision = 1
        self.receipts: dict[str, CommandResult] = {}
        self.undo: Undo | None = None
        self.fence = 1
        self.carried_out: Counter[str] = Counter()
        """How often the effect of each id was committed."""

    def record(self, *, is_paused: bool | None = None, mode: str | None = None) -> Desired:
        """What ``settings_app.desired.record`` does."""
        now = self.desired
        then = Desired(
            is_paused=now.is_paused if is_paused is None else is_paused,
            mode=mode or now.mode,
            revision=now.revision + 1,
        )
        if (then.is_paused, then.mode) != (now.is_paused, now.mode):
            self.former = Former(now.is_paused, Mode(now.mode), then.revision)
        self.desired = then
        return then

    def situation(self) -> Situation:
        """What ``plan.situation`` reads."""
        document = validate(self.document)
        return Situation(
            desired=self.desired,
            settings_revision=self.settings_revision,
            plan=plan_of(document, Mode(self.desired.mode), self.held),
            document=document,
            undo=self.undo,
        )


class MemoryLedger:
    """One transaction over :class:`Rows`: nothing of it is there before :meth:`commit`."""

    def __init__(self, rows: Rows, *, fence: int = 1) -> None:
        self._rows = rows
        self._fence = fence
        self._draft = copy.copy(rows)
        self._draft.receipts = dict(rows.receipts)
        self._draft.carried_out = rows.carried_out.copy()

    def commit(self) -> None:
        """Make it so."""
        self._rows.__dict__.update(self._draft.__dict__)

    def open(self, command: RuntimeCommand) -> Opened:
        if self._fence != self._rows.fence:
            raise Fenced(f"fence {self._fence} is void")
        draft = self._draft
        return Opened(
            receipt=draft.receipts.get(str(command.id)),
            desired=draft.desired,
            before=draft.former,
            settings_revision=draft.settings_revision,
            undo=draft.undo,
        )

    def record(self, *, is_paused: bool | None, mode: str | None, after: int | None = None) -> None:
        assert after in (None, self._draft.desired.revision)
        self._draft.record(is_paused=is_paused, mode=mode)

    def situation(self) -> Situation:
        return self._draft.situation()

    def edit(
        self,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        origin: str,
        base_revision: int | None = None,
    ) -> int:
        assert base_revision in (None, self._draft.settings_revision)
        before = self._draft.document
        after = change(before)
        if after != before:
            validate(after)
            self._draft.document = after
            self._draft.settings_revision += 1
        return self._draft.settings_revision

    def withdraw(self, run_id: int) -> None:
        raise AssertionError("no scan was approved here")

    def remember(self, undo: Undo | None) -> None:
        self._draft.undo = undo

    def keep(self, command: RuntimeCommand, result: CommandResult) -> None:
        assert str(command.id) not in self._draft.receipts
        self._draft.receipts[str(command.id)] = result
        self._draft.carried_out[str(command.id)] += result.success


def kept_as_believed(
    rows: Rows, what: RuntimeCommand, presumption: Presumption, *, fence: int = 1
) -> bool:
    """What the statement of :mod:`control.presumed` does, on its own and at once."""
    opened, command_id = presumption.opened, str(what.id)
    if fence != rows.fence or command_id in rows.receipts:
        return False
    now = (rows.desired, rows.former, rows.settings_revision)
    if now != (opened.desired, opened.before, opened.settings_revision):
        return False
    rows.receipts[command_id] = presumption.verdict.result
    rows.undo = presumption.undo
    rows.carried_out[command_id] += 1
    return True


def command(name: Command | str, /, **fields: Any) -> RuntimeCommand:
    """A command of now."""
    body = {"id": uuid.uuid4(), "command": name, "timestamp": 0, "source": "admin"}
    return RuntimeCommand.model_validate(body | fields)


def found(situation: Situation | None, **fields: Any) -> Before:
    """A runtime in which a situation is in effect."""
    is_paused = situation is not None and situation.desired.is_paused
    state = State.PAUSED if is_paused else State.RUNNING
    usual = {"situation": situation, "state": state, "epoch": 1, "next_version": 1}
    return Before(**usual | {"listed": LISTED} | fields)


def decide(
    rows: Rows, what: RuntimeCommand, situation: Situation | None = None, **fields: Any
) -> Verdict:
    """Decide and commit, in a runtime in which ``situation`` is in effect, or what the rows say."""
    transaction = MemoryLedger(rows)
    before = found(situation or rows.situation(), **fields)
    verdict = decisions.decide(transaction, what, before)
    transaction.commit()
    return verdict


def refused(rows: Rows, what: RuntimeCommand) -> CommandResult:
    """Put an expiry on record and commit."""
    transaction = MemoryLedger(rows)
    late = inbox.expired(str(what.id), "late", 0)
    answer = decisions.refuse(transaction, what, late)
    transaction.commit()
    return answer
