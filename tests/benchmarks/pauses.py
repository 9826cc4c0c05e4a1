"""What a pause costs: over HTTP, through real processes, until it is applied.

Applied means that the gate is closed: what bounds the answer bounds the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from control import client
from settings_app.models import User
from tests.benchmarks import processes
from tests.benchmarks.measuring import Contest, Figure, Side
from tests.benchmarks.people import Browser, trader
from tests.benchmarks.processes import Running

WATCHED = ("BTC-USD", "ETH-USD", "SOL-USD")
BUSY_MESSAGES = 20_000  # a second
UPDATE, COMMAND = "/api/bench/update", "/api/control/commands?wait=applied"


@contextmanager
def pause() -> Iterator[Contest]:
    """A pause, and a view on the same server that commits one UPDATE.

    Somebody else watches the same markets: else the resume between two pauses would leave history
    to be fetched and computed, which the next pause would pay for.

    Both sides begin right behind a resume. A request that comes behind nothing but its like finds
    code and data in the processor's caches, and only the bare view would ever do so.
    """
    anna, bare = trader("pause-ours", *WATCHED), trader("pause-bare")
    other = trader("pause-other", *WATCHED)
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        worker = stack.enter_context(processes.worker(exchange))
        web = stack.enter_context(processes.web())
        worker.wait_until(lambda: runs(anna) and runs(other))
        ours = stack.enter_context(closing(Browser(web.port, anna)))
        theirs = stack.enter_context(closing(Browser(web.port, bare)))

        def pausing() -> None:
            ours.post(COMMAND, command="pause")

        def resuming() -> None:
            ours.post(COMMAND, command="resume")

        def pausing_and_resuming() -> None:
            pausing()
            resuming()

        yield Contest(
            Side(pausing, settle=resuming),
            Side(lambda: theirs.post(UPDATE), settle=pausing_and_resuming),
        )


@contextmanager
def pause_under_load() -> Iterator[Contest]:
    """A pause while the exchange talks very much, and while it hardly talks at all.

    Somebody else of the same worker watches the same markets, so that the data goes on flowing
    through a pause.
    """
    anna, busy = trader("loaded-ours", *WATCHED), trader("loaded-busy", *WATCHED)
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        flood = stack.enter_context(processes.flood())
        worker = stack.enter_context(processes.worker(exchange, flood))
        web = stack.enter_context(processes.web())
        worker.wait_until(lambda: runs(anna) and runs(busy))
        page = stack.enter_context(closing(Browser(web.port, anna)))

        def pausing(messages: int) -> Side:
            return Side(
                lambda: page.post(COMMAND, command="pause"),
                settle=lambda: page.post(COMMAND, command="resume"),
                before=lambda: flood.tell(str(messages)),
            )

        yield Contest(
            pausing(BUSY_MESSAGES), pausing(0), note=lambda: _reception(flood, worker, busy)
        )


def _reception(flood: Running, worker: Running, user: User) -> str:
    """How much was really sent, and that all of it was taken in."""
    flood.tell("0")
    flood.tell("?")
    sent, poured_ms = map(int, flood.hear().split())

    def all_are_taken_in() -> bool:
        status = client.status(user)
        return status is not None and status.counts.trades >= sent

    worker.wait_until(all_are_taken_in)
    return f"load   {sent / poured_ms * 1_000:,.0f} messages a second, every one taken in"


def runs(user: User) -> bool:
    """Whether a worker says that it drives this user."""
    status = client.status(user)
    return status is not None and status.state == "running"


FIGURES = (
    Figure(
        name="pause",
        title="pause over HTTP until it is applied, and an operation that commits one UPDATE",
        contest=pause,
        most_times=1.5,
        most_tail=3.0,
        seconds=30.0,
    ),
    Figure(
        name="pause-under-load",
        title=f"the same under {BUSY_MESSAGES:,} market messages a second, and without them",
        contest=pause_under_load,
        within_noise=True,
        most_tail_ms=100.0,
        seconds=15.0,
    ),
)
