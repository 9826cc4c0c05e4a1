"""What a live page is told beside the status."""

from __future__ import annotations

from typing import Literal

from control.protocol.shape import Wire
from control.protocol.status import BackfillStatus, Cell


class SignalEvent(Wire):
    """On the events channel: a signal fired."""

    type: Literal["signal"] = "signal"
    id: int
    symbol: str
    exchange: str
    timeframe: str
    kind: str
    direction: str
    detail: str
    value: float
    stage: str
    price: float
    closed_at: int
    state: str


class IndicatorEvent(Wire):
    """On the events channel: a closed candle moved one cell of the map."""

    type: Literal["indicator"] = "indicator"
    symbol: str
    exchange: str
    timeframe: str
    cell: Cell
    closed_at: int


class AlertEvent(Wire):
    """On the events channel: an alert's state is another one now, for its deliveries moved."""

    type: Literal["alert"] = "alert"
    id: int
    state: str


class SystemEvent(Wire):
    """On the events channel: a system alert; something of Livermore's own fails, or works again."""

    type: Literal["system"] = "system"
    id: int
    incident: str
    subject: str
    state: Literal["began", "ended"]
    detail: str
    at: int


class LogEvent(Wire):
    """On the events channel: a line of the errors tail, as it comes."""

    type: Literal["log"] = "log"
    at: int
    where: str
    level: Literal["warning", "error"]
    message: str


class BackfillEvent(Wire):
    """On the events channel: a backfill moved or ended."""

    type: Literal["backfill"] = "backfill"
    backfill: BackfillStatus
