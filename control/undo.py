"""What the last reversible command was, and what undoing it writes.

Rule 1: pure. One level: each command that changed something takes the place of the one before.
Rule 2: it is undone only while what it changed is still as it left it: the revision says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from control.protocol import Undoable
from settings_app.desired import Former
from trading.core.modes import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A desired state, without its revision."""

    is_paused: bool
    mode: Mode

    def to_json(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {"isPaused": self.is_paused, "mode": str(self.mode)}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Wish:
        """What :meth:`to_json` gave."""
        return cls(is_paused=kept["isPaused"], mode=Mode(kept["mode"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """A change of a list: from ``at`` on, ``drop`` rows give way to ``put``.

    Args:
        approved: The scan whose approval the change takes back, by its id; None: of none.
    """

    at: int
    drop: int
    put: tuple[dict[str, Any], ...] = ()
    approved: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the row keeps it."""
        kept: dict[str, Any] = {"at": self.at, "drop": self.drop, "put": list(self.put)}
        return kept if self.approved is None else {**kept, "approved": self.approved}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Splice:
        """What :meth:`to_json` gave."""
        put, approved = tuple(kept["put"]), kept.get("approved")
        return cls(at=kept["at"], drop=kept["drop"], put=put, approved=approved)

    @classmethod
    def between(cls, old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> Splice:
        """What makes one list of the other: all from the first row that differs to the last."""
        most = min(len(old), len(new))
        head = next((at for at in range(most) if old[at] != new[at]), most)
        left = most - head
        tail = next((at for at in range(left) if old[-1 - at] != new[-1 - at]), left)
        put = tuple(new[head : len(new) - tail])
        return cls(at=head, drop=len(old) - tail - head, put=put)

    def made_in(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The list with the change made; the old one stays as it is."""
        return [*rows[: self.at], *self.put, *rows[self.at + self.drop :]]

    def inverse(self, rows: list[dict[str, Any]]) -> Splice:
        """What undoes it, given the list that it is made in."""
        return Splice(
            at=self.at, drop=len(self.put), put=tuple(rows[self.at : self.at + self.drop])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The inverse of a command.

    Args:
        command: What would be undone.
        text: What undoing does, as on a button.
        inverse: The desired state to go back to, or the change of the watchlist to make.
        revision: What the desired state or the settings must still be.
    """

    command: str
    text: str
    inverse: Wish | Splice
    revision: int

    def to_status(self) -> Undoable:
        """As people and programs are told of it."""
        return Undoable(command=self.command, text=self.text)

    def to_row(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "command": self.command,
            "text": self.text,
            "inverse": self.inverse.to_json(),
            "revision": self.revision,
        }

    @classmethod
    def of_row(cls, *, command: str, text: str, inverse: dict[str, Any], revision: int) -> Undo:
        """What :meth:`to_row` gave."""
        kind = Splice if "at" in inverse else Wish
        return cls(command=command, text=text, inverse=kind.of_json(inverse), revision=revision)


def of_intent(command: str, before: Former) -> Undo:
    """What undoes a pause, a resume or a switch of the mode.

    Args:
        before: The desired state that the command has replaced.
    """
    if command == "switch-mode":
        text = f"switch back to {before.mode}"
    else:
        text = "pause again" if before.is_paused else "resume"
    inverse = Wish(is_paused=before.is_paused, mode=before.mode)
    return Undo(command=command, text=text, inverse=inverse, revision=before.revision)
