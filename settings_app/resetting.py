"""Giving users their default settings again: what that would change, and what it did.

Rule 1: what was shown is what is reset: a save in between that touched it refuses the reset.
Rule 2: nothing here raises what a person can be told.
"""

from __future__ import annotations

from dataclasses import dataclass

from settings_app import services
from settings_app.errors import SettingsError, StaleRevision
from settings_app.models import User
from settings_app.numbers import is_number
from settings_app.reporting import counted, value_text

MOST_SHOWN = 200  # changes of one user


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One place and both its values, as text."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a reset would do to one user's settings.

    Args:
        revision: On which it was made.
        changes: Every one of them; none where the settings are the defaults already.
        problem: Why it cannot be done; empty if it can.
    """

    user: User
    revision: int
    changes: tuple[ShownChange, ...] = ()
    problem: str = ""

    @property
    def shown(self) -> tuple[ShownChange, ...]:
        """As many changes as a page holds."""
        return self.changes[:MOST_SHOWN]

    @property
    def not_shown(self) -> int:
        """How many more there are."""
        return len(self.changes) - len(self.shown)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reset, in a sentence."""

    is_done: bool
    text: str


def plan(user: User) -> Plan:
    """What resetting a user's settings would do; nothing is written."""
    defaults = services.default_document(user.sub)
    try:
        preview = services.preview_replace(user.pk, defaults, by=user)
    except SettingsError as exc:
        return Plan(user=user, revision=user.settings_revision, problem=str(exc))
    changes = tuple(
        ShownChange(change.path, value_text(change.old), value_text(change.new))
        for change in preview.changes
    )
    return Plan(user=user, revision=preview.revision, changes=changes)


def reset(user: User, *, by: User, base: str) -> Outcome:
    """Reset a user's settings to their defaults.

    Args:
        by: Who does it; the log names them.
        base: The revision that was shown, as the form sends it.
    """
    name = user.get_username()
    if not is_number(base):
        text = f"The settings of {name} were not reset: look at what would change first."
        return Outcome(False, text)
    try:
        saved = services.reset(user.pk, by=by, base_revision=int(base))
    except StaleRevision as exc:
        who = f" by {exc.changes[-1].by}" if exc.changes else ""
        return Outcome(
            False,
            f"The settings of {name} were changed{who} while you looked, and were not reset. "
            "Look again at what would change.",
        )
    except SettingsError as exc:
        return Outcome(False, f"The settings of {name} were not reset. {exc}")
    if not saved.changed_paths:
        return Outcome(True, f"All settings of {name} are their defaults already.")
    count = counted(len(saved.changes), "setting")
    return Outcome(True, f"Reset {count} of {name} to the defaults: revision {saved.revision}.")
