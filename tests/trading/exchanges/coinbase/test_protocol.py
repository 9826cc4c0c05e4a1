"""Sessions with Coinbase's WebSocket, in frames shaped after recorded ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import Malformed
from trading.core.market import Side, Trade
from trading.exchanges.coinbase.protocol import PRODUCTS_PER_MESSAGE, CoinbaseProtocol
from trading.exchanges.ports import (
    Event,
    SequenceGap,
    ServerTime,
    Subscriptions,
    TradeGap,
    VenueError,
)

AT = 1_790_735_993_000_000  # 2026-09-30T02:39:53Z


class Venue:
    """The other end: numbers its frames over all channels from 0, as the real one does."""

    def __init__(self) -> None:
        self.number = 0

    def frame(self, channel: str, *events: dict[str, Any], second: int = 53, **more: Any) -> str:
        envelope = {
            "channel": channel,
            "timestamp": f"2026-09-30T02:39:{second:02d}.5Z",
            "sequence_num": self.number,
            "events": list(events),
            **more,
        }
        self.number += 1
        return json.dumps(envelope)

    def trades(self, *rows: dict[str, str], kind: str = "update", second: int = 53) -> str:
        return self.frame("market_trades", {"type": kind, "trades": list(rows)}, second=second)

    def ack(self, *products: str) -> str:
        named = {"market_trades": list(products)} if products else {}
        return self.frame(
            "subscriptions", {"subscriptions": {"heartbeats": ["heartbeats"], **named}}
        )

    def heartbeat(self, second: int = 53) -> str:
        return self.frame(
            "heartbeats",
            {"current_time": "2026-09-30 02:39:53 +0000 UTC m=+1.5", "heartbeat_counter": 139_651},
            second=second,
        )


def row(trade_id: int, product: str = "BTC-USD", **more: str) -> dict[str, str]:
    return {
        "product_id": product,
        "trade_id": str(trade_id),
        "price": "83277.26",
        "size": "0.00058346",
        "time": "2026-09-30T02:39:53.977543Z",
        "side": "SELL",
    } | more


def listening(*symbols: str, aliases: dict[str, str] | None = None) -> CoinbaseProtocol:
    protocol = CoinbaseProtocol(aliases)
    protocol.subscribe(symbols or ("BTC-USD",))
    return protocol


def heard(protocol: CoinbaseProtocol, *texts: str) -> list[Event]:
    """What the frames mean, without the clock."""
    for text in texts:
        protocol.receive_text(text)
    return [event for event in protocol.events_received() if not isinstance(event, ServerTime)]


def ids(events: Sequence[Event], symbol: str = "BTC-USD") -> list[int]:
    return [one.trade_id for one in events if isinstance(one, Trade) and one.symbol == symbol]


def sent(protocol: CoinbaseProtocol) -> list[dict[str, Any]]:
    return [json.loads(text) for text in protocol.text_to_send()]


def test_first_messages_ask_for_heartbeats_and_trades() -> None:
    protocol = listening("BTC-USD", "ETH-USD")

    assert sent(protocol) == [
        {"type": "subscribe", "channel": "heartbeats"},
        {
            "type": "subscribe",
            "channel": "market_trades",
            "product_ids": ["BTC-USD", "ETH-USD"],
        },
    ]
    assert sent(protocol) == []
    assert protocol.asked == {"BTC-USD", "ETH-USD"}


def test_idle_connection_asks_for_heartbeats_once() -> None:
    protocol = CoinbaseProtocol()
    protocol.subscribe(())
    protocol.subscribe(())

    assert sent(protocol) == [{"type": "subscribe", "channel": "heartbeats"}]


def test_asking_again_asks_for_what_is_new() -> None:
    protocol = listening("BTC-USD")
    sent(protocol)

    protocol.subscribe(["BTC-USD", "ETH-USD", "ETH-USD"])

    assert [message["product_ids"] for message in sent(protocol)] == [["ETH-USD"]]


def test_many_products_are_asked_for_in_several_messages() -> None:
    symbols = [f"A{i}-USD" for i in range(2 * PRODUCTS_PER_MESSAGE + 1)]
    protocol = listening(*symbols)

    products = [message.get("product_ids", []) for message in sent(protocol)]

    assert [len(some) for some in products] == [0, PRODUCTS_PER_MESSAGE, PRODUCTS_PER_MESSAGE, 1]
    assert [product for some in products for product in some] == symbols


def test_unsubscribing_names_only_what_was_asked_for() -> None:
    protocol = listening("BTC-USD", "ETH-USD")
    sent(protocol)

    protocol.unsubscribe(["ETH-USD", "DOGE-USD"])
    protocol.unsubscribe(["ETH-USD"])

    assert sent(protocol) == [
        {"type": "unsubscribe", "channel": "market_trades", "product_ids": ["ETH-USD"]}
    ]
    assert protocol.asked == {"BTC-USD"}


def test_snapshot_before_the_ack_is_told_oldest_first() -> None:
    protocol, venue = listening(), Venue()

    events = heard(
        protocol,
        venue.trades(*(row(100 - i) for i in range(100)), kind="snapshot"),
        venue.ack("BTC-USD"),
    )

    assert ids(events) == list(range(1, 101))
    assert events[-1] == Subscriptions(frozenset({"BTC-USD"}))


def test_trade_is_told_with_the_takers_side_and_its_own_time() -> None:
    protocol, venue = listening(), Venue()

    events = heard(protocol, venue.trades(row(7), row(8, side="BUY")))

    at = AT + 977_543
    assert events == [
        Trade("BTC-USD", 7, 83277.26, 0.00058346, at, Side.BUY),
        Trade("BTC-USD", 8, 83277.26, 0.00058346, at, Side.SELL),
    ]


def test_trades_repeated_by_a_snapshot_are_told_once() -> None:
    protocol, venue = listening(), Venue()

    events = heard(
        protocol,
        venue.trades(row(1), row(2)),
        venue.trades(row(4), row(3), row(2), row(1), kind="snapshot"),
        venue.trades(row(4), row(5)),
    )

    assert ids(events) == [1, 2, 3, 4, 5]


def test_frame_may_mix_products_and_events() -> None:
    protocol, venue = listening("BTC-USD", "ETH-USD"), Venue()

    events = heard(
        protocol,
        venue.frame(
            "market_trades",
            {"type": "update", "trades": [row(9), row(3, "ETH-USD"), row(8)]},
            {"type": "update", "trades": [row(7), row(4, "ETH-USD")]},
        ),
    )

    assert ids(events) == [7, 8, 9]
    assert ids(events, "ETH-USD") == [3, 4]


def test_jump_of_ids_is_a_gap_told_before_the_trade() -> None:
    protocol, venue = listening(), Venue()

    events = heard(protocol, venue.trades(row(1)), venue.trades(row(5)))

    gap = TradeGap("BTC-USD", missing=3, resumes_at_us=AT + 977_543)
    assert [gap if one == gap else type(one) for one in events] == [Trade, gap, Trade]


def test_products_nobody_asked_for_are_ignored() -> None:
    protocol, venue = listening("BTC-USD", "ETH-USD"), Venue()
    protocol.unsubscribe(["ETH-USD"])

    assert heard(protocol, venue.trades(row(1, "ETH-USD"), row(1, "DOGE-USD"))) == []


def test_leaving_and_coming_back_is_no_gap_of_the_connection() -> None:
    protocol, venue = listening(), Venue()
    heard(protocol, venue.trades(row(1)))
    protocol.unsubscribe(["BTC-USD"])
    protocol.subscribe(["BTC-USD"])

    events = heard(protocol, venue.trades(row(500), kind="snapshot"))

    assert [type(one) for one in events] == [Trade]


def test_lost_frame_is_told_before_what_came_instead() -> None:
    protocol, venue = listening(), Venue()
    heard(protocol, venue.trades(row(1)))
    venue.heartbeat()
    venue.heartbeat()

    events = heard(protocol, venue.trades(row(2)))

    assert events[0] == SequenceGap(expected=1, received=3)
    assert ids(events) == [2]
    assert heard(protocol, venue.heartbeat()) == []


def test_frame_lost_at_the_beginning_is_a_gap() -> None:
    protocol, venue = listening(), Venue()
    venue.ack()

    assert heard(protocol, venue.ack("BTC-USD"))[0] == SequenceGap(expected=0, received=1)


def test_frame_that_comes_late_or_twice_is_ignored() -> None:
    protocol, venue = listening(), Venue()
    first, second = venue.trades(row(1)), venue.trades(row(2))

    events = heard(protocol, second, first, second)

    assert ids(events) == [2]


def test_every_channel_counts() -> None:
    protocol, venue = listening(), Venue()

    events = heard(
        protocol,
        venue.frame("l2_data", {"type": "update", "updates": []}),
        venue.frame("something_new", {"whatever": 1}, unheard_of=True),
        venue.heartbeat(),
    )

    assert events == []


def test_numbers_may_be_text_and_the_client_id_may_be_there() -> None:
    protocol, venue = listening(), Venue()
    text = venue.frame("heartbeats", client_id="", sequence_num="0")
    protocol.receive_text(text)

    assert protocol.events_received() == [ServerTime(AT + 500_000)]
    assert heard(protocol, venue.heartbeat()) == []


def test_clock_is_told_behind_the_trades_of_its_frame() -> None:
    protocol, venue = listening(), Venue()
    protocol.receive_text(venue.heartbeat(50))
    protocol.receive_text(venue.trades(row(1)))

    kinds = [type(one) for one in protocol.events_received()]

    assert kinds == [ServerTime, Trade, ServerTime]


def test_clock_is_told_before_the_first_trade_of_a_connection() -> None:
    protocol, venue = listening(), Venue()
    protocol.receive_text(venue.trades(row(1)))

    assert [type(one) for one in protocol.events_received()] == [ServerTime, Trade]


def test_clock_is_told_ten_times_a_second_at_most() -> None:
    protocol, venue = listening(), Venue()
    for second in (53, 53, 54):
        protocol.receive_text(venue.heartbeat(second))

    assert protocol.events_received() == [
        ServerTime(AT + 500_000),
        ServerTime(AT + 1_500_000),
    ]


def test_acks_are_cumulative() -> None:
    protocol, venue = listening("BTC-USD", "ETH-USD"), Venue()

    events = heard(protocol, venue.ack("BTC-USD"), venue.ack("BTC-USD", "ETH-USD"), venue.ack())

    assert [one.symbols for one in events if isinstance(one, Subscriptions)] == [
        {"BTC-USD"},
        {"BTC-USD", "ETH-USD"},
        set(),
    ]


def test_unknown_product_is_missing_once_everything_is_acknowledged() -> None:
    protocol, venue = listening("BTC-USD", "NOPE-USD"), Venue()

    heard(protocol, venue.ack())
    assert protocol.missing == set(), "one acknowledgement is outstanding"

    heard(protocol, venue.ack("BTC-USD"))
    assert protocol.missing == {"NOPE-USD"}


def test_error_frame_comes_first_whatever_its_channel() -> None:
    protocol, venue = listening(), Venue()

    events = heard(
        protocol,
        '{"type":"error","message":"authentication failure"}',
        '{"type":"error","message":"failure to subscribe","channel":"market_trades"}',
        venue.trades(row(1)),
    )

    assert events[:2] == [
        VenueError("authentication failure"),
        VenueError("failure to subscribe"),
    ]
    assert ids(events) == [1]


@pytest.mark.parametrize(
    "broken",
    [
        {"price": "NaN"},
        {"price": "inf"},
        {"price": "-1"},
        {"price": "0"},
        {"price": "0.00"},
        {"price": ""},
        {"price": "83,277.26"},
        {"size": "-0.1"},
        {"size": "nan"},
        {"trade_id": "-1"},
        {"trade_id": "abc"},
        {"side": "UP"},
        {"time": "now"},
    ],
)
def test_corrupt_trade_drops_the_connection(broken: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        listening().receive_text(Venue().trades(row(1) | broken))


def test_alias_is_told_under_the_name_it_was_asked_for() -> None:
    protocol, venue = listening("BTC-USDC", aliases={"BTC-USDC": "BTC-USD"}), Venue()
    assert sent(protocol)[1]["product_ids"] == ["BTC-USD"]

    events = heard(protocol, venue.trades(row(1)), venue.ack("BTC-USD"), venue.trades(row(3)))

    assert ids(events, "BTC-USDC") == [1, 3]
    assert ids(events) == []
    assert Subscriptions(frozenset({"BTC-USDC"})) in events
    assert [one.symbol for one in events if isinstance(one, TradeGap)] == ["BTC-USDC"]


def test_a_book_is_subscribed_anew_whatever_other_names_it_has() -> None:
    protocol = listening("BTC-USD", "BTC-USDC", "ETH-USD", aliases={"BTC-USDC": "BTC-USD"})
    venue = Venue()
    heard(protocol, venue.trades(row(1)), venue.ack("BTC-USD", "ETH-USD"))
    sent(protocol)

    protocol.renew(["BTC-USDC", "DOGE-USD"])

    assert sent(protocol) == [
        {"type": "unsubscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
    ]
    assert protocol.events_received() == [Subscriptions(frozenset({"ETH-USD"}))]
    assert protocol.asked == {"BTC-USD", "BTC-USDC", "ETH-USD"}


def test_alias_that_is_learnt_later_is_told_from_its_renewal_on() -> None:
    aliases: dict[str, str] = {}
    protocol, venue = listening("BTC-USDC", "ETH-USD", aliases=aliases), Venue()
    heard(protocol, venue.ack("BTC-USDC", "ETH-USD"))
    sent(protocol)

    aliases["BTC-USDC"] = "BTC-USD"
    protocol.renew(["BTC-USDC"])

    assert sent(protocol) == [
        {"type": "unsubscribe", "channel": "market_trades", "product_ids": ["BTC-USDC"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
    ]
    assert protocol.events_received() == [Subscriptions(frozenset({"ETH-USD"}))]
    events = heard(protocol, venue.trades(row(1)), venue.ack("ETH-USD", "BTC-USD"))
    assert ids(events, "BTC-USDC") == [1]
    assert Subscriptions(frozenset({"BTC-USDC", "ETH-USD"})) in events
    protocol.unsubscribe(["BTC-USDC"])
    assert sent(protocol)[0]["product_ids"] == ["BTC-USD"]


def test_one_book_serves_all_its_names() -> None:
    protocol = listening("BTC-USD", "BTC-USDC", aliases={"BTC-USDC": "BTC-USD"})
    venue = Venue()
    assert sent(protocol)[1]["product_ids"] == ["BTC-USD"]

    events = heard(protocol, venue.trades(row(1)), venue.ack("BTC-USD"))
    assert (ids(events), ids(events, "BTC-USDC")) == ([1], [1])
    assert Subscriptions(frozenset({"BTC-USD", "BTC-USDC"})) in events

    protocol.unsubscribe(["BTC-USD"])
    assert sent(protocol) == [], "the other name still needs the book"
    protocol.unsubscribe(["BTC-USDC"])
    assert sent(protocol)[0]["product_ids"] == ["BTC-USD"]


def test_another_name_of_a_book_that_comes_is_confirmed_at_once() -> None:
    protocol, venue = listening("BTC-USD", aliases={"BTC-USDC": "BTC-USD"}), Venue()
    sent(protocol)
    heard(protocol, venue.ack(), venue.ack("BTC-USD"))

    protocol.subscribe(["BTC-USDC"])

    assert sent(protocol) == []
    assert protocol.events_received() == [Subscriptions(frozenset({"BTC-USD", "BTC-USDC"}))]
    assert protocol.missing == frozenset()


def test_what_came_before_it_was_left_confirms_nothing_when_it_is_asked_for_again() -> None:
    protocol, venue = listening("BTC-USD"), Venue()
    heard(protocol, venue.ack(), venue.ack("BTC-USD"))
    protocol.unsubscribe(["BTC-USD"])
    protocol.subscribe(["BTC-USD"])
    assert protocol.events_received() == []


@given(st.lists(st.lists(st.integers(1, 30), max_size=8), max_size=20))
def test_each_id_is_told_once_rising_and_every_jump_is_named(batches: list[list[int]]) -> None:
    protocol, venue = listening(), Venue()

    events = heard(protocol, *(venue.trades(*(row(i) for i in batch)) for batch in batches))

    told = ids(events)
    assert told == sorted(set(told))
    missing = sum(one.missing for one in events if isinstance(one, TradeGap))
    assert missing == (told[-1] - told[0] + 1 - len(told) if told else 0)
