"""Sessions with KuCoin's WebSocket, in frames shaped after recorded ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import Malformed
from trading.core.market import Side, Trade
from trading.exchanges.kucoin.protocol import SYMBOLS_PER_MESSAGE, KucoinProtocol
from trading.exchanges.ports import (
    AliveAnswered,
    Event,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradesLost,
    VenueError,
)

AT_US = 1_729_843_222_921_000
NATIVES = {"BTC-USDT": "BTC-USDT", "BSV-USDT": "BCHSV-USDT", "1INCH-BTC": "1INCH-BTC"}
WELCOME = json.dumps({"id": "6f1ea7", "type": "welcome"})


def match(sequence: int, native: str = "BTC-USDT", *, at_us: int = AT_US, **more: Any) -> str:
    data = {
        "makerOrderId": "671b5007389355000701b1d3",
        "price": "67523",
        "sequence": str(sequence),
        "side": "buy",
        "size": "0.003",
        "symbol": native,
        "takerOrderId": "671b50161777ff00074c168d",
        "time": f"{at_us}000",
        "tradeId": str(sequence),
        "type": "match",
    } | more
    topic = f"/market/match:{native}"
    return json.dumps({"topic": topic, "type": "message", "subject": "trade.l3match", "data": data})


MINUTE = AT_US // 60_000_000 * 60


def candle(
    kind: str,
    start: int,
    volume: str = "0.003",
    *,
    native: str = "BTC-USDT",
    length: str = "1min",
    told_us: int = AT_US,
) -> str:
    bar = [str(start), "67644.9", "67437.6", "67724.8", "67243.8", volume, "3027558.99"]
    data = {"symbol": native, "candles": bar, "time": told_us * 1_000}
    subject = f"trade.candles.{kind}"
    topic = f"/market/candles:{native}_{length}"
    return json.dumps({"topic": topic, "type": "message", "subject": subject, "data": data})


def ack(number: int | str) -> str:
    return json.dumps({"id": number, "type": "ack"})


def error(number: int, code: int = 404, words: str = "topic is not found") -> str:
    return json.dumps({"id": str(number), "type": "error", "code": code, "data": words})


def listening(*symbols: str) -> KucoinProtocol:
    """A protocol that was welcomed, whose first ping has the number 2."""
    protocol = KucoinProtocol(NATIVES)
    protocol.subscribe(symbols or ("BTC-USDT",))
    protocol.receive_text(WELCOME)
    return protocol


def heard(protocol: KucoinProtocol, *texts: str) -> list[Event]:
    """What the frames mean, without the clock."""
    for text in texts:
        protocol.receive_text(text)
    return [event for event in protocol.events_received() if not isinstance(event, ServerTime)]


def ids(events: Sequence[Event]) -> list[int]:
    return [one.trade_id for one in events if isinstance(one, Trade)]


def has_text(protocol: KucoinProtocol) -> bool:
    return protocol.has_text


def sent(protocol: KucoinProtocol) -> list[dict[str, Any]]:
    return [json.loads(text) for text in protocol.text_to_send()]


def test_nothing_is_sent_before_the_welcome_and_then_first_a_ping() -> None:
    protocol = KucoinProtocol(NATIVES)
    protocol.subscribe(("BTC-USDT", "BSV-USDT"))
    protocol.say_alive()
    assert not has_text(protocol)
    assert sent(protocol) == []

    protocol.receive_text(WELCOME)

    assert has_text(protocol)
    assert sent(protocol) == [
        {"id": "2", "type": "ping"},
        {
            "id": "1",
            "type": "subscribe",
            "topic": "/market/match:BTC-USDT,BCHSV-USDT",
            "privateChannel": False,
            "response": True,
        },
    ]
    assert not has_text(protocol)
    assert protocol.asked == {"BTC-USDT", "BSV-USDT"}


def test_sign_of_life_is_a_ping_with_a_number_of_its_own() -> None:
    protocol = listening()
    sent(protocol)

    protocol.say_alive()
    protocol.say_alive()

    assert sent(protocol) == [{"id": "3", "type": "ping"}, {"id": "4", "type": "ping"}]


def test_answer_to_the_newest_sign_of_life_alone_is_told_as_such() -> None:
    protocol = listening()
    protocol.say_alive()
    protocol.say_alive()
    first, newest = (one["id"] for one in sent(protocol)[-2:])
    protocol.events_received()

    told = []
    for number in ("2", first, newest):
        protocol.receive_text(json.dumps({"id": number, "type": "pong"}))
        told.append(protocol.events_received())
    assert told == [[], [], [AliveAnswered()]]


def test_pong_tells_the_clock_where_it_has_one() -> None:
    protocol = listening()
    for pong in ({"timestamp": AT_US}, {}, {"timestamp": AT_US // 1_000}):
        protocol.receive_text(json.dumps({"id": "2", "type": "pong"} | pong))

    assert protocol.events_received() == [ServerTime(AT_US)]


def test_more_than_a_hundred_symbols_are_asked_for_in_several_messages() -> None:
    natives = {f"C{number}-USDT": f"C{number}-USDT" for number in range(250)}
    protocol = KucoinProtocol(natives)
    protocol.subscribe(natives)
    protocol.receive_text(WELCOME)

    asked = [one["topic"].count(",") + 1 for one in sent(protocol) if one["type"] == "subscribe"]

    assert asked == [SYMBOLS_PER_MESSAGE, SYMBOLS_PER_MESSAGE, 50]


def test_symbol_without_an_id_is_not_asked_for_until_it_has_one() -> None:
    natives: dict[str, str] = {}
    protocol = KucoinProtocol(natives)
    protocol.receive_text(WELCOME)
    protocol.subscribe(("NEW-USDT",))
    assert protocol.asked == frozenset()

    natives["NEW-USDT"] = "OLD-USDT"
    protocol.subscribe(("NEW-USDT",))

    assert sent(protocol)[-1]["topic"] == "/market/match:OLD-USDT"


def test_what_is_acknowledged_is_received() -> None:
    protocol = listening("BTC-USDT", "BSV-USDT")

    assert heard(protocol, ack("1")) == [Subscriptions(frozenset({"BTC-USDT", "BSV-USDT"}))]
    assert heard(protocol, ack("1"), ack("77")) == []

    assert sent(protocol)[-1]["topic"] == "/market/candles:BTC-USDT_1min,BCHSV-USDT_1min"
    assert heard(protocol, ack("3")) == []
    protocol.unsubscribe(("BTC-USDT", "NOSUCH-USDT"))
    assert [one["topic"] for one in sent(protocol)] == [
        "/market/match:BTC-USDT",
        "/market/candles:BTC-USDT_1min",
    ]
    assert heard(protocol, ack(4)) == [Subscriptions(frozenset({"BSV-USDT"}))]


def test_acknowledgement_does_not_vouch_for_what_was_left_meanwhile() -> None:
    protocol = listening("BTC-USDT", "BSV-USDT")
    protocol.unsubscribe(("BTC-USDT",))

    assert heard(protocol, ack("1")) == [Subscriptions(frozenset({"BSV-USDT"}))]


def test_message_with_an_unknown_symbol_is_asked_again_in_halves() -> None:
    protocol = listening("BTC-USDT", "BSV-USDT", "1INCH-BTC")
    sent(protocol)

    assert heard(protocol, error(1)) == []
    assert [one["topic"] for one in sent(protocol)] == [
        "/market/match:BTC-USDT",
        "/market/match:BCHSV-USDT,1INCH-BTC",
    ]

    events = heard(protocol, ack("3"), error(4), error(6), ack("7"))
    assert events == [
        Subscriptions(frozenset({"BTC-USDT"})),
        VenueError("404 topic is not found"),
        Subscriptions(frozenset({"BTC-USDT", "1INCH-BTC"})),
    ]


@pytest.mark.parametrize("code", [400, 401, 500, 509])
def test_other_refusals_are_told_and_not_repeated(code: int) -> None:
    protocol = listening("BTC-USDT", "BSV-USDT")
    sent(protocol)

    assert heard(protocol, error(1, code, "no")) == [VenueError(f"{code} no")]
    assert not has_text(protocol)


def test_trades_are_told_by_our_symbol_each_after_the_one_before() -> None:
    protocol = listening("BSV-USDT")
    native = "BCHSV-USDT"

    events = heard(
        protocol, match(70, native), match(73, native, side="sell", price="60000.1", size="2")
    )

    assert events == [
        Trade("BSV-USDT", 70, 67_523.0, 0.003, AT_US, Side.BUY, 0),
        Trade("BSV-USDT", 73, 60_000.1, 2.0, AT_US, Side.SELL, 70),
    ]


def test_first_trade_of_a_connection_without_a_clock_brings_it() -> None:
    protocol = listening()
    protocol.receive_text(match(1))
    protocol.receive_text(match(2, at_us=AT_US + 200_000))

    kinds = [type(event) for event in protocol.events_received()]

    assert kinds == [ServerTime, Trade, Trade, ServerTime]


@given(st.lists(st.integers(1, 40), max_size=60))
def test_a_trade_is_told_once_and_ids_rise(sequences: list[int]) -> None:
    protocol = listening()

    told = [
        one
        for one in heard(protocol, *(match(sequence) for sequence in sequences))
        if isinstance(one, Trade)
    ]

    assert all(later.follows == earlier.trade_id for earlier, later in pairwise(told))
    assert all(earlier.trade_id < later.trade_id for earlier, later in pairwise(told))
    assert {one.trade_id for one in told} >= {max(sequences, default=0)} - {0}


def test_trades_of_others_are_left_out() -> None:
    protocol = listening()

    assert heard(protocol, match(1, "ETH-USDT")) == []
    protocol.unsubscribe(("BTC-USDT",))
    assert heard(protocol, match(2)) == []


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([("add", 60, "0"), ("add", 120, "0.003")], id="two at once"),
        pytest.param([("add", 120, "0.003"), ("update", 60, "0")], id="late"),
        pytest.param([("add", 120, "0.003"), ("update", 120, "0.003")], id="twice"),
        pytest.param([("add", 120, "0.001")], id="of a moment before"),
    ],
)
def test_candles_that_hold_what_was_heard_tell_nothing(told: list[tuple[str, int, str]]) -> None:
    protocol = listening()
    at_us = (MINUTE + 120) * 1_000_000
    heard(protocol, match(3), match(6, at_us=at_us))

    assert heard(protocol, *(candle(kind, MINUTE + start, v) for kind, start, v in told)) == []


def test_candle_that_holds_more_than_was_heard_says_that_trades_are_lost_and_says_it_once() -> None:
    protocol = listening()
    start, at_us = MINUTE + 60, (MINUTE + 70) * 1_000_000
    heard(protocol, match(3), match(6, at_us=at_us))
    more = candle("add", start, "0.0031", told_us=at_us + 1_500_000)

    assert heard(protocol, more, more) == [
        TradesLost("BTC-USDT", start * 1_000_000, at_us + 1_500_000)
    ]
    later = candle("update", start, "0.0041", told_us=at_us + 70_000_000)
    assert heard(protocol, later) == [
        TradesLost("BTC-USDT", start * 1_000_000, (start + 60) * 1_000_000 - 1)
    ]


def test_first_minute_of_a_market_and_other_lengths_and_others_candles_prove_nothing() -> None:
    protocol = listening()

    assert heard(
        protocol,
        match(3),
        candle("update", MINUTE, "9"),
        candle("update", MINUTE + 60, "9", length="1hour"),
        candle("update", MINUTE + 60, "9", native="ETH-USDT"),
    ) == [Trade("BTC-USDT", 3, 67_523.0, 0.003, AT_US, Side.BUY)]


def test_renewal_leaves_and_asks_again_and_trusts_no_number_across() -> None:
    protocol = listening("BTC-USDT", "BSV-USDT")
    heard(protocol, ack("1"), match(9))
    sent(protocol)

    protocol.renew(("BTC-USDT", "NOSUCH-USDT"))

    assert [(one["type"], one["topic"]) for one in sent(protocol)] == [
        ("unsubscribe", "/market/match:BTC-USDT"),
        ("unsubscribe", "/market/candles:BTC-USDT_1min"),
        ("subscribe", "/market/match:BTC-USDT"),
    ]
    assert heard(protocol) == [Subscriptions(frozenset({"BSV-USDT"}))]
    both = Subscriptions(frozenset({"BTC-USDT", "BSV-USDT"}))
    assert heard(protocol, ack("4"), ack("6"), match(12)) == [
        Subscriptions(frozenset({"BSV-USDT"})),
        both,
        Trade("BTC-USDT", 12, 67_523.0, 0.003, AT_US, Side.BUY, 0),
    ]


def test_overheard_trades_are_told_by_the_names_there_are() -> None:
    protocol = KucoinProtocol(NATIVES)
    protocol.overhear()

    events = heard(protocol, ack("5"), match(1, "BCHSV-USDT"), match(1, "ETH-USDT"))

    assert [one.symbol for one in events if isinstance(one, Trade)] == ["BSV-USDT", "ETH-USDT"]
    assert len(events) == 2


def test_next_connection_of_a_recording_is_a_loss_and_begins_anew() -> None:
    protocol = KucoinProtocol()
    protocol.overhear()

    events = heard(protocol, WELCOME, match(8), WELCOME, match(3))

    assert [type(event) for event in events] == [Trade, SequenceGap, Trade]
    assert ids(events) == [8, 3]


@pytest.mark.parametrize("text", ["{", match(1, price="0")])
def test_nonsense_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        listening().receive_text(text)
