"""One-minute candles out of trades: when a minute is over, and when it is certain.

Rule 1: a minute is told when it is over *and* certain. It is over when a later minute was seen or
    the exchange's clock passed its end by a grace; never by the clock of this host, which goes on
    while a link is dead. It is certain when no trade of it can have been lost.
Rule 2: minutes are told in order and without gaps: while one is in doubt those behind it wait.
Rule 3: a minute in which nothing was heard is certain only where that is usual; else the exchange
    is asked of it (:mod:`trading.core.silence`).
Rule 4: the exchange's own history wins over what was built here, also after the fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trading.core.candles import REPAIRABLE_MINUTES, Hole, carry_forward
from trading.core.forming import Forming
from trading.core.market import MICROSECONDS, Candle, Market, Timeframe, Trade
from trading.core.outages import Outages
from trading.core.silence import Silence, SilentMinutes

MINUTE = Timeframe.M1.seconds
MINUTE_US = MINUTE * MICROSECONDS

LATE_SECONDS = 60
"""A minute told this long after its end, because it had to be repaired, is late."""


class Settled(NamedTuple):
    """A closed minute, and whether it is told too late for a signal of it to be news."""

    candle: Candle
    late: bool


class MinuteBuilder:
    """The 1m candles of one market, out of its trades.

    Trades and server times may come before :meth:`start`; they are kept. What was not heard from
    its beginning is in doubt: the first minute of a subscription always, a minute in which the
    link was lost, one whose trade ids jump, one that is strangely silent, and one for which a trade
    came after it was told.
    A minute in doubt is reported by :meth:`hole` and settled by :meth:`repair`.
    """

    def __init__(
        self, market: Market, *, grace_seconds: float = 2.0, silence: Silence | None = None
    ) -> None:
        """Make one; without ``silence``, silence is believed: there is nobody to ask."""
        self.market = market
        self.last_trade_us = 0
        self._silence = None if silence is None else SilentMinutes(silence)
        self._grace_us = round(grace_seconds * MICROSECONDS)
        self._last_trade_id = 0
        self._newest_minute = 0
        self._forming: dict[int, Forming] = {}
        self._heard_us = 0
        # Where the newest doubt ends: nothing is known to be lost behind it.
        self._whole_since_us = 0
        # Since when trades may have been lost, as long as the exchange was not heard again.
        self._open_doubt_us: int | None = 0
        self._outages = Outages(self._grace_us)
        # Doubts raised before it is known which minutes matter.
        self._early_doubts: list[tuple[int, int]] = []
        self.given_up_since: int | None = None
        """Where the doubts begin for which a new start is awaited, unix seconds: what was told from
        there on is as doubtful as they are."""
        # Minute in doubt -> server time from which the exchange's history can settle it.
        self._doubtful: dict[int, int] = {}
        # Minutes that closed while the link was away.
        self._away: set[int] = set()
        self._truth: dict[int, Candle | None] = {}
        self._told: dict[int, Candle] = {}
        self._settled: list[Settled] = []
        self._floor: int | None = None
        self._floor_close: float | None = None
        self._next = 0
        self._last_close: float | None = None

    @property
    def server_time_us(self) -> int:
        """The exchange's clock as far as it was heard, unix microseconds; 0: never."""
        return max(self._heard_us, self.last_trade_us)

    @property
    def needs_start(self) -> bool:
        """Whether it is not known where history ends: nothing is told until :meth:`start`."""
        return self._floor is None

    @property
    def is_due(self) -> bool:
        """Whether :meth:`closed` may have something to tell, whatever the clock says: a later
        minute was seen, or a minute was amended.
        """
        return self._newest_minute > self._next or bool(self._settled)

    @property
    def is_deaf(self) -> bool:
        """Whether the exchange's history has trades since the last one that was heard."""
        return self._silence is not None and self._silence.is_deaf(self.last_trade_us)

    def renewed(self) -> None:
        """Hear that the market is subscribed anew: what was made before is no proof of it."""
        if self._silence is not None:
            self._silence.renewed(self.server_time_us + self._grace_us)

    def start(self, opened_at: int, previous_close: float | None) -> None:
        """Tell the minutes from ``opened_at`` (unix seconds) on; older ones are history.

        ``previous_close`` is what an empty first minute carries forward; None: no trade ever.
        """
        self.given_up_since = None
        early = [*self._early_doubts, *self._doubts()]
        if self._floor is not None and self._next > opened_at:
            # Told before, and its trades are gone: the history has to tell it again.
            early.append((opened_at * MICROSECONDS, (self._next - 1) * MICROSECONDS))
        self._early_doubts = []
        self._forget_told()
        self._floor = self._next = opened_at
        self._floor_close = self._last_close = previous_close
        for minute in [m for m in self._forming if m < opened_at]:
            del self._forming[minute]
        for since_us, until_us in early:
            self._mark(since_us, until_us)

    def resume_after(self, candle: Candle) -> None:
        """Start behind the last 1m candle that is certain."""
        self.start(candle.closes_at, candle.close)

    def add(self, trade: Trade) -> bool:
        """Take one trade; False when its id was told before, or belongs to a loss in doubt.

        Ids rise for each market, so a lower one brings nothing new; and a jump is a loss, unless
        the trade says that it follows the last one, and nothing is known to be between the two.
        """
        trade_id, at = trade.trade_id, trade.time_us
        last_id = self._last_trade_id
        if trade_id <= last_id:
            return False
        if self._open_doubt_us is not None or (
            trade_id != last_id + 1 and ((last_id and trade.follows != last_id) or self.is_deaf)
        ):
            self._add_after_loss(at)
        self._last_trade_id = trade_id
        if at > self.last_trade_us:  # noqa: PLR1730 - for every trade; max() takes twice as long
            self.last_trade_us = at
        minute = at // MINUTE_US * MINUTE
        if minute < self._next or minute in self._truth:
            if self._floor is not None and minute >= self._floor:
                self._mark(at, at)
            return True
        forming = self._forming.get(minute)
        if forming is None:
            self._open_minute(minute, trade)
        else:
            forming.add(trade.price, trade.size)
        return True

    def advance(self, server_time_us: int) -> None:
        """Hear the exchange's clock (unix microseconds) over a link that carries this market."""
        self._heard_us = max(self._heard_us, server_time_us)
        if self._open_doubt_us is not None:
            self._heard_again(self._open_doubt_us, server_time_us)
        self._outages.end(server_time_us)

    def doubt(self, since_us: int | None = None, until_us: int | None = None) -> None:
        """Say that trades between two moments may have been lost.

        Args:
            since_us: Server time of the last frame known to be whole, unix microseconds. What
                trails it by the grace is in doubt too. None: the newest server time heard.
            until_us: Server time from which the trades are whole again. None: the time of the
                first trade or :meth:`advance` after this call; so between the loss and the new
                subscription the clock must not be advanced.
        """
        since_us = (self.server_time_us if since_us is None else since_us) - self._grace_us
        if until_us is None:
            opened = self._open_doubt_us
            self._open_doubt_us = since_us if opened is None else min(opened, since_us)
            self._outages.begin(since_us)
        else:
            self._mark(since_us, until_us)
            self._whole_since_us = max(self._whole_since_us, until_us)

    def closed(self) -> list[Settled]:
        """Minutes told since the last call, oldest first; emptied by it.

        A minute told before comes again, with the same ``opened_at``, when it was amended.
        """
        self._settle(repaired=False)
        settled, self._settled = self._settled, []
        return settled

    def hole(self) -> Hole | None:
        """The earliest run of minutes in doubt that are over by the exchange's clock and grace."""
        if not self._doubtful:
            return None
        now = self.server_time_us
        due = sorted(minute for minute, due_us in self._doubtful.items() if due_us <= now)
        if not due:
            return None
        end = start = due[0]
        for minute in due[:REPAIRABLE_MINUTES]:
            if minute != end:
                break
            end += MINUTE
        return Hole(start, end, now)

    def repair(self, candles: Sequence[Candle], hole: Hole) -> None:
        """Install what the exchange's history says of ``hole``.

        Args:
            candles: Its 1m candles; others are left out. A minute that is absent had no trade,
                unless trades of it were seen here: then those stand.
            hole: As reported by :meth:`hole`. What came into doubt again since then stays so.
        """
        if self._floor is None:
            return
        truth = {c.opened_at: c for c in candles if c.timeframe is Timeframe.M1}
        settled: dict[int, Candle | None] = {}
        for minute in range(max(hole.start, self._floor), hole.end, MINUTE):
            due_us = self._doubtful.get(minute)
            if due_us is None and minute >= self._next:
                continue
            if due_us is not None and due_us > hole.asked_at_us:
                continue
            self._doubtful.pop(minute, None)
            settled[minute] = truth.get(minute)
        if self._silence is not None:
            self._silence.hear(settled, self._first_silent(), self.last_trade_us)
        self._amend({minute: c for minute, c in settled.items() if minute < self._next})
        self._truth.update({minute: c for minute, c in settled.items() if minute >= self._next})
        self._settle(repaired=True)

    def correct(self, candles: Sequence[Candle], until: int, asked_at_us: int) -> None:
        """Hold what was told against the exchange's history of the minutes before ``until``.

        Args:
            candles: Its 1m candles, as for :meth:`repair`.
            until: Unix seconds, on a minute.
            asked_at_us: The exchange's clock when it was asked, unix microseconds.
        """
        start = self._next - REPAIRABLE_MINUTES * MINUTE
        self.repair(candles, Hole(start, until, asked_at_us))

    def is_long_past(self, closes_at: int) -> bool:
        """Whether the exchange's clock has left this close (unix seconds) well behind."""
        return self.server_time_us >= (closes_at + LATE_SECONDS) * MICROSECONDS

    def _open_minute(self, minute: int, trade: Trade) -> None:
        if len(self._forming) >= REPAIRABLE_MINUTES and self._floor is None:
            self._forming.clear()  # nobody came for them: as if just subscribed
            self._early_doubts = [(0, trade.time_us)]
        self._forming[minute] = Forming(trade.price, trade.size)
        self._newest_minute = max(self._newest_minute, minute)

    def _heard_again(self, since_us: int, at_us: int) -> None:
        self._open_doubt_us = None
        self._mark(since_us, at_us)
        self._whole_since_us = max(self._whole_since_us, at_us)

    def _add_after_loss(self, at_us: int) -> None:
        """Trades before the one of this moment are lost, or may be."""
        since_us, is_open = self._open_doubt_us, self._open_doubt_us is not None
        if since_us is None:
            since_us = max(self.last_trade_us, self._whole_since_us)
        if at_us < since_us:
            # It came late itself: what is heard next tells until when trades may be lost.
            self._open_doubt_us = since_us
        elif is_open:
            self._heard_again(since_us, at_us)
        else:
            self._mark(since_us, at_us)

    def _mark(self, since_us: int, until_us: int) -> None:
        """Put every minute between two moments in doubt, told or not."""
        if self._floor is None:
            if len(self._early_doubts) >= REPAIRABLE_MINUTES:
                self._early_doubts = [(0, max(until for _, until in self._early_doubts))]
            self._early_doubts.append((since_us, until_us))
            return
        earlier, later = sorted((since_us, until_us))
        first = max(earlier // MINUTE_US * MINUTE, self._floor)
        last = later // MINUTE_US * MINUTE
        if last - first >= REPAIRABLE_MINUTES * MINUTE:
            self._give_up([(since_us, until_us)])
            return
        first = max(first, self._next - REPAIRABLE_MINUTES * MINUTE)
        for minute in range(first, last + MINUTE, MINUTE):
            end_us = (minute + MINUTE) * MICROSECONDS
            self._doubtful[minute] = max(end_us, self.server_time_us) + self._grace_us
            if minute >= self._next and until_us >= end_us + self._grace_us:
                self._away.add(minute)

    def _doubts(self) -> list[tuple[int, int]]:
        uncertain = {*self._doubtful, *self._truth}
        return [(minute * MICROSECONDS, minute * MICROSECONDS) for minute in sorted(uncertain)]

    def _give_up(self, doubts: list[tuple[int, int]]) -> None:
        """Too far behind to be repaired minute by minute: wait for a new start."""
        self._early_doubts = [*self._doubts(), *doubts]
        self.given_up_since = min(
            (max(since_us, 0) // MICROSECONDS for since_us, _ in self._early_doubts), default=None
        )
        self._forget_told()
        self._floor = None
        self._next = 0

    def _forget_told(self) -> None:
        self._doubtful.clear()
        self._away.clear()
        self._truth.clear()
        self._told.clear()
        self._settled.clear()
        if self._silence is not None:
            self._silence.forget()

    def _is_over(self, minute: int) -> bool:
        end = minute + MINUTE
        return (
            self._newest_minute >= end or self.server_time_us >= end * MICROSECONDS + self._grace_us
        )

    def forming(self) -> Candle | None:
        """The newest minute that trades fell into, so far, whether it is in doubt or not."""
        newest = max(self._forming, default=None)
        return None if newest is None else self._forming[newest].candle(self.market, newest)

    def _settle(self, *, repaired: bool) -> None:
        """Tell every minute that is over and certain, up to the first that is not."""
        while self._floor is not None and self._is_over(self._next):
            minute = self._next
            if minute in self._doubtful:
                if self.server_time_us >= (minute + REPAIRABLE_MINUTES * MINUTE) * MICROSECONDS:
                    self._give_up([])
                return
            if self._doubts_silence(minute):
                return
            candle = self._truth.pop(minute, None)
            forming = self._forming.pop(minute, None)
            if candle is None and forming is not None:
                candle = forming.candle(self.market, minute)
            if candle is None and self._last_close is not None:
                candle = carry_forward(self.market, Timeframe.M1, minute, self._last_close)
            self._next += MINUTE
            end_us = self._next * MICROSECONDS
            away = minute in self._away or self._outages.hold(end_us)
            self._away.discard(minute)
            if candle is not None:
                late = away or (repaired and self.is_long_past(candle.closes_at))
                self._tell(candle, late=late)

    def _doubts_silence(self, minute: int) -> bool:
        """Put a minute in doubt, and those before it, if its silence is not to be believed."""
        if self._silence is None or minute in self._truth or minute in self._forming:
            return False
        first = self._first_silent()
        since_us = self._silence.doubted_since(first, minute, self.last_trade_us)
        if since_us is None:
            return False
        self._mark(since_us, minute * MICROSECONDS)
        return minute in self._doubtful

    def _first_silent(self) -> int:
        """The first minute behind the last trade that was heard."""
        last = self.last_trade_us // MINUTE_US * MINUTE
        return max(last + MINUTE, self._floor or 0)

    def _tell(self, candle: Candle, *, late: bool) -> None:
        self._told[candle.opened_at] = candle
        if len(self._told) > REPAIRABLE_MINUTES + 1:
            del self._told[next(iter(self._told))]
        self._last_close = candle.close
        self._settled.append(Settled(candle, late))

    def _amend(self, truth: dict[int, Candle | None]) -> None:
        """Replace minutes that were told, and the closes that were carried forward from them."""
        if not truth:
            return
        first, last = min(truth), max(truth)
        before = self._told.get(first - MINUTE)
        close = self._floor_close if before is None else before.close
        for minute in range(first, self._next, MINUTE):
            told = self._told.get(minute)
            candle = truth.get(minute) or told
            if candle is None or candle.synthetic:
                if close is None:
                    continue
                candle = carry_forward(self.market, Timeframe.M1, minute, close)
            elif minute > last and candle is told:
                break
            if candle != told:
                self._told[minute] = candle
                self._settled.append(Settled(candle, self.is_long_past(candle.closes_at)))
            close = candle.close
        else:
            self._last_close = close
        self._told = dict(sorted(self._told.items()))
