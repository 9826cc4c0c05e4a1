"""The table of states: complete where it must be, closed everywhere else."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.lifecycle import TRANSITIONS, IllegalTransition, Life, Trigger
from control.protocol import State


@pytest.mark.parametrize(
    ("state", "trigger"), list(product(State, [Trigger.PAUSE, Trigger.RESUME]))
)
def test_every_state_can_be_paused_and_resumed(state: State, trigger: Trigger) -> None:
    assert (state, trigger) in TRANSITIONS


@pytest.mark.parametrize("state", list(State))
def test_a_pause_always_ends_in_paused(state: State) -> None:
    assert Life(state=state).on(Trigger.PAUSE, 5).state is State.PAUSED


def test_a_paused_runtime_stays_paused_through_a_crash_of_the_data_plane() -> None:
    life = Life(state=State.PAUSED).on(Trigger.FAULT, 1).on(Trigger.RESTART, 2)
    assert life.state is State.PAUSED


def test_a_resume_does_not_hide_a_fault() -> None:
    assert Life(state=State.FAULTED).on(Trigger.RESUME, 1).state is State.FAULTED


def test_repeating_keeps_the_moment_the_state_was_entered() -> None:
    life = Life(state=State.RUNNING).on(Trigger.PAUSE, 1_000).on(Trigger.PAUSE, 2_000)
    assert life.since_ms == 1_000


def test_a_trigger_without_a_row_raises() -> None:
    with pytest.raises(IllegalTransition, match="restart means nothing while starting"):
        Life(state=State.STARTING).on(Trigger.RESTART, 0)


@given(st.lists(st.sampled_from([t for t in Trigger if t is not Trigger.RESTART])))
def test_the_version_orders_whatever_happens(triggers: list[Trigger]) -> None:
    life = Life()
    for at, trigger in enumerate(triggers):
        later = life.on(trigger, at)
        assert later.version > life.version
        life = later
