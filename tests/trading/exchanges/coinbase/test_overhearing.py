"""A recording of somebody else's session: nothing was asked for, and several may follow."""

from __future__ import annotations

import json

from trading.core.market import Trade
from trading.exchanges.coinbase.protocol import CoinbaseProtocol
from trading.exchanges.ports import Event, SequenceGap


def frame(number: int, *trades: tuple[str, int]) -> str:
    """A frame of trades (product, id)."""
    rows = [
        {
            "product_id": product,
            "trade_id": str(trade_id),
            "price": "100",
            "size": "1",
            "time": "2026-09-30T02:39:53.1Z",
            "side": "BUY",
        }
        for product, trade_id in trades
    ]
    return json.dumps(
        {
            "channel": "market_trades",
            "timestamp": "2026-09-30T02:39:53.5Z",
            "sequence_num": number,
            "events": [{"type": "update", "trades": rows}],
        }
    )


def heard(protocol: CoinbaseProtocol, *texts: str) -> list[Event]:
    for text in texts:
        protocol.receive_text(text)
    return protocol.events_received()


def told(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.symbol, event.trade_id) for event in events if isinstance(event, Trade)]


def test_trades_of_every_product_are_told() -> None:
    protocol = CoinbaseProtocol()
    protocol.overhear()

    events = heard(protocol, frame(0, ("BTC-USD", 7), ("ETH-USD", 3)), frame(1, ("BTC-USD", 8)))

    assert sorted(told(events)) == [("BTC-USD", 7), ("BTC-USD", 8), ("ETH-USD", 3)]
    assert protocol.text_to_send() == []


def test_a_number_zero_begins_a_new_connection_and_says_that_frames_may_be_lost() -> None:
    protocol = CoinbaseProtocol()
    protocol.overhear()
    heard(protocol, frame(0, ("BTC-USD", 7)), frame(1))

    events = heard(protocol, frame(0, ("BTC-USD", 7), ("BTC-USD", 8)), frame(1, ("BTC-USD", 9)))

    assert events[0] == SequenceGap(2, 0)
    assert told(events) == [("BTC-USD", 8), ("BTC-USD", 9)]


def test_a_connection_of_ones_own_takes_a_number_zero_for_old_news() -> None:
    protocol = CoinbaseProtocol()
    protocol.subscribe(["BTC-USD"])
    heard(protocol, frame(0), frame(1))

    assert heard(protocol, frame(0, ("BTC-USD", 8))) == []
