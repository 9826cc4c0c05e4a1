"""Which minutes without a trade are believed, and which are asked of the exchange.

A subscription that is acknowledged on a live link may still send nothing of one market. Nothing on
the wire tells that from a market in which nobody trades; its past does, and the exchange's history.

Rule 1: silence is believed as long as the market's own past makes it likely: for as many minutes in
    a row as chance gives in one of a hundred. A market that trades in every minute is asked about
    after the first empty one.
Rule 2: each time the exchange confirms a silence, twice as long a one is believed.
Rule 3: where it has traded and nothing was heard, the market is deaf: every further minute is asked
    of the exchange until a trade is heard that was made after that, and after a new subscription.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log

from trading.core.liquidity import Activity
from trading.core.market import MICROSECONDS, Candle, Timeframe

MINUTE = Timeframe.M1.seconds
UNLIKELY = 0.01
LONGEST_MINUTES = 60
"""However rarely a market trades, so long a silence is asked about."""


class Silence:
    """The silence of one market. Times are those of the last trade heard, unix microseconds."""

    __slots__ = ("_activity", "_answered", "_deaf_until_us")

    def __init__(self) -> None:
        self._activity = Activity()
        self._answered = (0, 0)  # since when, and how many minutes
        self._deaf_until_us: int | None = None

    def add(self, *, synthetic: bool) -> None:
        """Take the next minute of the market's past."""
        self._activity.add(synthetic=synthetic)

    def is_doubtful(self, minutes: int, since_us: int) -> bool:
        """Whether so many minutes in a row without a trade are to be asked of the exchange."""
        if minutes <= 0:
            return False
        if self.is_deaf(since_us):
            return True
        believed = patience(self._activity.share)
        if confirmed := self.known(since_us):
            believed = max(believed, min(2 * confirmed, confirmed + LONGEST_MINUTES))
        return minutes >= believed

    def known(self, since_us: int) -> int:
        """How many minutes of a silence the exchange has been asked about."""
        answered_us, minutes = self._answered
        return minutes if answered_us == since_us else 0

    def answered(self, minutes: int, since_us: int, *, traded: bool) -> None:
        """Hear what the exchange says of a silence: whether there were trades after all."""
        self._answered = (since_us, minutes)
        if traded:
            self._deaf_until_us = max(since_us, self._deaf_until_us or 0)

    def renewed(self, until_us: int) -> None:
        """Hear that it is subscribed anew: trades up to then may be its snapshot."""
        if self._deaf_until_us is not None:
            self._deaf_until_us = max(until_us, self._deaf_until_us)

    def is_deaf(self, since_us: int) -> bool:
        """Whether the market is known to have traded since then, or tells only what was before."""
        return self._deaf_until_us is not None and since_us <= self._deaf_until_us


class SilentMinutes:
    """The minutes that are in doubt because nothing was heard in them, in unix seconds.

    Args:
        silence: Of the market that they are of.
    """

    __slots__ = ("_asked", "_silence")

    def __init__(self, silence: Silence) -> None:
        self._silence = silence
        self._asked: set[int] = set()

    def doubted_since(self, first: int, minute: int, last_trade_us: int) -> int | None:
        """Since when the exchange is to be asked by now, unix microseconds; None: it is believed.

        The first time that is the last trade: where the market was not silent, others of its minute
        were not heard either. All of it is one answer, so that no minute behind it is told before.

        Args:
            first: The first minute behind the last trade that was heard.
            minute: The newest one, which is over.
            last_trade_us: When that trade was made, unix microseconds.
        """
        if not self._silence.is_doubtful((minute - first) // MINUTE + 1, last_trade_us):
            return None
        known = self._silence.known(last_trade_us)
        self._asked.update(range(first + known * MINUTE, minute + MINUTE, MINUTE))
        return (first + known * MINUTE) * MICROSECONDS if known else last_trade_us

    def hear(self, settled: Mapping[int, Candle | None], first: int, last_trade_us: int) -> None:
        """Hear what the exchange's history says of some minutes; None where it has no trade."""
        asked = self._asked & settled.keys()
        self._asked -= asked
        # Where a trade was heard meanwhile, its id tells what was missed.
        if not asked or min(asked) < first:
            return
        traded = any(settled[minute] is not None for minute in asked)
        minutes = (max(asked) - first) // MINUTE + 1
        self._silence.answered(minutes, last_trade_us, traded=traded)

    def renewed(self, until_us: int) -> None:
        """:meth:`Silence.renewed` of its market."""
        self._silence.renewed(until_us)

    def is_deaf(self, since_us: int) -> bool:
        """:meth:`Silence.is_deaf` of its market."""
        return self._silence.is_deaf(since_us)

    def forget(self) -> None:
        """None of them is asked about any more."""
        self._asked.clear()


def patience(share: float) -> int:
    """How many minutes without a trade are doubted, where this share of the minutes has none."""
    if share <= 0:
        return 1
    if share >= 1:
        return LONGEST_MINUTES
    return min(LONGEST_MINUTES, ceil(log(UNLIKELY) / log(share)))
