"""One connection to Binance's market-data WebSocket: frames in, events out.

Rule 1: no state outlives the connection; what was seen before it is known by the core, not here.
Rule 2: within one frame a loss is told first, then the trade, then the clock, so that nobody
    closes a minute before having its trades; but a connection's first trade follows the clock.
Rule 3: every connection carries candles of a second (``kline_1s``), of two markets: they tell the
    exchange's clock once a second and prove the link alive, for the venue's own pings tell no
    time; and a market that falls silent takes nothing else with it.
Rule 4: a stream is named after the id that the exchange lists. A symbol without one is not asked
    for: the venue would acknowledge it, and stay silent.

The trades are the aggregated ones. Their ids are contiguous, so a lost one shows; the trades that
each is made of are contiguous too, and of one moment and one price, so that candles are exact.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType

import msgspec

from trading.core.errors import Malformed
from trading.core.market import Side, Trade
from trading.exchanges.binance import frames
from trading.exchanges.ports import (
    Event,
    Farewell,
    ServerTime,
    Subscriptions,
    TradeGap,
    VenueError,
)

STREAMS_PER_MESSAGE = 200
"""Bound of one message; what is customary, for no figure is published."""

STREAMS_PER_CONNECTION = 1_024

CLOCK_SYMBOLS = ("BTC-USDT", "ETH-USDT")
"""Their seconds are the clock, where they trade; else those of what is asked for, or of any."""

_TENTH_MS = 100
_NO_NATIVES: Mapping[str, str] = MappingProxyType({})


class BinanceProtocol:
    """One connection's worth of state; implements ``MarketDataProtocol``.

    Args:
        natives: The exchange's own ids of what is open to trade, by canonical symbol; the mapping
            may change meanwhile.
    """

    def __init__(self, natives: Mapping[str, str] | None = None) -> None:
        self._natives = _NO_NATIVES if natives is None else natives
        self._symbols: dict[str, str] = {}  # by native id, in the order in which they were asked
        self._last: dict[str, tuple[int, int]] = {}  # aggregate, and trade, by native id
        self._received: frozenset[str] = frozenset()  # streams, as the venue says
        self._awaited: dict[int, frozenset[str]] = {}  # streams to come, by message
        self._sent = 0
        self._has_clock = False
        self._overhears = False
        self._tenth = 0
        self._events: list[Event] = []
        self._to_send: list[str] = []

    @property
    def asked(self) -> frozenset[str]:
        """What was subscribed and not unsubscribed since, in canonical symbols."""
        return frozenset(self._symbols.values())

    def subscribe(self, symbols: Collection[str]) -> None:
        """Ask for the trades of these, and for the clock as soon as there is one to ask for."""
        listed = [
            (self._natives[symbol], symbol)
            for symbol in dict.fromkeys(symbols)
            if symbol in self._natives
        ]
        added = [native for native, _ in listed if native not in self._symbols]
        self._symbols |= dict(listed)
        asked = [_trades_of(native) for native in added]
        if not self._has_clock:
            clocks = self._clocks()
            self._has_clock = bool(clocks)
            asked = [*(_seconds_of(native) for native in clocks), *asked]
        self._ask_for("SUBSCRIBE", asked)

    def unsubscribe(self, symbols: Collection[str]) -> None:
        """Stop asking for these."""
        removed = self._asked_natives(symbols)
        for native in removed:
            del self._symbols[native]
        self._forget(removed)
        self._ask_for("UNSUBSCRIBE", [_trades_of(native) for native in removed])

    def renew(self, symbols: Collection[str]) -> None:
        """Leave the streams of these and ask for them again, and for what the venue then lists."""
        natives = self._asked_natives(symbols)
        self._forget(natives)
        asked = [_trades_of(native) for native in natives]
        self._ask_for("UNSUBSCRIBE", asked)
        self._ask_for("SUBSCRIBE", asked)
        self._say("LIST_SUBSCRIPTIONS")
        self._tell_received()

    def overhear(self) -> None:
        """Take trades of every symbol, under the venue's own id where no other name is known."""
        self._overhears = True

    def receive_text(self, text: str | bytes) -> None:
        """Take one frame.

        Raises:
            Malformed: If it is not what the venue promises; drop the connection.
        """
        frame = frames.decode(text)
        if isinstance(frame, frames.Other):
            self._take_answer(frame)
            return
        if isinstance(frame, frames.AggregateTrade):
            self._take_trade(frame)
        elif isinstance(frame, frames.Shutdown):
            self._events.append(Farewell())
        self._take_time(frame.time_ms)

    def events_received(self) -> list[Event]:
        """What happened since the last call, oldest first; emptied by it."""
        events, self._events = self._events, []
        return events

    def say_alive(self) -> None:
        """Nothing: the venue asks for no sign of life in frames."""

    @property
    def has_text(self) -> bool:
        """Whether there is something to send now."""
        return bool(self._to_send)

    def text_to_send(self) -> list[str]:
        """Frames to send now, in order; emptied by the call."""
        texts, self._to_send = self._to_send, []
        return texts

    def _clocks(self) -> list[str]:
        """The native ids of whose seconds are the clock of this connection."""
        known = [self._natives[symbol] for symbol in CLOCK_SYMBOLS if symbol in self._natives]
        others = chain(self._symbols, self._natives.values())
        return known or list(islice(others, 1))

    def _take_trade(self, frame: frames.AggregateTrade) -> None:
        native, trade_id = frame.native, frame.trade_id
        symbol = self._symbols.get(native) or self._overheard(native)
        if symbol is None:
            return
        if frame.last < frame.first:
            raise Malformed(frames.NAME, f"{native}: trades {frame.first} to {frame.last} are none")
        at = frame.traded_ms * 1_000
        if (last := self._last.get(native)) is not None:
            if trade_id <= last[0]:
                return
            if (trade_id, frame.first) != (last[0] + 1, last[1] + 1):
                lost = max(frame.first - last[1], trade_id - last[0]) - 1
                self._events.append(TradeGap(symbol, lost, at))
        self._last[native] = trade_id, frame.last
        if not self._tenth:
            self._take_time(frame.time_ms)  # without any clock the trade could not be believed
        # A buyer who was there before means that the taker sold.
        taker = Side.SELL if frame.buyer_is_maker else Side.BUY
        self._events.append(Trade(symbol, trade_id, frame.price, frame.size, at, taker))

    def _overheard(self, native: str) -> str | None:
        if not self._overhears:
            return None
        names = {listed: symbol for symbol, listed in self._natives.items()}
        symbol = self._symbols[native] = names.get(native, native)
        return symbol

    def _take_time(self, time_ms: int) -> None:
        """Tell the clock when its tenth of a second changed: finer steps would only cost."""
        tenth = time_ms // _TENTH_MS
        if tenth != self._tenth:
            self._tenth = tenth
            self._events.append(ServerTime(time_ms * 1_000))

    def _take_answer(self, frame: frames.Other) -> None:
        asked = self._awaited.pop(frame.id, None) if isinstance(frame.id, int) else None
        complaint = frame.error
        if complaint is None and frame.code is not None:
            complaint = frames.Complaint(frame.code, frame.msg)
        if complaint is not None:
            self._events.append(VenueError(complaint.msg or f"error {complaint.code}"))
        elif not isinstance(frame.result, msgspec.UnsetType):
            listed = frames.streams(frame.result)
            if listed is not None:
                self._received = frozenset(listed)
            elif asked is not None:
                self._received |= asked
            self._tell_received()

    def _tell_received(self) -> None:
        symbols = self._symbols.items()
        received = (symbol for native, symbol in symbols if _trades_of(native) in self._received)
        self._events.append(Subscriptions(frozenset(received)))

    def _asked_natives(self, symbols: Collection[str]) -> list[str]:
        wanted = frozenset(symbols)
        return [native for native, symbol in self._symbols.items() if symbol in wanted]

    def _forget(self, natives: Sequence[str]) -> None:
        """What is left is not received any more, nor by what is still to be acknowledged."""
        left = frozenset(_trades_of(native) for native in natives)
        for native in natives:
            self._last.pop(native, None)
        self._received -= left
        self._awaited = {number: streams - left for number, streams in self._awaited.items()}

    def _ask_for(self, method: str, streams: Sequence[str]) -> None:
        for start in range(0, len(streams), STREAMS_PER_MESSAGE):
            self._say(method, streams[start : start + STREAMS_PER_MESSAGE])

    def _say(self, method: str, streams: Sequence[str] = ()) -> None:
        self._sent += 1
        message: dict[str, object] = {"method": method, "id": self._sent}
        if streams:
            message["params"] = list(streams)
        self._awaited[self._sent] = frozenset(streams if method == "SUBSCRIBE" else ())
        self._to_send.append(msgspec.json.encode(message).decode())


def _trades_of(native: str) -> str:
    return f"{native.lower()}@aggTrade"


def _seconds_of(native: str) -> str:
    return f"{native.lower()}@kline_1s"
