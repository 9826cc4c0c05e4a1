"""A recorded candle file as the world of one market.

Rule 1: the world's candles equal the file's, to the last digit; outside its span nobody trades.
Rule 2: what the file does not say is drawn: how many trades a minute has, and when.

A file of longer candles than minutes is traded in the first minute of each: the candles of its own
length, and longer ones, equal it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from trading.simulator.catalog import SECONDS_A_DAY, Product
from trading.simulator.chance import Ints, key
from trading.simulator.days import MINUTES
from trading.simulator.minutes import Bars
from trading.simulator.steps import Step

COLUMNS = ("time", "open", "high", "low", "close", "volume")
_MINUTE = 60
_LEAST_TRADES, _MORE_TRADES = 4, 24  # four have room for a wick on both sides
_FINER = 3  # digits of a size behind those of the file: room for as many trades
_MOST_DIGITS = 15
_LARGEST = 2**53  # a count of steps that a float still holds


class Row(NamedTuple):
    """One candle of the file."""

    opened_at: int  # unix seconds
    prices: tuple[Decimal, Decimal, Decimal, Decimal]  # open, high, low, close
    volume: Decimal


class Played:
    """The minutes of one market as a file has them, in steps of its own."""

    def __init__(self, rows: list[Row]) -> None:
        self.price_step = _step(price for row in rows for price in row.prices)
        self.size_step = _step((row.volume for row in rows), finer=_FINER)
        self.first_day = rows[0].opened_at // SECONDS_A_DAY
        self.last_day = rows[-1].opened_at // SECONDS_A_DAY + 1
        self.opened_at = rows[0].opened_at
        self.closes_at = rows[-1].opened_at + _MINUTE
        self.level = float(rows[len(rows) // 2].prices[3])
        self._columns = np.zeros((6, (self.last_day - self.first_day) * MINUTES), dtype=np.int64)
        for row in rows:
            self._write(row)
        by_day = self._columns[5].reshape(-1, MINUTES).sum(axis=1)
        self._before: Ints = np.concatenate([[0], np.cumsum(by_day)])

    def play(self, bars: Bars, row: int, day: int) -> None:
        """Put a day of the file in the place of a drawn one."""
        begin = (day - self.first_day) * MINUTES
        for column, recorded in zip(bars.columns, self._columns, strict=True):
            is_recorded = self.first_day <= day < self.last_day
            column[row] = recorded[begin : begin + MINUTES] if is_recorded else 0

    def trades_before(self, day: int) -> int:
        """How many trades there are before a day, since 1970."""
        return int(self._before[min(max(day - self.first_day, 0), len(self._before) - 1)])

    def listed(self, product: Product) -> Product:
        """The product as it is listed when this file is its world."""
        return replace(
            product,
            price=self.level,
            price_step=self.price_step,
            size_step=self.size_step,
            first_day=self.first_day,
            last_day=self.last_day,
            state="online",
        )

    def _write(self, row: Row) -> None:
        volume = _count(row.volume, self.size_step)
        trades = _LEAST_TRADES + key("played", row.opened_at) % _MORE_TRADES
        steps = [_count(price, self.price_step) for price in row.prices]
        at = row.opened_at // _MINUTE - self.first_day * MINUTES
        # A candle without volume is a minute in which nobody traded.
        self._columns[:, at] = [*steps, volume, min(trades, volume)]


def read(lines: Iterable[str]) -> Played:
    """The world of a table of candles, as ``manage.py replay --candles`` reads it.

    Raises:
        ValueError: If it is none, with the line that is wrong.
    """
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        fields = next(csv.reader([line.strip()]), [])
        if not fields or (number == 1 and tuple(fields) == COLUMNS):
            continue
        try:
            rows.append(_row(fields))
        except (ValueError, InvalidOperation) as exc:
            raise ValueError(f"line {number}: must be {','.join(COLUMNS)} ({exc})") from exc
    if not rows:
        raise ValueError("must have a candle, has none")
    rows.sort(key=lambda row: row.opened_at)
    for before, row in pairwise(rows):
        if before.opened_at == row.opened_at:
            raise ValueError(f"must have one candle for each time, has two of {row.opened_at}")
    return Played(rows)


def listed(products: Mapping[str, Product], played: Mapping[str, Played]) -> dict[str, Product]:
    """The listing, with the steps and the days of the recorded markets and of their aliases.

    Raises:
        ValueError: If a recorded market is not listed, or is another's alias.
    """
    for name in played:
        if name not in products or products[name].alias_of is not None:
            raise ValueError(f"{name} is not listed here with a book of its own")
    return {
        name: played[product.book].listed(product) if product.book in played else product
        for name, product in products.items()
    }


def _row(fields: list[str]) -> Row:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"has {len(fields)} fields")
    first, high, low, last, volume = (_number(field) for field in fields[1:])
    opened_at = int(fields[0])
    if opened_at < 0 or opened_at % _MINUTE:
        raise ValueError(f"time must be on a minute, was {opened_at}")
    if not 0 < low <= min(first, last) <= max(first, last) <= high or volume < 0:
        raise ValueError("low must be the lowest price above 0, high the highest")
    return Row(opened_at, (first, high, low, last), volume)


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or -_digits(value) > _MOST_DIGITS or _digits(value) > _MOST_DIGITS:
        raise ValueError(f"{text} is no number of an exchange")
    return value


def _digits(value: Decimal) -> int:
    """Digits behind the point that it needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _step(values: Iterable[Decimal], *, finer: int = 0) -> Step:
    """The coarsest power of ten, at most one, of which all of these are multiples."""
    return Step.of_exponent(-(max(map(_digits, values)) + finer))


def _count(value: Decimal, step: Step) -> int:
    count = int(value.scaleb(step.decimals))
    if count >= _LARGEST:
        raise ValueError(f"{value} is too large for steps of {step.text}")
    return count
