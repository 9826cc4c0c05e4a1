"""What the simulated Binance tells has the keys and the JSON types of the real one's frames.

The shapes are written down in our own words from recorded frames of 2021 and 2022 and the vendor's
documentation of 2026.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.trading.simulator.binance import Client, body

AGGREGATE = {
    **dict.fromkeys(("e", "s", "p", "q"), str),
    **dict.fromkeys(("E", "a", "f", "l", "T"), int),
    **dict.fromkeys(("m", "M"), bool),
}
TRADE = {name: kind for name, kind in AGGREGATE.items() if name not in {"a", "f", "l"}} | {"t": int}
BAR = {
    **dict.fromkeys(("s", "i", "o", "h", "l", "c", "v", "q", "V", "Q", "B"), str),
    **dict.fromkeys(("t", "T", "f", "L", "n"), int),
    "x": bool,
}
KLINE = {"e": str, "E": int, "s": str, "k": dict}
ROW = [int, str, str, str, str, str, int, str, int, str, str, str]
DAY = {
    **dict.fromkeys(
        ("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"), str
    ),
    **dict.fromkeys(("lastPrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"), str),
    **dict.fromkeys(("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume"), str),
    **dict.fromkeys(("openTime", "closeTime", "firstId", "lastId", "count"), int),
}
MINI = {"symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"} | {
    *("openTime", "closeTime", "firstId", "lastId", "count"),
}


def shape(told: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in told.items()}


@pytest.mark.parametrize(
    ("stream", "kind"),
    [("btcusdt@aggTrade", AGGREGATE), ("btcusdt@trade", TRADE), ("btcusdt@kline_1m", KLINE)],
)
def test_frame_has_the_shape_of_a_recorded_one(stream: str, kind: dict[str, type]) -> None:
    client = Client()
    client.ask("SUBSCRIBE", stream)
    told = client.wait(60.0)
    assert told
    assert all(frame.keys() == {"stream", "data"} and frame["stream"] == stream for frame in told)
    assert all(shape(frame["data"]) == kind for frame in told)


@pytest.mark.parametrize("interval", ["1s", "1m", "1w", "1M"])
def test_candle_has_the_shape_of_a_recorded_one(interval: str) -> None:
    client = Client()
    client.ask("SUBSCRIBE", f"btcusdt@kline_{interval}")
    bars = [frame["data"]["k"] for frame in client.wait(70.0)]
    assert all(shape(bar) == BAR for bar in bars)
    assert any(bar["x"] for bar in bars) or interval in {"1w", "1M"}
    decimals = {len(bar[name].partition(".")[2]) for bar in bars for name in "ohlcv"}
    assert min(decimals) >= 8


def test_rest_row_has_the_shape_of_a_recorded_one() -> None:
    for interval in ("1s", "1h", "1M"):
        rows = body("/api/v3/klines", symbol="BTCUSDT", interval=interval, limit="5")
        assert [[type(value) for value in row] for row in rows] == [ROW] * 5


def test_day_has_the_shape_of_the_documentation() -> None:
    assert shape(body("/api/v3/ticker/24hr", symbol="BTCUSDT")) == DAY
    assert body("/api/v3/ticker/24hr", symbol="BTCUSDT", type="MINI").keys() == MINI


def test_list_has_the_shape_of_a_recorded_one() -> None:
    told = body("/api/v3/exchangeInfo", symbols='["BTCUSDT","ETHUSDT"]')
    assert shape(told) == {
        "timezone": str,
        "serverTime": int,
        "rateLimits": list,
        "exchangeFilters": list,
        "symbols": list,
    }
    assert [one["symbol"] for one in told["symbols"]] == ["BTCUSDT", "ETHUSDT"]
