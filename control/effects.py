"""What a command does, judged before it is done: the answer's words and figures.

Rule 1: pure. A judgement reads two situations, before and now, and changes nothing; the runtime
    applies the situation behind the commit.
Rule 2: whatever cannot be done raises, and then the situation is not applied either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from control.plan import Situation
from control.protocol import Command, State
from trading.core.market import Market


class CommandFailed(Exception):
    """The command was understood and cannot be done; the text is the answer."""

    def __init__(self, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What will be answered: a sentence, and details for programs."""

    message: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A runtime as a command finds it.

    Args:
        situation: What is in effect; None before the first.
        state: What it is doing.
        epoch: The lease's fence.
        next_version: The state version from which on the command's effect shows.
    """

    situation: Situation | None
    state: State
    epoch: int
    next_version: int


Judgement = Callable[[Situation], Done]


def judgement(command: Command, before: Before) -> Judgement:
    """How to judge a command, given what it finds."""
    judge = _JUDGES.get(command, _unsupported(command))
    return lambda now: judge(before, now)


def usable(now: Situation, before: Situation | None) -> Situation:
    """Go on with the plan before where the stored document cannot be used."""
    if now.plan is not None or before is None:
        return now
    return replace(now, plan=before.plan)


def watched(situation: Situation | None) -> tuple[Market, ...]:
    """The markets that a situation wants data of."""
    if situation is None or situation.plan is None or situation.desired.is_paused:
        return ()
    return situation.plan.markets


def _pause(before: Before, now: Situation) -> Done:
    left = len(watched(before.situation))
    again = before.state is State.PAUSED
    message = "already paused" if again else f"paused; left {left} subscriptions"
    return Done(message=message, data=_data(before, now))


def _resume(before: Before, now: Situation) -> Done:
    now = usable(now, before.situation)
    if now.plan is None:
        raise CommandFailed(*_unusable(now, "nothing can be watched"))
    again = before.state is State.RUNNING
    count = len(watched(now))
    message = "already running" if again else f"running; watching {count} symbols"
    return Done(message=message, data=_data(before, now))


def _switch_mode(before: Before, now: Situation) -> Done:
    now = usable(now, before.situation)
    effect = f"watching {len(watched(now))} symbols"
    if now.desired.is_paused:
        effect = "takes effect on resume"
    return Done(message=f"mode {now.desired.mode}; {effect}", data=_data(before, now))


def _reload(before: Before, now: Situation) -> Done:
    if now.plan is None:
        raise CommandFailed(*_unusable(now, "the settings before stay in effect"))
    message = f"settings revision {now.settings_revision} applied"
    if before.situation and before.situation.settings_revision == now.settings_revision:
        message = f"nothing had changed; revision {now.settings_revision} is applied already"
    return Done(message=message, data=_data(before, now))


def _unsupported(command: Command) -> Callable[[Before, Situation], Done]:
    def refuse(_before: Before, _now: Situation) -> Done:
        raise CommandFailed(f"{command} is not supported by this worker's version")

    return refuse


_JUDGES: dict[Command, Callable[[Before, Situation], Done]] = {
    Command.PAUSE: _pause,
    Command.RESUME: _resume,
    Command.SWITCH_MODE: _switch_mode,
    Command.RELOAD_SETTINGS: _reload,
}


def _data(before: Before, now: Situation) -> dict[str, Any]:
    old, new = watched(before.situation), watched(now)
    return {
        "epoch": before.epoch,
        "stateVersion": before.next_version,
        "desired": now.desired.to_dict(),
        "settingsRevision": now.settings_revision,
        "added": [market.symbol for market in new if market not in old],
        "removed": [market.symbol for market in old if market not in new],
        "kept": sum(market in old for market in new),
    }


def _unusable(situation: Situation, consequence: str) -> tuple[str, dict[str, Any]]:
    problems = list(situation.problems)
    text = f"the settings cannot be used; {consequence}: {'; '.join(problems)}"
    return text, {"errors": problems}
