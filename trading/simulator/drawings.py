"""The drawings of a world and what was done to it: days, minutes and tapes, kept within bounds.

Rule 1: a drawing depends on the seed, the product, the time and the interventions; it is kept under
    all of them, so several threads may ask while somebody intervenes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trading.simulator import days, interventions, minutes
from trading.simulator import tape as tapes
from trading.simulator.catalog import Product
from trading.simulator.chance import Ints, key
from trading.simulator.days import MINUTES
from trading.simulator.fold import fold
from trading.simulator.interventions import AnyIntervention, Interventions
from trading.simulator.minutes import Bars
from trading.simulator.played import Played
from trading.simulator.tape import Bar, Tape

# Days drawn together: arrays below the size at which malloc turns to the kernel for each
# (128 kB) are drawn a third faster than larger ones.
BLOCK = 8


@dataclass(frozen=True, slots=True)
class Day:
    """One book's minutes of one day."""

    bars: Bars  # one row, as it is told
    traded: Bars  # the same before amendments: what the trades of its minutes fold to
    first_ids: Ints  # the id of the first trade of each minute, shape (1440,)


class Drawings:
    """Everything that is drawn of the books in ``products``.

    Args:
        seed: Which world.
        products: What is listed.
        played: Recorded candles in the place of drawn ones, by book.
    """

    def __init__(
        self, seed: int, products: Mapping[str, Product], played: Mapping[str, Played]
    ) -> None:
        self._products = products
        self._played = played
        self._keys = {name: key(seed, name) for name in products}
        self._courses = {name: _courses(seed, one) for name, one in products.items()}
        self._done: Mapping[str, Interventions] = {}
        self._counts: dict[str, Ints] = {}
        # A live subscription needs today and sometimes yesterday of its product; about 80 kB each.
        self._day = lru_cache(maxsize=640)(self._draw_day)
        self._tape = lru_cache(maxsize=4_096)(self._draw_tape)
        self._block = lru_cache(maxsize=16_384)(self._draw_block)

    @property
    def all_done(self) -> tuple[Interventions, ...]:
        """What was done to any book."""
        return tuple(self._done.values())

    def done_to(self, book: str) -> Interventions:
        """What was done to a book, in that order."""
        return self._done.get(book, ())

    def do(self, book: str, intervention: AnyIntervention) -> None:
        """Do something to a book: everything drawn from now on shows it."""
        self._done = {**self._done, book: (*self.done_to(book), intervention)}

    def rows(self, rows: Sequence[Product], first: int | Ints, *, told: bool) -> Bars:
        """Minutes of one product-day a row; ``first`` may be one day, counted up from.

        Args:
            told: With their amendments.
        """
        at = np.arange(first, first + len(rows)) if isinstance(first, int) else first
        bars = self._undisturbed(rows, at)
        for row, product in enumerate(rows):
            if done := self.done_to(product.product_id):
                interventions.happen(bars, row, int(at[row]), done)
                if told:
                    interventions.amend(bars, row, int(at[row]), done)
        return bars

    def keys_of(self, rows: Sequence[Product]) -> days.Keys:
        """The keys of the products of some rows."""
        courses = [self._courses[row.product_id] for row in rows]
        return days.Keys(
            own=np.array([self._keys[row.product_id] for row in rows], dtype=np.uint64),
            course=np.array([course for course, _ in courses], dtype=np.uint64),
            quote=np.array([quote or 0 for _, quote in courses], dtype=np.uint64),
            is_quotient=np.array([quote is not None for _, quote in courses]),
        )

    def day(self, name: str, day: int) -> Day:
        """One book's minutes of a day."""
        return self._day(name, day, self.done_to(name))

    def tape(self, name: str, minute: int) -> Tape | None:
        """One book's trades of a minute (minutes since 1970), None where there is none."""
        return self._tape(name, minute, self.done_to(name))

    def _draw_day(self, name: str, day: int, done: Interventions) -> Day:
        traded = self.rows([self._products[name]], day, told=False)
        bars = traded
        if interventions.late_trades(done):
            bars = Bars(*(column.copy() for column in traded.columns))
            interventions.amend(bars, 0, day, done)
        before = self._trades_before(self._products[name], day)
        first_ids = before + 1 + np.cumsum(traded.trades[0]) - traded.trades[0]
        return Day(bars, traded, first_ids)

    def _draw_block(self, name: str, block: int, _done: Interventions) -> Bars:
        rows = [self._products[name]] * BLOCK
        return fold(self.rows(rows, block * BLOCK, told=True), MINUTES)

    def _draw_tape(self, name: str, minute: int, done: Interventions) -> Tape | None:
        product = self._products[name]
        if not self.trades_on(product, minute // MINUTES):
            return None
        drawn = self._day(name, minute // MINUTES, done)
        at = minute % MINUTES
        bar = Bar(minute * 60, *(int(values[0, at]) for values in drawn.traded.columns))
        if not bar.trades:
            return None
        return tapes.draw(self._keys[name], bar, int(drawn.first_ids[at]))

    def block(self, name: str, block: int) -> Bars:
        """:data:`BLOCK` whole days of a book, a row each, from day ``block * BLOCK`` on."""
        return self._block(name, block, self.done_to(name))

    @staticmethod
    def trades_on(product: Product, day: int) -> bool:
        """Whether a product is traded on a day at all."""
        ended = product.last_day is not None and day >= product.last_day
        return day >= product.first_day and not ended

    def _trades_before(self, product: Product, day: int) -> int:
        """How many trades the product had before ``day``: its ids are contiguous from 1."""
        at = day - product.first_day
        if at <= 0:
            return 0
        if played := self._played.get(product.product_id):
            return played.trades_before(day) - self._untraded(product, day)
        known = self._counts.get(product.product_id)
        if known is None or len(known) < at:
            ahead = np.arange(product.first_day, day + 366)
            rows = [product] * len(ahead)
            known = np.cumsum(days.trades_of(rows, self.keys_of(rows).own, ahead))
            self._counts[product.product_id] = known
        return int(known[at - 1]) - self._untraded(product, day)

    def _untraded(self, product: Product, day: int) -> int:
        """How many trades before ``day`` fell into minutes that were silenced."""
        silenced = interventions.days_of_silence(self.done_to(product.product_id))
        lost = 0
        for each in (one for one in silenced if one < day):
            bars = self._undisturbed([product], np.array([each]))
            before = int(bars.trades.sum())
            interventions.happen(bars, 0, each, self.done_to(product.product_id))
            lost += before - int(bars.trades.sum())
        return lost

    def _undisturbed(self, rows: Sequence[Product], at: Ints) -> Bars:
        """Product-days as they would be, had nobody intervened."""
        bars = minutes.draw(days.draw(rows, self.keys_of(rows), at))
        for row, product in enumerate(rows):
            if played := self._played.get(product.product_id):
                played.play(bars, row, int(at[row]))
        return bars


def _courses(seed: int, product: Product) -> tuple[int, int | None]:
    """The keys of the courses that a product and its quote follow, listed or not."""
    quote = product.quote_course
    return key(seed, product.course), None if quote is None else key(seed, quote)
