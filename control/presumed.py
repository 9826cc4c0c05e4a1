"""Deciding a pause by what the runtime knows already, and recording it by one statement.

A pause of our own client is recorded before it is sent: PostgreSQL has nothing to add to what the
runtime knows, so long as all still stands as the runtime believes. Whether it does is the condition
of the statement that writes the receipt; where it does not, nothing is written, and the decision is
taken from the rows as any other (:mod:`control.ledger`).

Rule 1: the rules of :mod:`control.decisions` decide here as well; only what they read is another.
Rule 2: the lease and every belief that the decision rests upon are the statement's condition.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never

from structlog.contextvars import bound_contextvars

from control import decisions
from control.decisions import Opened, Verdict
from control.effects.base import Before
from control.protocol import Command, CommandResult, Desired, RuntimeCommand
from control.undo import Undo
from settings_app.desired import Former
from trading.core.modes import Mode
from trading.ports import Owner

Ask = Callable[[str, Mapping[str, Any]], Awaitable[tuple[Any, ...] | None]]

KEEP_IF_AS_BELIEVED: Final = """
    WITH believed AS (
        SELECT lease.user_id
          FROM control_lease AS lease
          JOIN settings_app_user AS u ON u.id = lease.user_id
         WHERE lease.user_id = %(user)s AND lease.fence = %(fence)s
           AND u.is_paused AND u.runtime_mode = %(mode)s AND u.desired_revision = %(wanted)s
           AND u.desired_before = %(before)s::jsonb AND u.settings_revision = %(settings)s
           FOR NO KEY UPDATE OF lease
    ), kept AS (
        INSERT INTO control_receipt (user_id, command_id, result, created_at)
        SELECT user_id, %(command)s, %(result)s::jsonb, statement_timestamp() FROM believed
            ON CONFLICT DO NOTHING
     RETURNING user_id
    ), remembered AS (
        INSERT INTO control_reversible (user_id, command, text, inverse, revision)
        SELECT user_id, %(undoes)s, %(text)s, %(inverse)s::jsonb, %(revision)s FROM kept
            ON CONFLICT (user_id) DO UPDATE
           SET command = excluded.command, text = excluded.text, inverse = excluded.inverse,
               revision = excluded.revision
    )
    SELECT count(*) FROM kept
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presumption:
    """A decision that holds if the rows are as believed.

    Args:
        opened: What the rows are believed to hold.
        verdict: Of the rules.
        undo: What undoes the command.
    """

    opened: Opened
    verdict: Verdict
    undo: Undo


async def decide(ask: Ask, owner: Owner, command: RuntimeCommand, before: Before) -> Verdict | None:
    """The verdict, on record; None where it has to be taken from the rows.

    It may then be on record all the same, where PostgreSQL did not answer: the rows tell.
    """
    presumption = presume(command, before)
    if presumption is None:
        return None
    with bound_contextvars(sub=owner.sub):  # what the connection logs is of this user
        row = await ask(KEEP_IF_AS_BELIEVED, _beliefs(owner, command, presumption))
    return presumption.verdict if row is not None and row[0] else None


def presume(command: RuntimeCommand, before: Before) -> Presumption | None:
    """Decide a pause of our own client by what the runtime knows; None where that is too little.

    It is enough if the pause is the next thing that was wanted after what is in effect.
    """
    known, ours = before.situation, command.desired_revision
    if command.command is not Command.PAUSE or known is None or ours is None:
        return None
    if known.desired.is_paused or ours != known.desired.revision + 1:
        return None
    mode = Mode(known.desired.mode)
    opened = Opened(
        receipt=None,
        desired=Desired(is_paused=True, mode=mode, revision=ours),
        before=Former(is_paused=False, mode=mode, revision=ours),
        settings_revision=known.settings_revision,
        undo=known.undo,
    )
    believed = _Believed(opened)
    try:
        verdict = decisions.decide(believed, command, before)
    except _NotKnown:
        return None
    if believed.undo is None:
        return None
    return Presumption(opened=opened, verdict=verdict, undo=believed.undo)


def _beliefs(owner: Owner, command: RuntimeCommand, presumption: Presumption) -> dict[str, Any]:
    """What the statement asks for and what it writes."""
    opened, undo = presumption.opened, presumption.undo
    return {
        "user": owner.user_id,
        "fence": owner.fence,
        "mode": opened.desired.mode,
        "wanted": opened.desired.revision,
        "before": None if opened.before is None else json.dumps(opened.before.to_json()),
        "settings": opened.settings_revision,
        "command": command.id,
        "result": presumption.verdict.result.to_json(),
        "undoes": undo.command,
        "text": undo.text,
        "inverse": json.dumps(undo.inverse.to_json()),
        "revision": undo.revision,
    }


class _NotKnown(Exception):
    """The rules ask for more than the runtime knows."""


class _Believed:
    """A ledger of which only the opening is known; what is to be remembered is noted."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.undo: Undo | None = None

    def open(self, _command: RuntimeCommand) -> Opened:
        return self._opened

    def record(
        self, *, is_paused: bool | None, mode: str | None, after: int | None = None
    ) -> Never:
        raise _NotKnown

    def situation(self) -> Never:
        raise _NotKnown

    def edit(
        self,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        origin: str,
        base_revision: int | None = None,
    ) -> Never:
        raise _NotKnown

    def withdraw(self, run_id: int) -> Never:
        raise _NotKnown

    def remember(self, undo: Undo | None) -> None:
        self.undo = undo

    def keep(self, _command: RuntimeCommand, _result: CommandResult) -> None:
        """The statement does."""
