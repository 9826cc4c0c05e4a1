"""Which signals a closed bar fires.

Rule 1: a signal is a transition between two closed bars; a state that lasts fires nothing. What
    needs more of the past than the bar before is a state of the bar: see :mod:`trading.core.turns`.
Rule 2: a bar fires each kind once at most.
Rule 3: up and down mirror each other, but for the two shares of a reversal.
Rule 4: whether a signal was told before, and who wants it, is not known here.

==============  ==================================================  =========================
kind            fires on the bar on which                           detail
==============  ==================================================  =========================
level           MACD-V goes from on or within a level to beyond     ``through +150``
                it, away from zero; the furthest one counts
crossover       MACD-V goes from on or below its signal line to     ``above signal line``
                above it; or mirrored
reversal        an excursion beyond an extreme has reversed, once   ``turning up below -150``
                in each; up from below -150, down from above +150
momentum shift  MACD-V enters another of the five zones of          ``zone above +150``
                :func:`trading.core.stages.zone`
momentum shift  the histogram's trend flips, which takes two steps  ``histogram turns up``
                the same way, both to bars with MACD-V at least 50
                from zero; the second one is this bar
price move      the close passes the stop loss or the take profit   ``through stop loss of …``
                of a position: :mod:`trading.core.holdings`
==============  ==================================================  =========================

Where a bar enters another zone and its histogram flips too, the zone is what is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from trading.core.holdings import Holding
from trading.core.indicators import IndicatorPoint
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalKind, SignalRules
from trading.core.stages import BAND, EXTREME, ZONES, zone


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
        once_since: Of its kind and direction only one counts that closed after this moment, unix
            seconds: an excursion reverses once, also where an amendment moves the bar on which it
            does. None where every transition counts.
        holding: The position that moved; None for other kinds.
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
    once_since: int | None = None
    holding: Holding | None = None


class _Found(NamedTuple):
    """A transition: all of a signal that is not of the bar."""

    kind: SignalKind
    direction: Direction
    detail: str
    level: float | None = None
    once_since: int | None = None


_Look = Callable[
    [IndicatorPoint, IndicatorPoint, float, float, SignalRules],  # MACD-V of both bars with them
    _Found | None,
]


def signals(
    previous: IndicatorPoint | None,
    current: IndicatorPoint,
    *,
    market: Market,
    timeframe: Timeframe,
    rules: SignalRules,
) -> list[Signal]:
    """Everything that the indicators of ``current`` fire after ``previous`` under ``rules``.

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
    found = []
    for kind, look in _LOOKS:  # nearly always for nothing: so no list is made of what is not there
        if kind in rules.kinds:
            one = look(previous, current, before, now, rules)
            if one is not None:
                found.append(one)
    return [
        _signal(one, previous, current, now, market=market, timeframe=timeframe) for one in found
    ]


def price_move(
    previous: IndicatorPoint | None, current: IndicatorPoint, *, market: Market, holding: Holding
) -> Signal | None:
    """The price move that the 1m bar ``current`` fires after ``previous``, if any.

    A position's price is judged on 1m bars alone, whichever timeframes the mode looks at: they
    tell soonest, and a longer bar would tell the same passage again. A price needs no indicator
    to be exact, so ``minimum_bars`` does not count; only that MACD-V, which every signal states,
    has a value by now.

    Args:
        previous: The bar directly before; None when there is none, and then nothing fires.
        current: The bar that closed.
        market: Whose bars these are.
        holding: What is held of it.
    """
    value = current.macd_v
    if previous is None or value is None:
        return None
    passed = holding.passed(previous.close, current.close)
    if passed is None:
        return None
    direction = Direction.UP if passed.is_gain else Direction.DOWN
    # Told of the bar before, the passage is this one, which an amendment has moved.
    found = _Found(SignalKind.PRICE_MOVE, direction, passed.detail, once_since=previous.opened_at)
    return _signal(
        found, previous, current, value, market=market, timeframe=Timeframe.M1, holding=holding
    )


def _signal(
    found: _Found,
    previous: IndicatorPoint,
    current: IndicatorPoint,
    value: float,
    *,
    market: Market,
    timeframe: Timeframe,
    holding: Holding | None = None,
) -> Signal:
    return Signal(
        market=market,
        timeframe=timeframe,
        kind=found.kind,
        direction=found.direction,
        opened_at=current.opened_at,
        closed_at=current.closes_at,
        price=current.close,
        value=value,
        level=found.level,
        detail=found.detail,
        point=current,
        previous=previous,
        once_since=found.once_since,
        holding=holding,
    )


def _level(
    _previous: IndicatorPoint,
    _current: IndicatorPoint,
    before: float,
    now: float,
    rules: SignalRules,
) -> _Found | None:
    level, size = None, abs(now)
    was = before if now > 0.0 else -before  # towards the side on which the value is
    for one in rules.levels:
        if was <= one < size and (level is None or one > level):
            level = one
    if level is None:
        return None
    if now < 0.0:
        level = -level
    direction = Direction.UP if level > 0 else Direction.DOWN
    return _Found(SignalKind.LEVEL, direction, f"through {level:+g}", level)


def _crossover(
    previous: IndicatorPoint,
    current: IndicatorPoint,
    before: float,
    now: float,
    _rules: SignalRules,
) -> _Found | None:
    before_signal, now_signal = previous.signal, current.signal
    if before_signal is None or now_signal is None:
        return None
    if before <= before_signal and now > now_signal:
        return _Found(SignalKind.CROSSOVER, Direction.UP, "above signal line")
    if before >= before_signal and now < now_signal:
        return _Found(SignalKind.CROSSOVER, Direction.DOWN, "below signal line")
    return None


def _reversal(
    previous: IndicatorPoint,
    current: IndicatorPoint,
    _before: float,
    now: float,
    _rules: SignalRules,
) -> _Found | None:
    since = current.excursion_since
    if since is None or not current.has_reversed:
        return None
    if previous.has_reversed and previous.excursion_since == since:
        return None
    if now < 0.0:
        detail, direction = f"turning up below -{EXTREME:g}", Direction.UP
    else:
        detail, direction = f"turning down above +{EXTREME:g}", Direction.DOWN
    return _Found(SignalKind.REVERSAL, direction, detail, once_since=since)


def _momentum_shift(
    previous: IndicatorPoint,
    current: IndicatorPoint,
    before: float,
    now: float,
    _rules: SignalRules,
) -> _Found | None:
    left, entered = zone(before), zone(now)
    if left != entered:
        direction = Direction.UP if entered > left else Direction.DOWN
        return _Found(SignalKind.MOMENTUM_SHIFT, direction, f"zone {ZONES[entered]}")
    if previous.trend * current.trend < 0 and min(abs(before), abs(now)) >= BAND:
        direction = Direction.UP if current.trend > 0 else Direction.DOWN
        return _Found(SignalKind.MOMENTUM_SHIFT, direction, f"histogram turns {direction}")
    return None


_LOOKS: tuple[tuple[SignalKind, _Look], ...] = (
    (SignalKind.LEVEL, _level),
    (SignalKind.CROSSOVER, _crossover),
    (SignalKind.REVERSAL, _reversal),
    (SignalKind.MOMENTUM_SHIFT, _momentum_shift),
)
