"""What became of a change of the watchlist, and what it leads to, in words.

Rule 1: pure: made of what is stored, before and after. Whether the runtime has taken it over, its
    own answer says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from control.plan import Situation
from control.symbols.editing import Edited
from control.symbols.watchlist import Outcome
from trading.core.market import Market
from trading.core.modes import Mode

MOST_NAMES: Final = 5


class Deed(StrEnum):
    """What was done to the rows that were named."""

    ADDED = "added"
    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"
    CATEGORISED = "categorised"
    MOVED = "moved"
    CHANGED = "changed"


_WORDS: Final = {
    Outcome.ALREADY_SO: "as wanted already",
    Outcome.NOT_ON_THE_LIST: "not on the watchlist",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What a change means for what is watched, once the runtime has taken it over.

    Args:
        stopped: Watched before, and no more.
        staying: Not wanted any more, and watched all the same.
        idle: Wanted, and not watched.
        reasons: Of a market that stays, or is idle: why, in words.
        is_paused: It concerns what is watched, and the runtime rests until it is resumed.
    """

    stopped: tuple[Market, ...] = ()
    staying: tuple[Market, ...] = ()
    idle: tuple[Market, ...] = ()
    reasons: Mapping[Market, str]
    is_paused: bool = False

    @classmethod
    def of(
        cls,
        before: Situation,
        now: Situation,
        changed: Collection[Market],
        *,
        is_wanted: bool | None,
    ) -> Consequences:
        """The consequences of a change.

        Args:
            changed: The markets whose rows are not as they were.
            is_wanted: Whether the change wants them watched; None: it is about something else.
        """
        watched, unwatched = _watched(before), _watched(now)
        staying = [one for one in changed if one in unwatched and is_wanted is False]
        idle = [one for one in changed if one not in unwatched and is_wanted]
        return cls(
            stopped=tuple(one for one in changed if one in watched and one not in unwatched),
            staying=tuple(staying),
            idle=tuple(idle),
            reasons={
                **{one: _why_it_stays(now, one) for one in staying},
                **{one: _why_it_is_idle(now, one) for one in idle},
            },
            is_paused=now.desired.is_paused and is_wanted is not None and bool(changed),
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, for people."""
        told = []
        if self.stopped:
            told.append(f"watched no more: {_named(self.stopped)}")
        for group, what in ((self.staying, "watched still"), (self.idle, "not watched")):
            for reason in dict.fromkeys(self.reasons[one] for one in group):
                those = [one for one in group if self.reasons[one] == reason]
                told.append(f"{what}, for {reason}: {_named(those)}")
        if self.is_paused:
            told.append("your runtime is paused, and takes it over on resume")
        return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of a change of the watchlist.

    Args:
        deed: What was asked for.
        outcomes: What became of each market that was named.
        edited: The one save, and what the runtime said of it.
        consequences: What it means for what is watched.
        notes: What is to be known beside it: of a listing that is old, of a shared order book.
    """

    deed: Deed
    outcomes: Mapping[Market, Outcome]
    edited: Edited
    consequences: Consequences
    notes: tuple[str, ...] = ()

    @property
    def applied(self) -> bool:
        """Whether it is in effect by the word of the runtime; else it is only recorded."""
        return self.edited.applied

    @property
    def message(self) -> str:
        """What became of it, for people."""
        counts = Counter(self.outcomes.values())
        told = [
            f"{counts[outcome]} {_WORDS.get(outcome, self.deed)}"
            for outcome in Outcome
            if counts[outcome]
        ]
        parts = (", ".join(told) or "no symbol was named", *self.consequences.sentences)
        return "; ".join((*parts, self.edited.consequence))


def _watched(now: Situation) -> frozenset[Market]:
    return frozenset() if now.plan is None else frozenset(now.plan.markets)


def _why_it_stays(now: Situation, market: Market) -> str:
    if now.plan is not None and market in now.plan.held:
        return "it is held"
    return f"mode {now.desired.mode} watches it by itself"


def _why_it_is_idle(now: Situation, market: Market) -> str:
    document = now.document
    if document is None:
        return "the settings cannot be used"
    if document.modes.of(Mode(now.desired.mode)).symbol_source != "watchlist":
        return f"mode {now.desired.mode} does not watch the watchlist"
    return f"{market.exchange} is not enabled in the settings"


def _named(markets: Collection[Market]) -> str:
    names = [f"{one.symbol} of {one.exchange}" for one in markets]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
