"""How much of a market's time is traded at all, by the share of its synthetic bars.

Rule 1: what counts is the last warm-up window of the timeframe, as it moves along: a restart, which
    reads just that window, sees the same.
Rule 2: a boundary belongs to the lower of its two tiers.

==================  ==============================
liquidity           synthetic bars of the window
==================  ==============================
high                less than 20 %
medium              20 % to less than 50 %
low                 50 % and more
==================  ==============================
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

WINDOW_BARS = 300
"""Bars that are looked at: as many as a warm-up reads."""


class Liquidity(StrEnum):
    """Whether indicators of a market rest on trades."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Activity(msgspec.Struct, gc=False):
    """Which of the last bars were synthetic."""

    _bars: int = 0
    _synthetic: int = 0  # a bit for each bar, the newest one lowest

    def add(self, *, synthetic: bool) -> Liquidity:
        """Take the next bar; the liquidity after it."""
        if self._bars < WINDOW_BARS:
            self._bars += 1
        if not (synthetic or self._synthetic):
            return Liquidity.HIGH
        self._synthetic = (self._synthetic << 1 | synthetic) & _WINDOW
        return liquidity(self._synthetic.bit_count(), self._bars)

    def copy(self) -> Activity:
        """An independent twin."""
        return Activity(self._bars, self._synthetic)

    @property
    def share(self) -> float:
        """How much of the window is synthetic, 0 to 1; 1 before the first bar."""
        return self._synthetic.bit_count() / self._bars if self._bars else 1.0


_WINDOW = (1 << WINDOW_BARS) - 1


def liquidity(synthetic: int, bars: int) -> Liquidity:
    """The tier of a window in which so many of the bars were synthetic."""
    if synthetic * 5 < bars:
        return Liquidity.HIGH
    return Liquidity.MEDIUM if synthetic * 2 < bars else Liquidity.LOW
