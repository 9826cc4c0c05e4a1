"""How long a trade that closes a candle takes to become rows of alerts, through the real worker.

A call ends when PostgreSQL shows a new alert of every market. Each begins behind an exchange whose
clock and prices have leapt (see `tests.benchmarks.flood`), so that the very next trade of each
market closes bars on which MACD-V crosses its signal line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from control import client
from settings_app.models import User
from tests.benchmarks import processes
from tests.benchmarks.measuring import Contest, Figure, Side
from tests.benchmarks.pauses import BUSY_MESSAGES, WATCHED, runs
from tests.benchmarks.people import trader
from tests.benchmarks.processes import NotReady, Running
from tests.benchmarks.settings_documents import bare_connection

CALM_MESSAGES = 600
LEAPS = 60  # until the history's prices no longer weigh
MOST_SECONDS = 5.0
LOOK_SECONDS = 0.002
NEWEST = "SELECT coalesce(max(id), 0) FROM trading_alert WHERE user_id = %s"
MARKETS = "SELECT count(DISTINCT symbol) FROM trading_alert WHERE user_id = %s AND id > %s"


class Watcher:
    """Who looks at the rows of one user."""

    def __init__(self, session: psycopg.Connection, user: User, flood: Running) -> None:
        self._session = session
        self._user = user.pk
        self._flood = flood

    def leap(self) -> None:
        """Have every market close its bars, and wait until each has an alert.

        Raises:
            NotReady: If one has none in time.
        """
        newest = self._ask(NEWEST)
        self._flood.tell("+")
        deadline = time.monotonic() + MOST_SECONDS
        while self._ask(MARKETS, newest) < len(WATCHED):
            if time.monotonic() > deadline:
                raise NotReady("a candle closed and no alert came")
            time.sleep(LOOK_SECONDS)

    def rest(self) -> None:
        """Wait until no more rows come."""
        before = -1
        while (now := self._ask(NEWEST)) != before:
            before = now
            time.sleep(0.15)

    def _ask(self, query: str, *arguments: int) -> int:
        row = self._session.execute(query, [self._user, *arguments]).fetchone()
        return int(row[0]) if row else 0


def are_warm(user: User) -> bool:
    status = client.status(user)
    return status is not None and all(one.live == "receiving" for one in status.symbols)


@contextmanager
def alert() -> Iterator[Contest]:
    """The same on a very busy day, and on a calm one."""
    anna = trader("alert", *WATCHED, modes={"scalper-macdv": {"cooldown_seconds": 0}})
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        flood = stack.enter_context(processes.flood())
        flood.tell(str(CALM_MESSAGES))
        worker = stack.enter_context(processes.worker(exchange, flood))
        worker.wait_until(lambda: runs(anna))
        worker.wait_until(lambda: are_warm(anna))
        for _ in range(LEAPS):
            flood.tell("+")
            time.sleep(LOOK_SECONDS * 50)
        watcher = Watcher(stack.enter_context(bare_connection()), anna, flood)

        def leaping(messages: int) -> Side:
            return Side(
                watcher.leap,
                settle=watcher.rest,
                before=lambda: flood.tell(str(messages)),
            )

        yield Contest(leaping(BUSY_MESSAGES), leaping(CALM_MESSAGES))


FIGURES = (
    Figure(
        name="alert",
        title=f"trade to alert rows at {BUSY_MESSAGES:,} messages a second, and at {CALM_MESSAGES}",
        contest=alert,
        most_tail_ms=250.0,
        seconds=30.0,
    ),
)
