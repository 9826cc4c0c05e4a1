"""What the control panel shows, as far as the server can say it.

Rule 1: reads only. What a page sends goes through :mod:`control.pages.control`.
Rule 2: a page without JavaScript shows the moment it was made; so moments are written as clock
    times here, and it is the browser's modules that turn them into ages which tick.
Rule 3: what cannot be known is not shown as if it were: with Redis away the state is "unknown",
    which is not "offline".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from redis.exceptions import RedisError

from control import client
from control.alerts import signal_event
from control.heard import Heard
from control.positions.held import held_by, readings_of, told
from control.protocol import (
    Cell,
    Desired,
    HistoryEntry,
    RuntimeStatus,
    SignalEvent,
    SymbolStatus,
)
from control.templatetags.livermore import elsewhere
from settings_app import desired
from settings_app.models import User
from trading.core.indicators import INDICATORS, MACD_V
from trading.core.market import Timeframe
from trading.core.modes import Mode
from trading.exchanges.registry import EXCHANGES
from trading.models import Alert

log = structlog.get_logger(__name__)

SIGNALS = 30
COMMANDS = 12
ONE_COLUMN = 16  # so few symbols have the width of the map for themselves

MODES = {
    Mode.POSITION_MONITOR: "Watches the symbols you hold a position in.",
    Mode.SCALPER_MACDV: "Watches the enabled symbols of your watchlist on every timeframe.",
    Mode.SCALPER_ORDERBOOK: "Would watch order books.",
}


class HeatCell(NamedTuple):
    """One cell of the map.

    Args:
        gauge: What it shows where MACD-V is not enabled: the first indicator that is.
    """

    timeframe: str
    cell: Cell
    gauge: float | None


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One symbol of the map, its cells in the order of the timeframes."""

    symbol: SymbolStatus
    cells: tuple[HeatCell, ...]


def context(user: User, heard: Heard) -> dict[str, Any]:
    """Everything that the panel's template asks for."""
    row = desired.read_desired(user.pk)
    wanted = Desired(is_paused=row.is_paused, mode=row.mode, revision=row.revision)
    signals = latest_signals(user)
    history = latest_commands(user, heard)
    status = heard.status
    return {
        "heard": heard,
        "hindrance": desired.hindrance(user.pk) if heard.state == "offline" else None,
        "status": status,
        "wanted": wanted,
        "differences": differences(status, wanted) if status else [],
        **heat_map(status),
        **portfolio(user, status),
        "signals": signals,
        "history": history,
        "modes": MODES.items(),
        "all_timeframes": tuple(map(str, Timeframe)),
        "exchanges": [(name, one.label) for name, one in EXCHANGES.items()],
        "enables_exchange": user.enables_exchange,
        "boot": {
            "enablesExchange": user.enables_exchange,
            "status": status.to_dict() if status else None,
            "reachable": heard.is_reachable,
            "desired": wanted.to_dict(),
            "signals": [signal.to_dict() for signal in signals],
            "history": [entry.to_dict() for entry in history],
        },
    }


def latest_signals(user: User) -> list[SignalEvent]:
    """The user's last signals, in the shape in which new ones arrive.

    By the close of their candle, newest first: what a pause or a restart has missed is told late
    and stands at its own moment. ``lists.js`` puts those that arrive at the same place.
    """
    alerts = Alert.objects.signals().filter(user=user).order_by("-candle_closed_at", "-id")
    return [signal_event(alert) for alert in alerts[:SIGNALS]]


def latest_commands(user: User, heard: Heard) -> tuple[HistoryEntry, ...]:
    """The user's last commands with their answers, newest first; none while Redis is away."""
    if not heard.is_reachable:
        return ()
    try:
        return client.history(user, limit=COMMANDS).entries
    except RedisError as exc:
        log.warning("panel.history_unknown", sub=user.sub, reason=str(exc))
        return ()


def differences(status: RuntimeStatus, wanted: Desired) -> list[str]:
    """In words, what is recorded and not yet applied."""
    is_paused = status.state == "paused"
    words = []
    if wanted.is_paused and not is_paused:
        words.append("pause")
    if not wanted.is_paused and is_paused:
        words.append("resume")
    if wanted.mode != status.mode:
        words.append(f"switch to {wanted.mode}")
    return words


def portfolio(user: User, status: RuntimeStatus | None) -> dict[str, Any]:
    """What is held and how reading it goes: by the status, and without one by PostgreSQL."""
    positions = status.held if status else None
    if positions is None:
        positions = told(held_by(user.pk), None)
    return {
        "positions": positions,
        "readings": status.positions if status else readings_of(user.pk),
    }


def heat_map(status: RuntimeStatus | None) -> dict[str, Any]:
    """What the map's template asks for; it shows the first indicator that is enabled."""
    enabled = status.indicators if status else {}
    name = next(iter(enabled), MACD_V)
    return {
        "map_title": enabled.get(name, INDICATORS[MACD_V]),
        "has_legend": name == MACD_V,  # its colours are MACD-V's
        "has_venues": any(map(elsewhere, status.symbols)) if status else False,
        "timeframes": status.timeframes if status else [],
        "blocks": heat_blocks(status) if status else [[], []],
    }


def heat_blocks(status: RuntimeStatus) -> list[Sequence[HeatRow]]:
    """The map's rows in two columns, in the order of the watchlist."""
    name = next(iter(status.indicators), MACD_V)
    rows = [
        HeatRow(symbol, tuple(_heat_cell(symbol, tf, name) for tf in status.timeframes))
        for symbol in status.symbols
    ]
    if len(rows) <= ONE_COLUMN:
        return [rows, []]
    half = (len(rows) + 1) // 2
    return [rows[:half], rows[half:]]


def _heat_cell(symbol: SymbolStatus, timeframe: str, indicator: str) -> HeatCell:
    cell = symbol.tf.get(timeframe) or Cell(stage="warming up")
    return HeatCell(timeframe, cell, (cell.g or {}).get(indicator))
