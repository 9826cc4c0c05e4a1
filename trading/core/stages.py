"""In which stage of its cycle a market is, by MACD-V and its signal line.

Rule 1: the first row of the table that matches wins; every pair of numbers has exactly one stage.
Rule 2: a boundary belongs to the zone above it, and a value on its signal line counts as above;
    so 150 is rallying or retracing, 50 and -50 belong to the upper of their two zones, and only
    values strictly between -50 and 50 are inside the ranging band.

============================  ===============  ===============
MACD-V                        at or above its  below its
                              signal line      signal line
============================  ===============  ===============
above 150                     risk-overbought  risk-overbought
below -150                    risk-oversold    risk-oversold
inside ±50 for 20 bars        ranging          ranging
50 to 150                     rallying         retracing
-50 to below 50               rebounding       retracing
-150 to below -50             rebounding       reversing
no signal line yet            warming-up       warming-up
============================  ===============  ===============

Source: Spiroglou, "MACD-V: Volatility Normalised Momentum" (2022), the seven stages.
"""

from __future__ import annotations

from enum import StrEnum

EXTREME = 150.0
BAND = 50.0
RANGING_BARS = 20


class Stage(StrEnum):
    """Where a market is in its cycle."""

    RISK_OVERBOUGHT = "risk-overbought"
    RISK_OVERSOLD = "risk-oversold"
    RANGING = "ranging"
    RALLYING = "rallying"
    REBOUNDING = "rebounding"
    RETRACING = "retracing"
    REVERSING = "reversing"
    WARMING_UP = "warming-up"


def is_inside_band(macd_v: float) -> bool:
    """Whether a value counts towards ranging."""
    return -BAND < macd_v < BAND


ZONES = ("below -150", "-150 to -50", "-50 to +50", "+50 to +150", "above +150")
"""The zones of momentum, from the bottom to the top."""


def zone(macd_v: float) -> int:
    """The zone of a value, as an index of :data:`ZONES`.

    A boundary belongs to the zone nearer to zero, as a level counts when it is passed: so a market
    that falls is told what its mirror image that rises is told.
    """
    if macd_v > BAND:
        return 4 if macd_v > EXTREME else 3
    if macd_v < -BAND:
        return 0 if macd_v < -EXTREME else 1
    return 2


def stage(macd_v: float | None, signal: float | None, ranging_bars: int) -> Stage:
    """The one stage of a closed bar.

    Args:
        macd_v: MACD-V of the bar, None while it has none.
        signal: Its signal line, None while it has none.
        ranging_bars: Consecutive bars inside the band, this one included.
    """
    if macd_v is None or signal is None:
        return Stage.WARMING_UP
    if macd_v > EXTREME:
        return Stage.RISK_OVERBOUGHT
    if macd_v < -EXTREME:
        return Stage.RISK_OVERSOLD
    if ranging_bars >= RANGING_BARS and is_inside_band(macd_v):
        return Stage.RANGING
    if macd_v >= signal:
        return Stage.RALLYING if macd_v >= BAND else Stage.REBOUNDING
    return Stage.RETRACING if macd_v >= -BAND else Stage.REVERSING
