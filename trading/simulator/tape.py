"""From a minute bar to its trades: the finest drawing of the world.

Rule 1: the fold of a tape is its bar, exactly: first, highest, lowest and last price, the sum
    of the sizes and the number of trades.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trading.simulator.chance import Bits, Floats, Ints, bell, key, lanes, shares, stream

MINUTE_US = 60_000_000
_SALT_TIME, _SALT_PRICE, _SALT_SIZE = 1, 2, 3


class Bar(NamedTuple):
    """One candle of any length. Prices in price steps, volume in size steps."""

    opened_at: int  # unix seconds
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


class Print(NamedTuple):
    """One trade as it stands on the tape."""

    trade_id: int
    time_us: int
    price: int  # price steps
    size: int  # size steps
    taker_buys: bool


@dataclass(frozen=True, slots=True)
class Tape:
    """The trades of one minute, oldest first."""

    first_id: int
    times: tuple[int, ...]  # unix microseconds, rising or equal
    prices: tuple[int, ...]
    sizes: tuple[int, ...]
    taker_buys: tuple[bool, ...]

    def between(self, after_us: int, until_us: int) -> list[Print]:
        """The trades with ``after_us < time <= until_us``."""
        begin = bisect_right(self.times, after_us)
        end = bisect_right(self.times, until_us)
        return [
            Print(
                self.first_id + at,
                self.times[at],
                self.prices[at],
                self.sizes[at],
                self.taker_buys[at],
            )
            for at in range(begin, end)
        ]

    def fold(self, until_us: int) -> Bar | None:
        """The candle of the trades up to ``until_us``, None where there is none yet."""
        count = bisect_right(self.times, until_us)
        if not count:
            return None
        prices = self.prices[:count]
        return Bar(
            opened_at=self.times[0] // MINUTE_US * 60,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=sum(self.sizes[:count]),
            trades=count,
        )


def draw(product_key: int, bar: Bar, first_id: int) -> Tape:
    """The tape of the minute ``bar`` of the product with this key."""
    minute_key = np.array([key(product_key, bar.opened_at)], dtype=np.uint64)
    prices = _prices(minute_key, bar)
    buys = _taker_buys(prices, bar, bool(minute_key[0] & np.uint64(1)))
    return Tape(
        first_id=first_id,
        times=tuple(_times(minute_key, bar).tolist()),
        prices=tuple(prices.tolist()),
        sizes=tuple(_sizes(minute_key, bar).tolist()),
        taker_buys=tuple(buys),
    )


def _times(minute_key: Bits, bar: Bar) -> Ints:
    offset, swept, _, fine = lanes(stream(minute_key, bar.trades, _SALT_TIME))
    # Two lanes: 2**16 positions are too coarse for 60 million microseconds.
    times = ((offset + fine / 65_536.0) * MINUTE_US).astype(np.int64)[0]
    times.sort()
    # One order often meets several resting ones in the same microsecond.
    together = swept[0] < 0.2
    together[0] = False
    leader = np.maximum.accumulate(np.where(together, 0, np.arange(bar.trades)))
    return np.asarray(times[leader] + bar.opened_at * 1_000_000)


def _prices(minute_key: Bits, bar: Bar) -> Ints:
    count = bar.trades
    if count == 1:
        return np.array([bar.close])
    along = np.linspace(0.0, 1.0, count)
    walk: Floats = np.cumsum(bell(stream(minute_key, count, _SALT_PRICE))[0])
    walk -= walk[0] + (walk[-1] - walk[0]) * along
    reach = max(float(np.abs(walk).max()), 1e-9)
    path = bar.open + (bar.close - bar.open) * along + walk * (0.5 * (bar.high - bar.low) / reach)
    prices = np.clip(np.rint(path).astype(np.int64), bar.low, bar.high)
    if count > 3:
        inner = path[1:-1]
        top, bottom = int(inner.argmax()), int(inner.argmin())
        if top == bottom:
            bottom = (top + 1) % len(inner)
        prices[1 + top], prices[1 + bottom] = bar.high, bar.low
    elif count == 3:
        prices[1] = bar.high if bar.high > max(bar.open, bar.close) else bar.low
    prices[0], prices[-1] = bar.open, bar.close
    return prices


def _sizes(minute_key: Bits, bar: Bar) -> Ints:
    first, second, third, _ = lanes(stream(minute_key, bar.trades, _SALT_SIZE))
    weights = 0.001 + (first * second * third) ** 2  # many small trades, a few large ones
    return np.asarray(1 + shares(np.array([bar.volume - bar.trades]), weights)[0])


def _taker_buys(prices: Ints, bar: Bar, first: bool) -> list[bool]:
    """Who crossed the spread: up is a buyer, down a seller, unchanged the same as before."""
    buys: list[bool] = []
    last, buying = bar.open, first
    for price in prices.tolist():
        if price != last:
            buying = price > last
        buys.append(buying)
        last = price
    return buys
