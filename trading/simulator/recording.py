"""``python -m trading.simulator.recording``: what the simulated exchange did, as a table of CSV.

Rule 1: the same world as over the wire: a seed, a market and a span are one file, for ever.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from trading.simulator.world import World

_MINUTE = 60
_US = 1_000_000


def trade_rows(world: World, symbol: str, start: int, end: int) -> Iterator[str]:
    """The trades in ``[start, end)`` (unix seconds, on a minute), a header first."""
    product = world.products[symbol]
    yield "time_ms,id,side,price,size"
    for minute in range(start, end, _MINUTE):
        for one in world.trades(symbol, minute * _US - 1, (minute + _MINUTE) * _US - 1):
            at = f"{one.time_us // 1_000}.{one.time_us % 1_000:03}"
            side = "buy" if one.taker_buys else "sell"
            price, size = product.price_step.write(one.price), product.size_step.write(one.size)
            yield f"{at},{one.trade_id},{side},{price},{size}"


def candle_rows(world: World, symbol: str, seconds: int, start: int, end: int) -> Iterator[str]:
    """The candles opened in ``[start, end)`` (unix seconds), a header first."""
    product = world.products[symbol]
    yield "time,open,high,low,close,volume"
    price = product.price_step.write
    for bar in world.candles(symbol, seconds, start, end - 1, end * _US):
        prices = (price(one) for one in (bar.open, bar.high, bar.low, bar.close))
        yield f"{bar.opened_at},{','.join(prices)},{product.size_step.write(bar.volume)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trading.simulator.recording", description=__doc__
    )
    parser.add_argument("what", choices=("candles", "trades"), help="minutes, or each trade")
    parser.add_argument("--symbol", default="BTC-USD")
    parser.add_argument("--until", default="2026-11-20", help="a day, UTC, not included")
    parser.add_argument("--days", type=int, default=7, help="how many before it (default 7)")
    parser.add_argument("--seed", type=int, default=1, help="which world (default 1)")
    return parser.parse_args()


def main() -> int:
    """Write the table to standard output."""
    arguments = _arguments()
    world = World(arguments.seed)
    try:
        until = datetime.strptime(arguments.until, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        sys.stderr.write(f"recording: --until must be a day, was {arguments.until}\n")
        return 1
    if arguments.symbol not in world.products:
        sys.stderr.write(f"recording: {arguments.symbol} is not listed here\n")
        return 1
    end = int(until.timestamp())
    start = int((until - timedelta(days=arguments.days)).timestamp())
    if arguments.what == "trades":
        rows = trade_rows(world, arguments.symbol, start, end)
    else:
        rows = candle_rows(world, arguments.symbol, _MINUTE, start, end)
    sys.stdout.writelines(f"{row}\n" for row in rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
