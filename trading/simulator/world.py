"""Questions to the world: its candles, trades and statistics as of a moment.

Rule 1: nothing behind ``now_us`` is ever told: the minute in progress is the fold of its trades
    so far.
Rule 2: an answer depends on the seed, the product and the times alone. What is kept here is a
    bounded memory of drawings, never a state, so several threads may ask at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trading.simulator import days, minutes, tape
from trading.simulator.catalog import SECONDS_A_DAY, Product, products
from trading.simulator.chance import Bits, Ints, key
from trading.simulator.days import MINUTES
from trading.simulator.fold import fold
from trading.simulator.minutes import Bars
from trading.simulator.tape import MINUTE_US, Bar, Print, Tape

DAY_US = SECONDS_A_DAY * 1_000_000
# Days drawn together: arrays below the size at which malloc turns to the kernel for each
# (128 kB) are drawn a third faster than larger ones.
_BLOCK = 8
_BOOKS = 3  # books whose three days are drawn together, for the same reason
_HIGHEST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Statistics:
    """A product's last day, in steps. A price is None where nothing traded in three days."""

    price: int | None
    price_before: int | None  # 24 hours ago
    high: int
    low: int
    volume: int
    volume_before: int  # of the 24 hours before these


@dataclass(frozen=True, slots=True)
class _Day:
    bars: Bars  # one row
    first_ids: Ints  # the id of the first trade of each minute, shape (1440,)


class World:
    """One seed's market data for everything in ``listed``."""

    def __init__(self, seed: int = 1, listed: Mapping[str, Product] | None = None) -> None:
        self.seed = seed
        self.products = products() if listed is None else listed
        self._keys = {name: key(seed, name) for name in self.products}
        self._counts: dict[str, Ints] = {}
        # A live subscription needs today and sometimes yesterday of its product; about 80 kB each.
        self._day = lru_cache(maxsize=640)(self._draw_day)
        self._tape = lru_cache(maxsize=4_096)(self._draw_tape)
        self._block = lru_cache(maxsize=16_384)(self._draw_block)
        self._closed = lru_cache(maxsize=2_048)(self._statistics_of_one)
        self._year = lru_cache(maxsize=1_024)(self._closes_of_year)
        self._listing = lru_cache(maxsize=1)(self._statistics_of_all)

    # ------------------------------------------------------------------ candles

    def candles(
        self, product_id: str, seconds: int, start: int, end: int, now_us: int
    ) -> list[Bar]:
        """The bars opened in ``[start, end]`` that have trades up to ``now_us``, oldest first.

        Args:
            seconds: Length of a bar: whole minutes that divide a day.
            start: Unix seconds; so is ``end``, inclusive.
        """
        product = self._book(product_id)
        today = now_us // DAY_US
        first = max(start // SECONDS_A_DAY, product.first_day)
        last = min(end // SECONDS_A_DAY, today)
        found: list[Bar] = []
        for at, bars in self._runs(product, first, min(last, today - 1), seconds):
            found += _listed(bars, at, seconds, start, end)
        if first <= last == today:
            so_far = fold(self._so_far(product, now_us), seconds // 60)
            found += _listed(so_far, today, seconds, start, end)
        return found

    def _runs(
        self, product: Product, first: int, last: int, seconds: int
    ) -> Iterator[tuple[int, Bars]]:
        """Whole days ``first`` to ``last`` as bars, in runs: (first day of the run, bars)."""
        if seconds == SECONDS_A_DAY:
            for block in range(first // _BLOCK, last // _BLOCK + 1):
                yield block * _BLOCK, _cut(self._block(product.product_id, block), last, block)
        elif last - first < 2:
            for day in range(first, last + 1):
                yield day, fold(self._day(product.product_id, day).bars, seconds // 60)
        else:
            for day in range(first, last + 1, _BLOCK):
                until = min(day + _BLOCK, last + 1)
                yield day, fold(self._draw([product] * (until - day), day), seconds // 60)

    def _so_far(self, product: Product, now_us: int) -> Bars:
        """The day of ``now_us`` up to it, one row."""
        minute, day = now_us // MINUTE_US, now_us // DAY_US
        at = minute - day * MINUTES
        bars = self._day(product.product_id, day).bars
        columns = [
            column.copy()
            for column in (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades)
        ]
        for column in columns[-2:]:
            column[0, at:] = 0
        current = self._tape(product.product_id, minute)
        bar = current.fold(now_us) if current else None
        if bar:
            for column, value in zip(columns, bar[1:], strict=True):
                column[0, at] = value
        return Bars(*columns)

    # ------------------------------------------------------------------ trades

    def trades(self, product_id: str, after_us: int, until_us: int) -> list[Print]:
        """The trades with ``after_us < time <= until_us``, oldest first."""
        name = self._book(product_id).product_id
        found: list[Print] = []
        for minute in range(after_us // MINUTE_US, until_us // MINUTE_US + 1):
            drawn = self._tape(name, minute)
            if drawn:
                found += drawn.between(after_us, until_us)
        return found

    def last_trades(
        self, product_id: str, count: int, until_us: int, after_us: int = 0
    ) -> list[Print]:
        """The newest ``count`` trades in ``(after_us, until_us]``, oldest first."""
        product = self._book(product_id)
        floor = max(after_us // MINUTE_US, product.first_day * MINUTES)
        minute = until_us // MINUTE_US
        found: list[Print] = []
        while len(found) < count and minute >= floor:
            if self._trades_on(product, minute // MINUTES):
                drawn = self._tape(product.product_id, minute)
                found = (drawn.between(after_us, until_us) if drawn else []) + found
                minute -= 1
            elif product.last_day is not None and minute // MINUTES >= product.last_day:
                minute = product.last_day * MINUTES - 1
            else:
                break
        return found[-count:] if count else []

    # ------------------------------------------------------------------ statistics

    def statistics(self, product_id: str, now_us: int) -> Statistics:
        """The day up to ``now_us``; its edges are whole minutes, its newest price exact."""
        product = self._book(product_id)
        minute = now_us // MINUTE_US
        closed = self._closed(product.product_id, minute)
        current = self._tape(product.product_id, minute)
        bar = current.fold(now_us) if current else None
        if bar is None:
            return closed
        return Statistics(
            price=bar.close,
            price_before=closed.price_before,
            high=max(closed.high, bar.high),
            low=min(closed.low, bar.low) if closed.high else bar.low,
            volume=closed.volume + bar.volume,
            volume_before=closed.volume_before,
        )

    def listing(self, now_us: int) -> Mapping[str, Statistics]:
        """The statistics of every product as of the last whole minute before ``now_us``."""
        return self._listing(now_us // MINUTE_US)

    def year(self, product_id: str, now_us: int) -> tuple[int, int]:
        """Lowest and highest of a year's drawn closes and the last day, in price steps.

        Not of its candles, which would be 365 days drawn in full for a figure nobody computes
        with.
        """
        closes = self._year(self._book(product_id).product_id, now_us // DAY_US)
        last = self.statistics(product_id, now_us)
        return min(closes[0], last.low or closes[0]), max(closes[1], last.high)

    def _closes_of_year(self, name: str, day: int) -> tuple[int, int]:
        product = self.products[name]
        at = np.arange(max(day - 364, product.first_day), max(day, product.first_day + 1))
        rows = [product] * len(at)
        closes = days.draw(rows, self._keys_of(rows), at).after
        return int(closes.min()), int(closes.max())

    def _statistics_of_one(self, name: str, minute: int) -> Statistics:
        return self._closed_statistics([self.products[name]], minute)[0]

    def _statistics_of_all(self, minute: int) -> Mapping[str, Statistics]:
        books = [product for product in self.products.values() if product.alias_of is None]
        found: dict[str, Statistics] = {}
        for at in range(0, len(books), _BOOKS):
            some = books[at : at + _BOOKS]
            drawn = self._closed_statistics(some, minute)
            found |= {product.product_id: each for product, each in zip(some, drawn, strict=True)}
        return {name: found[product.book] for name, product in self.products.items()}

    def _closed_statistics(self, books: Sequence[Product], minute: int) -> list[Statistics]:
        """The 24 hours of whole minutes before ``minute``, drawn for many books at once."""
        day = minute // MINUTES
        rows = [product for product in books for _ in range(3)]
        at = np.tile(np.arange(day - 2, day + 1), len(books))
        bars = self._draw(rows, at)
        until = 2 * MINUTES + minute - day * MINUTES
        split = until - MINUTES

        def columns(values: Ints) -> Ints:
            return values.reshape(len(books), -1)[:, :until]

        trades, volume = columns(bars.trades), columns(bars.volume)
        last = fold(Bars(*map(columns, _fields(bars))), until)
        earlier = fold(Bars(*(columns(each)[:, :split] for each in _fields(bars))), split)
        recent = trades[:, split:] > 0
        high = np.where(recent, columns(bars.high)[:, split:], 0).max(axis=1)
        low = np.where(recent, columns(bars.low)[:, split:], _HIGHEST).min(axis=1)
        now, before = volume[:, split:].sum(axis=1), volume[:, split - MINUTES : split].sum(axis=1)
        return [
            Statistics(
                price=int(last.close[row, 0]) if last.trades[row, 0] else None,
                price_before=int(earlier.close[row, 0]) if earlier.trades[row, 0] else None,
                high=int(high[row]),
                low=int(low[row]) if high[row] else 0,
                volume=int(now[row]),
                volume_before=int(before[row]),
            )
            for row in range(len(books))
        ]

    # ------------------------------------------------------------------ drawings

    def _book(self, product_id: str) -> Product:
        """The product whose trades ``product_id`` shows. Raises: KeyError if not listed."""
        return self.products[self.products[product_id].book]

    def _draw(self, rows: Sequence[Product], first: int | Ints) -> Bars:
        """Minutes of one product-day a row; ``first`` may be one day, counted up from."""
        at = np.arange(first, first + len(rows)) if isinstance(first, int) else first
        return minutes.draw(days.draw(rows, self._keys_of(rows), at))

    def _keys_of(self, rows: Sequence[Product]) -> Bits:
        return np.array([self._keys[row.product_id] for row in rows], dtype=np.uint64)

    def _draw_day(self, name: str, day: int) -> _Day:
        bars = self._draw([self.products[name]], day)
        before = self._trades_before(self.products[name], day)
        return _Day(bars, before + 1 + np.cumsum(bars.trades[0]) - bars.trades[0])

    def _draw_block(self, name: str, block: int) -> Bars:
        return fold(self._draw([self.products[name]] * _BLOCK, block * _BLOCK), MINUTES)

    def _draw_tape(self, name: str, minute: int) -> Tape | None:
        product = self.products[name]
        if not self._trades_on(product, minute // MINUTES):
            return None
        drawn = self._day(name, minute // MINUTES)
        at = minute % MINUTES
        bar = Bar(minute * 60, *(int(values[0, at]) for values in _fields(drawn.bars)))
        if not bar.trades:
            return None
        return tape.draw(self._keys[name], bar, int(drawn.first_ids[at]))

    @staticmethod
    def _trades_on(product: Product, day: int) -> bool:
        ended = product.last_day is not None and day >= product.last_day
        return day >= product.first_day and not ended

    def _trades_before(self, product: Product, day: int) -> int:
        """How many trades the product had before ``day``: its ids are contiguous from 1."""
        at = day - product.first_day
        if at <= 0:
            return 0
        known = self._counts.get(product.product_id)
        if known is None or len(known) < at:
            ahead = np.arange(product.first_day, day + 366)
            rows = [product] * len(ahead)
            known = np.cumsum(days.trades_of(rows, self._keys_of(rows), ahead))
            self._counts[product.product_id] = known
        return int(known[at - 1])


def _fields(bars: Bars) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    return bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades


def _cut(bars: Bars, last: int, block: int) -> Bars:
    """A block's days up to ``last``."""
    keep = min(last + 1 - block * _BLOCK, _BLOCK)
    return Bars(*(values[:keep] for values in _fields(bars)))


def _listed(bars: Bars, first_day: int, seconds: int, start: int, end: int) -> list[Bar]:
    """The rows of ``bars`` one behind the other, without the empty ones, within the bounds."""
    opened = first_day * SECONDS_A_DAY + np.arange(bars.trades.size) * seconds
    wanted = (bars.trades.ravel() > 0) & (opened >= start) & (opened <= end)
    columns = (opened, *(values.ravel() for values in _fields(bars)))
    return [Bar(*row) for row in zip(*(column[wanted].tolist() for column in columns), strict=True)]
