"""One WebSocket connection to Coinbase Advanced Trade: what it is asked, what it tells and when.

Rule 1: sequence numbers run over every numbered frame of the connection, whatever its channel.
Rule 2: a channel's rows come before the acknowledgement that names it.

Channels and cadences: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket
(read 2026-11); the order of frames and the silence about unknown products are from captures of
production of 2026. One simplification: ``ticker`` tells the last match of each quarter second,
not every match.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from trading.simulator.book import Depth, depth
from trading.simulator.catalog import Product
from trading.simulator.chance import key
from trading.simulator.clock import go_time, rfc3339
from trading.simulator.tape import Print
from trading.simulator.venues.coinbase import rows
from trading.simulator.venues.ports import Frame, Moment
from trading.simulator.venues.quiet import Quiet
from trading.simulator.world import World

Cadences = Mapping[str, float]

# Request name: seconds between two looks at what is new.
CADENCES: Cadences = {
    "heartbeats": 1.0,
    "market_trades": 0.25,
    "ticker": 0.25,
    "ticker_batch": 5.0,
    "candles": 1.0,
    "level2": 0.25,
    "status": 30.0,
    "user": math.inf,  # nobody ever orders anything here
}
_UNLISTED = frozenset({"heartbeats", "user"})  # what they carry is no product
_WIRE_NAMES = {"level2": "l2_data"}  # answers come under another name than the request
PATIENCE_SECONDS = 5.0  # a connection without a subscription is closed after this
POLICY_VIOLATION = 1008
_SNAPSHOT_TRADES = 100
_TRADES_A_FRAME = 1_000
_SNAPSHOT_CANDLES = 100
_CANDLE_SECONDS = 300
_EPOCH_TIME = "1970-01-01T00:00:00Z"
_BAD_CHANNEL = "authentication failure"  # also what an unknown channel earns
_BAD_MESSAGE = "failure to subscribe"


def _nobody(_token: str, _at: Moment) -> None:
    """No token proves anything."""


class CoinbaseSession(Quiet):
    """Frames of one connection.

    Args:
        world: Where the market data comes from.
        opened: When the connection was accepted.
        uptime: Seconds the answering machine claims to have been up: it starts the heartbeat
            counter.
        client_id: Whether envelopes carry ``"client_id": ""``, as they did until 2025 and still
            do on the user endpoint.
        opens: Whose orders the token of a subscription shows; None where it proves nothing.
    """

    def __init__(
        self,
        world: World,
        opened: Moment,
        *,
        uptime: int,
        client_id: bool = False,
        opens: Callable[[str, Moment], str | None] = _nobody,
    ) -> None:
        self._world = world
        self._opened = opened
        self._uptime = uptime
        self._beats = uptime
        self._head: dict[str, Any] = {"client_id": ""} if client_id else {}
        self._opens = opens
        self._sequence = 0
        self._subscribed_once = False
        self._wanted: dict[str, dict[str, None]] = {}  # request name: ids as asked, in order
        self._told: dict[tuple[str, str], int] = {}  # (request name, book): microseconds
        self._due: dict[str, float] = {}
        self._books: dict[str, Depth] = {}
        self._muted: frozenset[str] = frozenset()
        self._late: frozenset[str] = frozenset()

    # ------------------------------------------------------------------ the client speaks

    def receive(self, text: str, at: Moment) -> list[Frame]:
        """Take a subscribe or unsubscribe; its snapshots and its acknowledgement."""
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
            names = [str(name) for name in asked.get("product_ids") or ()]
        except (msgspec.DecodeError, TypeError):
            return [_error(_BAD_MESSAGE)]
        channel = str(asked.get("channel"))
        if channel not in CADENCES:
            return [_error(_BAD_CHANNEL)]
        due = self._due_trades(at)  # numbered before what the message asks for
        match asked.get("type"):
            case "subscribe" if channel == "user":
                user_id = self._opens(str(asked.get("jwt")), at)
                if user_id is None:
                    return [*due, _error(_BAD_CHANNEL)]
                frames = self._subscribe_user(user_id, at)
            case "subscribe":
                frames = self._subscribe(channel, names, at)
            case "unsubscribe":
                frames = self._unsubscribe(channel, names)
            case _:
                return [*due, _error(_BAD_MESSAGE)]
        return [*due, *frames, self._acknowledgement(at)]

    def throttled(self) -> list[Frame]:
        """The answer to a message beyond the limit."""
        return [_error("rate limit exceeded")]

    def close_code(self, at: Moment) -> int | None:
        """Policy violation while nothing was subscribed in five seconds."""
        if self._subscribed_once or at.steady - self._opened.steady < PATIENCE_SECONDS:
            return None
        return POLICY_VIOLATION

    def _subscribe(self, channel: str, names: list[str], at: Moment) -> list[Frame]:
        self._subscribed_once = True
        self._due.setdefault(channel, at.steady + CADENCES[channel])
        wanted = self._wanted.setdefault(channel, {})
        if channel == "heartbeats":
            wanted[channel] = None
            return []
        if channel == "status" and not names:
            names = [
                name for name, product in self._world.products.items() if product.alias_of is None
            ]
        known = [name for name in names if self._is_known(name, at)]
        before = self._books_of(channel)
        wanted |= dict.fromkeys(known)
        new = [book for book in self._books_of(channel) if book not in before]
        for book in new:
            self._told[channel, book] = at.now_us
        return list(self._snapshots(channel, new, at))

    def _subscribe_user(self, user_id: str, at: Moment) -> list[Frame]:
        """All products of it, whichever were asked for; it is acknowledged by the user's id."""
        self._subscribed_once = True
        is_new = "user" not in self._wanted
        self._wanted["user"] = {user_id: None}
        return [self._frame("user", rows.NO_ORDERS, at)] if is_new else []

    def _unsubscribe(self, channel: str, names: list[str]) -> list[Frame]:
        wanted = self._wanted.get(channel, {})
        for name in names or list(wanted):
            wanted.pop(name, None)
        if not wanted:
            self._wanted.pop(channel, None)
            self._due.pop(channel, None)
        return []

    def _is_known(self, name: str, at: Moment) -> bool:
        product = self._world.product_at(name, at.now_us)
        return product is not None and rows.streamable(product)

    def _books_of(self, channel: str) -> dict[str, None]:
        """The products whose rows this channel carries: an alias is told under its book's id."""
        listed = self._world.products
        return dict.fromkeys(listed[name].book for name in self._wanted.get(channel, ()))

    # ------------------------------------------------------------------ time passes

    def advance(
        self, at: Moment, muted: frozenset[str], late: frozenset[str] = frozenset()
    ) -> list[Frame]:
        """The frames that are due at this moment."""
        self._muted, self._late = muted, late
        frames: list[Frame] = []
        for channel in [name for name, due in self._due.items() if due <= at.steady]:
            # Never a burst of catching up: the next look is in the future.
            self._due[channel] = max(self._due[channel], at.steady - 1.0) + CADENCES[channel]
            if channel == "heartbeats":
                frames += [*self._due_trades(at), self._heartbeat(at)]
            else:
                frames += self._tell(channel, at)
        return frames

    def _tell(self, channel: str, at: Moment) -> list[Frame]:
        books = self._books_of(channel)
        silent = self._muted | self._late
        frames = list(self._updates(channel, [book for book in books if book not in silent], at))
        for book in self._muted & books.keys():
            self._told[channel, book] = at.now_us
        return frames

    def _due_trades(self, at: Moment) -> list[Frame]:
        """The trades up to now, before a frame that tells the time.

        In real time a frame runs ahead of the trades by a quarter of a second at most, which
        every client allows for. In accelerated time that would be a quarter of a minute.
        """
        return self._tell("market_trades", at)

    def _updates(self, channel: str, books: list[str], at: Moment) -> Iterable[Frame]:
        match channel:
            case "market_trades":
                return self._trades(books, at)
            case "ticker" | "ticker_batch":
                return self._tickers(channel, [b for b in books if self._news(channel, b, at)], at)
            case "candles":
                return self._candles(books, at)
            case "level2":
                return self._levels(books, at)
            case _:
                return self._status(books, "update", at)

    def _snapshots(self, channel: str, books: list[str], at: Moment) -> Iterator[Frame]:
        if channel == "status":
            yield from self._status(books, "snapshot", at)
            return
        for book in books:
            product = self._world.products[book]
            last = self._world.last_trades(book, _SNAPSHOT_TRADES, at.now_us)
            if not last:
                continue
            match channel:
                case "market_trades":
                    yield self._trades_frame("snapshot", [(product, p) for p in last], at)
                case "ticker" | "ticker_batch":
                    row = self._ticker(channel, product, last[-1], at)
                    yield self._frame(channel, _event("snapshot", "tickers", [row]), at)
                case "candles":
                    listed = self._sparse_candles(product, at)
                    yield self._frame(channel, _event("snapshot", "candles", listed), at)
                case _:
                    yield self._book_snapshot(product, last[-1], at)

    # ------------------------------------------------------------------ channels

    def _news(self, channel: str, book: str, at: Moment) -> list[Print]:
        """The trades of ``book`` since this channel last looked."""
        since = self._told[channel, book]
        self._told[channel, book] = max(since, at.now_us)
        return self._world.trades(book, since, at.now_us)

    def _trades(self, books: list[str], at: Moment) -> Iterator[Frame]:
        """What was traded, in as many frames as it takes, each at the time that it tells up to.

        After a silence of minutes that is many; all at the time of the last, the first one would
        say of the products in the others that they were not traded.
        """
        news: list[tuple[int, Product, Print]] = []
        for book in books:
            product, told_us = self._world.products[book], 0
            for printed in self._news("market_trades", book, at):
                told_us = max(told_us, printed.time_us)  # in the order of the ids, late ones too
                news.append((told_us, product, printed))
        news.sort(key=_told_us)
        for begin in range(0, len(news), _TRADES_A_FRAME):
            batch = news[begin : begin + _TRADES_A_FRAME]
            is_last = begin + _TRADES_A_FRAME >= len(news)
            then = at if is_last else at._replace(now_ns=batch[-1][0] * 1_000)
            yield self._trades_frame("update", [one[1:] for one in batch], then)

    def _trades_frame(self, kind: str, batch: list[tuple[Product, Print]], at: Moment) -> Frame:
        """A frame of trades, newest first; several products may share it."""
        batch.sort(key=lambda pair: (pair[1].time_us, pair[1].trade_id), reverse=True)
        listed = [rows.trade(product, printed) for product, printed in batch]
        return self._frame("market_trades", _event(kind, "trades", listed), at)

    def _tickers(self, channel: str, books: list[str], at: Moment) -> Iterator[Frame]:
        for book in books:
            product = self._world.products[book]
            last = self._world.last_trades(book, 1, at.now_us)[-1]
            row = self._ticker(channel, product, last, at)
            yield self._frame(channel, _event("update", "tickers", [row]), at)

    def _ticker(self, channel: str, product: Product, last: Print, at: Moment) -> rows.Row:
        name = product.product_id
        statistics = self._world.statistics(name, at.now_us)
        year = self._world.year(name, at.now_us)
        if channel == "ticker_batch":
            return rows.ticker_batch(product, statistics, year)
        book = depth(product, last.price, last.taker_buys, at.now_us)
        return rows.ticker(product, statistics, year, book)

    def _candles(self, books: list[str], at: Moment) -> Iterator[Frame]:
        for book in books:
            since = self._told["candles", book] // 1_000_000
            if not self._news("candles", book, at):
                continue
            product = self._world.products[book]
            start = since - since % _CANDLE_SECONDS
            end = at.now_us // 1_000_000
            for bar in self._world.candles(book, _CANDLE_SECONDS, start, end, at.now_us):
                row = rows.candle(product, bar)
                yield self._frame("candles", _event("update", "candles", [row]), at)

    def _sparse_candles(self, product: Product, at: Moment) -> list[rows.Row]:
        """Up to 100 candles with holes, as production sends them: good for no back-fill."""
        now = at.now_us // 1_000_000
        reach = 160 * _CANDLE_SECONDS
        bars = self._world.candles(product.product_id, _CANDLE_SECONDS, now - reach, now, at.now_us)
        kept = [bar for bar in bars[:-1] if key(product.product_id, bar.opened_at) % 100 < 62]
        kept = [*kept, *bars[-1:]][-_SNAPSHOT_CANDLES:]
        return [rows.candle(product, bar) for bar in reversed(kept)]

    def _book_snapshot(self, product: Product, last: Print, at: Moment) -> Frame:
        book = depth(product, last.price, last.taker_buys, at.now_us)
        self._books[product.product_id] = book
        levels = [rows.level(product, "bid", *each, _EPOCH_TIME) for each in book.bids]
        levels += [rows.level(product, "offer", *each, _EPOCH_TIME) for each in book.asks]
        event = {"type": "snapshot", "product_id": product.product_id, "updates": levels}
        return self._frame("level2", event, at)

    def _levels(self, books: list[str], at: Moment) -> Iterator[Frame]:
        event_time = rfc3339(at.now_ns, digits=6)
        for name in books:
            product, before = self._world.products[name], self._books.get(name)
            last = self._world.last_trades(name, 1, at.now_us)
            if before is None or not last:
                continue
            now = depth(product, last[0].price, last[0].taker_buys, at.now_us)
            self._books[name] = now
            updates = [
                rows.level(product, side, price, size, event_time)
                for side, old, new in (
                    ("bid", before.bids, now.bids),
                    ("offer", before.asks, now.asks),
                )
                for price, size in _changes(dict(old), dict(new))
            ]
            if updates:
                event = {"type": "update", "product_id": name, "updates": updates}
                yield self._frame("level2", event, at)

    def _status(self, books: list[str], kind: str, at: Moment) -> Iterator[Frame]:
        as_listed = [self._world.product_at(book, at.now_us) for book in books]
        listed = [rows.status(product) for product in as_listed if product is not None]
        if listed:
            yield self._frame("status", _event(kind, "products", listed), at)

    def _heartbeat(self, at: Moment) -> Frame:
        uptime_ns = int((self._uptime + at.steady - self._opened.steady) * 1e9)
        event = {
            "current_time": go_time(at.told_ns, uptime_ns),
            "heartbeat_counter": self._beats,
        }
        self._beats += 1
        return self._frame("heartbeats", event, at)

    def _acknowledgement(self, at: Moment) -> Frame:
        """Everything this connection receives, not only what was just asked."""
        held: dict[str, list[str]] = {}
        for channel, names in self._wanted.items():
            left = [name for name in names if channel in _UNLISTED or self._is_known(name, at)]
            if left:
                held[channel] = left
        return self._frame("subscriptions", {"subscriptions": held}, at)

    def _frame(self, channel: str, event: Mapping[str, Any], at: Moment) -> Frame:
        wire_name = _WIRE_NAMES.get(channel, channel)
        envelope = {
            "channel": wire_name,
            **self._head,
            "timestamp": rfc3339(at.told_ns),
            "sequence_num": self._sequence,
            "events": [event],
        }
        self._sequence += 1
        return Frame(wire_name, msgspec.json.encode(envelope).decode())


def _told_us(news: tuple[int, Product, Print]) -> int:
    return news[0]


def _event(kind: str, name: str, listed: list[rows.Row]) -> dict[str, Any]:
    return {"type": kind, name: listed}


def _error(message: str) -> Frame:
    """Errors are outside the envelope: no channel and no sequence number."""
    return Frame("error", msgspec.json.encode({"type": "error", "message": message}).decode())


def _changes(old: dict[int, int], new: dict[int, int]) -> list[tuple[int, int]]:
    """Levels to tell so that ``old`` becomes ``new``; a size of 0 removes one."""
    gone = [(price, 0) for price in old if price not in new]
    return [(price, size) for price, size in new.items() if old.get(price) != size] + gone
