"""What it costs to tell very many open pages one status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import connect

from control import wire
from control.protocol import RuntimeStatus, status_of
from livermore.embedded.ports import LOOPBACK
from tests.benchmarks import processes
from tests.benchmarks.measuring import Contest, Figure, Side
from tests.benchmarks.people import cookie_of, trader

PAGES = 1_000
SYMBOLS = 30
TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")


@contextmanager
def broadcast() -> Iterator[Contest]:
    """From the publication of a status to the last page, and a loop over as many bare sockets."""
    anna = trader("broadcast")
    status, versions = a_status(anna.sub), count(1)

    def text() -> str:  # a repeated status would not be sent twice
        return status.model_copy(update={"state_version": next(versions)}).to_json()

    with ExitStack() as stack:
        stack.enter_context(processes.many_files(4 * PAGES))
        web = stack.enter_context(processes.web())
        ours, bare = (
            stack.enter_context(processes.audience(web, path, cookie_of(anna), PAGES))
            for path in ("/ws/runtime/", "/bench/broadcast/")
        )
        speaker = stack.enter_context(connect(f"ws://{LOOPBACK}:{web.port}/bench/speaker/"))

        def publish() -> None:
            wire.shared().publish(status_of(anna.sub), text())
            ours.hear("all")

        def loop() -> None:
            speaker.send(text())
            bare.hear("all")

        yield Contest(Side(publish), Side(loop))


def a_status(sub: str) -> RuntimeStatus:
    """A status as a trader with some markets has it."""
    cell = {"v": -151.43, "s": -100.02, "h": -51.41, "stage": "risk-oversold"}
    body: dict[str, Any] = {
        "sub": sub,
        "state": "running",
        "epoch": 1,
        "state_version": 1,
        "mode": "scalper-macdv",
        "started_at": 1,
        "since": 1,
        "at": 1,
        "heartbeat_ms": 2_000,
        "settings_revision": 7,
        "worker": "benchmark",
        "desired": {"is_paused": False, "mode": "scalper-macdv", "revision": 1},
        "data_plane": {"state": "turning", "beat_age_ms": 40},
        "counts": {
            "watched": SYMBOLS,
            "stale": 0,
            "signals_today": 2,
            "alerts_waiting": 0,
            "trades": 1_234,
            "candles_closed": 5,
        },
        "timeframes": TIMEFRAMES,
        "exchanges": [{"name": "coinbase", "label": "Coinbase", "state": "connected"}],
        "symbols": [
            {
                "symbol": f"COIN{number}-USD",
                "exchange": "coinbase",
                "live": "receiving",
                "tf": dict.fromkeys(TIMEFRAMES, cell),
            }
            for number in range(SYMBOLS)
        ],
        "errors": [],
    }
    return RuntimeStatus.model_validate(body)


FIGURES = (
    Figure(
        name="broadcast",
        title=f"one status to {PAGES:,} open pages, and a bare broadcast to as many sockets",
        contest=broadcast,
        most_times=4.0,
        seconds=10.0,
    ),
)
