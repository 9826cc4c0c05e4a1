"""What a signal must know of the bars further back than the one before it.

Rule 1: it is computed once with the indicators, whoever watches, and copied with them: an amended
    bar is redone from a copy, a restart reads it off the warm-up. So neither repeats a reversal
    nor loses one.
Rule 2: it holds states, never events. What a change of them means is said in
    :mod:`trading.core.signals`.

An *excursion* is a run of bars beyond one extreme (above +150, or below -150). A value on the
extreme is not beyond it and ends the run; a jump from one extreme beyond the other begins another.

An excursion *has reversed* from the first of its bars on whose histogram leans back far enough:
above 5 % of ``|MACD-V|`` below -150, below -3 % of it above +150. Exactly as far is not enough.

The *trend* of the histogram is the way that its last two steps both went: a step against it that
is not followed by a second one changes nothing, nor does a step of zero, which confirms nothing.
"""

from __future__ import annotations

import msgspec

from trading.core.stages import EXTREME

UP_SHARE = 0.05
"""Of ``|MACD-V|``: how far above zero the histogram must be to turn up from below -150."""

DOWN_SHARE = 0.03
"""Of ``|MACD-V|``: how far below zero the histogram must be to turn down from above +150."""

CONFIRMING_STEPS = 2


class Turns(msgspec.Struct, gc=False):
    """The excursion and the trend after each closed bar.

    Attributes:
        excursion_since: Opening time of its first bar, unix seconds; None outside one.
        has_reversed: Whether the excursion has reversed, on this bar or before.
        trend: 1 rising, -1 falling, 0 before any two steps went the same way.
    """

    excursion_since: int | None = None
    has_reversed: bool = False
    trend: int = 0
    _is_above: bool = False
    _histogram: float | None = None
    _steps: int = 0

    def add(self, opened_at: int, macd_v: float | None, histogram: float | None) -> None:
        """Take the next bar."""
        self._step(histogram)
        if macd_v is None or -EXTREME <= macd_v <= EXTREME:
            if self.excursion_since is not None:
                self.excursion_since = None
                self.has_reversed = False
            return
        is_above = macd_v > 0.0
        if self.excursion_since is None or is_above is not self._is_above:
            self.excursion_since = opened_at
            self.has_reversed = False
            self._is_above = is_above
        if not self.has_reversed and histogram is not None:
            self.has_reversed = leans_back(macd_v, histogram)

    def copy(self) -> Turns:
        """An independent twin."""
        return Turns(
            self.excursion_since,
            self.has_reversed,
            self.trend,
            self._is_above,
            self._histogram,
            self._steps,
        )

    def _step(self, histogram: float | None) -> None:
        before = self._histogram
        self._histogram = histogram
        if histogram is None or before is None or histogram == before:
            self._steps = 0
        elif histogram > before:
            self._steps = self._steps + 1 if self._steps > 0 else 1
        else:
            self._steps = self._steps - 1 if self._steps < 0 else -1
        if self._steps >= CONFIRMING_STEPS:
            self.trend = 1
        elif self._steps <= -CONFIRMING_STEPS:
            self.trend = -1


def leans_back(macd_v: float, histogram: float) -> bool:
    """Whether the histogram of a bar beyond an extreme points far enough back from it."""
    if macd_v > EXTREME:
        return histogram < -DOWN_SHARE * macd_v
    return macd_v < -EXTREME and histogram > UP_SHARE * -macd_v
