"""Undoing the last reversible command, if nobody has changed the same since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from control.effects.base import CommandFailed, Done, Work, usable, watching
from control.undo import Splice, Undo, Wish


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
    before = work.opened.before
    if before is None or before.revision != last.revision:
        raise CommandFailed(
            f"{last.command} cannot be undone: the desired state was changed since"
            f" (revision {last.revision} then, {work.opened.desired.revision} now)"
        )
    work.ledger.record(is_paused=wish.is_paused, mode=str(wish.mode))


def _splice(work: Work, last: Undo, splice: Splice) -> None:
    if work.opened.settings_revision != last.revision:
        raise CommandFailed(
            f"{last.command} cannot be undone: the settings were changed since"
            f" (revision {last.revision} then, {work.opened.settings_revision} now)"
        )

    def back(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "watchlist": splice.made_in(document["watchlist"])}

    work.ledger.edit(back, origin="undo")
