"""Changing the watchlist, by one symbol or by several.

Rule 1: pure: rows in, the change out. Whoever writes it holds the row's lock.
Rule 2: asking for what is so already changes nothing and is no error.
Rule 3: what is not named keeps its row, and its place among the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from control.undo import Splice
from trading.core.market import Market

Row = dict[str, Any]
Categories = tuple[str, ...]


class Outcome(StrEnum):
    """What became of one market."""

    DONE = "done"
    ALREADY_SO = "already-so"
    NOT_ON_THE_LIST = "not-on-the-list"


class Tagging(StrEnum):
    """What is done with categories."""

    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Revised:
    """A watchlist after a change.

    Args:
        rows: All of them; the old list stays as it is.
        outcomes: What became of each market that was named, in the order of the naming.
    """

    rows: list[Row]
    outcomes: dict[Market, Outcome]


# ---------------------------------------------------------------------- several
def added(rows: Sequence[Row], wanted: Mapping[Market, Categories | None]) -> Revised:
    """Watch markets: new ones behind the others in the order of ``wanted``, known ones enabled.

    Args:
        wanted: The categories of each; None leaves those of a known row, and is none of a new one.
    """

    def watched(row: Row) -> Row:
        categories = wanted[market_of(row)]
        kept = row["categories"] if categories is None else list(categories)
        return {**row, "enabled": True, "categories": kept}

    revised = _each(rows, wanted, watched)
    for market, categories in wanted.items():
        if revised.outcomes[market] is Outcome.NOT_ON_THE_LIST:
            revised.rows.append(_row(market, categories or ()))
            revised.outcomes[market] = Outcome.DONE
    return revised


def switched(rows: Sequence[Row], markets: Iterable[Market], *, enabled: bool) -> Revised:
    """Turn rows on or off."""
    return _each(rows, markets, lambda row: {**row, "enabled": enabled})


def categorised(
    rows: Sequence[Row],
    markets: Iterable[Market],
    categories: Sequence[str],
    tagging: Tagging = Tagging.SET,
) -> Revised:
    """Give rows categories, in place of theirs or beside them, or take some away."""

    def tagged(row: Row) -> Row:
        before = row["categories"]
        match tagging:
            case Tagging.SET:
                after = list(dict.fromkeys(categories))
            case Tagging.ADD:
                after = list(dict.fromkeys([*before, *categories]))
            case Tagging.REMOVE:
                after = [one for one in before if one not in categories]
        return {**row, "categories": after}

    return _each(rows, markets, tagged)


def removed(rows: Sequence[Row], markets: Iterable[Market]) -> Revised:
    """Take rows off the list."""
    return _each(rows, markets, lambda _row: None)


# ---------------------------------------------------------------------- the order
def placed(rows: Sequence[Row], market: Market, *, at: int) -> Revised:
    """Move a row to a place, counted from 0; what is beyond the end is the end."""
    moving = [row for row in rows if market_of(row) == market]
    if not moving:
        return Revised(list(rows), {market: Outcome.NOT_ON_THE_LIST})
    others = [row for row in rows if market_of(row) != market]
    return _ordered(rows, [*others[:at], *moving, *others[at:]], market)


def placed_before(rows: Sequence[Row], market: Market, *, other: Market) -> Revised:
    """Move a row to just before another one; without that other one, nothing moves."""
    if market == other and market in map(market_of, rows):
        return Revised(list(rows), {market: Outcome.ALREADY_SO})
    others = [one for one in map(market_of, rows) if one != market]
    if other not in others:
        return Revised(list(rows), {other: Outcome.NOT_ON_THE_LIST})
    return placed(rows, market, at=others.index(other))


def _ordered(before: Sequence[Row], after: list[Row], market: Market) -> Revised:
    outcome = Outcome.ALREADY_SO if after == list(before) else Outcome.DONE
    return Revised(after, {market: outcome})


def market_of(row: Row) -> Market:
    """The market that a row names."""
    return Market(row["exchange"], row["symbol"])


def _each(
    rows: Sequence[Row], markets: Iterable[Market], changed: Callable[[Row], Row | None]
) -> Revised:
    """Put what ``changed`` gives in the place of each row that is named; None takes it off."""
    outcomes = dict.fromkeys(markets, Outcome.NOT_ON_THE_LIST)
    named: Collection[Market] = frozenset(outcomes)
    after = []
    for row in rows:
        market = market_of(row)
        new = changed(row) if market in named else row
        if market in named:
            outcomes[market] = Outcome.ALREADY_SO if new == row else Outcome.DONE
        if new is not None:
            after.append(new)
    return Revised(after, outcomes)


def _row(market: Market, categories: Categories) -> Row:
    return {
        "symbol": market.symbol,
        "exchange": market.exchange,
        "enabled": True,
        "categories": list(categories),
    }


# ---------------------------------------------------------------------- one


def addition(rows: Sequence[Row], *, symbol: str, exchange: str) -> Splice | None:
    """What makes a symbol watched: a new row at the end, or its own row enabled.

    Returns:
        None if it is watched already.
    """
    at = _place(rows, symbol, exchange)
    if at is None:
        return Splice(at=len(rows), drop=0, put=(_row(Market(exchange, symbol), ()),))
    if rows[at]["enabled"]:
        return None
    return Splice(at=at, drop=1, put=({**rows[at], "enabled": True},))


def removal(rows: Sequence[Row], *, symbol: str, exchange: str) -> Splice | None:
    """What takes a symbol off the list; None if it is not on it."""
    at = _place(rows, symbol, exchange)
    return None if at is None else Splice(at=at, drop=1)


def _place(rows: Sequence[Row], symbol: str, exchange: str) -> int | None:
    wanted = Market(exchange, symbol)
    return next((at for at, row in enumerate(rows) if market_of(row) == wanted), None)
