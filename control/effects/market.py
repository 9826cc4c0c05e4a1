"""Reading history anew: what is ordered behind the answer."""

from __future__ import annotations

from collections.abc import Iterable

from control.backfills import ordered_by_backfill, ordered_by_clear
from control.cache import is_private_too
from control.effects.base import CommandFailed, Done, Order, Work, watched
from control.effects.symbols import primary_exchange, refuse_disabled, refuse_unlisted
from control.protocol import BackfillPayload, ClearCachePayload
from settings_app.reporting import counted
from settings_app.schema import Settings
from settings_app.schema.rules import enabled_exchanges
from trading.core.market import Market
from trading.ports import BackfillOrder

PAUSED = "the runtime is paused and reads nothing; resume it first"


def force_backfill(work: Work) -> Done:
    """Read the history of one symbol anew, in the background."""
    _refuse_while_paused(work)
    document = _document(work)
    order = ordered_by_backfill(
        BackfillPayload.model_validate(work.payload),
        command_id=str(work.command.id),
        primary=primary_exchange(document),
    )
    _refuse_what_cannot_be_read(work, document, [order.market])
    market = order.market
    message = f"backfill of {market.symbol} on {market.exchange} began; the status has its progress"
    return _done(work, message, (order,))


def clear_cache(work: Work) -> Done:
    """Remove what is kept for this user alone; read anew what is shared.

    Candles are everybody's: they are replaced when the new ones are there, never taken away.
    """
    payload = ClearCachePayload.model_validate(work.payload)
    document = _document(work)
    if payload.symbol is not None:
        _refuse_while_paused(work)
    orders = ordered_by_clear(
        payload,
        command_id=str(work.command.id),
        primary=primary_exchange(document),
        watched=watched(work.before.situation),
    )
    if payload.symbol is not None:
        _refuse_what_cannot_be_read(work, document, [order.market for order in orders])
    if orders:
        symbols = counted(len(orders), "symbol")
        timeframes = counted(len(orders[0].timeframes), "timeframe")
        verb = "is" if len(orders) == 1 else "are"
        message = f"{symbols} on {timeframes} {verb} read anew and replaced"
    else:
        message = "no symbol is watched now, so no candles are read anew"
    is_private = is_private_too(payload)
    if is_private:
        message = f"kept answers are being removed; {message}"
    return _done(work, message, orders, clears=is_private)


def _done(
    work: Work, message: str, orders: tuple[BackfillOrder, ...], *, clears: bool = False
) -> Done:
    data = {
        "epoch": work.before.epoch,
        "stateVersion": work.before.next_version,
        "backfills": [order.id for order in orders],
    }
    order = Order(id=str(work.command.id), backfills=orders, clears=clears)
    return Done(message=message, data=data, order=order)


def _refuse_while_paused(work: Work) -> None:
    if work.opened.desired.is_paused:
        raise CommandFailed(PAUSED)


def _document(work: Work) -> Settings:
    known = work.before.situation
    if known is None or known.document is None:
        raise CommandFailed("the settings cannot be used; mend them first")
    return known.document


def _refuse_what_cannot_be_read(work: Work, document: Settings, markets: Iterable[Market]) -> None:
    enabled = enabled_exchanges(document)
    for exchange, symbol in markets:
        refuse_disabled(exchange, enabled)
        refuse_unlisted(work, exchange, symbol)
