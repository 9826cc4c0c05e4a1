"""What a file would do to a watchlist: the values in which it is told, kept and approved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What becomes of one row of a file."""

    ADDED = "added"
    RE_ENABLED = "re-enabled"
    CHANGED = "changed"
    ALREADY_THERE = "already-there"
    TWICE = "twice"
    UNKNOWN = "unknown"
    DISABLED = "disabled"  # by the exchange
    EXCHANGE_NOT_ENABLED = "exchange-not-enabled"
    NO_ROOM = "no-room"
    MALFORMED = "malformed"


APPLICABLE: Final = frozenset({Outcome.ADDED, Outcome.RE_ENABLED, Outcome.CHANGED})
"""Of the rows that change something when they are approved."""


@dataclass(frozen=True, slots=True)
class State:
    """What a row of the watchlist says of its market."""

    enabled: bool
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedRow:
    """What becomes of one row of a file.

    Args:
        number: As :class:`control.symbols.parsing.FileRow` has it; so are line and column.
        symbol: Empty if it is malformed.
        detail: What becomes of it and why, for people; empty where the outcome says all.
        nearest: Of a symbol that is unknown, the names most like it that can be watched.
        before: What the watchlist says of it; None if it is not on it.
        after: What it is to say; None where nothing is to change.
    """

    number: int
    outcome: Outcome
    line: int | None = None
    column: int | None = None
    symbol: str = ""
    exchange: str = ""
    detail: str = ""
    nearest: tuple[str, ...] = ()
    before: State | None = None
    after: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What importing a file would do.

    Args:
        revision: Of the settings that it was held against.
        rows: Every row of the file, in its order.
        notes: What is to be known of the listings that it was held against: that one is old.
    """

    revision: int
    rows: tuple[PreviewedRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many rows have each outcome; every one is there."""
        found = Counter(row.outcome for row in self.rows)
        return {outcome: found[outcome] for outcome in Outcome}

    @property
    def changes(self) -> int:
        """How many rows would change something."""
        return sum(row.outcome in APPLICABLE for row in self.rows)

    @property
    def message(self) -> str:
        """What it would do, for people."""
        found = [f"{count} {outcome}" for outcome, count in self.counts.items() if count]
        return ", ".join(found) or "no symbols"
