"""``python -m trading.simulator.discord``: the stand-in as a process of its own.

Rule 1: arguments in, one line out, then it serves until SIGINT or SIGTERM; exit status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from trading.simulator.discord.server import StandIn, serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trading.simulator.discord", description=__doc__
    )
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--requests", type=int, default=5, help="what a webhook may do in --seconds (default 5)"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="(default 2)")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Explicit, because a process started in the background inherits SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stand_in = StandIn(requests=arguments.requests, seconds=arguments.seconds)
    async with serve(stand_in, port=arguments.port):
        sys.stdout.write(f"stand-in for Discord, with a webhook at {stand_in.webhook()}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Serve until told to stop."""
    try:
        asyncio.run(_run(_arguments()))
    except OSError as exc:
        sys.stderr.write(f"simulator: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
