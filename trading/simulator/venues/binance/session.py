"""One WebSocket connection to Binance's streams: what it is asked, what it tells and when.

Rule 1: every well-formed subscription is acknowledged, also of what there is not: it stays silent.
Rule 2: more than five messages in a second, a ping that is not answered in a minute, or a day of
    life, and the connection is closed.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md (2026-07-21). Streams:
``aggTrade``, ``trade`` and ``kline_…``, each with its name around it (the combined form) until the
client sets that property off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from trading.simulator.catalog import Product
from trading.simulator.venues.binance import rows
from trading.simulator.venues.binance.bars import bars, second
from trading.simulator.venues.binance.intervals import INTERVALS
from trading.simulator.venues.ports import Frame, Moment
from trading.simulator.world import World

MESSAGES_A_SECOND = 5
MOST_STREAMS = 1_024
LIFE_SECONDS = 86_400.0
PING_SECONDS, PONG_SECONDS = 20.0, 60.0
POLICY_VIOLATION, GOING_AWAY = 1008, 1001

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TRADES = frozenset({"aggTrade", "trade"})
_SECOND = "kline_1s"
_CADENCES = {**dict.fromkeys((f"kline_{name}" for name in INTERVALS), 2.0), _SECOND: 1.0}
_US = 1_000_000


class BinanceSession:
    """Frames of one connection.

    Args:
        world: Where the market data comes from.
        names: What there is, by the venue's ids.
        opened: When the connection was accepted.
        streams: What its address names.
    """

    def __init__(
        self,
        world: World,
        names: Mapping[str, Product],
        opened: Moment,
        streams: Sequence[str] = (),
    ) -> None:
        self._world = world
        self._names = {name.lower(): product for name, product in names.items()}
        self._opened = opened
        self._streams: dict[str, None] = {}
        self._told: dict[str, int] = {}  # microseconds
        self._due: dict[str, float] = {}
        self._heard: deque[float] = deque(maxlen=MESSAGES_A_SECOND)
        self._pinged: float = opened.steady
        self._unanswered: float | None = None
        self._close_code: int | None = None
        self._is_combined = True
        self._muted: frozenset[str] = frozenset()
        self._late: frozenset[str] = frozenset()
        self._subscribe(streams, opened)

    # ------------------------------------------------------------------ the client speaks

    def receive(self, text: str, at: Moment) -> list[Frame]:
        """Take a control message; its answer."""
        self._count(at)
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = "Invalid JSON: expected value at line 1 column 1"
            return [_answer({"code": 3, "msg": message})]
        if not isinstance(asked, dict) or asked.get("method") not in _METHODS:
            known = ", ".join(f"`{method}`" for method in _METHODS)
            message = f"Invalid request: unknown variant, expected one of {known}"
            return [_answer({"code": 2, "msg": message})]
        number, params = asked.get("id"), asked.get("params", [])
        if not _is_id(number) or not isinstance(params, list):
            return [_answer({"code": 2, "msg": "Invalid request: invalid type"})]
        due = self._due_trades(at)
        return [*due, self._obey(asked["method"], params, number, at)]

    def throttled(self) -> list[Frame]:
        """Nothing: what is too much is counted here, and ends the connection."""
        return []

    def pinged(self, at: Moment) -> None:
        """The client's pings are messages too."""
        self._count(at)

    def ponged(self, at: Moment) -> None:
        """So are its pongs."""
        self._count(at)
        self._unanswered = None

    def farewell(self, at: Moment) -> list[Frame]:
        """What it says before it goes away."""
        event = {"e": "serverShutdown", "E": _told_ms(at)}
        return [self._frame("!serverShutdown", "serverShutdown", event)]

    def close_code(self, at: Moment) -> int | None:
        """Why the venue would hang up now, if at all."""
        if self._unanswered is not None and at.steady - self._unanswered > PONG_SECONDS:
            return POLICY_VIOLATION
        if at.steady - self._opened.steady > LIFE_SECONDS:
            return GOING_AWAY
        return self._close_code

    def ping_due(self, at: Moment) -> bytes | None:
        """What to ping with, each twenty seconds."""
        if at.steady - self._pinged < PING_SECONDS:
            return None
        self._pinged = at.steady
        self._unanswered = self._unanswered or at.steady
        return str(_told_ms(at)).encode()

    def _count(self, at: Moment) -> None:
        """One message more; a sixth within a second is the last."""
        heard = self._heard
        if len(heard) == MESSAGES_A_SECOND and at.steady - heard[0] < 1.0:
            self._close_code = POLICY_VIOLATION
        heard.append(at.steady)

    def _obey(self, method: str, params: list[Any], number: Any, at: Moment) -> Frame:
        match method:
            case "SUBSCRIBE":
                self._subscribe([str(name) for name in params], at)
            case "UNSUBSCRIBE":
                for name in params:
                    self._streams.pop(str(name), None)
            case "LIST_SUBSCRIPTIONS":
                return _answer({"result": list(self._streams), "id": number})
            case "GET_PROPERTY" if params == ["combined"]:
                return _answer({"result": self._is_combined, "id": number})
            case "SET_PROPERTY" if params[:1] == ["combined"]:
                if len(params) != 2 or not isinstance(params[1], bool):
                    return _answer({"code": 1, "msg": "Invalid value type: expected Boolean"})
                self._is_combined = params[1]
            case _:
                return _answer({"code": 0, "msg": "Unknown property", "id": number})
        return _answer({"result": None, "id": number})

    def _subscribe(self, names: Sequence[str], at: Moment) -> None:
        for name in names:
            if name not in self._streams:
                self._streams[name] = None
                self._told[name] = at.now_us
                self._due[name] = at.steady
        if len(self._streams) > MOST_STREAMS:
            self._close_code = POLICY_VIOLATION

    # ------------------------------------------------------------------ time passes

    def advance(
        self, at: Moment, muted: frozenset[str], late: frozenset[str] = frozenset()
    ) -> list[Frame]:
        """The frames that are due at this moment: trades before what tells the time."""
        self._muted, self._late = muted, late
        frames = self._due_trades(at)
        for stream in [name for name in self._streams if self._due[name] <= at.steady]:
            product, kind = self._stream(stream)
            if product is None or kind not in _CADENCES:
                continue
            # Never a burst of catching up: the next look is in the future.
            self._due[stream] = max(self._due[stream], at.steady - 1.0) + _CADENCES[kind]
            if product.product_id not in muted | late:
                frames += self._klines(stream, product, kind, at)
        return frames

    def _due_trades(self, at: Moment) -> list[Frame]:
        """What was traded up to now, of all streams in the order of time."""
        news: list[tuple[int, Frame]] = []
        for stream in self._streams:
            product, kind = self._stream(stream)
            if product is None or kind not in _TRADES or product.product_id in self._late:
                continue
            since = self._told[stream]
            self._told[stream] = max(since, at.now_us)
            if product.product_id not in self._muted:
                news += self._trades(stream, product, kind, since, at)
        news.sort(key=lambda pair: pair[0])
        return [frame for _, frame in news]

    def _trades(
        self, stream: str, product: Product, kind: str, since: int, at: Moment
    ) -> Iterator[tuple[int, Frame]]:
        write = rows.trade if kind == "trade" else rows.aggregate_trade
        told_us = 0
        for one in self._world.trades(product.product_id, since, at.now_us):
            told_us = max(told_us, one.time_us)  # in the order of the ids, late ones too
            told_ms = told_us // 1_000 + at.skew_ns // 1_000_000
            yield told_us, self._frame(stream, kind, write(product, one, told_ms))

    def _klines(self, stream: str, product: Product, kind: str, at: Moment) -> Iterator[Frame]:
        since, told_ms = self._told[stream], _told_ms(at)
        self._told[stream] = at.now_us
        name = kind.removeprefix("kline_")
        interval, now = INTERVALS[name], at.now_us // _US
        if kind == _SECOND:
            found = [second(self._world, product, now - 1)]
        else:
            begin = interval.opening(since // _US)
            found = bars(self._world, product, interval, begin, now, at.now_us)
        for bar in found:
            closes_at = interval.shifted(bar.opened_at, 1)
            closes_us = closes_at * _US
            last = self._world.last_trades(product.product_id, 1, min(closes_us - 1, at.now_us))
            is_closed = closes_us <= at.now_us
            if last and (is_closed or last[-1].time_us > since):
                row = rows.kline(
                    product, bar, name, closes_at, last_id=last[-1].trade_id, at_ms=told_ms
                )
                row["k"]["x"] = is_closed
                yield self._frame(stream, kind, row)

    def _frame(self, stream: str, kind: str, data: Mapping[str, Any]) -> Frame:
        """What is told of a stream, with its name around it unless the client wants none."""
        told = {"stream": stream, "data": data} if self._is_combined else data
        return Frame(kind, msgspec.json.encode(told).decode())

    def _stream(self, name: str) -> tuple[Product | None, str]:
        """Whose stream it is, and of what; nobody's if there is none."""
        native, _, kind = name.partition("@")
        return self._names.get(native), kind


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return value.isalnum() and len(value) <= 36
    return value is None or type(value) is int


def _told_ms(at: Moment) -> int:
    return at.told_ns // 1_000_000


def _answer(body: Mapping[str, Any]) -> Frame:
    return Frame("answer", msgspec.json.encode(body).decode())
