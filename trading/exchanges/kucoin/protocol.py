"""One connection to KuCoin's market-data WebSocket: frames in, events out.

Rule 1: no state outlives the connection; what was seen before it is known by the core, not here.
Rule 2: within one frame the trade is told first, then the clock, so that nobody closes a minute
    before having its trades.
Rule 3: nothing is sent before the venue's welcome.
Rule 4: a topic is named after the id that the exchange lists; a symbol without one is not asked
    for.
Rule 5: one unknown symbol refuses the whole message that it is in, so a message that is refused is
    asked again in halves, until who is refused stands alone.

The sequence of a market's trades rises and leaves numbers out, so that a lost one does not show in
it: each trade says which one it follows here, and the core takes what is lost with a connection
for lost. Candles are made of the trades, exactly. The venue's own (``/market/candles``), which
come late and sometimes two at once, are asked for beside them and only held against them
(``tally``): that is how a trade that is lost on a connection shows.

The pong tells the exchange's clock and proves the link alive; so does every trade.

Source: www.kucoin.com/docs, websocket, read 2026-11-20, and recorded frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import msgspec

from trading.core.market import MICROSECONDS, Side, Trade
from trading.exchanges.kucoin import frames
from trading.exchanges.kucoin.tally import MINUTE, Tally
from trading.exchanges.ports import (
    AliveAnswered,
    Event,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradesLost,
    VenueError,
)

SYMBOLS_PER_MESSAGE = 100

_TOPIC = "/market/match:"
_CANDLES, _MINUTES = "/market/candles:", "_1min"
_NOT_FOUND = "404"
_TAKER = {"buy": Side.BUY, "sell": Side.SELL}
_TENTH_US = 100_000
_LEAST_US = 10**15  # a pong's time below this is of another unit, and left out
_NO_NATIVES: Mapping[str, str] = MappingProxyType({})


class KucoinProtocol:
    """One connection's worth of state; implements ``MarketDataProtocol``.

    Args:
        natives: The exchange's own ids by canonical symbol; the mapping may grow meanwhile.
    """

    def __init__(self, natives: Mapping[str, str] | None = None) -> None:
        self._natives = _NO_NATIVES if natives is None else natives
        self._symbols: dict[str, str] = {}  # by native id, in the order in which they were asked
        self._last: dict[str, int] = {}  # sequence by native id
        self._tallies: dict[str, Tally] = {}  # by native id
        self._received: frozenset[str] = frozenset()  # native ids
        self._awaited: dict[str, tuple[str, ...]] = {}  # native ids to come, by message
        self._sent = 0
        self._pinged = ""  # the number of the newest sign of life
        self._is_welcome = False
        self._overhears = False
        self._tenth = 0
        self._events: list[Event] = []
        self._to_send: list[str] = []

    @property
    def asked(self) -> frozenset[str]:
        """What was subscribed and not unsubscribed since, in canonical symbols."""
        return frozenset(self._symbols.values())

    def subscribe(self, symbols: Collection[str]) -> None:
        """Ask for the trades of these."""
        listed = {self._natives[symbol]: symbol for symbol in symbols if symbol in self._natives}
        added = [native for native in listed if native not in self._symbols]
        self._symbols |= listed
        self._ask_for("subscribe", added)

    def unsubscribe(self, symbols: Collection[str]) -> None:
        """Stop asking for these."""
        removed = self._asked_natives(symbols)
        for native in removed:
            del self._symbols[native]
        self._forget(removed)
        self._ask_for("unsubscribe", removed)

    def renew(self, symbols: Collection[str]) -> None:
        """Leave the topics of these and ask for them again."""
        natives = self._asked_natives(symbols)
        self._forget(natives)
        self._ask_for("unsubscribe", natives)
        self._ask_for("subscribe", natives)
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
        if isinstance(frame, frames.Matched):
            self._take_match(frame.data)
        elif isinstance(frame, frames.Added | frames.Updated):
            self._take_candle(frame.topic, frame.data)
        elif frame.type == "pong":
            if str(frame.id) == self._pinged:
                self._events.append(AliveAnswered())
            if frame.timestamp >= _LEAST_US:
                self._take_time(frame.timestamp)
        elif frame.type == "ack":
            self._take_ack(str(frame.id))
        elif frame.type == "error":
            self._take_error(frame)
        elif frame.type == "welcome":
            self._take_welcome()

    def events_received(self) -> list[Event]:
        """What happened since the last call, oldest first; emptied by it."""
        events, self._events = self._events, []
        return events

    def say_alive(self) -> None:
        """Send a ping: without any the venue ends the connection."""
        if self._is_welcome:
            self._to_send.append(self._ping())
            self._pinged = str(self._sent)

    @property
    def has_text(self) -> bool:
        """Whether there is something to send now: nothing is before the welcome."""
        return self._is_welcome and bool(self._to_send)

    def text_to_send(self) -> list[str]:
        """Frames to send now, in order; emptied by the call."""
        if not self._is_welcome:
            return []
        texts, self._to_send = self._to_send, []
        return texts

    def _take_match(self, match: frames.Match) -> None:
        native, sequence = match.symbol, match.sequence
        symbol = self._symbols.get(native) or self._overheard(native)
        if symbol is None:
            return
        last = self._last.get(native, 0)
        if sequence <= last:
            return
        self._last[native] = sequence
        at, taker = match.time // 1_000, _TAKER[match.side]
        if not self._tenth:
            self._take_time(at)  # without any clock the trade itself could not be believed
        self._events.append(Trade(symbol, sequence, match.price, match.size, at, taker, last))
        self._tally(native).add(at // MICROSECONDS, match.size)
        self._take_time(at)

    def _take_candle(self, topic: str, told: frames.Candles) -> None:
        """Hold the venue's candle of a minute against what was heard; it tells nothing else."""
        native, bar = told.symbol, told.candles
        symbol = self._symbols.get(native) or self._overheard(native)
        if symbol is None or not topic.endswith(_MINUTES):
            return
        if self._tally(native).lacks(bar.opened_at, bar.volume):
            since_us = bar.opened_at * MICROSECONDS
            until_us = min(since_us + MINUTE * MICROSECONDS - 1, max(since_us, told.time // 1_000))
            self._events.append(TradesLost(symbol, since_us, until_us))

    def _tally(self, native: str) -> Tally:
        tally = self._tallies.get(native)
        if tally is None:
            tally = self._tallies[native] = Tally()
        return tally

    def _overheard(self, native: str) -> str | None:
        if not self._overhears:
            return None
        names = {listed: symbol for symbol, listed in self._natives.items()}
        symbol = self._symbols[native] = names.get(native, native)
        return symbol

    def _take_time(self, at_us: int) -> None:
        """Tell the clock when its tenth of a second changed: finer steps would only cost."""
        tenth = at_us // _TENTH_US
        if tenth != self._tenth:
            self._tenth = tenth
            self._events.append(ServerTime(at_us))

    def _take_welcome(self) -> None:
        if self._is_welcome and self._overhears:
            self._events.append(SequenceGap(1, 0))  # the next connection of a recording
            self._last.clear()
            self._tallies.clear()
        self._is_welcome = True
        self._to_send.insert(0, self._ping())  # its answer tells the clock, before any trade

    def _take_ack(self, number: str) -> None:
        """Of a message of ours; others, and pings, are not awaited."""
        natives = self._awaited.pop(number, None)
        if natives is not None:
            self._ask("subscribe", _CANDLES, [f"{native}{_MINUTES}" for native in natives])
            self._received |= frozenset(natives)
            self._tell_received()

    def _take_error(self, error: frames.Other) -> None:
        natives = self._awaited.pop(str(error.id), ())
        if str(error.code) == _NOT_FOUND and len(natives) > 1:
            half = len(natives) // 2
            for some in (natives[:half], natives[half:]):
                self._ask_for("subscribe", some)
            return
        self._events.append(VenueError(frames.words(error)))

    def _tell_received(self) -> None:
        symbols = self._symbols.items()
        received = (symbol for native, symbol in symbols if native in self._received)
        self._events.append(Subscriptions(frozenset(received)))

    def _asked_natives(self, symbols: Collection[str]) -> list[str]:
        wanted = frozenset(symbols)
        return [native for native, symbol in self._symbols.items() if symbol in wanted]

    def _forget(self, natives: Sequence[str]) -> None:
        """What is left is not received any more, nor by what is still to be acknowledged."""
        left = frozenset(natives)
        for native in natives:
            self._last.pop(native, None)
            self._tallies.pop(native, None)
        self._received -= left
        self._awaited = {
            number: tuple(native for native in asked if native not in left)
            for number, asked in self._awaited.items()
        }

    def _ask_for(self, verb: str, natives: Sequence[str]) -> None:
        for start in range(0, len(natives), SYMBOLS_PER_MESSAGE):
            some = natives[start : start + SYMBOLS_PER_MESSAGE]
            self._ask(verb, _TOPIC, some)
            self._awaited[str(self._sent)] = tuple(some if verb == "subscribe" else ())
            if verb == "unsubscribe":
                self._ask(verb, _CANDLES, [f"{native}{_MINUTES}" for native in some])

    def _ask(self, verb: str, topic: str, names: Sequence[str]) -> None:
        if not names:
            return
        self._sent += 1
        message: dict[str, object] = {
            "id": str(self._sent),
            "type": verb,
            "topic": topic + ",".join(names),
            "privateChannel": False,
            "response": True,
        }
        self._to_send.append(msgspec.json.encode(message).decode())

    def _ping(self) -> str:
        self._sent += 1
        return msgspec.json.encode({"id": str(self._sent), "type": "ping"}).decode()
