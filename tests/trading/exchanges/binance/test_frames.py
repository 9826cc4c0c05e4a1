"""Frames of Binance's WebSocket, one at a time."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from trading.core.errors import Malformed
from trading.exchanges.binance import frames

TRADE = {
    "e": "aggTrade",
    "E": 1_633_998_523_963,
    "s": "NKNUSDT",
    "a": 15_683_430,
    "p": "0.35280000",
    "q": "58.00000000",
    "f": 19_862_790,
    "l": 19_862_791,
    "T": 1_633_998_523_962,
    "m": False,
    "M": True,
}
BAR = {
    "t": 1_633_998_480_000,
    "T": 1_633_998_539_999,
    "s": "NKNUSDT",
    "i": "1m",
    "f": 1,
    "L": 30,
    "o": "0.35270000",
    "c": "0.35280000",
    "h": "0.35290000",
    "l": "0.35220000",
    "v": "25877.00000000",
    "n": 30,
    "x": True,
    "q": "9116.04600000",
    "V": "58.00000000",
    "Q": "20.46240000",
    "B": "0",
}
KLINE = {"e": "kline", "E": 1_633_998_540_007, "s": "NKNUSDT", "k": BAR}


def wrapped(data: Any, stream: str = "nknusdt@aggTrade") -> str:
    return json.dumps({"stream": stream, "data": data})


@pytest.mark.parametrize("text", [wrapped(TRADE), json.dumps(TRADE)], ids=["wrapped", "bare"])
def test_a_trade_is_read_wrapped_or_bare(text: str) -> None:
    trade = frames.decode(text)

    assert isinstance(trade, frames.AggregateTrade)
    assert (trade.native, trade.trade_id, trade.first, trade.last) == (
        "NKNUSDT",
        15_683_430,
        19_862_790,
        19_862_791,
    )
    assert (trade.price, trade.size, trade.buyer_is_maker) == (0.3528, 58.0, False)
    assert (trade.time_ms, trade.traded_ms) == (1_633_998_523_963, 1_633_998_523_962)


def test_a_candle_says_whether_it_is_closed() -> None:
    kline = frames.decode(wrapped(KLINE))

    assert isinstance(kline, frames.Kline)
    assert kline.bar.is_closed
    assert (kline.bar.open, kline.bar.high, kline.bar.low, kline.bar.close) == (
        0.3527,
        0.3529,
        0.3522,
        0.3528,
    )
    assert (kline.bar.volume, kline.bar.trades) == (25_877.0, 30)


@pytest.mark.parametrize("text", [wrapped({"e": "serverShutdown", "E": 1}, "!serverShutdown")])
def test_a_farewell_is_read(text: str) -> None:
    assert isinstance(frames.decode(text), frames.Shutdown)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ('{"result":null,"id":1}', None),
        ('{"result":["btcusdt@aggTrade"],"id":3}', ["btcusdt@aggTrade"]),
        ('{"result":[],"id":3}', []),
    ],
)
def test_an_answer_acknowledges_or_lists(text: str, listed: list[str] | None) -> None:
    answer = frames.decode(text)

    assert isinstance(answer, frames.Other)
    assert not isinstance(answer.result, msgspec.UnsetType)
    assert frames.streams(answer.result) == listed


@pytest.mark.parametrize(
    "text",
    [
        '{"u":499869768,"s":"NKNUSDT","b":"0.35","B":"672.0","a":"0.36","A":"3199.0"}',
        wrapped({"u": 499_869_768, "s": "NKNUSDT", "b": "0.35"}, "nknusdt@bookTicker"),
        wrapped({"e": "depthUpdate", "E": 1, "s": "NKNUSDT", "U": 1, "u": 2, "b": [], "a": []}),
        wrapped([{"e": "24hrMiniTicker"}], "!miniTicker@arr"),
        '{"e":"somethingNew","E":1}',
    ],
)
def test_what_is_not_known_is_tolerated(text: str) -> None:
    assert isinstance(frames.decode(text), frames.Other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "not json",
        b"\xff",
        "[" * 100_000,
        wrapped(TRADE | {"p": "NaN"}),
        wrapped(TRADE | {"p": "0.00000000"}),
        wrapped(TRADE | {"q": "-1"}),
        wrapped(TRADE | {"a": "x"}),
        wrapped(TRADE | {"T": -1}),
        wrapped({"e": "aggTrade", "E": 1}),
        json.dumps(TRADE | {"p": "inf"}),
        wrapped(KLINE | {"k": BAR | {"x": "yes"}}),
    ],
)
def test_what_is_broken_is_refused(text: str | bytes) -> None:
    with pytest.raises(Malformed):
        frames.decode(text)


def test_an_answer_that_lists_something_else_is_refused() -> None:
    with pytest.raises(Malformed, match="null or list"):
        frames.streams(msgspec.Raw(b'{"a":1}'))
