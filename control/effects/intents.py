"""Pause, resume and switching the mode: intents, which are recorded before they are carried out."""

from __future__ import annotations

from dataclasses import replace

from control.effects.base import (
    CommandFailed,
    Done,
    Order,
    Work,
    superseded_by,
    unusable,
    usable,
    watched,
    watching,
)
from control.plan import Situation
from control.protocol import State
from control.undo import of_intent
from settings_app.reporting import counted


def pause(work: Work) -> Done:
    """Leave every market."""
    now = _remembered(work, _paused_situation(work))
    left = len(watched(work.before.situation))
    if not work.has_changed_the_wish and work.before.state is State.PAUSED:
        message = "already paused"
    else:
        message = f"paused; left {counted(left, 'subscription')}" if left else "paused"
    return Done(message=message, data=work.data(now), situation=now)


def resume(work: Work) -> Done:
    """Watch again."""
    now = _remembered(work, _newest_situation(work))
    if now.plan is None:
        raise unusable(now, "nothing can be watched")
    again = not work.has_changed_the_wish and work.before.state is State.RUNNING
    message = "already running" if again else f"running; {watching(now)}"
    order = None
    if work.before.plane_is_down:
        message = f"resumed; the data plane was down and starts again, to be {watching(now)}"
        order = Order(id=str(work.command.id), restarts=True)
    return Done(message=message, data=work.data(now), situation=now, order=order)


def switch_mode(work: Work) -> Done:
    """Watch what another mode watches; what both watch goes on untouched."""
    now = _remembered(work, _newest_situation(work))
    effect = watching(now)
    if now.desired.is_paused:
        effect = "takes effect on resume"
    message = f"mode {now.desired.mode}; {effect}"
    return Done(message=message, data=work.data(now), situation=now)


def _newest_situation(work: Work) -> Situation:
    """What is wanted now, if that is still what this intent wants.

    Another may have been recorded since the decision began: the row is not locked against that.
    """
    now, ours = work.ledger.situation(), work.opened.desired.revision
    if now.desired.revision != ours:
        raise CommandFailed(superseded_by(now.desired.revision, ours))
    return usable(now, work.before.situation)


def _paused_situation(work: Work) -> Situation:
    """What a pause applies: nothing is read that it does not need."""
    known = work.before.situation
    if known is None or known.settings_revision != work.opened.settings_revision:
        return _newest_situation(work)
    if known.desired.mode != work.opened.desired.mode:
        return _newest_situation(work)
    return replace(known, desired=work.opened.desired, undo=work.opened.undo)


def _remembered(work: Work, now: Situation) -> Situation:
    """The same situation, in which this intent can be undone if it changed anything."""
    before = work.opened.before
    if before is None or not work.has_changed_the_wish:
        return now
    undo = of_intent(str(work.command.command), before)
    work.ledger.remember(undo)
    return replace(now, undo=undo)
