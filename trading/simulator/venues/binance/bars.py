"""The candles of Binance: of every bucket, also of one in which nothing was traded.

Rule 1: such a bucket is flat at the close before it, of no volume and no trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trading.simulator.catalog import SECONDS_A_DAY, Product
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.binance.intervals import SECOND, Interval
from trading.simulator.world import World

_US = 1_000_000


def bars(
    world: World, product: Product, interval: Interval, start: int, end: int, now_us: int
) -> list[Bar]:
    """The bars opened in ``[start, end]`` (unix seconds) up to now, oldest first, none left out."""
    start = max(start, interval.opening(product.first_day * SECONDS_A_DAY))
    if (opened_at := interval.opening(start)) < start:
        opened_at = interval.shifted(opened_at, 1)
    end = min(end, now_us // _US)
    if product.last_day is not None:
        end = min(end, product.last_day * SECONDS_A_DAY - 1)
    traded = _traded(world, product, interval, opened_at, end, now_us) if opened_at <= end else {}
    found: list[Bar] = []
    close = last_close(world, product, opened_at)
    while opened_at <= end:
        bar = traded.get(opened_at) or flat(opened_at, close)
        close = bar.close
        if close:
            found.append(bar)
        opened_at = interval.shifted(opened_at, 1)
    return found


def _traded(
    world: World, product: Product, interval: Interval, start: int, end: int, now_us: int
) -> dict[int, Bar]:
    """Those bars in which something was traded, by when they opened."""
    last = min(interval.shifted(interval.opening(end), 1) * _US - 1, now_us)
    if interval is SECOND:
        return _seconds(world.trades(product.product_id, start * _US - 1, last))
    parts = world.candles(product.product_id, interval.unit, start, last // _US, now_us)
    found: dict[int, Bar] = {}
    for part in parts:
        opened_at = interval.opening(part.opened_at)
        before = found.get(opened_at)
        found[opened_at] = (
            part._replace(opened_at=opened_at) if before is None else _joined(before, part)
        )
    return found


def _seconds(prints: Iterable[Print]) -> dict[int, Bar]:
    of_second: dict[int, list[Print]] = {}
    for one in prints:
        of_second.setdefault(one.time_us // _US, []).append(one)
    return {at: _folded(at, kept) for at, kept in of_second.items()}


def _joined(before: Bar, part: Bar) -> Bar:
    return before._replace(
        high=max(before.high, part.high),
        low=min(before.low, part.low),
        close=part.close,
        volume=before.volume + part.volume,
        trades=before.trades + part.trades,
    )


def second(world: World, product: Product, opened_at: int) -> Bar:
    """The bar of one second; of price 0 where nothing was ever traded."""
    name, begin = product.product_id, opened_at * _US
    prints = world.trades(name, begin - 1, begin + _US - 1)
    found = _seconds(prints).get(opened_at)
    return found or flat(opened_at, last_close(world, product, opened_at))


def last_close(world: World, product: Product, before: int) -> int:
    """The last price traded before a unix second; 0 if there is none."""
    last = world.last_trades(product.product_id, 1, before * _US - 1)
    return last[-1].price if last else 0


def flat(opened_at: int, close: int) -> Bar:
    """A bar without a trade."""
    return Bar(opened_at, close, close, close, close, 0, 0)


def _folded(opened_at: int, prints: Sequence[Print]) -> Bar:
    prices = [one.price for one in prints]
    volume = sum(one.size for one in prints)
    return Bar(opened_at, prices[0], max(prices), min(prices), prices[-1], volume, len(prints))
