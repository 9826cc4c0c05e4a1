"""Whether alerts on their way delay those that form: the lag of a candle, with a storm and without.

A call is that of `tests.benchmarks.alerts`: from a trade that closes candles to the rows of alerts.
Meanwhile alerts of others go out to a Discord that breaks in every way that it knows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, cycle

import httpx
from django.db import connection

from control.deliveries import filing
from livermore.embedded.ports import LOOPBACK
from settings_app.models import User
from tests.benchmarks import processes
from tests.benchmarks.alerts import CALM_MESSAGES, LEAPS, LOOK_SECONDS, Watcher, are_warm
from tests.benchmarks.measuring import Contest, Figure, Side
from tests.benchmarks.pauses import WATCHED, runs
from tests.benchmarks.people import trader
from tests.benchmarks.processes import Running
from tests.benchmarks.settings_documents import bare_connection
from tests.control.alerts import signal
from trading.models import Alert, Delivery

READERS = 10
ALERTS_A_MINUTE = 500
FAULTS = ("limited", "broken", "cut", "limited-globally", "refused", "hanging")
HALF_ARRIVED = """
    SELECT coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY settled_at - created_at),
                    interval '0')
      FROM trading_delivery WHERE state = 'delivered' AND attempts = 1
"""


class Storm:
    """Alerts of several readers, so many a minute on the whole, filed in bursts.

    Args:
        readers: Each with a webhook of their own.
        stand_in: Where the webhooks are.
    """

    def __init__(self, readers: Sequence[User], stand_in: Running) -> None:
        self._readers = readers
        self._url = f"http://{LOOPBACK}:{stand_in.port}/__faults"
        self._faults = cycle(FAULTS)
        self._numbers = count()
        self._began = 0.0
        self._filed = 0

    def go_on(self) -> None:
        """File what is due since it began, and have one of the next messages fail."""
        httpx.post(self._url, json={"kind": next(self._faults)}).raise_for_status()
        self._began = self._began or time.monotonic()
        due = int((time.monotonic() - self._began) * ALERTS_A_MINUTE / 60) - self._filed
        for number, reader in enumerate(self._readers):
            filing.save(reader.pk, self._signals(reader, len(range(number, due, READERS))))
        self._filed += max(0, due)

    def _signals(self, reader: User, wanted: int) -> list[Alert]:
        return [signal(reader, hour=next(self._numbers)) for _ in range(wanted)]

    def note(self) -> str:
        """What became of it so far."""
        minutes = (time.monotonic() - self._began) / 60
        states = Counter(Delivery.objects.values_list("state", flat=True))
        told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        with connection.cursor() as cursor:
            cursor.execute(HALF_ARRIVED)
            [half] = cursor.fetchone()
        rate = self._filed / minutes
        return f"{rate:.0f} a minute: {told}; half there in {half.total_seconds():.2f} s"


def readers() -> list[User]:
    """Users whom nobody hosts, and who want to be told of everything at once."""
    return [
        trader(
            f"reader{number}",
            notifications={
                "discord": {"enabled": True, "webhook_url_environment_variable": variable(number)},
                "digest": {"more_than": 200},
            },
        )
        for number in range(READERS)
    ]


def variable(number: int) -> str:
    """The variable of a reader's webhook."""
    return f"DISCORD_READER_{number}"


def variables(stand_in: Running) -> dict[str, str]:
    """What a worker needs to know to reach every reader."""
    granted = "; ".join(f"reader{number}={variable(number)}" for number in range(READERS))
    webhooks = f"http://{LOOPBACK}:{stand_in.port}/api/webhooks"
    addresses = {variable(number): f"{webhooks}/{number}/token" for number in range(READERS)}
    return {"LIVERMORE_CREDENTIALS": granted, **addresses}


@contextmanager
def deliveries() -> Iterator[Contest]:
    """With a storm, and without."""
    anna = trader("deliveries", *WATCHED, modes={"scalper-macdv": {"cooldown_seconds": 0}})
    with ExitStack() as stack:
        exchange = stack.enter_context(processes.exchange())
        flood = stack.enter_context(processes.flood())
        stand_in = stack.enter_context(processes.discord())
        flood.tell(str(CALM_MESSAGES))
        worker = stack.enter_context(processes.worker(exchange, flood, **variables(stand_in)))
        worker.wait_until(lambda: runs(anna))
        worker.wait_until(lambda: are_warm(anna))
        for _ in range(LEAPS):
            flood.tell("+")
            time.sleep(LOOK_SECONDS * 50)
        watcher = Watcher(stack.enter_context(bare_connection()), anna, flood)
        storm = Storm(readers(), stand_in)
        yield Contest(
            Side(watcher.leap, settle=watcher.rest, before=storm.go_on),
            Side(watcher.leap, settle=watcher.rest),
            note=storm.note,
        )


FIGURES = (
    Figure(
        name="deliveries",
        title=f"trade to alert rows while {ALERTS_A_MINUTE} alerts a minute go out, and none do",
        contest=deliveries,
        within_noise=True,
        most_tail_ms=250.0,
        seconds=60.0,
    ),
)
