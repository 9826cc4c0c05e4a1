"""Which runtime state may follow which.

Rule 1: every transition is a row of TRANSITIONS; nothing else sets a state.
Rule 2: this module knows the names of states, never what they do.
Rule 3: a trigger without a row is a programming error, and raises.

The desired state (paused or not) and the health of the data plane are independent: a runtime
that is FAULTED can be told to pause, and then stays paused when the data plane is back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from control.protocol import State


class Trigger(StrEnum):
    """What can happen to a runtime."""

    PAUSE = "pause"
    RESUME = "resume"
    FAULT = "fault"
    RESTART = "restart"  # the data plane turns again and processing goes on


class IllegalTransition(Exception):
    """A trigger that means nothing in this state."""


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.STARTING, Trigger.PAUSE): State.PAUSED,
    (State.STARTING, Trigger.RESUME): State.RUNNING,
    (State.STARTING, Trigger.FAULT): State.FAULTED,
    (State.RUNNING, Trigger.PAUSE): State.PAUSED,
    (State.RUNNING, Trigger.RESUME): State.RUNNING,  # repeating is not an error
    (State.RUNNING, Trigger.FAULT): State.FAULTED,
    (State.RUNNING, Trigger.RESTART): State.RUNNING,
    (State.PAUSED, Trigger.PAUSE): State.PAUSED,
    (State.PAUSED, Trigger.RESUME): State.RUNNING,
    (State.PAUSED, Trigger.FAULT): State.PAUSED,  # nothing is processed, so nothing is missing
    (State.PAUSED, Trigger.RESTART): State.PAUSED,
    (State.FAULTED, Trigger.PAUSE): State.PAUSED,
    (State.FAULTED, Trigger.RESUME): State.FAULTED,  # wanted, but there is nothing to run on yet
    (State.FAULTED, Trigger.FAULT): State.FAULTED,
    (State.FAULTED, Trigger.RESTART): State.RUNNING,
}


@dataclass(frozen=True, slots=True)
class Life:
    """A runtime's state, when it was entered, and the version that orders what is published.

    ``version`` moves with every change a reader could see, so that within one lease (epoch) the
    higher of two statuses is the later one.
    """

    state: State = State.STARTING
    since_ms: int = 0
    version: int = 0

    def on(self, trigger: Trigger, at_ms: int) -> Life:
        """The life after ``trigger``; the same ``since_ms`` where the state did not change.

        Raises:
            IllegalTransition: If the table has no such row.
        """
        try:
            state = TRANSITIONS[self.state, trigger]
        except KeyError:
            raise IllegalTransition(f"{trigger} means nothing while {self.state}") from None
        since = self.since_ms if state is self.state else at_ms
        return Life(state=state, since_ms=since, version=self.version + 1)

    def touched(self) -> Life:
        """The same state with the next version: something else a reader sees has changed."""
        return replace(self, version=self.version + 1)
