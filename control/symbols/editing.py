"""Changing the watchlist by a patch of the settings, and waiting until the runtime has applied it.

Rule 1: one change, however many rows: one save, one reload, one answer.
Rule 2: what is saved stays saved, whatever becomes of the reload: a worker that is away reads it
    when it is back. The answer says which of the two is true.
Rule 3: the runtime carries out ``add-symbol`` and ``remove-symbol`` by itself
    (:mod:`control.effects`); everything else that changes the list goes by here.
Rule 4: what undoes a change is kept with the change, or neither is; the runtime undoes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import transaction

from control import client
from control.client import Answer, NotSent
from control.models import Reversible
from control.protocol import Command, Origin
from control.undo import Splice, Undo
from settings_app import services
from settings_app.models import User
from settings_app.services import Saved

ORIGIN: Final = "symbols"
"""Of the saves that are made here; :mod:`control.reloads` leaves asking for the reload to us."""

Row = dict[str, Any]
Rows = list[Row]
WAIT_SECONDS: Final = 5.0
UNDOES: Final = "watchlist change"
UNDO_TEXT: Final = "put the watchlist back as it was"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What became of a change of the watchlist.

    Args:
        changed: Whether anything was saved.
        revision: The settings' revision now.
        answer: What the runtime said of the reload; None where nothing changed, or where Redis did
            not take it.
        trouble: Why the reload was not sent; empty if it was.
        is_noticed: Whether a runtime sees by itself that there is something to apply: the revision
            has moved.
    """

    changed: bool
    revision: int
    answer: Answer | None = None
    trouble: str = ""
    is_noticed: bool = True

    @property
    def applied(self) -> bool:
        """Whether what is saved is in effect, by the word of the runtime."""
        return not self.changed or (self.answer is not None and self.answer.applied)

    @property
    def consequence(self) -> str:
        """What became of it, for people."""
        if not self.changed:
            return "nothing changed"
        result = None if self.answer is None else self.answer.result
        if result is not None:
            return result.message or ("applied" if result.success else "not applied")
        if self.trouble:
            then = "reads it by itself" if self.is_noticed else "reads it with the next reload"
            return f"saved; the runtime could not be told ({self.trouble}) and {then}"
        return "saved; no runtime has answered yet, and one applies it when it is there"


def edit(
    user: User,
    change: Callable[[Rows], Rows],
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
    along: Callable[[], None] | None = None,
    approves: int | None = None,
) -> Edited:
    """Replace the rows of a user's watchlist by what ``change`` makes of them.

    Args:
        change: Pure; called under the row's lock with the rows as they are. What it raises goes on,
            and then nothing was saved.
        by: Who changes it.
        origin: By what, for the history.
        wait: Seconds for the runtime's answer at most; None returns as soon as it is sent.
        along: What else is written in the same transaction, behind the change; what it raises
            undoes both. The runtime has something to apply then, even if no row changed.
        approves: The scan whose approval that is: it is undone with the change.

    Raises:
        SettingsInvalid: With every field error; nothing was saved.
        SettingsTooNew: If a newer program stored the settings.
    """

    back: list[Splice] = []

    def changed(document: dict[str, Any]) -> dict[str, Any]:
        rows = document["watchlist"]
        wanted = change(list(rows))
        back[:] = [replace(Splice.between(wanted, rows), approved=approves)]
        return {**document, "watchlist": wanted}

    with transaction.atomic():
        saved = services.change(user.pk, changed, by=by, origin=ORIGIN)
        if saved.changed_paths or approves is not None:
            _remember(user, back[0], saved.revision)
        if along is not None:
            along()
    if not saved.changed_paths and along is None:
        return Edited(changed=False, revision=saved.revision)
    return _told(user, saved, origin, wait)


def _told(user: User, saved: Saved, origin: Origin, wait: float | None) -> Edited:
    """Ask for the reload, and wait for its answer."""
    has_moved = bool(saved.changed_paths)
    payload: dict[str, Any] = {"origin": ORIGIN}
    if has_moved:
        payload["revision"] = saved.revision
    try:
        answer = client.send(user, Command.RELOAD_SETTINGS, payload, origin=origin, wait=wait)
    except NotSent as exc:
        revision, trouble = saved.revision, str(exc)
        return Edited(changed=True, revision=revision, trouble=trouble, is_noticed=has_moved)
    return Edited(changed=True, revision=saved.revision, answer=answer)


def _remember(user: User, back: Splice, revision: int) -> None:
    undo = Undo(command=UNDOES, text=UNDO_TEXT, inverse=back, revision=revision)
    Reversible.objects.update_or_create(user_id=user.pk, defaults=undo.to_row())
