"""What lists say of an alert row beside its columns.

Rule 1: of the row alone. Its values are JSON that somebody may have written by hand: what is not
    of its kind is not there.
"""

from __future__ import annotations

import math

from trading.alerts.compose import SCAN
from trading.core.modes import SignalKind
from trading.core.rsi import MovingRsi
from trading.core.severity import Severity, severity
from trading.models import SYSTEM, Alert


def rsi_of(alert: Alert) -> float | None:
    """RSI at the close of its candle; None where it is not kept."""
    bar = alert.values.get("bar") if isinstance(alert.values, dict) else None
    value = bar.get(MovingRsi.name) if isinstance(bar, dict) else None
    # A whole number may be too large to be a float.
    return value if isinstance(value, float) and math.isfinite(value) else None


def severity_of(alert: Alert) -> Severity | None:
    """How much the signal matters; None of what is no signal, or of a kind that is not known."""
    if alert.kind not in set(SignalKind):
        return None
    return severity(SignalKind(alert.kind), alert.level)


def scan_of(alert: Alert) -> int | None:
    """Of what tells of a daily scan, the scan's id; None of everything else."""
    if alert.kind != SYSTEM or not isinstance(alert.values, dict):
        return None
    scan = alert.values.get("scan") if alert.values.get("kind") == SCAN else None
    return scan if type(scan) is int else None
