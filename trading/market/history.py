"""One market's history on demand: how much is asked, and what the answers amount to.

Rule 1: where it ends is said by the exchange's clock, asked for each time: neither this host's nor
    that of a link that may be dead.
Rule 2: read whole or not at all; nobody is given a part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from trading.core.market import Candle, Market, Timeframe
from trading.core.series import WARM_UP_BARS, closed_bars
from trading.exchanges.ports import Exchange
from trading.market.backfill import GRACE_SECONDS, chunks, cut_before, warm_up_spans
from trading.market.shelf import Span
from trading.net.http import ExchangeHttp
from trading.ports import Replacement

Ask = Callable[[str, Span], Awaitable[list[Candle]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What an exchange told of a market.

    Args:
        cut: Where it ends, unix seconds.
        asked_at_us: The exchange's clock when it was asked, unix microseconds.
        candles: As the exchange has them, oldest first; empty buckets are absent.
    """

    market: Market
    cut: int
    asked_at_us: int
    candles: Mapping[Timeframe, Sequence[Candle]]

    @property
    def is_whole(self) -> bool:
        """Whether it is of every timeframe."""
        return len(self.candles) == len(Timeframe)

    def replacement(self) -> Replacement:
        """It, in the place of what was kept before."""
        bars = {
            timeframe: closed_bars(candles, timeframe, self.cut, self.market)
            for timeframe, candles in self.candles.items()
        }
        return Replacement(market=self.market, cut=self.cut, bars=bars)


def candles_in(timeframes: Sequence[Timeframe]) -> int:
    """How many candles a history of these timeframes is asked for."""
    return len(timeframes) * WARM_UP_BARS


def requests_in(timeframes: Sequence[Timeframe], candles_per_request: int) -> int:
    """How many requests that takes, with the one for the time."""
    parts = [chunks(span, candles_per_request) for span in warm_up_spans(0, timeframes)]
    return 1 + sum(len(part) for part in parts)


async def read_history(
    exchange: Exchange,
    http: ExchangeHttp,
    ask: Ask,
    market: Market,
    timeframes: Sequence[Timeframe],
    moved: Callable[[int], object],
) -> History:
    """Read what seeds the indicators of these timeframes.

    Args:
        http: The exchange's REST interface, for the time.
        ask: Gets the candles of one request.
        moved: Told how many candles more were answered.

    Raises:
        ExchangeError: If any of it did not come.
    """
    asked_at_us = await http.ask(exchange.server_time_request(), exchange.server_time)
    cut = cut_before(asked_at_us, GRACE_SECONDS)
    found: dict[Timeframe, list[Candle]] = {timeframe: [] for timeframe in timeframes}
    for span in warm_up_spans(cut, timeframes):
        for chunk in chunks(span, exchange.candles_per_request):
            found[span.timeframe] += await ask(market.symbol, chunk)
            moved((chunk.end - chunk.start) // chunk.timeframe.seconds)
    return History(market=market, cut=cut, asked_at_us=asked_at_us, candles=found)
