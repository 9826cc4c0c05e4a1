"""Pause, resume and switching the mode: intents, which are recorded before they are carried out."""

from __future__ import annotations

from dataclasses import replace

from control.effects.base import Done, Work, unusable, usable, watched
from control.plan import Situation
from control.protocol import State
from control.undo import of_intent


def pause(work: Work) -> Done:
    """Leave every market."""
    now = _remembered(work, _paused_situation(work))
    left = len(watched(work.before.situation))
    if not work.has_changed_the_wish and work.before.state is State.PAUSED:
        message = "already paused"
    else:
        message = f"paused; left {left} subscriptions" if left else "paused"
    return Done(message=message, data=work.data(now), situation=now)


def resume(work: Work) -> Done:
    """Watch again."""
    now = _remembered(work, usable(work.ledger.situation(), work.before.situation))
    if now.plan is None:
        raise unusable(now, "nothing can be watched")
    count = len(watched(now))
    again = not work.has_changed_the_wish and work.before.state is State.RUNNING
    message = "already running" if again else f"running; watching {count} symbols"
    return Done(message=message, data=work.data(now), situation=now)


def switch_mode(work: Work) -> Done:
    """Watch what another mode watches; what both watch goes on untouched."""
    now = _remembered(work, usable(work.ledger.situation(), work.before.situation))
    effect = f"watching {len(watched(now))} symbols"
    if now.desired.is_paused:
        effect = "takes effect on resume"
    message = f"mode {now.desired.mode}; {effect}"
    return Done(message=message, data=work.data(now), situation=now)


def _paused_situation(work: Work) -> Situation:
    """What a pause applies: nothing is read that it does not need."""
    known = work.before.situation
    if known is None or known.settings_revision != work.opened.settings_revision:
        return work.ledger.situation()
    if known.desired.mode != work.opened.desired.mode:
        return work.ledger.situation()
    return replace(known, desired=work.opened.desired, undo=work.opened.undo)


def _remembered(work: Work, now: Situation) -> Situation:
    """The same situation, in which this intent can be undone if it changed anything."""
    before = work.opened.before
    if before is None or not work.has_changed_the_wish:
        return now
    undo = of_intent(str(work.command.command), before)
    work.ledger.remember(undo)
    return replace(now, undo=undo)
