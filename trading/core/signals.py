"""Which signals a closed bar fires.

Rule 1: a signal is a transition between two closed bars; a state that lasts fires nothing.
Rule 2: whether a signal was told before, and who wants it, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trading.core.indicators import IndicatorPoint
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalKind, SignalRules


class Direction(StrEnum):
    """Which way the value went."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something a trader wants to know about one closed bar.

    Args:
        opened_at: Start of the bar, unix seconds UTC.
        closed_at: First unix second behind it.
        price: Its close, quote currency.
        value: MACD-V at its close.
        level: The level crossed, with its sign; None for other kinds.
        detail: The transition in a few words.
        point: The values that made it fire.
        previous: Those of the bar before.
    """

    market: Market
    timeframe: Timeframe
    kind: SignalKind
    direction: Direction
    opened_at: int
    closed_at: int
    price: float
    value: float
    level: float | None
    detail: str
    point: IndicatorPoint
    previous: IndicatorPoint


def signals(
    previous: IndicatorPoint | None,
    current: IndicatorPoint,
    *,
    market: Market,
    timeframe: Timeframe,
    rules: SignalRules,
) -> list[Signal]:
    """Everything that ``current`` fires after ``previous`` under ``rules``.

    Args:
        previous: The bar directly before; None when there is none, and then nothing fires.
        current: The bar that closed.
        market: Whose bars these are.
        timeframe: Their length.
        rules: Which kinds count, which levels, and from how many real bars on.
    """
    if previous is None or current.bars < rules.minimum_bars:
        return []
    before, now = previous.macd_v, current.macd_v
    if before is None or now is None:
        return []
    found: list[tuple[SignalKind, Direction, float | None, str]] = []
    if SignalKind.LEVEL in rules.kinds:
        level = _level_crossed(before, now, rules.levels)
        if level is not None:
            direction = Direction.UP if level > 0 else Direction.DOWN
            found.append((SignalKind.LEVEL, direction, level, f"through {level:+g}"))
    if SignalKind.CROSSOVER in rules.kinds:
        crossing = _crossing(before, previous.signal, now, current.signal)
        if crossing is not None:
            side = "above" if crossing is Direction.UP else "below"
            found.append((SignalKind.CROSSOVER, crossing, None, f"{side} signal line"))
    return [
        Signal(
            market=market,
            timeframe=timeframe,
            kind=kind,
            direction=direction,
            opened_at=current.opened_at,
            closed_at=current.closes_at,
            price=current.close,
            value=now,
            level=level,
            detail=detail,
            point=current,
            previous=previous,
        )
        for kind, direction, level, detail in found
    ]


def _level_crossed(before: float, now: float, levels: tuple[float, ...]) -> float | None:
    """The furthest level crossed away from zero, signed; None when none was."""
    if now > 0.0:
        return max((level for level in levels if before <= level < now), default=None)
    return min((-level for level in levels if before >= -level > now), default=None)


def _crossing(
    before: float, before_signal: float | None, now: float, now_signal: float | None
) -> Direction | None:
    if before_signal is None or now_signal is None:
        return None
    if before <= before_signal and now > now_signal:
        return Direction.UP
    if before >= before_signal and now < now_signal:
        return Direction.DOWN
    return None
