"""Rows that are to stand elsewhere, or nowhere: what a button of a row posts.

Rule 1: a move speaks of the rows as they were posted, before those without a text are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

_POSTED: Final = re.compile(r"(up|down|remove) ((?:/\w+)+)/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a list, and where it is to go.

    Args:
        act: ``up``, ``down`` or ``remove``.
        table: The list, a JSON Pointer.
        row: The row's number as it was posted, from 0.
    """

    act: str
    table: str
    row: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What a button says: ``up /watchlist/3``; None where it is no such thing."""
        found = _POSTED.fullmatch(text)
        return None if found is None else cls(found[1], found[2], int(found[3]))

    def order(self, numbers: Iterable[int]) -> list[int]:
        """The numbers of the posted rows in their new order; one at its end stays there."""
        order = list(numbers)
        if self.row not in order:
            return order
        at = order.index(self.row)
        order.pop(at)
        if self.act == "remove":
            return order
        to = at - 1 if self.act == "up" else at + 1
        order.insert(min(max(to, 0), len(order)), self.row)
        return order
