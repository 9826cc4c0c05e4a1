"""How much a signal matters, in three steps.

==============  ====================================================
severity        signals
==============  ====================================================
info            momentum shifts
notice          crossovers, and levels below ±250
urgent          reversals, levels from ±250 on, price moves of a position
==============  ====================================================
"""

from __future__ import annotations

from enum import StrEnum

from trading.core.modes import SignalKind

URGENT_LEVEL = 250.0


class Severity(StrEnum):
    """How much a signal matters, least first."""

    INFO = "info"
    NOTICE = "notice"
    URGENT = "urgent"


_OF_KIND = {
    SignalKind.MOMENTUM_SHIFT: Severity.INFO,
    SignalKind.CROSSOVER: Severity.NOTICE,
    SignalKind.LEVEL: Severity.NOTICE,
    SignalKind.REVERSAL: Severity.URGENT,
    SignalKind.PRICE_MOVE: Severity.URGENT,
}


def kinds_of(wanted: Severity) -> frozenset[SignalKind]:
    """The kinds whose signals matter so much; levels are where they do not reach the urgent one."""
    return frozenset(kind for kind, step in _OF_KIND.items() if step is wanted)


def severity(kind: SignalKind, level: float | None) -> Severity:
    """How much a signal matters; ``level`` is the MACD-V that it crossed, if it crossed one."""
    if kind is SignalKind.LEVEL and level is not None and abs(level) >= URGENT_LEVEL:
        return Severity.URGENT
    return _OF_KIND[kind]
