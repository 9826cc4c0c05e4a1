"""Sessions with Binance's WebSocket, in frames shaped after recorded ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.clock import ServerClock
from trading.core.errors import Malformed
from trading.core.market import Side, Trade
from trading.exchanges.binance.protocol import STREAMS_PER_MESSAGE, BinanceProtocol
from trading.exchanges.ports import (
    Event,
    Farewell,
    ServerTime,
    Subscriptions,
    TradeGap,
    VenueError,
)

AT_MS = 1_633_998_523_963
NATIVES = {
    "BTC-USDT": "BTCUSDT",
    "ETH-USDT": "ETHUSDT",
    "NKN-USDT": "NKNUSDT",
    "1INCH-BTC": "1INCHBTC",
}
CLOCKS = ["btcusdt@kline_1s", "ethusdt@kline_1s"]


def trade(trade_id: int, native: str = "NKNUSDT", **more: Any) -> str:
    data = {
        "e": "aggTrade",
        "E": AT_MS,
        "s": native,
        "a": trade_id,
        "p": "0.35280000",
        "q": "58.00000000",
        "f": trade_id * 2,
        "l": trade_id * 2 + 1,
        "T": AT_MS - 1,
        "m": False,
        "M": True,
    } | more
    return json.dumps({"stream": f"{native.lower()}@aggTrade", "data": data})


def second(at_ms: int = AT_MS) -> str:
    bar = {"t": at_ms, "s": "BTCUSDT", "i": "1s", "o": "1", "h": "1", "l": "1", "c": "1"}
    bar |= {"v": "0", "n": 0, "x": True, "f": -1, "L": -1}
    data = {"e": "kline", "E": at_ms, "s": "BTCUSDT", "k": bar}
    return json.dumps({"stream": "btcusdt@kline_1s", "data": data})


def ack(number: int, result: list[str] | None = None) -> str:
    return json.dumps({"result": result, "id": number})


def listening(*symbols: str) -> BinanceProtocol:
    protocol = BinanceProtocol(NATIVES)
    protocol.subscribe(symbols or ("NKN-USDT",))
    return protocol


def heard(protocol: BinanceProtocol, *texts: str) -> list[Event]:
    """What the frames mean, without the clock."""
    for text in texts:
        protocol.receive_text(text)
    return [event for event in protocol.events_received() if not isinstance(event, ServerTime)]


def ids(events: Sequence[Event]) -> list[int]:
    return [one.trade_id for one in events if isinstance(one, Trade)]


def sent(protocol: BinanceProtocol) -> list[dict[str, Any]]:
    return [json.loads(text) for text in protocol.text_to_send()]


def test_first_message_asks_for_the_clock_and_the_trades() -> None:
    protocol = listening("NKN-USDT", "1INCH-BTC")

    assert sent(protocol) == [
        {
            "method": "SUBSCRIBE",
            "id": 1,
            "params": [*CLOCKS, "nknusdt@aggTrade", "1inchbtc@aggTrade"],
        }
    ]
    assert sent(protocol) == []
    assert protocol.asked == {"NKN-USDT", "1INCH-BTC"}


def test_idle_connection_asks_for_the_clock_once() -> None:
    protocol = BinanceProtocol(NATIVES)
    protocol.subscribe(())
    protocol.subscribe(())

    assert [message["params"] for message in sent(protocol)] == [CLOCKS]


def test_clock_is_of_two_markets_so_that_none_stops_it_alone() -> None:
    protocol = BinanceProtocol({"ETH-USDT": "ETHUSDT", "NKN-USDT": "NKNUSDT"})
    protocol.subscribe(["NKN-USDT"])
    assert sent(protocol)[0]["params"] == ["ethusdt@kline_1s", "nknusdt@aggTrade"]


def test_another_market_is_the_clock_where_the_usual_ones_are_not_listed() -> None:
    natives: dict[str, str] = {}
    protocol = BinanceProtocol(natives)
    protocol.subscribe(())
    assert sent(protocol) == []

    natives["ADA-EUR"] = "ADAEUR"
    protocol.subscribe(["ADA-EUR"])

    assert [m["params"] for m in sent(protocol)] == [["adaeur@kline_1s", "adaeur@aggTrade"]]


def test_idle_connection_has_a_clock_wherever_anything_trades() -> None:
    protocol = BinanceProtocol({"ADA-EUR": "ADAEUR"})
    protocol.subscribe(())

    assert [message["params"] for message in sent(protocol)] == [["adaeur@kline_1s"]]


def test_symbol_without_an_id_is_not_asked_for_and_never_told_as_received() -> None:
    protocol = listening("NKN-USDT", "DELISTED-USDT")

    assert sent(protocol)[0]["params"] == [*CLOCKS, "nknusdt@aggTrade"]
    assert heard(protocol, ack(1)) == [Subscriptions(frozenset({"NKN-USDT"}))]


def test_trade_that_comes_first_on_a_connection_is_believed_by_its_own_frame() -> None:
    protocol, clock = listening(), ServerClock()
    protocol.receive_text(trade(1))

    told, first, *_ = protocol.events_received()

    assert isinstance(told, ServerTime)
    assert isinstance(first, Trade)
    clock.hear(told.time_us)
    assert clock.allows(first.time_us)


def test_asking_again_asks_for_what_is_new() -> None:
    protocol = listening("NKN-USDT")
    sent(protocol)

    protocol.subscribe(["NKN-USDT", "1INCH-BTC", "1INCH-BTC"])

    assert [message["params"] for message in sent(protocol)] == [["1inchbtc@aggTrade"]]


def test_many_streams_are_asked_for_in_several_messages() -> None:
    natives = {f"A{i}-USDT": f"A{i}USDT" for i in range(2 * STREAMS_PER_MESSAGE)}
    protocol = BinanceProtocol(natives)
    protocol.subscribe(natives)

    params = [message["params"] for message in sent(protocol)]

    assert [len(some) for some in params] == [STREAMS_PER_MESSAGE, STREAMS_PER_MESSAGE, 1]


def test_unsubscribing_names_only_what_was_asked_for() -> None:
    protocol = listening("NKN-USDT", "1INCH-BTC")
    sent(protocol)

    protocol.unsubscribe(["1INCH-BTC", "BTC-USDT"])
    protocol.unsubscribe(["1INCH-BTC"])

    assert sent(protocol) == [{"method": "UNSUBSCRIBE", "id": 2, "params": ["1inchbtc@aggTrade"]}]
    assert protocol.asked == {"NKN-USDT"}


def test_each_acknowledgement_adds_what_its_message_asked_for() -> None:
    protocol = listening("NKN-USDT")
    protocol.subscribe(["1INCH-BTC"])

    assert heard(protocol, ack(2)) == [Subscriptions(frozenset({"1INCH-BTC"}))]
    assert heard(protocol, ack(1)) == [Subscriptions(frozenset({"NKN-USDT", "1INCH-BTC"}))]


def test_older_acknowledgement_does_not_vouch_for_what_was_left_since() -> None:
    protocol = listening("NKN-USDT")
    protocol.unsubscribe(["NKN-USDT"])
    protocol.subscribe(["NKN-USDT"])

    assert heard(protocol, ack(1), ack(2)) == [Subscriptions(frozenset())] * 2
    assert heard(protocol, ack(3)) == [Subscriptions(frozenset({"NKN-USDT"}))]


def test_renewing_leaves_asks_again_and_asks_for_the_list() -> None:
    protocol = listening("NKN-USDT", "1INCH-BTC")
    heard(protocol, ack(1), trade(5))
    sent(protocol)

    protocol.renew(["NKN-USDT", "BTC-USDT"])

    assert protocol.events_received() == [Subscriptions(frozenset({"1INCH-BTC"}))]
    assert sent(protocol) == [
        {"method": "UNSUBSCRIBE", "id": 2, "params": ["nknusdt@aggTrade"]},
        {"method": "SUBSCRIBE", "id": 3, "params": ["nknusdt@aggTrade"]},
        {"method": "LIST_SUBSCRIPTIONS", "id": 4},
    ]
    heard(protocol, ack(2), ack(3))
    # What the venue lists is the truth, whatever was acknowledged.
    assert heard(protocol, ack(4, ["1inchbtc@aggTrade", "btcusdt@kline_1s"])) == [
        Subscriptions(frozenset({"1INCH-BTC"}))
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"code":2,"msg":"Invalid request: unknown variant","id":1}',
        '{"error":{"code":2,"msg":"Invalid request: unknown variant"},"id":1}',
        '{"code":2,"msg":"Invalid request: unknown variant"}',
    ],
)
def test_complaint_is_told_bare_or_wrapped(text: str) -> None:
    assert heard(listening(), text) == [VenueError("Invalid request: unknown variant")]


def test_message_that_is_refused_is_not_acknowledged_by_another() -> None:
    protocol = listening("NKN-USDT")
    protocol.subscribe(["1INCH-BTC"])
    heard(protocol, '{"code":2,"msg":"no","id":1}')

    assert heard(protocol, ack(2)) == [Subscriptions(frozenset({"1INCH-BTC"}))]


def test_trade_is_told_with_the_takers_side() -> None:
    protocol = listening()

    events = heard(protocol, trade(7, m=True), trade(8, m=False))

    assert events == [
        Trade("NKN-USDT", 7, 0.3528, 58.0, (AT_MS - 1) * 1_000, Side.SELL),
        Trade("NKN-USDT", 8, 0.3528, 58.0, (AT_MS - 1) * 1_000, Side.BUY),
    ]


def test_trade_of_what_was_not_asked_for_is_dropped() -> None:
    assert heard(listening(), trade(7, "ADAEUR")) == []


def test_lost_trade_is_told_before_the_one_behind_it() -> None:
    events = heard(listening(), trade(7), trade(10))

    assert events[1:] == [
        TradeGap("NKN-USDT", 4, (AT_MS - 1) * 1_000),
        Trade("NKN-USDT", 10, 0.3528, 58.0, (AT_MS - 1) * 1_000, Side.BUY),
    ]


def test_hole_within_what_is_aggregated_is_told_too() -> None:
    events = heard(listening(), trade(7, f=14, l=15), trade(8, f=18, l=18))

    assert events[1] == TradeGap("NKN-USDT", 2, (AT_MS - 1) * 1_000)


def test_aggregate_of_no_trades_is_refused() -> None:
    with pytest.raises(Malformed, match="are none"):
        heard(listening(), trade(7, f=15, l=14))


def test_clock_is_told_behind_the_trades_of_its_frame_and_not_for_each() -> None:
    protocol = listening()
    for text in (second(AT_MS - 1_000), trade(1), trade(2), second(AT_MS + 1_000)):
        protocol.receive_text(text)

    kinds = [type(event) for event in protocol.events_received()]

    assert kinds == [ServerTime, Trade, ServerTime, Trade, ServerTime]


def test_second_tells_the_clock_to_the_millisecond() -> None:
    protocol = listening()
    protocol.receive_text(second(AT_MS))

    assert protocol.events_received() == [ServerTime(AT_MS * 1_000)]


def test_shutdown_is_told_as_a_farewell() -> None:
    text = json.dumps({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": AT_MS}})

    assert heard(listening(), text) == [Farewell()]


def test_overhearing_takes_every_symbol_by_the_best_name_there_is() -> None:
    protocol = BinanceProtocol(NATIVES)
    protocol.overhear()

    events = heard(protocol, trade(7), trade(7, "ADAEUR"))

    assert [one.symbol for one in events if isinstance(one, Trade)] == ["NKN-USDT", "ADAEUR"]


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=40))
def test_each_trade_is_told_once_in_rising_order_and_each_hole_before_it(
    numbers: list[int],
) -> None:
    events = heard(listening(), *(trade(number) for number in numbers))

    told = ids(events)
    assert told == sorted(set(told))
    holes = [later - earlier > 1 for earlier, later in pairwise(told)]
    assert sum(holes) == sum(isinstance(event, TradeGap) for event in events)
