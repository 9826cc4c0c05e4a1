"""What a runtime can look for: its modes, the kinds of signals, and the rules of a desk.

Rule 1: names and figures only. What a kind means is said in :mod:`trading.core.signals`.
Rule 2: nothing here imports another module of the core, so every room may name a mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a user's runtime is for."""

    POSITION_MONITOR = "position-monitor"
    SCALPER_MACDV = "scalper-macdv"
    SCALPER_ORDERBOOK = "scalper-orderbook"

    @property
    def is_implemented(self) -> bool:
        """Whether a runtime can be switched to it."""
        return self is not Mode.SCALPER_ORDERBOOK


class SignalKind(StrEnum):
    """Why an alert may fire."""

    LEVEL = "level"
    CROSSOVER = "crossover"
    REVERSAL = "reversal"
    MOMENTUM_SHIFT = "momentum-shift"
    PRICE_MOVE = "price-move"

    @property
    def indicator(self) -> str | None:
        """The indicator it is made of, as the settings name it; None: of the price alone."""
        return None if self is SignalKind.PRICE_MOVE else "macdv"


DEFAULT_LEVELS = (150.0, 200.0, 250.0, 300.0, 350.0, 400.0)
"""Absolute MACD-V levels, crossed outward on either side of zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRules:
    """Which signals count on one desk, and from where.

    Args:
        kinds: What is looked for.
        levels: Absolute MACD-V values; each stands for both signs.
        cooldown_seconds: Silence after an alert of the same market, timeframe and kind.
        minimum_bars: Real bars (a trade happened) before anything may fire. At 60 bars MACD-V is
            off by up to 7 points, at 100 by 0.7, at 250 by 0.002.
    """

    kinds: frozenset[SignalKind] = frozenset(SignalKind)
    levels: tuple[float, ...] = DEFAULT_LEVELS
    cooldown_seconds: int = 300
    minimum_bars: int = 100
