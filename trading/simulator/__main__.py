"""``python -m trading.simulator``: the simulated exchange as a process of its own.

Rule 1: arguments in, one line out, then it serves until SIGINT or SIGTERM; exit status 0.
Rule 2: the same arguments are the same world at the same moment: with ``--at``, ``--since`` and
    ``--orders`` a simulator that was killed is continued by the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from trading.simulator import faults, played
from trading.simulator.clock import SimulatedClock
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.known import VENUES

_NS = 1_000_000_000
_HISTORY_SECONDS = 300 * 60  # what a monitor seeds its minutes from


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trading.simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--venue",
        choices=sorted(VENUES),
        default="coinbase",
        help="which exchange (default coinbase)",
    )
    parser.add_argument("--seed", type=int, default=1, help="which world (default 1)")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds in a real one (default 1)"
    )
    parser.add_argument("--products", type=int, help="how many spot products (default: all)")
    parser.add_argument(
        "--leniency",
        type=float,
        help="factor on the exchange's rate limits, 0 for none (default: the speed, at least 1)",
    )
    parser.add_argument(
        "--key",
        type=Path,
        help="file of the key that opens the accounts, as /_sim/key tells it "
        "(default: a new one, told at /_sim/key)",
    )
    parser.add_argument(
        "--candles",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="table time,open,high,low,close,volume to be told instead of drawn candles; without "
        "a symbol the file's name is one; may be repeated",
    )
    parser.add_argument(
        "--at",
        type=float,
        help="simulated time to begin at, unix seconds (default: now; with --candles 300 minutes "
        "after the first one, at most the middle)",
    )
    parser.add_argument(
        "--since", type=float, help="when it was that time, unix seconds (default: now)"
    )
    parser.add_argument(
        "--orders",
        type=Path,
        help="file of what POST /_sim/faults takes, one a line, to begin with",
    )
    return parser.parse_args()


def _recorded(arguments: argparse.Namespace) -> dict[str, played.Played]:
    """The candle files by symbol. Raises: OSError, ValueError."""
    found: dict[str, played.Played] = {}
    for word in arguments.candles:
        symbol, is_named, path = word.rpartition("=")
        file = Path(path)
        with file.open(encoding="utf-8") as lines:
            try:
                found[symbol if is_named else file.stem] = played.read(lines)
            except ValueError as exc:
                raise ValueError(f"{file}: {exc}") from exc
    return found


def _clock(arguments: argparse.Namespace, recorded: Mapping[str, played.Played]) -> SimulatedClock:
    now = time.time()
    since = now if arguments.since is None else arguments.since
    at = arguments.at
    if at is None and recorded:
        first = min(one.opened_at for one in recorded.values())
        last = max(one.closes_at for one in recorded.values())
        at = min(first + _HISTORY_SECONDS, first + (last - first) / 2)
    began = (since if at is None else at) + (now - since) * arguments.speed
    return SimulatedClock(speed=arguments.speed, anchor_ns=int(began * _NS))


def _order(simulator: Simulator, orders: Path) -> None:
    """Do what a file orders. Raises: OSError, ValueError."""
    for number, line in enumerate(orders.read_bytes().splitlines(), start=1):
        try:
            simulator.inject(faults.read(line))
        except ValueError as exc:
            raise ValueError(f"{orders}, line {number}: {exc}") from exc


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Explicit, because a process started in the background inherits SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    recorded = _recorded(arguments)
    async with serve(
        seed=arguments.seed,
        clock=_clock(arguments, recorded),
        products=arguments.products,
        port=arguments.port,
        leniency=arguments.leniency,
        key=VENUES[arguments.venue].key_of_file(arguments.key.read_bytes())
        if arguments.key
        else None,
        venue=arguments.venue,
        played=recorded,
    ) as simulator:
        if arguments.orders:
            _order(simulator, arguments.orders)
        listed = len(simulator.world.products)
        sys.stdout.write(
            f"simulated {simulator.label} at {simulator.rest} and {simulator.websocket}, "
            f"{listed} products, seed {arguments.seed}, speed {arguments.speed:g}\n"
        )
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Serve until told to stop."""
    try:
        asyncio.run(_run(_arguments()))
    except (OSError, ValueError) as exc:
        sys.stderr.write(f"simulator: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
