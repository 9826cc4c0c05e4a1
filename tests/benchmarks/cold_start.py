"""How much of what an exchange allows a cold start uses.

An exchange that allows twice as much shows in half the time what eight requests a second show:
nothing but the budget differs, and a thousand markets only take longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from livermore.embedded.ports import LOOPBACK
from tests.benchmarks import processes
from tests.benchmarks.measuring import Contest, Figure, Side
from trading.core.errors import ExchangeError
from trading.core.market import Timeframe
from trading.exchanges.coinbase import Coinbase
from trading.market.backfill import Backfill, HistoryJob, Urgency, cut_before, warm_up_spans
from trading.net.http import ExchangeHttp

MARKETS = 12
REQUESTS = MARKETS * len(Timeframe)


class Generous(Coinbase):
    """Coinbase, as it would be if it allowed more."""

    requests_per_second = 16.0


EXCHANGE = Generous()


@contextmanager
def cold_start() -> Iterator[Contest]:
    """The histories of many markets, and as many requests one after another at the full pace."""
    with processes.exchange("--leniency", "0") as exchange:
        base = f"http://{LOOPBACK}:{exchange.port}/api/v3/brokerage"
        symbols = asyncio.run(_listed(base))[:MARKETS]
        yield Contest(
            Side(lambda: asyncio.run(_warm_up(base, symbols))),
            Side(lambda: time.sleep(REQUESTS / EXCHANGE.requests_per_second)),
        )


async def _listed(base: str) -> list[str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{base}/market/products", params={"product_type": "SPOT"})
    products: list[dict[str, str]] = answer.json()["products"]
    return [one["product_id"] for one in products]


async def _warm_up(base: str, symbols: list[str]) -> None:
    """Have every market's history, as a worker does that finds none in Redis."""
    left, all_came = set(symbols), asyncio.Event()

    def done(job: HistoryJob, error: ExchangeError | None) -> None:
        if error is not None:
            raise error
        left.discard(job.symbol)
        if not left:
            all_came.set()

    async with ExchangeHttp(EXCHANGE, base) as http:
        backfill = Backfill(EXCHANGE, http)
        cut = cut_before(time.time_ns() // 1_000, 2.0)
        for symbol in symbols:
            backfill.submit(
                HistoryJob(
                    symbol=symbol,
                    urgency=Urgency.WARM_UP,
                    cut=cut,
                    left=warm_up_spans(cut),
                    done=done,
                )
            )
        running = asyncio.create_task(backfill.run())
        waiting = asyncio.create_task(all_came.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        running.cancel()
        await asyncio.wait({running, waiting})
        assert all_came.is_set()


FIGURES = (
    Figure(
        name="cold-start",
        title=f"the histories of {MARKETS} markets, and what the exchange's limit alone would take",
        contest=cold_start,
        most_times=1 / 0.9,
        seconds=15.0,
    ),
)
