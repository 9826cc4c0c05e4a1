"""Questions to the world: its candles, trades and statistics as of a moment.

Rule 1: nothing behind ``now_us`` is ever told: the minute in progress is the fold of its trades
    so far.
Rule 2: an answer depends on the seed, the product, the times, and on what was done to the product
    on order. What else is kept here is a bounded memory of drawings, each under the interventions
    it was made with, so several threads may ask at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

import msgspec
import numpy as np

from trading.simulator import days, interventions
from trading.simulator.catalog import SECONDS_A_DAY, Product, products
from trading.simulator.chance import Ints
from trading.simulator.days import MINUTES
from trading.simulator.drawings import BLOCK, Drawings
from trading.simulator.fold import fold
from trading.simulator.interventions import AnyIntervention, Interventions, LateTrade
from trading.simulator.minutes import Bars
from trading.simulator.played import Played
from trading.simulator.tape import MINUTE_US, Bar, Print

DAY_US = SECONDS_A_DAY * 1_000_000
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


class World:
    """One seed's market data for everything in ``listed``.

    Args:
        seed: Which world.
        listed: What there is; everything if not given.
        played: Recorded candles to be told instead of drawn ones, by product.
    """

    def __init__(
        self,
        seed: int = 1,
        listed: Mapping[str, Product] | None = None,
        *,
        played: Mapping[str, Played] | None = None,
    ) -> None:
        self.seed = seed
        self.products = products() if listed is None else listed
        self._drawn = Drawings(seed, self.products, played or {})
        self._closed = lru_cache(maxsize=2_048)(self._statistics_of_one)
        self._year = lru_cache(maxsize=1_024)(self._closes_of_year)
        self._listing = lru_cache(maxsize=1)(self._statistics_of_all)

    # ------------------------------------------------------------------ interventions

    def intervene(self, intervention: AnyIntervention, now_us: int) -> AnyIntervention:
        """Do something to a product.

        Returns:
            It, with the times that it left open: given to another world of this seed, the two are
            the same again.

        Raises:
            ValueError: If the product is not listed, or a minute to be amended has no trade.
        """
        self.insist_on(intervention.product_id)
        book = self._book(intervention.product_id).product_id
        dated = self._dated(intervention, book, now_us)
        self._drawn.do(book, dated)
        return dated

    def insist_on(self, product_id: str) -> None:
        """Raises: ValueError: If there is no such product, with the names most like it."""
        if product_id not in self.products:
            like = " or ".join(get_close_matches(product_id.upper(), self.products))
            raise ValueError(f"{product_id} is not listed" + (f": {like}?" if like else ""))

    @property
    def interventions(self) -> list[AnyIntervention]:
        """Everything that was done, in that order for each product."""
        return [one for done in self._drawn.all_done for one in done]

    def product_at(self, product_id: str, now_us: int) -> Product | None:
        """How a product is listed now; None if it never was."""
        product = self.products.get(product_id)
        if product is None:
            return None
        at = interventions.delisted_at(self._drawn.done_to(product.book))
        if at is None or now_us < at * 1_000_000:
            return product
        return replace(product, state="delisted")

    def _dated(self, one: AnyIntervention, book: str, now_us: int) -> AnyIntervention:
        minute = now_us // MINUTE_US * interventions.MINUTE
        if not isinstance(one, interventions.Amend):
            at = minute + interventions.MINUTE if one.at is None else one.at
            return msgspec.structs.replace(one, at=at)
        at = self._last_traded(book, minute) if one.at is None else one.at
        if at >= minute or not self.candles(book, interventions.MINUTE, at, at, now_us):
            raise ValueError(f"{book} has no closed candle at {at}")
        told_us = now_us + 1 if one.told_us is None else one.told_us
        return msgspec.structs.replace(one, at=at, told_us=told_us)

    def _last_traded(self, book: str, minute: int) -> int:
        found = self.last_trades(book, 1, minute * 1_000_000 - 1)
        return found[0].time_us // MINUTE_US * interventions.MINUTE if found else minute

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
            for block in range(first // BLOCK, last // BLOCK + 1):
                days_of = self._drawn.block(product.product_id, block)
                yield block * BLOCK, _cut(days_of, last, block)
        elif last - first < 2:
            for day in range(first, last + 1):
                yield day, fold(self._drawn.day(product.product_id, day).bars, seconds // 60)
        else:
            for day in range(first, last + 1, BLOCK):
                until = min(day + BLOCK, last + 1)
                yield (
                    day,
                    fold(
                        self._drawn.rows([product] * (until - day), day, told=True), seconds // 60
                    ),
                )

    def _so_far(self, product: Product, now_us: int) -> Bars:
        """The day of ``now_us`` up to it, one row."""
        minute, day = now_us // MINUTE_US, now_us // DAY_US
        at = minute - day * MINUTES
        bars = self._drawn.day(product.product_id, day).bars
        columns = [
            column.copy()
            for column in (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades)
        ]
        for column in columns[-2:]:
            column[0, at:] = 0
        current = self._drawn.tape(product.product_id, minute)
        bar = current.fold(now_us) if current else None
        if bar:
            for column, value in zip(columns, bar[1:], strict=True):
                column[0, at] = value
        return Bars(*columns)

    # ------------------------------------------------------------------ trades

    def trades(self, product_id: str, after_us: int, until_us: int) -> list[Print]:
        """The trades told with ``after_us < time <= until_us``, in the order of their ids.

        A late one is told later than it happened, and those behind it have a higher id for it.
        """
        name = self._book(product_id).product_id
        found: list[Print] = []
        for minute in range(after_us // MINUTE_US, until_us // MINUTE_US + 1):
            drawn = self._drawn.tape(name, minute)
            if drawn:
                found += drawn.between(after_us, until_us)
        late = interventions.late_trades(self._drawn.done_to(name))
        return self._numbered(name, found, late, after_us, until_us) if late else found

    def _numbered(
        self, name: str, found: list[Print], late: list[LateTrade], after_us: int, until_us: int
    ) -> list[Print]:
        """Punctual trades and those that are told late, each with its id."""
        prints = [
            one._replace(trade_id=one.trade_id + sum(each.told_us < one.time_us for each in late))
            for one in found
        ]
        prints += [
            self._late_print(name, each, ahead)
            for ahead, each in enumerate(late)
            if after_us < each.told_us <= until_us
        ]
        return sorted(prints)

    def _late_print(self, name: str, late: LateTrade, ahead: int) -> Print:
        """A late trade, with the id behind everything told before it.

        Args:
            ahead: How many late ones were told before.
        """
        told = self._drawn.tape(name, minute := late.told_us // MINUTE_US)
        day = self._drawn.day(name, minute // MINUTES)
        before = int(day.first_ids[minute % MINUTES]) - 1
        before += len(told.between(0, late.told_us)) if told else 0
        bars = self._drawn.day(name, late.minute // SECONDS_A_DAY).traded
        at = (0, late.minute // interventions.MINUTE % MINUTES)
        price, size = late.of(int(bars.close[at]), int(bars.volume[at]))
        buys = late.percent > 0
        return Print(before + ahead + 1, late.time_us, price, size, buys)

    def last_trades(
        self, product_id: str, count: int, until_us: int, after_us: int = 0
    ) -> list[Print]:
        """The newest ``count`` trades in ``(after_us, until_us]``, oldest first."""
        product = self._book(product_id)
        name = product.product_id
        floor = max(after_us // MINUTE_US, product.first_day * MINUTES)
        minute = until_us // MINUTE_US
        found: list[Print] = []
        while len(found) < count and minute >= floor:
            if self._drawn.trades_on(product, minute // MINUTES):
                begin_us = max(minute * MINUTE_US - 1, after_us)
                found = (
                    self.trades(name, begin_us, min((minute + 1) * MINUTE_US - 1, until_us)) + found
                )
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
        name = product.product_id
        closed = self._closed(name, minute, self._drawn.done_to(name))
        current = self._drawn.tape(name, minute)
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
        return self._listing(now_us // MINUTE_US, self._drawn.all_done)

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
        closes = days.draw(rows, self._drawn.keys_of(rows), at).after
        return int(closes.min()), int(closes.max())

    def _statistics_of_one(self, name: str, minute: int, _done: Interventions) -> Statistics:
        return self._closed_statistics([self.products[name]], minute)[0]

    def _statistics_of_all(
        self, minute: int, _done: tuple[Interventions, ...]
    ) -> Mapping[str, Statistics]:
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
        bars = self._drawn.rows(rows, at, told=True)
        until = 2 * MINUTES + minute - day * MINUTES
        split = until - MINUTES

        def columns(values: Ints) -> Ints:
            return values.reshape(len(books), -1)[:, :until]

        trades, volume = columns(bars.trades), columns(bars.volume)
        last = fold(Bars(*map(columns, bars.columns)), until)
        earlier = fold(Bars(*(columns(each)[:, :split] for each in bars.columns)), split)
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

    def _book(self, product_id: str) -> Product:
        """The product whose trades ``product_id`` shows. Raises: KeyError if not listed."""
        return self.products[self.products[product_id].book]


def _cut(bars: Bars, last: int, block: int) -> Bars:
    """A block's days up to ``last``."""
    keep = min(last + 1 - block * BLOCK, BLOCK)
    return Bars(*(values[:keep] for values in bars.columns))


def _listed(bars: Bars, first_day: int, seconds: int, start: int, end: int) -> list[Bar]:
    """The rows of ``bars`` one behind the other, without the empty ones, within the bounds."""
    opened = first_day * SECONDS_A_DAY + np.arange(bars.trades.size) * seconds
    wanted = (bars.trades.ravel() > 0) & (opened >= start) & (opened <= end)
    columns = (opened, *(values.ravel() for values in bars.columns))
    return [Bar(*row) for row in zip(*(column[wanted].tolist() for column in columns), strict=True)]
