"""What it costs when every timeframe of very many markets closes in the same moment.

Ours is all of it, from the clock that a frame shows to the signals: a venue with 1,000 warm markets
with trades in the minute before midnight, and a user who wants every timeframe of them. Bare is
TA-Lib computing the indicators anew over the last 300 bars of each, as most programs do.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from math import sin
from typing import cast

import numpy as np
import talib

from tests.benchmarks.ingest import Silent
from tests.benchmarks.measuring import Contest, Figure, Side
from trading.backfills import OrderedBackfills
from trading.core.macd_v import ATR, FAST, SIGNAL, SLOW
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe, Trade
from trading.core.market import Side as Taker
from trading.core.modes import SignalRules
from trading.core.rsi import RSI
from trading.core.series import WARM_UP_BARS
from trading.desk import Desk, Seat
from trading.exchanges.coinbase import Coinbase
from trading.exchanges.ports import ServerTime
from trading.market.venue import Venue, _Line
from trading.net.budget import TokenBucket
from trading.net.endpoints import Endpoints
from trading.net.feed import Feed
from trading.ports import DeskPlan, Gate, Owner

MARKETS = tuple(Market("coinbase", f"COIN{number}-USD") for number in range(1_000))
FIRST_DAY = 20_000
BARS = 60  # of history: all that is computed has a value by then
GRACE_SECONDS = 2
NOWHERE = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
RULES = SignalRules(minimum_bars=30, cooldown_seconds=0)
CLOSE = 100.0 + np.sin(np.arange(WARM_UP_BARS) / 9.0)
HIGH, LOW = CLOSE + 1.5, CLOSE - 1.5


class Boundary:
    """A venue that stands in the last minute of a day, and then of the next one."""

    def __init__(self) -> None:
        exchange, sinks = Coinbase(), Silent()
        self._days, self._trades = count(FIRST_DAY), count(1)
        self._midnight = 0
        self._venue = Venue(
            exchange, NOWHERE, sinks, resume_at={}, backfills=OrderedBackfills(), life=1
        )
        plan = DeskPlan(
            mode="scalper-macdv", markets=MARKETS, timeframes=tuple(Timeframe), rules=RULES
        )
        seat = Seat(
            owner=Owner(user_id=1, sub="bench", fence=1), plan=plan, gate=Gate(is_open=True)
        )
        self.desk = Desk(seat, sinks)
        self._venue.want({market.symbol: (self.desk,) for market in MARKETS}, [])
        self._feed = Feed(
            exchange,
            NOWHERE.websocket,
            self._venue,
            new_protocol=exchange.new_protocol,
            dials=TokenBucket(1.0),
            messages=TokenBucket(1.0),
        )
        self._feed.want(frozenset(market.symbol for market in MARKETS))
        self._feed.acknowledged = self._feed.wanted
        self._venue._lines[self._feed] = _Line(self._feed, cast("asyncio.Task[None]", None))
        self.prepare()

    def prepare(self) -> None:
        """Warm up to the last minute of another day, and take a trade of it in each market."""
        self._midnight = next(self._days) * Timeframe.D1.seconds
        cut = self._midnight - Timeframe.M1.seconds
        history = _history(cut)
        for market in MARKETS:
            self._venue._tracks[market.symbol].series.warm_up(history, cut)
        for seconds in (cut - 2, cut - 1, cut):  # a clock that leaps is believed the second time
            self._hear(seconds)
        trade_id, at_us = next(self._trades), (self._midnight - 1) * MICROSECONDS
        self._venue.feed_heard(
            self._feed,
            [Trade(m.symbol, trade_id, 101.0, 1.0, at_us, Taker.BUY) for m in MARKETS],
        )

    def close(self) -> None:
        """Hear that midnight is over."""
        before = self.desk.candles_closed
        self._hear(self._midnight + GRACE_SECONDS)
        assert self.desk.candles_closed - before == len(MARKETS)

    def _hear(self, seconds: int) -> None:
        self._venue.feed_heard(self._feed, [ServerTime(seconds * MICROSECONDS)])


def _history(cut: int) -> Mapping[Timeframe, Sequence[Candle]]:
    """The same bars for every market: what a close costs does not depend on them."""
    return {
        timeframe: [
            Candle(
                market=MARKETS[0],
                timeframe=timeframe,
                opened_at=end - bars * timeframe.seconds,
                open=100.0,
                high=101.5 + sin(bars / 9),
                low=98.5 + sin(bars / 9),
                close=100.0 + sin(bars / 9),
                volume=1.0,
            )
            for bars in range(BARS, 0, -1)
        ]
        for timeframe in Timeframe
        for end in [timeframe.bucket(cut)]
    }


def _recompute() -> None:
    """MACD-V and RSI of 300 bars, for each market and timeframe."""
    for _ in range(len(MARKETS) * len(Timeframe)):
        distance = talib.EMA(CLOSE, FAST) - talib.EMA(CLOSE, SLOW)
        value = distance / talib.ATR(HIGH, LOW, CLOSE, ATR) * 100.0
        talib.EMA(value[ATR:], SIGNAL)
        talib.RSI(CLOSE, RSI)


@contextmanager
def boundary() -> Iterator[Contest]:
    """Midnight: the minute closes, and with it every other timeframe."""
    ours = Boundary()
    gc.freeze()  # as a worker does with what is there when it begins
    yield Contest(Side(ours.close, settle=ours.prepare), Side(_recompute))


FIGURES = (
    Figure(
        name="boundary",
        title=f"{len(MARKETS):,} markets close all {len(Timeframe)} timeframes at once, and TA-Lib",
        contest=boundary,
        most_ms=150.0,
        seconds=10.0,
    ),
)
