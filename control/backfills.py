"""From what a command asks for to ordered backfills, and from these to what a status shows.

Rule 1: pure; who carries them out is :class:`trading.plane.DataPlane`, or :mod:`control.refetch`
    where no runtime is up.
"""

from __future__ import annotations

from collections.abc import Iterable

from control.protocol import BackfillPayload, BackfillStatus, ClearCachePayload
from trading.core.market import Market, Timeframe
from trading.ports import BackfillFacts, BackfillOrder


def ordered_by_backfill(
    payload: BackfillPayload, *, command_id: str, primary: str
) -> BackfillOrder:
    """What ``force-backfill`` orders; its id is the command's.

    Args:
        primary: The exchange that is meant where none is named.
    """
    wanted = payload.timeframes
    return BackfillOrder(
        id=command_id,
        market=Market(payload.exchange or primary, payload.symbol),
        timeframes=tuple(t for t in Timeframe if wanted is None or t in wanted),
    )


def ordered_by_clear(
    payload: ClearCachePayload, *, command_id: str, primary: str, watched: Iterable[Market]
) -> tuple[BackfillOrder, ...]:
    """What ``clear-cache`` has read anew, for market data is never just removed.

    Args:
        primary: The exchange that is meant where a symbol is named without one.
        watched: The markets of the user's plan.

    Returns:
        One for each market, with ids of their own that begin with the command's.
    """
    markets = tuple(dict.fromkeys(watched))
    if payload.symbol is not None:
        markets = (Market(payload.exchange or primary, payload.symbol),)
    elif payload.exchange is not None:
        markets = tuple(market for market in markets if market.exchange == payload.exchange)
    timeframe = payload.timeframe
    timeframes = tuple(Timeframe) if timeframe is None else (Timeframe(timeframe),)
    return tuple(
        BackfillOrder(id=f"{command_id}/{number}", market=market, timeframes=timeframes)
        for number, market in enumerate(markets, start=1)
    )


def status_of(facts: BackfillFacts) -> BackfillStatus:
    """An ordered backfill as the status shows it."""
    return BackfillStatus.model_validate(
        {
            "id": facts.id,
            "symbol": facts.market.symbol,
            "exchange": facts.market.exchange,
            "timeframes": [str(timeframe) for timeframe in facts.timeframes],
            "state": str(facts.state),
            "done": facts.done,
            "total": facts.total,
            "at": facts.ended_at_ms or facts.began_at_ms or facts.ordered_at_ms,
            "eta_ms": facts.eta_ms,
            "message": facts.message,
        }
    )
