"""Carrying out the backfills that users have ordered of one exchange.

Rule 1: one at a time and request by request, so that a repair waits for one of them at most.
Rule 2: what is cancelled asks nothing more, and nothing comes of what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from trading.backfills import Errand, OrderedBackfills
from trading.core.errors import ExchangeError
from trading.exchanges.ports import Exchange
from trading.market.backfill import Backfill
from trading.market.history import History, read_history
from trading.market.listing import Listing
from trading.net.http import ExchangeHttp
from trading.ports import BackfillState

log = structlog.get_logger(__name__)


class Orders:
    """One exchange's share of the ordered backfills, in one life of the data plane.

    Args:
        exchange: Whose history.
        http: Its REST interface.
        backfill: Its queue of history requests, where these come last.
        listing: What it lists.
        backfills: Who wants what.
        life: Which life of the data plane this is.
        deliver: Takes what was read.
    """

    def __init__(
        self,
        exchange: Exchange,
        http: ExchangeHttp,
        backfill: Backfill,
        listing: Listing,
        *,
        backfills: OrderedBackfills,
        life: int,
        deliver: Callable[[History], None],
    ) -> None:
        self._exchange = exchange
        self._http = http
        self._backfill = backfill
        self._listing = listing
        self._backfills = backfills
        self._life = life
        self._deliver = deliver
        self._changed = asyncio.Event()
        self._at_work: tuple[Errand, asyncio.Task[None]] | None = None

    def look(self) -> None:
        """Look again at what is wanted, and stop at once what is not."""
        if self._at_work is not None and not self._backfills.is_living(self._at_work[0]):
            self._at_work[1].cancel()
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                errand = self._backfills.take(self._exchange.name, self._life)
                if errand is None:
                    await self._changed.wait()
                    continue
                name = f"ordered backfill {errand.order.id}"
                task = tasks.create_task(self._carry_out(errand), name=name)
                self._at_work = errand, task
                await asyncio.wait([task])
                self._at_work = None

    async def _carry_out(self, errand: Errand) -> None:
        order, label = errand.order, self._exchange.label
        symbol = order.market.symbol
        await self._listing.asked.wait()
        if (listed := self._listing.symbols) is not None and symbol not in listed:
            self._end(errand, BackfillState.FAILED, f"{label} does not list {symbol}.")
            return
        try:
            history = await read_history(
                self._exchange,
                self._http,
                self._backfill.ordered,
                order.market,
                order.timeframes,
                lambda candles: self._backfills.moved(errand, candles),
            )
        except ExchangeError as exc:
            self._end(errand, BackfillState.FAILED, f"No history of {symbol}: {exc}")
            return
        if self._backfills.claim(errand):
            self._deliver(history)
            count = sum(len(candles) for candles in history.candles.values())
            self._end(errand, BackfillState.DONE, f"{count} candles of {symbol} read.")

    def _end(self, errand: Errand, state: BackfillState, message: str) -> None:
        if self._backfills.ended(errand, state, message):
            log.info(
                "backfill.ended",
                sub=errand.sub,
                id=errand.order.id,
                symbol=errand.order.market.symbol,
                state=str(state),
                message=message,
            )
