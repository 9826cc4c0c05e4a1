"""Frames that the real exchange sent. Where they come from: tests/payloads/SOURCES.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading.core.market import Side, Trade
from trading.exchanges.coinbase.protocol import CoinbaseProtocol
from trading.exchanges.ports import Event, SequenceGap, ServerTime, Subscriptions

FRAMES = Path(__file__).parents[3] / "payloads" / "coinbase" / "frames.jsonl"

EVENTS: list[list[Event]] = [
    [
        ServerTime(1_761_583_480_175_203),
        Trade("BTC-USD", 892_262_231, 115445.28, 0.00015604, 1_761_583_479_600_153, Side.SELL),
    ],
    [Subscriptions(frozenset()), ServerTime(1_728_025_480_812_675)],
    [SequenceGap(0, 1), ServerTime(1_728_025_480_825_062)],
    [SequenceGap(0, 1), Subscriptions(frozenset()), ServerTime(1_728_025_988_600_625)],
]


@pytest.mark.parametrize(
    ("frame", "events"), list(zip(FRAMES.read_text().splitlines(), EVENTS, strict=True))
)
def test_each_is_told_whole(frame: str, events: list[Event]) -> None:
    protocol = CoinbaseProtocol()
    protocol.subscribe(["BTC-USD"])
    protocol.receive_text(frame)
    assert protocol.events_received() == events
