"""Statuses for the tests of what shows them."""

from __future__ import annotations

from typing import Any

from control.protocol import (
    Cell,
    Counts,
    DataPlane,
    Desired,
    ExchangeStatus,
    RuntimeStatus,
    State,
    SymbolStatus,
    now_ms,
)


def a_status(sub: str, **changes: Any) -> RuntimeStatus:
    """A plain running status of a user, made now; ``changes`` replace its fields."""
    now = now_ms()
    facts: dict[str, Any] = {
        "sub": sub,
        "state": State.RUNNING,
        "epoch": 1,
        "state_version": 1,
        "mode": "scalper-macdv",
        "started_at": now - 60_000,
        "since": now - 60_000,
        "at": now,
        "heartbeat_ms": 2_000,
        "settings_revision": 7,
        "worker": "tests",
        "desired": Desired(is_paused=False, mode="scalper-macdv", revision=0),
        "data_plane": DataPlane(state="turning", beat_age_ms=40),
        "counts": Counts(
            watched=1, stale=0, signals_today=2, alerts_waiting=0, trades=1234, candles_closed=5
        ),
        "timeframes": ["1m", "1h"],
        "exchanges": [
            ExchangeStatus(name="coinbase", label="Coinbase", state="connected", subscriptions=1)
        ],
        "symbols": [
            SymbolStatus(
                symbol="BTC-USD",
                exchange="coinbase",
                live="receiving",
                tf={
                    "1m": Cell(v=-151.4, s=-100.0, h=-51.4, stage="risk-oversold"),
                    "1h": Cell(stage="warming up"),
                },
            )
        ],
        "errors": [],
    }
    return RuntimeStatus(**{**facts, **changes})
