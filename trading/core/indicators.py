"""Which indicators there are, and where all of them stand at the close of a bar.

Rule 1: one definition, two speeds: what moves with each closed bar, and the same over whole arrays
    for charts and oracles, stand in one module each (:mod:`trading.core.macd_v`,
    :mod:`trading.core.rsi`); tests hold them equal.
Rule 2: MACD-V is what stages and signals are made of. Every other indicator is a gauge, one number
    for each bar: a class with a line in :data:`GAUGES`, and nothing else.
Rule 3: all of them move for every market, whoever has which enabled: so one that is enabled is
    there at once, and needs no history first. Who sees which is the desk's to decide.
Rule 4: plain floats in slots for a single close: there they beat arrays by a factor of 40.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Protocol, Self

import msgspec
from msgspec import field

from trading.core.liquidity import Activity, Liquidity
from trading.core.macd_v import MovingMacdV, Reading
from trading.core.market import Candle
from trading.core.rsi import MovingRsi
from trading.core.stages import Stage, is_inside_band, stage
from trading.core.turns import Turns


class Gauge(Protocol):
    """An indicator that is one number for each bar; an instance is of one market and timeframe."""

    name: ClassVar[str]  # as the settings name it
    label: ClassVar[str]  # as a trader writes it

    def append(self, candle: Candle, previous_close: float | None) -> float | None:
        """Take the next closed bar; the number after it, None while there is none."""

    def copy(self) -> Self:
        """An independent twin."""


GAUGES: Final[tuple[type[Gauge], ...]] = (MovingRsi,)
"""Every indicator beside MACD-V."""

INDICATORS: Final[Mapping[str, str]] = {
    MovingMacdV.name: MovingMacdV.label,
    **{gauge.name: gauge.label for gauge in GAUGES},
}
"""How a trader writes every indicator, by the name that the settings have for it."""

MACD_V: Final = MovingMacdV.name


class IndicatorPoint(msgspec.Struct, frozen=True, gc=False):
    """The indicators of one closed bar (a struct: thousands are made at a minute boundary).

    Args:
        opened_at: Start of the bar, unix seconds UTC.
        closes_at: First unix second behind it.
        close: Quote currency.
        macd_v: Percent of ATR; None before 26 bars and 26 true ranges, and while the market has
            never moved (an ATR of zero measures nothing).
        signal: EMA 9 of ``macd_v``; None before nine values of it.
        histogram: ``macd_v - signal``; None without a signal line.
        gauges: The other indicators by name; None for one that has no value.
        atr: Quote currency; None before 26 true ranges.
        stage: Where the market is in its cycle.
        bars: Real (not synthetic) bars so far, this one included.
        excursion_since: When the excursion began that the bar is part of, unix seconds; None
            within the extremes. This and what follows is of :class:`trading.core.turns.Turns`.
        has_reversed: Whether that excursion has reversed by now.
        trend: Where the histogram tends: 1 up, -1 down, 0 while that is unknown.
        liquidity: How much of the last warm-up window was traded.
    """

    opened_at: int
    closes_at: int
    close: float
    macd_v: float | None
    signal: float | None
    histogram: float | None
    gauges: Mapping[str, float | None]
    atr: float | None
    stage: Stage
    bars: int
    excursion_since: int | None = None
    has_reversed: bool = False
    trend: int = 0
    liquidity: Liquidity = Liquidity.HIGH


def _gauges() -> tuple[Gauge, ...]:
    return tuple(gauge() for gauge in GAUGES)


class IndicatorSeries(msgspec.Struct, gc=False):
    """The indicators of one market and timeframe, moved by each closed candle.

    Structs of msgspec that the garbage collector does not track, and a copy that is written out:
    markets that were warmed up together are copied at the same boundary.
    """

    last: IndicatorPoint | None = None
    macd_v: MovingMacdV = field(default_factory=MovingMacdV)
    _gauges: tuple[Gauge, ...] = field(default_factory=_gauges)
    _turns: Turns = field(default_factory=Turns)
    _activity: Activity = field(default_factory=Activity)
    previous_close: float | None = None
    _bars: int = 0
    _ranging_bars: int = 0

    def append(self, candle: Candle, reading: Reading | None = None) -> IndicatorPoint:
        """Take the next closed candle and say where the indicators stand after it.

        Args:
            candle: It closes behind the one before.
            reading: MACD-V after it, where a bank has moved that already.
        """
        previous, synthetic = self.previous_close, candle.synthetic
        opened_at = candle.opened_at
        self.previous_close = close = candle.close
        if not synthetic:
            self._bars += 1
        macd_v, signal, histogram, atr = reading or self.macd_v.append(candle, previous)
        gauges = {}
        for gauge in self._gauges:  # a comprehension is a call: a tenth of the whole
            gauges[gauge.name] = gauge.append(candle, previous)
        if macd_v is not None and is_inside_band(macd_v):
            self._ranging_bars += 1
        else:
            self._ranging_bars = 0
        turns = self._turns
        turns.add(opened_at, macd_v, histogram)
        self.last = point = IndicatorPoint(
            opened_at,
            opened_at + candle.timeframe.seconds,
            close,
            macd_v,
            signal,
            histogram,
            gauges,
            atr,
            stage(macd_v, signal, self._ranging_bars),
            self._bars,
            turns.excursion_since,
            turns.has_reversed,
            turns.trend,
            self._activity.add(synthetic=synthetic),
        )
        return point

    def copy(self) -> IndicatorSeries:
        """An independent twin: what is appended to one does not move the other."""
        return IndicatorSeries(
            self.last,
            self.macd_v.copy(),
            tuple([gauge.copy() for gauge in self._gauges]),
            self._turns.copy(),
            self._activity.copy(),
            self.previous_close,
            self._bars,
            self._ranging_bars,
        )
