"""One WebSocket connection to KuCoin: what it is asked, what it tells and when.

Rule 1: a connection without a good token hears an error and ends; one with it is welcomed first.
Rule 2: who sends no ping of JSON for the interval and the timeout together is dropped; so is
    everybody after a day.
Rule 3: one symbol that there is not refuses the whole message that names it.

Topics: ``/market/match:…`` and ``/market/candles:…``. Source: www.kucoin.com/docs, websocket, read
2026-11-20, and recorded frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from trading.simulator.catalog import Product
from trading.simulator.venues.kucoin import rows
from trading.simulator.venues.kucoin.candles import CandleTopic
from trading.simulator.venues.kucoin.rest import INTERVALS
from trading.simulator.venues.kucoin.tokens import (
    LIFE_SECONDS,
    PING_INTERVAL_MS,
    PING_TIMEOUT_MS,
)
from trading.simulator.venues.ports import Frame, Moment
from trading.simulator.venues.quiet import Quiet
from trading.simulator.world import World

MOST_PER_MESSAGE, MOST_PER_SESSION = 100, 300
MOST_MESSAGES, MESSAGES_SECONDS = 100, 10.0
NORMAL, GOING_AWAY = 1000, 1001
PATIENCE_SECONDS = (PING_INTERVAL_MS + PING_TIMEOUT_MS) / 1_000

_MATCH, _CANDLES = "/market/match", "/market/candles"


class _Complaint(Exception):
    """Ends the reading of a message with the error it earns."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class KucoinSession(Quiet):
    """Frames of one connection.

    Args:
        world: Where the market data comes from.
        names: What there is, by the venue's ids.
        opened: When the connection was accepted.
        name: What the client calls it.
        is_admitted: Whether its token was good.
    """

    def __init__(
        self,
        world: World,
        names: Mapping[str, Product],
        opened: Moment,
        *,
        name: str,
        is_admitted: bool,
    ) -> None:
        self._world = world
        self._names = names
        self._opened = opened
        self._name = name
        self._is_admitted = is_admitted
        self._is_greeted = False
        self._pinged = opened.steady
        self._pings: list[str] = []
        self._heard: deque[float] = deque(maxlen=MOST_MESSAGES)
        self._matches: dict[str, int] = {}  # told up to, microseconds, by the venue's id
        self._candles: dict[str, CandleTopic] = {}

    # ------------------------------------------------------------------ the client speaks

    def receive(self, text: str, at: Moment) -> list[Frame]:
        """Take a message; its answer, behind the greeting that was due."""
        greeting = self._greeting()
        if not self._is_admitted:
            return greeting
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            return [*greeting, _error("", 400, "message is invalid")]
        number = str(asked.get("id", ""))
        try:
            self._count(at)
            return [*greeting, *self._obey(asked, number, at)]
        except _Complaint as complaint:
            return [*greeting, _error(number, complaint.code, str(complaint))]

    def throttled(self) -> list[Frame]:
        """Nothing: what is too much is counted here."""
        return []

    def close_code(self, at: Moment) -> int | None:
        """Why the venue would hang up now, if at all."""
        if not self._is_admitted and self._is_greeted:
            return NORMAL
        if at.steady - self._pinged > PATIENCE_SECONDS:
            return NORMAL
        return GOING_AWAY if at.steady - self._opened.steady > LIFE_SECONDS else None

    def _count(self, at: Moment) -> None:
        heard = self._heard
        is_much = len(heard) == MOST_MESSAGES and at.steady - heard[0] < MESSAGES_SECONDS
        heard.append(at.steady)
        if is_much:
            raise _Complaint(509, "exceed max permits per 10 seconds")

    def _obey(self, asked: Mapping[str, Any], number: str, at: Moment) -> list[Frame]:
        match asked.get("type"):
            case "ping":
                self._pinged = at.steady
                self._pings.append(number)  # answered behind the trades up to then
                return []
            case "subscribe":
                self._subscribe(*self._topic(asked), at)
                return _ack(asked, number)
            case "unsubscribe":
                kind, names = self._topic(asked)
                carried = self._carried(kind)
                for name in names:
                    carried.pop(name, None)
                return _ack(asked, number)
        raise _Complaint(415, "type is not supported")

    def _topic(self, asked: Mapping[str, Any]) -> tuple[str, list[str]]:
        """Which topic is meant, of whom. Raises: _Complaint."""
        topic = asked.get("topic")
        if not isinstance(topic, str) or not topic:
            raise _Complaint(406, "topic is required")
        kind, _, listed = topic.partition(":")
        names = [name for name in listed.split(",") if name]
        if len(names) > MOST_PER_MESSAGE:
            raise _Complaint(
                509, f"exceed max subscription count limitation of {MOST_PER_MESSAGE} per time"
            )
        if not names or kind not in {_MATCH, _CANDLES}:
            raise _Complaint(404, f"topic {topic} is not found")
        for name in names:
            symbol, _, length = name.partition("_")
            is_known = length in INTERVALS if kind == _CANDLES else not length
            if symbol not in self._names or not is_known:
                raise _Complaint(404, f"topic {kind}:{name} is not found")
        return kind, names

    def _carried(self, kind: str) -> dict[str, Any]:
        return self._matches if kind == _MATCH else self._candles

    def _subscribe(self, kind: str, names: list[str], at: Moment) -> None:
        carried = self._carried(kind)
        new = [name for name in dict.fromkeys(names) if name not in carried]
        if len(self._matches) + len(self._candles) + len(new) > MOST_PER_SESSION:
            raise _Complaint(
                509, f"exceed max subscription count limitation of {MOST_PER_SESSION} per session"
            )
        for name in new:
            if kind == _MATCH:
                self._matches[name] = at.now_us
            else:
                symbol, _, length = name.partition("_")
                product = self._names[symbol]
                self._candles[name] = CandleTopic(self._world, product, INTERVALS[length], at)

    # ------------------------------------------------------------------ time passes

    def advance(
        self, at: Moment, muted: frozenset[str], late: frozenset[str] = frozenset()
    ) -> list[Frame]:
        """The frames that are due at this moment."""
        frames = self._greeting()
        if not self._is_admitted:
            return frames
        frames += self._due_matches(at, muted, late)
        for name, topic in self._candles.items():
            if topic.product.product_id in muted | late:
                continue
            for verb, bar, told_ns in topic.due(at):
                body = {
                    "symbol": name.partition("_")[0],
                    "candles": rows.candle(topic.product, bar),
                    "time": told_ns,
                }
                frames.append(_message(f"{_CANDLES}:{name}", f"trade.candles.{verb}", body))
        for number in self._pings:
            body = {"id": number, "type": "pong", "timestamp": at.told_ns // 1_000}
            frames.append(_frame("pong", body))
        self._pings.clear()
        return frames

    def _greeting(self) -> list[Frame]:
        """What every connection hears first, once."""
        if self._is_greeted:
            return []
        self._is_greeted = True
        if not self._is_admitted:
            return [_error(self._name, 401, "token is invalid")]
        intervals = {"pingInterval": PING_INTERVAL_MS, "pingTimeout": PING_TIMEOUT_MS}
        return [_frame("welcome", {"id": self._name, "type": "welcome", **intervals})]

    def _due_matches(
        self,
        at: Moment,
        muted: frozenset[str],
        late: frozenset[str],
    ) -> list[Frame]:
        """What was traded up to now, of all markets in the order of time."""
        news: list[tuple[int, Frame]] = []
        for name, since in self._matches.items():
            product = self._names[name]
            if product.product_id in late:
                continue
            self._matches[name] = max(since, at.now_us)
            if product.product_id in muted:
                continue
            told_us = 0
            for one in self._world.trades(product.product_id, since, at.now_us):
                told_us = max(told_us, one.time_us)  # in the order of the ids, late ones too
                frame = _message(f"{_MATCH}:{name}", "trade.l3match", rows.match(product, one))
                news.append((told_us, frame))
        news.sort(key=lambda pair: pair[0])
        return [frame for _, frame in news]


def _ack(asked: Mapping[str, Any], number: str) -> list[Frame]:
    """Only to who wants to know."""
    return [_frame("ack", {"id": number, "type": "ack"})] if asked.get("response") is True else []


def _error(number: str, code: int, words: str) -> Frame:
    return _frame("error", {"id": number, "type": "error", "code": code, "data": words})


def _message(topic: str, subject: str, body: Mapping[str, Any]) -> Frame:
    return _frame(subject, {"topic": topic, "type": "message", "subject": subject, "data": body})


def _frame(channel: str, body: Mapping[str, Any]) -> Frame:
    return Frame(channel, msgspec.json.encode(body).decode())
