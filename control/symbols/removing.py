"""What taking symbols off the watchlist would stop, said before it is done.

Rule 1: nothing is changed here, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from control.plan import situation
from settings_app.models import User
from trading.core.market import Market
from trading.core.modes import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """One market that is to go.

    Args:
        is_stopped: Whether it is watched now, and would be no more.
        is_held: Whether there is a position, whose price is not followed any more then.
        reason: Why it stays watched, or is not watched now; empty where it is stopped.
    """

    market: Market
    is_stopped: bool
    is_held: bool
    reason: str = ""


def farewell(user: User, markets: Iterable[Market]) -> list[Farewell]:
    """What removing each of these markets from the watchlist would mean; of rows that are there."""
    now = situation(user.pk)
    if now.document is None or now.plan is None:
        return []
    rows = {Market(row.exchange, row.symbol) for row in now.document.watchlist}
    held = {one.market for one in now.held}
    is_source = now.document.modes.of(Mode(now.desired.mode)).symbol_source == "watchlist"
    told = []
    for market in markets:
        if market not in rows:
            continue
        is_watched = market in now.plan.markets
        reason = "" if is_watched and is_source else "It is not watched now."
        if is_watched and not is_source:
            why = "it is held" if market in held else f"the mode {now.desired.mode} watches it"
            reason = f"It stays watched: {why}."
        told.append(
            Farewell(
                market=market,
                is_stopped=is_watched and is_source,
                is_held=market in held,
                reason=reason,
            )
        )
    return told
