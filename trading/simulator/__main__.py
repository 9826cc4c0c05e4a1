"""``python -m trading.simulator``: the simulated exchange as a process of its own.

Rule 1: arguments in, one line out, then it serves until SIGINT or SIGTERM; exit status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from trading.simulator.server import serve
from trading.simulator.venues.coinbase.keys import key_of_file


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trading.simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
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
        help="file of the key that opens the accounts, as the portal writes them "
        "(default: a new one, told at /_sim/key)",
    )
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Explicit, because a process started in the background inherits SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(
        seed=arguments.seed,
        speed=arguments.speed,
        products=arguments.products,
        port=arguments.port,
        leniency=arguments.leniency,
        key=key_of_file(arguments.key.read_bytes()) if arguments.key else None,
    ) as simulator:
        listed = len(simulator.world.products)
        sys.stdout.write(
            f"simulated Coinbase at {simulator.rest} and {simulator.websocket}, "
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
