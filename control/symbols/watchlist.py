"""Changing the watchlist by one symbol.

Rule 1: pure: rows in, the change out. Whoever writes it holds the row's lock.
Rule 2: asking for what is so already changes nothing and is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from control.undo import Splice

Row = dict[str, Any]


def addition(rows: Sequence[Row], *, symbol: str, exchange: str) -> Splice | None:
    """What makes a symbol watched: a new row at the end, or its own row enabled.

    Returns:
        None if it is watched already.
    """
    at = _place(rows, symbol, exchange)
    if at is None:
        row = {"symbol": symbol, "exchange": exchange, "enabled": True, "categories": []}
        return Splice(at=len(rows), drop=0, put=(row,))
    if rows[at]["enabled"]:
        return None
    return Splice(at=at, drop=1, put=({**rows[at], "enabled": True},))


def removal(rows: Sequence[Row], *, symbol: str, exchange: str) -> Splice | None:
    """What takes a symbol off the list; None if it is not on it."""
    at = _place(rows, symbol, exchange)
    return None if at is None else Splice(at=at, drop=1)


def _place(rows: Sequence[Row], symbol: str, exchange: str) -> int | None:
    places = (
        at for at, row in enumerate(rows) if row["symbol"] == symbol and row["exchange"] == exchange
    )
    return next(places, None)
