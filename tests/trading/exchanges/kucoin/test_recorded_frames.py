"""Frames that the real exchange sent. Where they come from: tests/payloads/SOURCES.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading.core.market import Side, Trade
from trading.exchanges.kucoin.protocol import KucoinProtocol
from trading.exchanges.ports import Event, ServerTime

FRAMES = Path(__file__).parents[3] / "payloads" / "kucoin" / "frames.jsonl"

EVENTS: list[list[Event]] = [
    [
        ServerTime(1_616_362_370_760_468),
        Trade("BTC-USDT", 1_614_503_482_134, 57_659.6, 0.00013064, 1_616_362_370_760_468, Side.BUY),
    ],
    [
        ServerTime(1_729_843_222_921_000),
        Trade("BTC-USDT", 11_067_996_711_960_577, 67_523.0, 0.003, 1_729_843_222_921_000, Side.BUY),
    ],
    [],
    [],
]


@pytest.mark.parametrize(
    ("frame", "events"), list(zip(FRAMES.read_text().splitlines(), EVENTS, strict=True))
)
def test_each_is_told_whole_and_candles_are_left_out(frame: str, events: list[Event]) -> None:
    protocol = KucoinProtocol({"BTC-USDT": "BTC-USDT"})
    protocol.subscribe(["BTC-USDT"])
    protocol.receive_text(frame)
    assert protocol.events_received() == events
