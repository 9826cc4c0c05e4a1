"""What every effect works with and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from control.plan import Situation
from control.protocol import RuntimeCommand, State
from settings_app.errors import FieldError
from settings_app.reporting import counted
from trading.core.market import Instrument, Market
from trading.ports import BackfillOrder

if TYPE_CHECKING:
    from control.decisions import Ledger, Opened


class CommandFailed(Exception):
    """The command was understood and cannot be done; the text is the answer."""

    def __init__(self, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What goes on behind the answer.

    Args:
        id: Of the command that asks for it.
        backfills: History to be read anew.
        clears: Whether what Redis keeps for the user alone is removed first.
        restarts: Whether a data plane that has died is to turn again at once.
    """

    id: str
    backfills: tuple[BackfillOrder, ...] = ()
    clears: bool = False
    restarts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What will be answered, what is to be applied, and what goes on behind the answer."""

    message: str
    data: dict[str, Any]
    situation: Situation | None = None
    order: Order | None = None


def _nothing_known(_exchange: str) -> Mapping[str, Instrument] | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A runtime as a command finds it.

    Args:
        situation: What is in effect; None before the first.
        state: What it is doing.
        epoch: The lease's fence.
        next_version: The state version from which on the command's effect shows.
        changes: What the last change of the settings changed, and how it was applied.
        plane_is_down: Whether the data plane does not turn.
        listed: What an exchange lists, by symbol and as far as is known; None: nothing is known.
        unlisted: Why nothing is known of the exchange that the command is about, as a sentence;
            empty where nobody was asked.
        list_note: That the list of that exchange is old, how old and why, as a sentence; empty
            where it is not.
    """

    situation: Situation | None
    state: State
    epoch: int
    next_version: int
    changes: tuple[dict[str, str], ...] = ()
    plane_is_down: bool = False
    listed: Callable[[str], Mapping[str, Instrument] | None] = field(default=_nothing_known)
    unlisted: str = ""
    list_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One command at work: what it may read, and where it records."""

    ledger: Ledger
    opened: Opened
    command: RuntimeCommand
    before: Before

    @property
    def payload(self) -> dict[str, Any]:
        """The command's payload, validated."""
        return self.command.payload or {}

    @property
    def has_changed_the_wish(self) -> bool:
        """Whether this intent made the desired state another one."""
        before, now = self.opened.before, self.opened.desired
        ours = self.command.desired_revision or now.revision
        return before is not None and before.revision == ours

    def data(self, now: Situation) -> dict[str, Any]:
        """What programs are told of every command that changes what is watched."""
        old, new = watched(self.before.situation), watched(now)
        return {
            "epoch": self.before.epoch,
            "stateVersion": self.before.next_version,
            "desired": now.desired.to_dict(),
            "settingsRevision": now.settings_revision,
            "added": [market.symbol for market in new if market not in old],
            "removed": [market.symbol for market in old if market not in new],
            "kept": sum(market in old for market in new),
        }


def usable(now: Situation, before: Situation | None) -> Situation:
    """Go on with the plan before where the stored document cannot be used."""
    if now.plan is not None or before is None:
        return now
    return replace(now, plan=before.plan, document=before.document, held=before.held)


def watched(situation: Situation | None) -> tuple[Market, ...]:
    """The markets that a situation wants data of."""
    if situation is None or situation.plan is None or situation.desired.is_paused:
        return ()
    return situation.plan.markets


def superseded_by(newest: int, ours: int) -> str:
    """The answer to an intent that is not the newest any more."""
    return f"superseded by a newer intent (revision {newest}, this was {ours})"


def watching(situation: Situation | None) -> str:
    """How many that are, for people."""
    return f"watching {counted(len(watched(situation)), 'symbol')}"


def unusable(situation: Situation, consequence: str) -> CommandFailed:
    """Why the stored settings cannot be used, field by field."""
    text = "; ".join(map(_in_words, situation.problems))
    errors = [{"pointer": e.pointer, "message": e.message} for e in situation.problems]
    return CommandFailed(f"the settings cannot be used; {consequence}: {text}", {"errors": errors})


def _in_words(error: FieldError) -> str:
    return f"{error.pointer or '/'}: {error.message}"
