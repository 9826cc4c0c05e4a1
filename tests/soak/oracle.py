"""What must have fired and what must be kept, by the true candles alone.

Rule 1: no second definition of anything: the series of :mod:`trading.core` and the desk behind
    :mod:`trading.replay` compute it, from the candles that the exchange has in the end.
Rule 2: where a worker began is asked of its log: indicators stand on the 300 bars before that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trading.core.candles import fill
from trading.core.market import Candle, Market, Timeframe
from trading.core.modes import SignalRules
from trading.core.series import MarketSeries, closed_bars
from trading.core.signals import Signal
from trading.market.backfill import warm_up_spans
from trading.ports import FiredSignal, ToldSignal
from trading.replay.audience import Audience
from trading.simulator.world import World

_WARM = re.compile(r"supply\.warm.*?cut=(\d+).*?exchange=(\S+).*?symbol=(\S+)")
_MINUTE = 60
AHEAD_SECONDS = 600
"""How far a worker that was killed may have told alerts beyond the candles that were kept of it,
where the next one begins: they are written first. More excuses nothing: the dead tell nothing."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What the true candles of one market fire.

    Attributes:
        signals: By the rules of the desk.
        raw: Without a cooldown: every transition there is, of each worker that may have told it.
    """

    signals: list[Signal]
    raw: list[Signal]


def lives(logs: Iterable[str]) -> Mapping[Market, list[int]]:
    """Where the series of each market began, by what the workers logged: unix seconds."""
    cuts: dict[Market, list[int]] = defaultdict(list)
    for log in logs:
        for cut, exchange, symbol in _WARM.findall(log):
            cuts[Market(exchange, symbol)].append(int(cut))
    return cuts


class Oracle:
    """The true candles of each exchange's world, up to a moment (unix seconds, on a minute)."""

    def __init__(self, worlds: Mapping[str, World], until: int) -> None:
        self._worlds = worlds
        self._until = until

    def candles(self, market: Market, timeframe: Timeframe, start: int, end: int) -> list[Candle]:
        """What the exchange has of ``[start, end)``; minutes without a trade are absent."""
        world = self._worlds[market.exchange]
        product = world.products[market.symbol]
        price, size = product.price_step.write, product.size_step.write
        bars = world.candles(
            market.symbol, timeframe.seconds, start, end - 1, self._until * 1_000_000
        )
        return [
            Candle(
                market=market,
                timeframe=timeframe,
                opened_at=bar.opened_at,
                open=float(price(bar.open)),
                high=float(price(bar.high)),
                low=float(price(bar.low)),
                close=float(price(bar.close)),
                volume=float(size(bar.volume)),
            )
            for bar in bars
        ]

    def kept(self, market: Market, timeframe: Timeframe) -> list[Candle]:
        """The last 300 closed bars, without gaps."""
        end = timeframe.bucket(self._until)
        found = self.candles(market, timeframe, end - 400 * timeframe.seconds, end)
        return closed_bars(found, timeframe, self._until, market)

    def fired(
        self, market: Market, cuts: Sequence[int], since: int, told: Sequence[ToldSignal]
    ) -> Fired:
        """Everything that must have fired on bars that closed after ``since``.

        Args:
            cuts: Where the series of the market began, one for each worker.
            told: What had been told before.
        """
        whole = Audience(rules=SignalRules(), told=told)
        by_rules = self._play(market, cuts, since, lambda: whole)
        # Each worker of its own: what one told last, the next one knows by its other bars.
        plain = SignalRules(cooldown_seconds=0)
        raw = self._play(market, cuts, since, lambda: Audience(rules=plain), ahead=AHEAD_SECONDS)
        return Fired(by_rules, raw)

    def _play(
        self,
        market: Market,
        cuts: Sequence[int],
        since: int,
        listener: Callable[[], Audience],
        *,
        ahead: int = 0,
    ) -> list[Signal]:
        signals: list[Signal] = []
        # What one worker told last is told once more by the next: it begins a minute before.
        ends = [*(min(cut + _MINUTE + ahead, self._until) for cut in cuts[1:]), self._until]
        for cut, end in zip(cuts, ends, strict=True):
            audience, series = listener(), MarketSeries(market)
            history = {
                span.timeframe: self.candles(market, span.timeframe, span.start, span.end)
                for span in warm_up_spans(cut)
            }
            series.warm_up(history, cut)
            for bar in self._minutes(market, cut, end, history[Timeframe.M1]):
                audience.hear(c for c in series.take(bar) if c.candle.closes_at > since)
                signals += [f.signal for f in audience.facts() if isinstance(f, FiredSignal)]
        return signals

    def _minutes(
        self, market: Market, start: int, end: int, before: Sequence[Candle]
    ) -> Sequence[Candle]:
        """The minutes of ``[start, end)`` without gaps."""
        found = [*before[-1:], *self.candles(market, Timeframe.M1, start, end)]
        if not found:
            return []
        return fill(
            [candle for candle in found if candle.opened_at >= start],
            start,
            end,
            before[-1].close if before else None,
            market=market,
            timeframe=Timeframe.M1,
        )
