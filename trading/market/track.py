"""One market as all its users share it.

Rule 1: work is done only while somebody's gate is open. A track that nobody may watch sleeps:
    it takes no trade, closes no bar, and knows that it misses trades meanwhile.
Rule 2: a track knows no connection and fetches nothing; :mod:`trading.market.venue` does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from msgspec import structs

from trading.core.errors import Rejected
from trading.core.market import MICROSECONDS, Market, Timeframe
from trading.core.series import Closed, MarketSeries
from trading.desk import Desk
from trading.market.backfill import GRACE_SECONDS, HistoryJob, warm_up_of
from trading.market.history import History
from trading.net.backoff import Backoff
from trading.ports import Live, MarketFacts, Replacement, Sinks

RECENT_SECONDS = 600
"""How far back a desk is told that arrives. A takeover takes ten; but where PostgreSQL was away for
minutes, the worker before could make no alert of them a row."""

RECENT_BARS = 32

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 60.0
REJECTED_SECONDS = 300.0
FIRST_RENEWAL_SECONDS = 10.0
LONGEST_RENEWAL_SECONDS = 300.0


class Track:
    """One market's series, who watches it, and what is being fetched for it.

    Args:
        market: Which one.
        sinks: Where closed candles go.
        resume_at: Where an earlier life of this track had told everything, unix seconds; None:
            there was none, and history is not told.
    """

    def __init__(self, market: Market, sinks: Sinks, *, resume_at: int | None = None) -> None:
        self.market = market
        self.series = MarketSeries(market, believes_silence=False)
        self.is_fetching = False
        """Whether history is on its way."""
        self.warm_up: HistoryJob | None = None
        """The history being gathered; kept over a failure, so that nothing is asked twice."""
        self.resume_at = resume_at
        """Where the bars told so far end, unix seconds."""
        self._resumed_at: int | None = None
        self._sinks = sinks
        self._watchers: tuple[Desk, ...] = ()
        self._arriving: list[Desk] = []
        self._is_awake = False
        self._retry_at = 0.0
        self._retries = Backoff(first=FIRST_RETRY_SECONDS, longest=LONGEST_RETRY_SECONDS)
        self._renew_at = 0.0
        self._renewals = Backoff(first=FIRST_RENEWAL_SECONDS, longest=LONGEST_RENEWAL_SECONDS)
        self._is_missed = False
        self._fetched_us = 0
        self._counted = 0
        self._facts: MarketFacts | None = None
        self._recent: deque[Closed] = deque(maxlen=RECENT_BARS)
        self._has_told = False

    @property
    def watchers(self) -> tuple[Desk, ...]:
        """The desks that want this market now, whatever their gates."""
        return self._watchers

    @property
    def is_held(self) -> bool:
        """Whether it is a position of somebody who may look at it now."""
        return any(self.market in desk.seat.plan.held and desk.is_open for desk in self._watchers)

    @property
    def may_fetch(self) -> bool:
        """Whether history may be asked for now."""
        return not self.is_fetching and time.monotonic() >= self._retry_at

    @property
    def is_mending(self) -> bool:
        """Whether minutes that were or are to be told wait for the exchange's history.

        What an answer leaves in doubt can be asked again a grace later: until then it is not over.
        """
        if self.series.needs_warm_up:
            return False
        is_fresh = self.series.server_time_us <= self._fetched_us + GRACE_SECONDS * MICROSECONDS
        return self.is_fetching or is_fresh or self.series.hole() is not None

    def watch(self, desks: tuple[Desk, ...]) -> None:
        """These desks want the market from now on, and no others."""
        for desk in self._watchers:
            if desk not in desks:
                desk.attendance(self.market).leave(self.series.server_time_us)
        self._watchers = desks
        self._await_arrivals()
        if not desks:
            self._fall_asleep()

    def is_attended(self) -> bool:
        """Whether anybody's gate is open; asked before anything is done for this market."""
        for desk in self._watchers:
            if desk.is_open:
                self._is_awake = True
                return True
        self._fall_asleep()
        return False

    def lose(self) -> None:
        """Trades may be lost from the last one heard until the next."""
        if self._is_awake:
            self.series.doubt()

    def needs_renewal(self) -> bool:
        """Whether its subscription, which tells nothing, is to be made anew now; once a while."""
        if not self.series.is_deaf:
            self._renewals.reset()
            return False
        if (now := time.monotonic()) < self._renew_at:
            return False
        self._renew_at = now + self._renewals.next_delay()
        self._is_missed = True
        self.series.renewed()
        return True

    def is_heard_again(self) -> bool:
        """Whether a trade was heard since its subscription was renewed; once."""
        if not self._is_missed or self.series.is_deaf:
            return False
        self._is_missed = False
        return True

    def seat_arrivals(self) -> None:
        """Desks that waited for this market look from here on, if it is warm."""
        if self._arriving and not self.series.needs_warm_up:
            for desk in self._arriving:
                if desk.is_open:
                    self._seat(desk)
            self._await_arrivals()

    def _seat(self, desk: Desk) -> None:
        """Let a desk look, and tell it what it would have been told had it been here a little ago.

        Its user was driven by another process until a moment ago, while this one told others. What
        that one told too is known (:attr:`DeskPlan.told`), and is not told again.
        """
        at_us = self._arrival_of(desk)
        desk.attendance(self.market).arrive(at_us)
        for closed in self._recent:
            if closed.candle.closes_at * MICROSECONDS > at_us:
                late = closed.late or self.series.is_long_past(closed.candle.closes_at)
                desk.closed(structs.replace(closed, late=late), self.series.points)

    def tell(self) -> None:
        """Hand over the bars that closed since the last call."""
        if not self.is_attended() or not (told := self.series.closed()):
            return
        desks = [desk for desk in self._watchers if desk.is_open]
        self._has_told = True
        self._remember(told)
        for desk in desks:
            for closed in told:
                desk.closed(closed, self.series.points)
        # Behind its alerts: what is kept tells whoever comes next how far this one has told.
        self._sinks.candles_closed([closed.candle for closed in told])

    def warmed_up(self, job: HistoryJob) -> None:
        """Begin where this history ends."""
        self.warm_up = None
        if job.is_resumed:
            self.resume_at = self._resumed_at = job.cut
        kept = job.kept or {}
        for timeframe, candles in self.series.warm_up(job.candles, job.cut).items():
            known = {candle.opened_at for candle in kept.get(timeframe, ())}
            self._sinks.history_read([c for c in candles if c.opened_at not in known])

    def refresh(self, history: History) -> Replacement | None:
        """Compute the indicators anew from a whole history, if anybody may watch them now.

        Returns:
            What they stand on; None if this history is not for them: the market has none of them
            yet, or nobody's gate is open.
        """
        if not self.is_attended() or self.series.needs_warm_up:
            return None
        self.tell()
        bars = self.series.recompute(history.candles, history.cut, history.asked_at_us)
        self._facts = None
        newest = bars[Timeframe.M1][-1].closes_at if bars[Timeframe.M1] else history.cut
        return Replacement(market=self.market, cut=newest, bars=bars)

    def fetched(self) -> None:
        """History came."""
        self.is_fetching = False
        self._fetched_us = self.series.server_time_us
        self._retries.reset()

    def failed(self, reason: Exception) -> None:
        """History did not come: wait before asking again, long where the answer was no."""
        self.is_fetching = False
        delay = self._retries.next_delay()
        if isinstance(reason, Rejected):
            delay = REJECTED_SECONDS
        self._retry_at = time.monotonic() + delay

    def count(self) -> None:
        """Credit the trades since the last call to whoever may watch."""
        trades, self._counted = self.series.trades - self._counted, self.series.trades
        if trades:
            for desk in self._watchers:
                if desk.is_open:
                    desk.trades += trades

    def facts(self, *, is_stale: bool) -> MarketFacts:
        """What can be said of this market now; the same object while nothing changed."""
        live: Live = (
            "stale" if is_stale else "warming" if self.series.needs_warm_up else "receiving"
        )
        job = self.warm_up if live == "warming" else None
        warm_up = None if job is None else warm_up_of(job)
        facts, trades, is_mending = self._facts, self.series.trades, self.is_mending
        said = facts and (facts.live, facts.trades, facts.warm_up, facts.is_mending)
        if said != (live, trades, warm_up, is_mending) or facts is None or self._has_told:
            last = self.resume_at
            facts = self._facts = MarketFacts(
                market=self.market,
                live=live,
                warm_up=warm_up,
                points=self.series.points(),
                last_candle_at=None if last is None else last - Timeframe.M1.seconds,
                trades=trades,
                is_mending=is_mending,
            )
            self._has_told = False
        return facts

    def _arrival_of(self, desk: Desk) -> int:
        """From when on a desk looks: from now on, or since the outage that ended this way.

        A desk of another process wanted the same, and looked until that ended. Since when it is
        wanted is said by a clock that may be ahead of the exchange's.
        """
        since, resumed_at = desk.seat.plan.since_of(self.market), self._resumed_at
        now_us = self.series.server_time_us
        if since is None or not desk.attendance(self.market).is_new:
            return now_us
        if resumed_at is not None and since <= resumed_at:
            return resumed_at * MICROSECONDS
        if self._recent:
            told_since = self._recent[0].candle.closes_at - 1
            return min(max(since, told_since) * MICROSECONDS, now_us)
        return now_us

    def _await_arrivals(self) -> None:
        self._arriving = [
            desk for desk in self._watchers if not desk.attendance(self.market).is_present
        ]

    def _fall_asleep(self) -> None:
        if not self._is_awake:
            return
        self._is_awake = False
        self.series.doubt()
        for desk in self._watchers:
            desk.attendance(self.market).leave(self.series.server_time_us)
        self._await_arrivals()

    def _remember(self, told: Sequence[Closed]) -> None:
        for closed in told:
            if closed.candle.timeframe is Timeframe.M1:
                self.resume_at = max(closed.candle.closes_at, self.resume_at or 0)
        self._recent.extend(told)
        oldest = (self.resume_at or 0) - RECENT_SECONDS
        while self._recent and self._recent[0].candle.closes_at < oldest:
            self._recent.popleft()
