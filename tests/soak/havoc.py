"""What breaks on the simulated day, one thing after another, drawn from the seed.

Rule 1: called from the main thread, which starts all processes.
Rule 2: after each fault it waits until every market is told up to now again, and certain. So the
    timeline says when each fault began and when it was over.
Rule 3: what is drawn is what breaks, how long it lasts, and when the next one follows; nothing else
    is left to a time.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.faults.programs import Worker
from tests.faults.stage import Stage
from tests.soak.certainty import Certainty
from tests.soak.exchange import QuickExchange
from tests.soak.kept import KeptCandles
from tests.soak.timeline import Span, Timeline

BETWEEN_SECONDS = (3.0, 12.0)
STRIKE_SECONDS = 1.0  # four ticks of the exchange
SETTLE_SECONDS = 90.0
LOOK_SECONDS = 0.1
MINUTE = 60.0
BEFORE_SECONDS = 75.0
"""How long before a fault a bar may have closed that was not told yet: a tick of the exchange, the
grace, and the minute that waits for both."""

REFUSALS = {"throttled", "internal", "bad_gateway", "malformed", "unauthorized"}


Certain = Callable[[float], Certainty]  # a watch since a moment of the exchange


class Havoc:
    """The faults of one run."""

    def __init__(
        self,
        stage: Stage,
        exchange: QuickExchange,
        kept: KeptCandles,
        certain: Certain,
        seed: str,
    ) -> None:
        self._stage = stage
        self._exchange = exchange
        self._kept = kept
        self._certain = certain
        self._random = random.Random(seed)
        self.timeline = Timeline()
        self.counts: Counter[str] = Counter()
        self.unsettled: list[str] = []
        self._faults: list[tuple[int, Callable[[], None]]] = [
            (3, self.lost_frames),
            (4, self.garbled_frames),
            (3, self.closed_connections),
            (2, self.silence),
            (3, self.late_trades),
            (2, self.lost_trades),
            (2, self.refusals),
            (3, self.failed_requests),
            (1, self.slowness),
            (2, self.spike),
            (2, self.quiet_minutes),
            (4, self.amended_candle),
            (2, self.dead_exchange),
            (2, self.dead_worker),
            (1, self.dead_worker_in_a_silence),
        ]

    def until(self, deadline: float, *, first: tuple[str, ...] = ()) -> None:
        """Break something every now and then.

        Args:
            first: Faults to begin with, whatever the seed says.
        """
        due = [fault for name in first for _, fault in self._faults if fault.__name__ == name]
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, self._random.uniform(*BETWEEN_SECONDS)))
            weights = [weight for weight, _ in self._faults]
            [(_, drawn)] = self._random.choices(self._faults, weights)
            fault = due.pop(0) if due else drawn
            self.counts[fault.__name__] += 1
            fault()

    # -- the stream

    def lost_frames(self) -> None:
        with self._trouble("lost frames"):
            self._exchange.order(kind="drop", frames=self._random.randint(1, 20))

    def garbled_frames(self) -> None:
        how = self._random.choice(["duplicate", "swap", "malformed", "unknown_channel", "huge"])
        with self._trouble(f"frames {how}"):
            self._exchange.order(kind="garble", how=how, frames=self._random.randint(1, 4))

    def closed_connections(self) -> None:
        code = self._random.choice([1000, 1001, 1006, 1011, 1012, 1013])
        with self._trouble(f"closed with {code}"):
            self._exchange.order(kind="close", code=code)

    def silence(self) -> None:
        with self._trouble("silence"):
            self._exchange.order(kind="freeze")
            time.sleep(self._random.uniform(1.0, 14.0))
            self._exchange.order(kind="thaw")

    def late_trades(self) -> None:
        symbol = self._a_symbol()
        with self._amendment("late trades", symbol, self._exchange.now, is_heard=True):
            self._exchange.order(kind="freeze", product_id=symbol, late=True)
            time.sleep(self._random.uniform(0.2, 2.0))
            self._exchange.order(kind="thaw", product_id=symbol)

    def lost_trades(self) -> None:
        symbol = self._a_symbol()
        with self._amendment("lost trades", symbol, self._exchange.now, is_heard=True):
            self._exchange.order(kind="freeze", product_id=symbol)
            time.sleep(self._random.uniform(0.2, 2.0))
            self._exchange.order(kind="thaw", product_id=symbol)

    # -- REST

    def refusals(self) -> None:
        seconds = self._random.uniform(0.5, 4.0)
        scope = self._random.choice(["all", "websocket", "rest"])
        with self._trouble(f"{scope} refused"):
            self._exchange.order(kind="refuse", seconds=seconds, scope=scope)
            self._exchange.order(kind="close", code=1012)
        self._exchange.order(kind="accept")

    def failed_requests(self) -> None:
        how = self._random.choice(sorted(REFUSALS))
        with self._trouble(f"requests {how}"):
            self._exchange.order(kind="fail", how=how, requests=self._random.randint(1, 12))
            self._exchange.order(kind="drop")
        self._exchange.order(kind="accept")

    def slowness(self) -> None:
        with self._trouble("slowness"):
            self._exchange.order(kind="slow", delay=self._random.uniform(0.1, 1.0), seconds=3.0)
            self._exchange.order(kind="close", code=1001)
        self._exchange.order(kind="accept")

    # -- the world

    def spike(self) -> None:
        percent = self._random.choice([-20.0, -3.0, 3.0, 25.0])
        minutes = self._random.randint(1, 5)
        self._change(kind="spike", percent=percent, minutes=minutes)

    def quiet_minutes(self) -> None:
        self._change(kind="quiet", minutes=self._random.randint(1, 12))

    def amended_candle(self) -> None:
        symbol, back = self._a_symbol(), self._random.choice([0, 0, 1, 2, 9, 45])
        minute = int(self._exchange.now) // 60 * 60 - 60 * (back + 1)
        traded = self._exchange.world().candles(symbol, 60, minute - 3_600, minute, 2**52)
        if not traded:
            return
        with self._amendment("amended candle", symbol, traded[-1].opened_at):
            percent = self._random.choice([-2.0, -0.2, 0.2, 2.0])
            self._exchange.order(
                kind="amend", product_id=symbol, at=traded[-1].opened_at, percent=percent
            )

    # -- processes

    def dead_exchange(self) -> None:
        with self._trouble("exchange dead"):
            began = self._exchange.now
            self._exchange.kill()
            time.sleep(self._random.uniform(1.0, 8.0))
            ended = self._exchange.now
            self._exchange.start()
            self.timeline.outages.append(Span(began, ended, "exchange dead"))

    def dead_worker(self) -> None:
        with self._trouble("worker dead"):
            self._replace_worker()

    def dead_worker_in_a_silence(self) -> None:
        """Another worker has to learn that what was taken for empty minutes was none."""
        symbol = self._a_symbol()
        silence = self._amendment("worker dead in a silence", symbol, self._exchange.now)
        with silence, self._trouble("worker dead"):
            self._exchange.order(kind="freeze", product_id=symbol)
            others = [other for other in self._kept.symbols if other != symbol]
            self._wait_until_told(self._exchange.now + 3 * MINUTE, others)
            self._replace_worker()
            self._exchange.order(kind="thaw", product_id=symbol)

    # -- what they share

    def _running(self) -> list[Worker]:
        return [worker for worker in self._stage.workers if worker.is_running]

    def _replace_worker(self) -> None:
        for worker in self._running():
            worker.kill()
        began = self._exchange.now
        time.sleep(self._random.uniform(0.0, 3.0))
        ended = self._exchange.now
        self._stage.worker()
        self.timeline.outages.append(Span(began, ended, "worker dead"))

    def _a_symbol(self) -> str:
        return self._random.choice(self._kept.symbols)

    def _change(self, **fault: Any) -> None:
        """The world is otherwise from the next minute on: no trouble at all for whoever watches."""
        self._exchange.order(product_id=self._a_symbol(), **fault)

    @contextmanager
    def _trouble(
        self, what: str, symbol: str | None = None, *, is_heard: bool = False
    ) -> Iterator[None]:
        began = self._exchange.now - BEFORE_SECONDS
        yield
        self._settle(what, traded=symbol if is_heard else None)
        self.timeline.troubles.append(Span(began, self._exchange.now, what, symbol))

    @contextmanager
    def _amendment(
        self, what: str, symbol: str, since: float, *, is_heard: bool = False
    ) -> Iterator[None]:
        """A market is told otherwise at first; ``is_heard``: the next of its trades shows it."""
        with self._trouble(what, symbol, is_heard=is_heard):
            yield
        began = since - BEFORE_SECONDS
        self.timeline.amendments.append(Span(began, self._exchange.now, what, symbol))

    def _settle(self, what: str, *, traded: str | None = None) -> None:
        """Wait until a fault has struck, and then until every market is told and mended.

        Args:
            traded: A market that must have traded again, for only then it shows what it lacks.
        """
        struck = self._exchange.now + STRIKE_SECONDS * self._exchange.speed
        deadline = time.monotonic() + SETTLE_SECONDS
        if traded is not None:
            self._wait_while(lambda: self._kept.untraded(traded, struck), deadline)
            struck = self._exchange.now
        self._wait_until_told(struck + 2 * MINUTE, self._kept.symbols, deadline)
        if left := self._wait_while(self._certain(struck).left, deadline):
            text = f"{SETTLE_SECONDS:g} s after {what}, {left} are not told or not certain"
            self.unsettled.append(text)

    def _wait_until_told(
        self, moment: float, symbols: Sequence[str], deadline: float | None = None
    ) -> None:
        def behind() -> list[str]:
            return [symbol for symbol in self._kept.behind(moment) if symbol in symbols]

        self._wait_while(behind, deadline or time.monotonic() + SETTLE_SECONDS)

    def _wait_while(self, left: Callable[[], list[str]], deadline: float) -> list[str]:
        """Wait until no market is left; those that are at the deadline."""
        while (markets := left()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return markets
