"""KuCoin's frames: what is taken of them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import Malformed
from trading.exchanges.kucoin import frames


def match(**more: Any) -> dict[str, Any]:
    """Shaped after recorded ones."""
    data = {
        "makerOrderId": "671b5007389355000701b1d3",
        "price": "67523",
        "sequence": "11067996711960577",
        "side": "buy",
        "size": "0.003",
        "symbol": "BTC-USDT",
        "takerOrderId": "671b50161777ff00074c168d",
        "time": "1729843222921000000",
        "tradeId": "11067996711960577",
        "type": "match",
    } | more
    topic = f"/market/match:{data['symbol']}"
    return {"topic": topic, "type": "message", "subject": "trade.l3match", "data": data}


def test_match_is_read_with_its_numbers() -> None:
    assert frames.decode(json.dumps(match())) == frames.Matched(
        frames.Match(
            symbol="BTC-USDT",
            sequence=11_067_996_711_960_577,
            side="buy",
            size=0.003,
            price=67_523.0,
            time=1_729_843_222_921_000_000,
        )
    )


def test_match_of_the_older_kind_is_read_by_its_sequence() -> None:
    frame = frames.decode(
        json.dumps(match(sequence="1614503482134", tradeId="6057bb822e113d292396c272"))
    )

    assert isinstance(frame, frames.Matched)
    assert frame.data.sequence == 1_614_503_482_134


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "0"},
        {"price": "-1"},
        {"price": "NaN"},
        {"price": "1e40"},
        {"size": "-0.1"},
        {"sequence": "-1"},
        {"sequence": "6057bb822e113d292396c272"},
        {"side": "both"},
        {"time": "soon"},
        {"time": None},
        {"symbol": None},
    ],
)
def test_corrupt_match_drops_the_connection(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=r"kucoin: trade\.l3match"):
        frames.decode(json.dumps(match(**wrong)))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '"ack"', "\xff", "[" * 5_000])
def test_what_is_no_object_drops_the_connection(text: str) -> None:
    with pytest.raises(Malformed):
        frames.decode(text.encode("latin-1"))


@pytest.mark.parametrize(
    "frame",
    [
        {"id": "hQvf8jkno", "type": "welcome"},
        {"id": "1", "type": "ack"},
        {"id": 1, "type": "ack"},
        {"id": "1", "type": "pong", "timestamp": 1_729_843_222_921_000},
        {"type": "message", "topic": "/market/ticker:all", "subject": "BTC-USDT", "data": {}},
        {"type": "notice", "topic": "/elsewhere", "subject": "new", "data": [1]},
        {},
    ],
)
def test_other_frames_are_read_as_they_are(frame: dict[str, Any]) -> None:
    told = frames.decode(json.dumps(frame))

    assert isinstance(told, frames.Other)
    assert told.type == frame.get("type", "")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            {"code": 404, "data": "topic /market/xyz:A is not found"},
            "404 topic /market/xyz:A is not found",
        ),
        ({"code": "509", "data": "exceed max\nsession"}, "509 exceed max session"),
        ({"code": 401, "data": {"no": "text"}}, "401"),
        ({}, "an error without words"),
    ],
)
def test_error_is_told_in_the_venues_words_on_one_line(frame: dict[str, Any], words: str) -> None:
    error = frames.decode(json.dumps({"type": "error", "id": "1"} | frame))

    assert isinstance(error, frames.Other)
    assert frames.words(error) == words


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_data_of_a_subject_that_is_not_known_may_be_anything(data: Any) -> None:
    frame = frames.decode(json.dumps({"type": "message", "subject": "trade.x", "data": data}))

    assert isinstance(frame, frames.Other)
