"""Which side the timeframes of one market favour, taken together.

Rule 1: a timeframe is on the side of the sign of its MACD-V: above zero bullish, below it bearish;
    one that has none, or is at zero, is on neither.
Rule 2: a longer timeframe weighs more, from 1 for the shortest to 6 for the longest.
Rule 3: a side is favoured that weighs more than one and a half times the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from trading.core.market import Timeframe

WEIGHTS: Final[Mapping[Timeframe, int]] = {
    timeframe: weight for weight, timeframe in enumerate(Timeframe, start=1)
}


class Bias(StrEnum):
    """The side that is favoured."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


def bias(momentum: Mapping[Timeframe, float | None]) -> Bias:
    """The side that timeframes favour.

    Args:
        momentum: MACD-V of each timeframe; absent or None where there is none.
    """
    bullish = bearish = 0
    for timeframe, weight in WEIGHTS.items():
        macd_v = momentum.get(timeframe)
        if macd_v is None:
            continue
        if macd_v > 0:
            bullish += weight
        elif macd_v < 0:
            bearish += weight
    if 2 * bullish > 3 * bearish:
        return Bias.BULLISH
    if 2 * bearish > 3 * bullish:
        return Bias.BEARISH
    return Bias.NEUTRAL
