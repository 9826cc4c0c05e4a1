"""What breaks on the simulated day, one thing after another, drawn from the seed.

Rule 1: called from the main thread, which starts all processes.
Rule 2: after each fault it waits until every market that it struck is told up to now again, and
    certain. So the timeline says when each fault began and when it was over. The others are held to
    have had no trouble at all.
Rule 3: what is drawn is what breaks, where, how long it lasts, and when the next one follows;
    nothing else is left to a time.
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
from tests.soak.exchanges import STREAMS, QuickExchanges
from tests.soak.settling import MINUTE, Settling
from tests.soak.timeline import EVERYWHERE, Place, Span, Timeline
from trading.core.market import Market

BETWEEN_SECONDS = (3.0, 12.0)
EVERY_EXCHANGE_SHARE = 0.125
"""Of the faults that may strike several exchanges, how many strike all at once."""
BEFORE_SECONDS = 75.0
"""How long before a fault a bar may have closed that was not told yet: a tick of the exchange, the
grace, and the minute that waits for both."""

MOST_FAILED_DIALS = 3
REFUSALS = {"throttled", "internal", "bad_gateway", "malformed", "unauthorized"}


class Havoc:
    """The faults of one run."""

    def __init__(
        self, stage: Stage, exchanges: QuickExchanges, settling: Settling, seed: str
    ) -> None:
        self._stage = stage
        self._exchanges = exchanges
        self._settling = settling
        self._random = random.Random(seed)
        self._only: str | None = None
        self.timeline = Timeline()
        self.counts: Counter[str] = Counter()
        self._faults: list[tuple[int, Callable[[], None]]] = [
            (3, self.lost_frames),
            (4, self.garbled_frames),
            (3, self.closed_connections),
            (2, self.announced_end),
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
            first: Faults to begin with, whatever the seed says: ``name`` or ``name@exchange``.
        """
        known = {fault.__name__: fault for _, fault in self._faults}
        due = [(known[name], only or None) for name, _, only in (w.partition("@") for w in first)]
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, self._random.uniform(*BETWEEN_SECONDS)))
            weights = [weight for weight, _ in self._faults]
            [(_, drawn)] = self._random.choices(self._faults, weights)
            fault, self._only = due.pop(0) if due else (drawn, None)
            self.counts[fault.__name__] += 1
            fault()

    # -- the stream

    def lost_frames(self) -> None:
        struck = self._some_exchanges()
        blind = [name for name in struck if not STREAMS[name].numbers_frames]
        with self._trouble("lost frames", struck, amended=blind, is_heard=True):
            self._order_of_frames(struck, kind="drop", frames=self._random.randint(1, 20))

    def garbled_frames(self) -> None:
        how = self._random.choice(["duplicate", "swap", "malformed", "unknown_channel", "huge"])
        struck, frames = self._some_exchanges(), self._random.randint(1, 4)
        amended: Sequence[str] = ()
        if how == "unknown_channel":
            # In their place in the sequence, so only the next trade of each market shows the loss.
            amended = struck
        elif how == "swap":
            # Behind the one that tells the time: its minute may have been told.
            amended = [name for name in struck if not STREAMS[name].numbers_frames]
        is_heard = how == "unknown_channel"
        with self._trouble(f"frames {how}", struck, amended=amended, is_heard=is_heard):
            self._order_of_frames(struck, kind="garble", how=how, frames=frames)

    def closed_connections(self) -> None:
        code = self._random.choice([1000, 1001, 1006, 1011, 1012, 1013])
        struck = self._some_exchanges()
        with self._trouble(f"closed with {code}", struck):
            self._order(struck, kind="close", code=code)

    def announced_end(self) -> None:
        """Who is told in time that its connection will end loses nothing and is late with nothing.

        It stands for the end of every connection after a day too, which is 24 hours of real time
        here as there, and so never comes.
        """
        struck = [name for name, stream in STREAMS.items() if stream.says_farewell]
        seconds = self._random.uniform(2.0, 9.0)
        self._order(struck, kind="farewell", seconds=seconds)
        time.sleep(seconds)
        self._settling.settle("announced end", [Place(name) for name in struck])

    def silence(self) -> None:
        struck = self._some_exchanges()
        with self._trouble("silence", struck):
            self._order(struck, kind="freeze")
            time.sleep(self._random.uniform(1.0, 14.0))
            self._order(struck, kind="thaw")

    def late_trades(self) -> None:
        self._silent_market("late trades", late=True)

    def lost_trades(self) -> None:
        self._silent_market("lost trades")

    def _silent_market(self, what: str, **how: Any) -> None:
        market = self._a_market()
        with self._trouble(what, [market], amended=[market], is_heard=True):
            self._order_of(market, kind="freeze", **how)
            time.sleep(self._random.uniform(0.2, 2.0))
            self._order_of(market, kind="thaw")

    # -- REST

    def refusals(self) -> None:
        seconds = self._random.uniform(0.5, 4.0)
        scope = self._random.choice(["all", "websocket", "rest"])
        struck = self._some_exchanges()
        with self._trouble(f"{scope} refused", struck):
            self._order(struck, kind="refuse", seconds=seconds, scope=scope)
            self._order(struck, kind="close", code=1012)
        self._order(struck, kind="accept")

    def failed_requests(self) -> None:
        how, requests = self._random.choice(sorted(REFUSALS)), self._random.randint(1, 12)
        struck = self._some_exchanges()
        with self._trouble(f"requests {how}", struck):
            for name in struck:
                path = STREAMS[name].history_path if requests > MOST_FAILED_DIALS else ""
                self._order([name], kind="fail", how=how, requests=requests, path=path)
                # What makes it ask for the history of every market.
                self._order([name], kind="drop" if STREAMS[name].numbers_frames else "close")
        self._order(struck, kind="accept")

    def slowness(self) -> None:
        struck = self._some_exchanges()
        with self._trouble("slowness", struck):
            self._order(struck, kind="slow", delay=self._random.uniform(0.1, 1.0), seconds=3.0)
            self._order(struck, kind="close", code=1001)
        self._order(struck, kind="accept")

    # -- the world: otherwise from the next minute on is no trouble at all for whoever watches

    def spike(self) -> None:
        percent = self._random.choice([-20.0, -3.0, 3.0, 25.0])
        minutes = self._random.randint(1, 5)
        self._order_of(self._a_market(), kind="spike", percent=percent, minutes=minutes)

    def quiet_minutes(self) -> None:
        self._order_of(self._a_market(), kind="quiet", minutes=self._random.randint(1, 12))

    def amended_candle(self) -> None:
        market, back = self._a_market(), self._random.choice([0, 0, 1, 2, 9, 45])
        minute = int(self._exchanges.now) // 60 * 60 - 60 * (back + 1)
        world = self._exchanges[market.exchange].world()
        traded = world.candles(market.symbol, 60, minute - 3_600, minute, 2**52)
        if not traded:
            return
        at = traded[-1].opened_at
        with self._trouble("amended candle", [market], amended=[market], since=at):
            percent = self._random.choice([-2.0, -0.2, 0.2, 2.0])
            self._order_of(market, kind="amend", at=at, percent=percent)

    # -- processes

    def dead_exchange(self) -> None:
        struck = self._some_exchanges()
        with self._trouble("exchange dead", struck):
            began = {name: self._killed(name) for name in struck}
            time.sleep(self._random.uniform(1.0, 8.0))
            for name in struck:
                outage = Span(began[name], self._exchanges.now, "exchange dead", Place(name))
                self._exchanges[name].start()
                self.timeline.outages.append(outage)

    def _killed(self, name: str) -> float:
        began = self._exchanges.now
        self._exchanges[name].kill()
        return began

    def dead_worker(self) -> None:
        with self._trouble("worker dead", [None]):
            self._replace_worker()

    def dead_worker_in_a_silence(self) -> None:
        """Another worker has to learn that what was taken for empty minutes was none."""
        market = self._a_market()
        with self._trouble("worker dead in a silence", [None], amended=[market]):
            self._order_of(market, kind="freeze")
            others = [other for other in self._settling.markets if other != market]
            self._settling.wait_until_told(self._exchanges.now + 3 * MINUTE, others)
            self._replace_worker()
            self._order_of(market, kind="thaw")

    def _replace_worker(self) -> None:
        for worker in self._running():
            worker.kill()
        began = self._exchanges.now
        time.sleep(self._random.uniform(0.0, 3.0))
        ended = self._exchanges.now
        self._stage.worker()
        self.timeline.outages.append(Span(began, ended, "worker dead"))

    def _running(self) -> list[Worker]:
        return [worker for worker in self._stage.workers if worker.is_running]

    # -- what they share

    def _some_exchanges(self) -> list[str]:
        """One of them as a rule, and now and then all."""
        every = self._random.random() < EVERY_EXCHANGE_SHARE
        one = self._random.choice(sorted(STREAMS))
        if self._only is not None:
            return [self._only]
        return sorted(STREAMS) if every else [one]

    def _a_market(self) -> Market:
        markets = self._settling.markets
        return self._random.choice([m for m in markets if self._only in {None, m.exchange}])

    def _order(self, names: Sequence[str], **fault: Any) -> None:
        for name in names:
            self._exchanges[name].order(**fault)

    def _order_of_frames(self, names: Sequence[str], **fault: Any) -> None:
        for name in names:
            self._order([name], channel=STREAMS[name].channel, **fault)

    def _order_of(self, market: Market, **fault: Any) -> None:
        self._order([market.exchange], product_id=market.symbol, **fault)

    @contextmanager
    def _trouble(
        self,
        what: str,
        struck: Sequence[str | Market | None],
        *,
        amended: Sequence[str | Market] = (),
        since: float | None = None,
        is_heard: bool = False,
    ) -> Iterator[None]:
        """Something is wrong with some exchanges or markets (None: with all).

        Args:
            amended: Which of them are told otherwise at first.
            since: From which minute on; from now on, if not given.
            is_heard: Whether only their next trade shows it.
        """
        began = self._exchanges.now
        places, mended = [_place(one) for one in struck], [_place(one) for one in amended]
        yield
        self._settling.settle(what, places, heard=mended if is_heard else ())
        ended = self._exchanges.now
        told = began if since is None else since
        for place in places:
            self.timeline.troubles.append(Span(began - BEFORE_SECONDS, ended, what, place))
        for place in mended:
            self.timeline.amendments.append(Span(told - BEFORE_SECONDS, ended, what, place))


def _place(struck: str | Market | None) -> Place:
    if struck is None:
        return EVERYWHERE
    return Place(struck) if isinstance(struck, str) else Place(*struck)
