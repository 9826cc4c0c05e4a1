"""Fetching history anew: what is ordered behind the answer."""

from __future__ import annotations

from control.effects.base import CommandFailed, Done, Order, Work, watched
from control.effects.symbols import primary_exchange, refuse_unlisted
from settings_app.schema.rules import enabled_exchanges
from trading.core.market import Market, Timeframe


def force_backfill(work: Work) -> Done:
    """Fetch the history of one symbol anew, in the background."""
    _refuse_while_paused(work)
    market = _market(work)
    wanted = work.payload.get("timeframes") or [str(timeframe) for timeframe in Timeframe]
    timeframes = tuple(timeframe for timeframe in Timeframe if str(timeframe) in wanted)
    order = Order(id=str(work.command.id), markets=(market,), timeframes=timeframes)
    message = f"backfill of {market.symbol} on {market.exchange} began; the status has its progress"
    return Done(message=message, data=_ordered(work, order), order=order)


def clear_cache(work: Work) -> Done:
    """Remove what is cached for this user alone; fetch anew what is shared.

    Candles are everybody's: they are replaced when the new ones are there, never taken away.
    """
    scope = work.payload["scope"]
    markets = watched(work.before.situation)
    timeframes = tuple(Timeframe)
    if scope == "symbol" or work.payload.get("symbol"):
        _refuse_while_paused(work)
        markets = (_market(work),)
    elif exchange := work.payload.get("exchange"):
        markets = tuple(market for market in markets if market.exchange == exchange)
    if scope == "timeframe":
        timeframes = (Timeframe(work.payload["timeframe"]),)
    order = Order(
        id=str(work.command.id), markets=markets, timeframes=timeframes, clears=scope == "all"
    )
    what = f"{len(markets)} symbols on {len(timeframes)} timeframes are fetched anew and replaced"
    if not markets:
        what = "no symbol is watched, so no candles are fetched anew"
    if scope == "all":
        what = f"kept answers removed; {what}"
    return Done(message=what, data=_ordered(work, order), order=order)


def _refuse_while_paused(work: Work) -> None:
    if work.opened.desired.is_paused:
        raise CommandFailed("the runtime is paused and fetches nothing; resume it first")


def _market(work: Work) -> Market:
    known = work.before.situation
    if known is None or known.document is None:
        raise CommandFailed("the settings cannot be used; mend them first")
    exchange = str(work.payload.get("exchange") or primary_exchange(known.document))
    enabled = enabled_exchanges(known.document)
    if exchange not in enabled:
        raise CommandFailed(
            f"exchange: {exchange} is not enabled in the settings"
            f" (enabled: {', '.join(enabled) or 'none'})"
        )
    symbol = str(work.payload["symbol"])
    refuse_unlisted(work, exchange, symbol)
    return Market(exchange, symbol)


def _ordered(work: Work, order: Order) -> dict[str, object]:
    return {
        "epoch": work.before.epoch,
        "stateVersion": work.before.next_version,
        "backfills": [f"{market.exchange}:{market.symbol}" for market in order.markets],
        "timeframes": [str(timeframe) for timeframe in order.timeframes],
    }
