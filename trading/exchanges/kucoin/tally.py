"""What was heard of one market, minute by minute, held against the venue's own candles.

Rule 1: the venue tells a candle a second or two after the trades that it is made of, on the same
    connection. One that holds more than was heard by then proves that trades were lost.
Rule 2: the minute in which a market was first heard of proves nothing.
"""

from __future__ import annotations

MINUTE = 60
KEPT_MINUTES = 5
TOLERANCE = 1e-9
"""Share of a volume that is rounding: a sum of floats against one."""


class Tally:
    """The volumes of one market on one connection."""

    __slots__ = ("_volumes", "_whole_since")

    def __init__(self) -> None:
        self._volumes: dict[int, float] = {}
        self._whole_since: int | None = None

    def add(self, at: int, size: float) -> None:
        """Count a trade, made at the unix second ``at``."""
        minute = at - at % MINUTE
        if self._whole_since is None:
            self._whole_since = minute + MINUTE
        volumes = self._volumes
        if minute in volumes:
            volumes[minute] += size
            return
        volumes[minute] = size
        if len(volumes) > KEPT_MINUTES:
            del volumes[min(volumes)]

    def lacks(self, opened_at: int, volume: float) -> bool:
        """Whether a candle of the minute holds more than was heard; then it is believed.

        Args:
            opened_at: Start of the minute, unix seconds.
            volume: Of the candle so far.
        """
        if self._whole_since is None:
            self._whole_since = opened_at + MINUTE
        is_forgotten = len(self._volumes) >= KEPT_MINUTES and opened_at < min(self._volumes)
        if opened_at < self._whole_since or is_forgotten:
            return False
        heard = self._volumes.get(opened_at, 0.0)
        if volume - heard <= TOLERANCE * volume:
            return False
        self.add(opened_at, volume - heard)
        return True
