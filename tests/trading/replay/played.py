"""Recordings made for tests, and what a replay tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.trading.core.made import MARKET
from trading.core.market import Candle, Side, Timeframe, Trade
from trading.exchanges.coinbase import Coinbase
from trading.replay.audience import Audience, Fact
from trading.replay.errors import Unreadable
from trading.replay.players import CandlesPlayer, FramesPlayer, Player, TradesPlayer


class Played:
    """A replay line by line, with everything that was said beside it."""

    def __init__(self) -> None:
        self.audience = Audience()
        self.facts: list[Fact] = []
        self.notes: list[str] = []
        self.unreadable: list[str] = []

    def by(self, player: Player, lines: Iterable[str]) -> Played:
        for line in lines:
            try:
                player.play(line)
            except Unreadable as reason:
                self.unreadable.append(str(reason))
            self.facts += self.audience.facts()
        return self

    def candles(
        self, timeframe: Timeframe = Timeframe.M1, symbol: str | None = None
    ) -> list[Candle]:
        """The last word on each bar."""
        bars = {
            (fact.market.symbol, fact.opened_at): fact
            for fact in self.facts
            if isinstance(fact, Candle)
            and fact.timeframe is timeframe
            and symbol in {None, fact.market.symbol}
        }
        return list(bars.values())


def played_trades(lines: Iterable[str], *, leaves_out_ids: bool = False) -> Played:
    played = Played()
    player = TradesPlayer(
        MARKET, played.audience, played.notes.append, leaves_out_ids=leaves_out_ids
    )
    return played.by(player, lines)


def played_candles(lines: Iterable[str], base: Timeframe = Timeframe.M1) -> Played:
    played = Played()
    return played.by(CandlesPlayer(MARKET, base, played.audience), lines)


def played_frames(lines: Iterable[str], symbol: str | None = None) -> Played:
    played = Played()
    player = FramesPlayer(Coinbase(), symbol, played.audience, played.notes.append)
    return played.by(player, lines)


def trade_row(trade: Trade) -> str:
    at = f"{trade.time_us // 1_000}.{trade.time_us % 1_000:03}"
    return f"{at},{trade.trade_id},{trade.taker},{trade.price!r},{trade.size!r}"


def candle_row(candle: Candle) -> str:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return f"{candle.opened_at},{','.join(map(repr, prices))}"


class Wire:
    """Coinbase's end of a connection: numbers its frames from 0."""

    def __init__(self) -> None:
        self.number = 0

    def trades(self, *trades: Trade) -> str:
        rows = [
            {
                "product_id": one.symbol,
                "trade_id": str(one.trade_id),
                "price": repr(one.price),
                "size": repr(one.size),
                "time": _time(one.time_us),
                "side": "SELL" if one.taker is Side.BUY else "BUY",
            }
            for one in reversed(trades)
        ]
        events = [{"type": "update", "trades": rows}]
        return self._frame("market_trades", trades[-1].time_us, events)

    def heartbeat(self, time_us: int) -> str:
        return self._frame("heartbeats", time_us, [{"heartbeat_counter": self.number}])

    def ack(self, time_us: int, *symbols: str) -> str:
        named = {"market_trades": list(symbols)} if symbols else {}
        received = {"heartbeats": ["heartbeats"], **named}
        return self._frame("subscriptions", time_us, [{"subscriptions": received}])

    def _frame(self, channel: str, time_us: int, events: Sequence[object]) -> str:
        frame = {
            "channel": channel,
            "timestamp": _time(time_us),
            "sequence_num": self.number,
            "events": events,
        }
        self.number += 1
        return json.dumps(frame)


def _time(time_us: int) -> str:
    at = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{time_us % 1_000_000:06}Z"
