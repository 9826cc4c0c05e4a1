"""Every frame and body has the fields and JSON types that production's have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.trading.simulator import shapes
from tests.trading.simulator.worlds import NOW, NOW_US, decoded, moment, world
from trading.simulator.venues.coinbase.session import CADENCES, CoinbaseSession
from trading.simulator.venues.coinbase.venue import Coinbase
from trading.simulator.venues.ports import Ask

BASE = "/api/v3/brokerage/market"


def frames() -> list[dict[str, Any]]:
    """A minute on every channel, an error, and the end of all subscriptions."""
    session = CoinbaseSession(world(), moment(), uptime=139_651)
    told: list[dict[str, Any]] = []

    def ask(kind: str, channel: str) -> None:
        message = {"type": kind, "channel": channel, "product_ids": ["BTC-USD", "DOGE-USDC"]}
        told.extend(decoded(session.receive(json.dumps(message), moment())))

    for channel in [*CADENCES, "nonsense"]:
        ask("subscribe", channel)
    for second in range(1, 61):
        at = moment(NOW_US + second * 1_000_000, 1_000.0 + second)
        told.extend(decoded(session.advance(at, frozenset())))
    for channel in CADENCES:
        ask("unsubscribe", channel)
    return told


@pytest.mark.parametrize("channel", shapes.FRAMES)
def test_frames_have_the_shape_of_production(channel: str) -> None:
    of_kind = [f for f in frames() if f.get("channel", f.get("type", "")) == channel]
    assert of_kind
    for frame in of_kind:
        assert shapes.differences(frame, shapes.FRAMES[channel]) == []


def test_every_kind_of_frame_is_in_the_table() -> None:
    kinds = {frame["channel"] if "channel" in frame else frame["type"] for frame in frames()}
    assert kinds == set(shapes.FRAMES)


def test_updates_and_snapshots_are_both_among_them() -> None:
    kinds = {(f["channel"], f["events"][0].get("type")) for f in frames() if "channel" in f}
    for channel in ("market_trades", "ticker", "ticker_batch", "candles", "l2_data", "status"):
        assert {(channel, "snapshot"), (channel, "update")} <= kinds


WINDOW = (("start", str(NOW - 600)), ("end", str(NOW)), ("granularity", "ONE_MINUTE"))


@pytest.mark.parametrize(
    ("path", "query", "status", "shape"),
    [
        ("/products", (), 200, shapes.PRODUCTS),
        ("/products", (("get_all_products", "true"),), 200, shapes.PRODUCTS),
        ("/products", (("product_type", "OPTIONS"),), 400, shapes.ERROR),
        ("/products/BTC-USD", (), 200, shapes.PRODUCT),
        ("/products/REN-USD", (), 200, shapes.PRODUCT),
        ("/products/BIP-20DEC30-CDE", (), 200, shapes.FUTURE),
        ("/products/BTC-PERP-INTX", (), 200, shapes.FUTURE),
        ("/products/NOPE-USD", (), 404, shapes.ERROR_NOT_FOUND),
        ("/products/BTC-USD/candles", WINDOW, 200, shapes.REST_CANDLES),
        ("/products/BTC-USD/candles", (), 400, shapes.ERROR),
        ("/products/BTC-USD/ticker", (("limit", "5"),), 200, shapes.REST_TICKER),
        ("/product_book", (("product_id", "BTC-USD"),), 200, shapes.PRODUCT_BOOK),
    ],
)
def test_bodies_have_the_shape_of_production(
    path: str, query: tuple[tuple[str, str], ...], status: int, shape: Any
) -> None:
    answer = Coinbase(world()).answer(Ask(method="GET", path=BASE + path, query=query), moment())
    assert answer.status == status
    assert shapes.differences(json.loads(answer.body), shape) == []


def test_time_and_rate_limit_have_the_shape_of_production() -> None:
    venue = Coinbase(world())
    told = venue.answer(Ask(method="GET", path="/api/v3/brokerage/time"), moment())
    assert shapes.differences(json.loads(told.body), shapes.TIME) == []
    assert shapes.differences(json.loads(venue.throttled().body), shapes.ERROR_RATE) == []


def test_a_departure_from_the_table_is_found() -> None:
    good = {"iso": "", "epochSeconds": "1", "epochMillis": "1"}
    assert shapes.differences(good, shapes.TIME) == []
    assert shapes.differences(good | {"epochSeconds": 1}, shapes.TIME) != []
    assert shapes.differences(good | {"more": ""}, shapes.TIME) == ["$.more: unknown"]
    assert shapes.differences({}, shapes.TIME) != []
