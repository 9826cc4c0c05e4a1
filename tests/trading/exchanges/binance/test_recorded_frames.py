"""Frames that the real exchange sent. Where they come from: tests/payloads/SOURCES.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading.core.market import Side, Trade
from trading.exchanges.binance import frames
from trading.exchanges.binance.protocol import BinanceProtocol
from trading.exchanges.ports import Event, ServerTime

FRAMES = (Path(__file__).parents[3] / "payloads" / "binance" / "frames.jsonl").read_text()
NATIVES = {"NKN-USDT": "NKNUSDT", "LRC-BTC": "LRCBTC", "BTC-USDT": "BTCUSDT"}

EVENTS: list[list[Event]] = [
    [
        ServerTime(1_633_998_523_963_000),
        Trade("NKN-USDT", 15_683_430, 0.3528, 58.0, 1_633_998_523_963_000, Side.BUY),
    ],
    [ServerTime(1_633_998_523_963_000)],
    [ServerTime(1_633_998_534_486_000)],
    [
        ServerTime(1_633_998_534_486_000),
        Trade("LRC-BTC", 9_213_679, 0.00000638, 177.0, 1_633_998_534_486_000, Side.BUY),
    ],
    [
        ServerTime(1_616_176_861_895_000),
        Trade("BTC-USDT", 640_283_266, 58_942.01, 0.000356, 1_616_176_861_893_000, Side.BUY),
    ],
    [ServerTime(1_653_818_762_502_000)],
]


@pytest.mark.parametrize(("frame", "events"), list(zip(FRAMES.splitlines(), EVENTS, strict=True)))
def test_each_is_told_whole(frame: str, events: list[Event]) -> None:
    protocol = BinanceProtocol(NATIVES)
    protocol.subscribe(NATIVES)
    protocol.receive_text(frame)
    assert protocol.events_received() == events


def test_candle_holds_the_trades_of_its_minute() -> None:
    """The minute of LRC-BTC has one trade; both were recorded."""
    read = [frames.decode(text) for text in FRAMES.splitlines()]
    [kline] = [one for one in read if isinstance(one, frames.Kline) and one.native == "LRCBTC"]
    trades = [one for one in read if isinstance(one, frames.AggregateTrade)]
    inside = [one for one in trades if one.native == "LRCBTC"]

    assert kline.bar.trades == sum(one.last - one.first + 1 for one in inside) == 1
    assert kline.bar.volume == sum(one.size for one in inside) == 177.0
    assert {kline.bar.open, kline.bar.close} == {one.price for one in inside}
