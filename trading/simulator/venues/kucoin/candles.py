"""What a topic of candles tells, and how late.

Rule 1: nothing is told of a bucket before it traded, and what is told comes a second or two after
    the trades: the last of a bucket often after its end.
Rule 2: the first message of a bucket adds it, the others update it. Where the bucket before it had
    no trade, the next trade adds that one too, flat and of no volume, just before its own.

Source: a recorded session of 2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from trading.simulator.catalog import Product
from trading.simulator.tape import Bar
from trading.simulator.venues.ports import Moment
from trading.simulator.world import World

DELAY_US = 1_500_000
_US = 1_000_000

Told = tuple[Literal["add", "update"], Bar, int]


class CandleTopic:
    """The candles of one length of one market, from when it was asked for.

    Args:
        world: Where they come from.
        product: Whose.
        seconds: Length of a bucket.
        asked: When it was asked for.
    """

    def __init__(self, world: World, product: Product, seconds: int, asked: Moment) -> None:
        self.product = product
        self._world = world
        self._seconds = seconds
        self._until_us = asked.now_us - DELAY_US
        self._newest: Bar | None = None

    def due(self, at: Moment) -> Iterator[Told]:
        """What is to be told now, and the time in it, unix nanoseconds."""
        name, seconds, since_us = self.product.product_id, self._seconds, self._until_us
        until_us = self._until_us = max(since_us, at.now_us - DELAY_US)
        traded = {
            one.time_us // _US // seconds * seconds
            for one in self._world.trades(name, since_us, until_us)
        }
        for opened_at in sorted(traded):
            found = self._world.candles(name, seconds, opened_at, opened_at, until_us)
            for bar in found:
                yield from ((verb, told, at.told_ns) for verb, told in self._told(bar))

    def _told(self, bar: Bar) -> Iterator[tuple[Literal["add", "update"], Bar]]:
        newest = self._newest
        if newest is not None and bar.opened_at <= newest.opened_at:
            if bar.opened_at == newest.opened_at:
                self._newest = bar
            yield "update", bar
            return
        before = bar.opened_at - self._seconds
        if newest is not None and newest.opened_at < before:
            close = newest.close
            yield "add", Bar(before, close, close, close, close, 0, 0)
        self._newest = bar
        yield "add", bar
