"""How much of an exchange's limit a cold start uses: it decides how long many markets take.

Ours is a data plane that has nothing kept, asking for one history after the other. Bare is the time
in which an exchange allows as many requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from livermore.embedded.ports import LOOPBACK
from tests.benchmarks import processes
from tests.benchmarks.ingest import Silent
from tests.benchmarks.measuring import Contest, Figure, Side
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalRules
from trading.net.endpoints import Endpoints
from trading.plane import DataPlane
from trading.ports import DeskPlan, Gate, Owner
from trading.simulator.catalog import products
from trading.simulator.venues.coinbase.venue import Coinbase

REQUESTS = 30
LOOK_SECONDS = 0.005
MARKETS = tuple(
    Market("coinbase", product.product_id)
    for product in products().values()
    if product.alias_of is None and product.kind == "spot" and product.state == "online"
)


@contextmanager
def cold_start() -> Iterator[Contest]:
    """So many requests of it, and the same at the limit."""
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange(products=None))
        address = f"{LOOPBACK}:{exchange.port}"
        plane = DataPlane(
            endpoints={
                "coinbase": Endpoints(
                    rest=f"http://{address}/api/v3/brokerage", websocket=f"ws://{address}"
                )
            },
            sinks=Silent(),
        )
        stack.callback(plane.stop)
        plane.start()
        plan = DeskPlan(
            mode="scalper-macdv",
            markets=MARKETS,
            timeframes=tuple(Timeframe),
            rules=SignalRules(),
        )
        plane.install(Owner(user_id=1, sub="bench", fence=1), plan, Gate(is_open=True))
        exchange.wait_until(lambda: _answered(plane) > 0)

        def ask() -> None:
            enough = _answered(plane) + REQUESTS
            while _answered(plane) < enough:
                time.sleep(LOOK_SECONDS)

        limit = Coinbase.requests_per_second
        yield Contest(Side(ask), Side(lambda: time.sleep(REQUESTS / limit)))


def _answered(plane: DataPlane) -> int:
    """Requests for history that were answered: each is of all that one timeframe needs."""
    life = plane._life
    if life is None or life.hub is None or "coinbase" not in life.hub._venues:
        return 0
    tracks = tuple(life.hub._venues["coinbase"]._tracks.values())
    jobs = [track.warm_up for track in tracks if track.series.needs_warm_up]
    asked = sum(len(Timeframe) - len(job.left) for job in jobs if job is not None)
    return asked + len(Timeframe) * (len(tracks) - len(jobs))


FIGURES = (
    Figure(
        name="cold-start",
        title=f"{REQUESTS} requests of a start with {len(MARKETS)} cold markets, and the limit",
        contest=cold_start,
        most_times=1 / 0.9,
    ),
)
