"""What is different between two JSON values, and which places touch each other.

Rule 1: nothing here knows what a setting means; pure functions.
Rule 2: two grains. `diff` is for people: rows of lists are matched with each other.
    `changed_paths` is for the log and for conflicts: a list is one value, because a merge patch
    can only replace it whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from settings_app.documents import ABSENT, canonical, pointer

__all__ = ["ABSENT", "Difference", "changed_paths", "diff", "overlaps"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two documents differ.

    Args:
        path: JSON Pointer: of a removed row in the older document, else in the newer one.
        old: What was there; ABSENT where nothing was.
        new: What is there; ABSENT where nothing is.
    """

    path: str
    old: Any
    new: Any


def diff(before: Any, after: Any) -> tuple[Difference, ...]:
    """Every difference, in document order, as fine as it can be told."""
    return tuple(_fine(before, after, ""))


def changed_paths(before: Any, after: Any) -> tuple[str, ...]:
    """JSON Pointers to what differs, in order. A list counts as one value."""
    return tuple(_coarse(before, after, ""))


def overlaps(a: str, b: str) -> bool:
    """Whether two JSON Pointers name the same place, or one a place inside the other."""
    return a == b or a.startswith(b + "/") or b.startswith(a + "/")


_PLAIN = (str, bool, int, type(None))  # whose equals of the same type have one text


def _same(before: Any, after: Any) -> bool:
    """Whether two values have one text: to Python, ``True``, ``1`` and ``1.0`` are equal."""
    if before is after:
        return True
    if type(before) is type(after) and isinstance(before, _PLAIN):
        return bool(before == after)
    return before == after and canonical(before) == canonical(after)


def _coarse(before: Any, after: Any, at: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in _keys(before, after):
            old, new = before.get(key, ABSENT), after.get(key, ABSENT)
            if old is ABSENT or new is ABSENT:
                yield at + pointer(key)
            elif not _same(old, new):
                yield from _coarse(old, new, at + pointer(key))
    elif not _same(before, after):
        yield at


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(before if before.keys() == after.keys() else {*before, *after})


def _fine(before: Any, after: Any, at: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in _keys(before, after):
            here = at + pointer(key)
            if key in before and key in after:
                yield from _fine(before[key], after[key], here)
            else:
                yield Difference(here, before.get(key, ABSENT), after.get(key, ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _rows(before, after, at)
    elif not _same(before, after):
        yield Difference(at, before, after)


def _rows(before: list[Any], after: list[Any], at: str) -> Iterator[Difference]:
    """Rows that stay are matched; of the others, each is paired with what stands in its place."""
    matcher = SequenceMatcher(
        None, [canonical(row) for row in before], [canonical(row) for row in after], autojunk=False
    )
    for tag, old, old_end, new, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        pairs = min(old_end - old, new_end - new)
        for step in range(pairs):
            yield from _fine(before[old + step], after[new + step], at + pointer(new + step))
        for index in range(old + pairs, old_end):
            yield Difference(at + pointer(index), before[index], ABSENT)
        for index in range(new + pairs, new_end):
            yield Difference(at + pointer(index), ABSENT, after[index])
