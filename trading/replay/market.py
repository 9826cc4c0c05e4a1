"""One market out of its recorded trades.

Rule 1: what live is asked of the exchange's history is told here from the trades there are: a
    trade that came after its minute was told amends it, lost ones are said to be missing.
Rule 2: a minute is told when its end was seen. The first one is told only of a recording that is
    taken to begin with it.
"""

from __future__ import annotations

from collections.abc import Callable

from trading.core.candles import Hole, fold
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe, Trade
from trading.core.series import Closed, MarketSeries
from trading.replay.errors import Unreadable

KEPT_MINUTES = 5
"""How far back a late trade is still counted."""

LONGEST_GAP_DAYS = 31
"""A time further from the one before is taken for a broken one."""

LONGEST_GAP_US = LONGEST_GAP_DAYS * Timeframe.D1.seconds * MICROSECONDS

_MINUTE = Timeframe.M1.seconds


class RecordedMarket:
    """A market's series, and enough of its trades to do without the exchange's history.

    Args:
        market: Which one.
        note: Takes what the reader of the outcome should know.
        begins_whole: The recording has the first minute of its first trade from the beginning.
        grace_seconds: How long after its end a minute waits for trades, where the exchange's
            clock is heard.
    """

    def __init__(
        self,
        market: Market,
        note: Callable[[str], None],
        *,
        begins_whole: bool,
        grace_seconds: float,
    ) -> None:
        self._market = market
        self._note = note
        self._begins_whole = begins_whole
        self._series = MarketSeries(market, grace_seconds=grace_seconds)
        self._kept = _KeptTrades()
        self._newest_id = 0

    def add(self, trade: Trade) -> bool:
        """Take one trade; False if its id does not rise, and then it changes nothing.

        Raises:
            Unreadable: If its time is far from that of the trade before.
        """
        series = self._series
        if series.trades and abs(trade.time_us - series.last_trade_us) > LONGEST_GAP_US:
            raise Unreadable(f"time must be within {LONGEST_GAP_DAYS} days of the trade before")
        if not series.trades:
            self._begin(trade)
        if trade.trade_id <= self._newest_id:
            return False
        if self._newest_id and not trade.is_next_after(self._newest_id):
            missing = trade.trade_id - self._newest_id - 1
            self._note(f"{self._market.symbol}: {missing} trades before {trade.trade_id} are lost")
        self._newest_id = trade.trade_id
        if not self._kept.add(trade):
            where = f"{self._market.symbol}: trade {trade.trade_id}"
            self._note(f"{where} came more than {KEPT_MINUTES} minutes late and is left out")
        series.add(trade)
        return True

    def advance(self, server_time_us: int) -> None:
        """Hear the exchange's clock, unix microseconds."""
        self._series.advance(server_time_us)

    def doubt(self) -> None:
        """Say that trades may be lost from the last one heard until the next."""
        self._series.doubt()

    def closed(self) -> list[Closed]:
        """Bars closed or amended since the last call."""
        series = self._series
        told = series.closed()
        while (hole := series.hole()) is not None:
            series.repair(self._kept.candles(self._market, hole), hole)
            told += series.closed()
        if series.needs_warm_up:
            self._begin_anew()
        return told

    def _begin(self, trade: Trade) -> None:
        minute = Timeframe.M1.bucket(trade.time_us // MICROSECONDS)
        if self._begins_whole:
            # Heard a minute before: so nothing of the first one can have been missed.
            self._series.advance((minute - _MINUTE) * MICROSECONDS)
            self._series.warm_up({}, minute)
        else:
            self._series.warm_up({}, minute + _MINUTE)

    def _begin_anew(self) -> None:
        minute = Timeframe.M1.bucket(self._series.server_time_us // MICROSECONDS)
        self._note(f"{self._market.symbol}: too much is lost: indicators begin anew")
        self._series.warm_up({}, minute + _MINUTE)


class _KeptTrades:
    """The trades of the newest minutes, by minute."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[Trade]] = {}
        self._forgotten_until = 0

    def add(self, trade: Trade) -> bool:
        """Keep a trade; False where its minute is not kept any more."""
        minute = Timeframe.M1.bucket(trade.time_us // MICROSECONDS)
        if minute in self._minutes:
            self._minutes[minute].append(trade)
        elif minute < self._forgotten_until:
            return False
        else:
            self._minutes[minute] = [trade]
            if len(self._minutes) > KEPT_MINUTES:
                oldest = min(self._minutes)
                del self._minutes[oldest]
                self._forgotten_until = oldest + _MINUTE
        return True

    def candles(self, market: Market, hole: Hole) -> list[Candle]:
        """The minutes of a hole, as far as they are kept."""
        return [
            fold([_bar(market, trade) for trade in trades], Timeframe.M1)
            for minute, trades in self._minutes.items()
            if hole.start <= minute < hole.end
        ]


def _bar(market: Market, trade: Trade) -> Candle:
    """A trade as the minute in which nothing else happened."""
    return Candle(
        market=market,
        timeframe=Timeframe.M1,
        opened_at=Timeframe.M1.bucket(trade.time_us // MICROSECONDS),
        open=trade.price,
        high=trade.price,
        low=trade.price,
        close=trade.price,
        volume=trade.size,
    )
