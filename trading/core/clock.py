"""The exchange's clock as its frames show it, without what cannot be.

Rule 1: a clock does not leap. What is further ahead of the last reading than
    :data:`MOST_AHEAD_SECONDS` is believed when the reading after it agrees, as it does after a
    pause, and not when it was a slip. The first one of a connection likewise.
Rule 2: a trade was made before it was told: one that is so far ahead of the clock is refused. Every
    minute up to it would else be filled, and closed, before it came.
"""

from __future__ import annotations

from trading.core.market import MICROSECONDS

MOST_AHEAD_SECONDS = 300
"""Above any skew between the clocks of an exchange's machines, and a few bars' worth of harm."""

_MOST_AHEAD_US = MOST_AHEAD_SECONDS * MICROSECONDS


class ServerClock:
    """The clock of one connection.

    Attributes:
        time_us: The newest reading that is believed, unix microseconds; 0: none yet.
    """

    __slots__ = ("_doubted_us", "time_us")

    def __init__(self) -> None:
        self.time_us = 0
        self._doubted_us = 0

    def hear(self, time_us: int) -> None:
        """Take a reading, unix microseconds; an older one changes nothing."""
        is_next = 0 < self.time_us <= time_us <= self.time_us + _MOST_AHEAD_US
        if is_next or (self._doubted_us and abs(time_us - self._doubted_us) <= _MOST_AHEAD_US):
            self.time_us = max(self.time_us, time_us)
            self._doubted_us = 0
        elif time_us > self.time_us:
            self._doubted_us = time_us
        else:
            self._doubted_us = 0

    def allows(self, time_us: int) -> bool:
        """Whether a trade of this time can have been made by now."""
        return time_us <= (self.time_us or self._doubted_us) + _MOST_AHEAD_US
