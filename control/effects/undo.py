"""Undoing the last reversible command, if nobody has changed the same since.

Rule 1: that it is so is asked again by whoever writes: the row is not locked while it is looked at,
    and a pause that comes in between must not be undone with what it follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from control.effects.base import CommandFailed, Done, Work, usable, watching
from control.undo import Splice, Undo, Wish
from settings_app.desired import Overtaken
from settings_app.errors import StaleRevision


def undo(work: Work) -> Done:
    """Write the inverse of the last reversible command; it cannot be undone in turn."""
    last = work.opened.undo
    if last is None:
        raise CommandFailed("there is nothing to undo")
    if isinstance(last.inverse, Splice):
        _splice(work, last, last.inverse)
    else:
        _wish(work, last, last.inverse)
    work.ledger.remember(None)
    now = replace(usable(work.ledger.situation(), work.before.situation), undo=None)
    state = "paused" if now.desired.is_paused else f"running; {watching(now)}"
    message = f"undone: {last.command}; {state}, mode {now.desired.mode}"
    data = {**work.data(now), "undone": last.command}
    return Done(message=message, data=data, situation=now)


def _wish(work: Work, last: Undo, wish: Wish) -> None:
    before, newest = work.opened.before, work.opened.desired.revision
    if before is None or before.revision != last.revision:
        raise _changed(last, "the desired state was", newest)
    try:
        work.ledger.record(is_paused=wish.is_paused, mode=str(wish.mode), after=newest)
    except Overtaken as exc:
        raise _changed(last, "the desired state was", exc.newest) from None


def _splice(work: Work, last: Undo, splice: Splice) -> None:
    if work.opened.settings_revision != last.revision:
        raise _changed(last, "the settings were", work.opened.settings_revision)

    def back(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "watchlist": splice.made_in(document["watchlist"])}

    try:
        work.ledger.edit(back, origin="undo", base_revision=last.revision)
    except StaleRevision as exc:
        raise _changed(last, "the settings were", exc.current) from None
    if splice.approved is not None:
        work.ledger.withdraw(splice.approved)


def _changed(last: Undo, what: str, newest: int) -> CommandFailed:
    return CommandFailed(
        f"{last.command} cannot be undone: {what} changed since"
        f" (revision {last.revision} then, {newest} now)"
    )
