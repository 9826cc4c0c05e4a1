"""One connection to the simulated KuCoin, as strict as the real one."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.trading.simulator.kucoin import EXCHANGE, SECOND, Client, answered, world
from tests.trading.simulator.worlds import NOW_US, fold_trades
from trading.core.market import Candle, Timeframe, Trade
from trading.exchanges.ports import ServerTime, Subscriptions, VenueError
from trading.replay.audience import Audience
from trading.replay.players import FramesPlayer
from trading.simulator.catalog import Product
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.kucoin.candles import DELAY_US, CandleTopic
from trading.simulator.venues.kucoin.session import (
    GOING_AWAY,
    MOST_MESSAGES,
    MOST_PER_MESSAGE,
    NORMAL,
    PATIENCE_SECONDS,
)
from trading.simulator.venues.kucoin.tokens import LIFE_SECONDS
from trading.simulator.world import World

MINUTE_US = 60 * SECOND
BTC, ETH = "/market/match:BTC-USDT", "/market/match:ETH-USDT"


def welcomed() -> Client:
    client = Client()
    assert [frame["type"] for frame in client.look()] == ["welcome"]
    return client


def complaint(frames: list[dict[str, Any]]) -> tuple[int, str]:
    assert [frame["type"] for frame in frames] == ["error"]
    return frames[0]["code"], frames[0]["data"]


def test_connection_is_welcomed_first_by_its_own_name() -> None:
    client = Client()
    assert client.ask("subscribe", BTC) == [
        {"id": "abc", "type": "welcome", "pingInterval": 18_000, "pingTimeout": 10_000},
        {"id": "1", "type": "ack"},
    ]


@pytest.mark.parametrize("query", [{}, {"token": "made up", "connectId": "abc"}])
def test_connection_without_a_good_token_hears_why_and_ends(query: dict[str, str]) -> None:
    client = Client(query)
    assert client.session.close_code(client.at) is None
    assert complaint(client.look()) == (401, "token is invalid")
    assert client.session.close_code(client.at) == NORMAL
    assert client.ask("subscribe", BTC) == []


def test_token_admits_once_and_for_a_day() -> None:
    client = Client()
    used = client.ticket()
    client.session = client.venue.new_session(client.at, used)
    assert client.look()[0]["type"] == "welcome"
    client.session = client.venue.new_session(client.at, used)
    assert client.look()[0]["code"] == 401

    old = client.ticket()
    client.steady += LIFE_SECONDS
    client.session = client.venue.new_session(client.at, old)
    assert client.look()[0]["code"] == 401


def test_ping_is_answered_with_the_clock_behind_the_trades() -> None:
    client = welcomed()
    client.ask("subscribe", BTC)
    client.wait(10.0)
    client.now_us += MINUTE_US
    assert client.ask("ping", number=7) == []

    told = client.look()

    assert told[-1] == {"id": "7", "type": "pong", "timestamp": client.now_us}
    assert [frame["subject"] for frame in told[:-1]] == ["trade.l3match"] * (len(told) - 1)
    assert len(told) > 1


def test_who_sends_no_ping_is_dropped_whatever_else_is_sent() -> None:
    client = welcomed()
    client.steady += PATIENCE_SECONDS
    client.ask("subscribe", BTC)
    client.session.ponged(client.at)
    assert client.session.close_code(client.at) is None
    client.steady += 0.5
    assert client.session.close_code(client.at) == NORMAL
    client.ask("ping")
    assert client.session.close_code(client.at) is None


def test_connection_lives_for_a_day() -> None:
    client = welcomed()
    client.steady += LIFE_SECONDS + 1.0
    client.ask("ping")
    assert client.session.close_code(client.at) == GOING_AWAY


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("{", 400, "invalid"),
        ("[]", 400, "invalid"),
        ('{"id":1,"type":"shout"}', 415, "not supported"),
        ('{"id":1,"type":"subscribe"}', 406, "required"),
        ('{"id":1,"type":"subscribe","topic":"/market/xyz:BTC-USDT"}', 404, "is not found"),
        ('{"id":1,"type":"subscribe","topic":"/market/match:"}', 404, "is not found"),
        ('{"id":1,"type":"subscribe","topic":"/market/match:BTC-USDT,NO-USDT"}', 404, "NO-USDT"),
        ('{"id":1,"type":"subscribe","topic":"/market/candles:BTC-USDT"}', 404, "is not found"),
        ('{"id":1,"type":"subscribe","topic":"/market/candles:BTC-USDT_7min"}', 404, "7min"),
    ],
)
def test_message_that_is_none_earns_its_code(message: str, code: int, words: str) -> None:
    told = complaint(welcomed().say(message))
    assert told[0] == code
    assert words in told[1]


def test_message_with_an_unknown_symbol_subscribes_to_nothing() -> None:
    client = welcomed()
    client.ask("subscribe", f"{BTC},NOSUCH-USDT")
    assert client.wait(20.0) == []


def test_more_than_a_hundred_in_a_message_and_three_hundred_in_all_are_refused() -> None:
    client = welcomed()
    many = ",".join(["BTC-USDT"] * (MOST_PER_MESSAGE + 1))
    assert complaint(client.ask("subscribe", f"/market/match:{many}"))[0] == 509

    names = [f"{one.base}-{one.quote}" for one in world().products.values()]
    lengths = ("1min", "3min", "5min", "15min", "30min", "1hour", "2hour", "4hour", "6hour")
    codes = set()
    for length in lengths:
        listed = ",".join(f"{name}_{length}" for name in names)
        codes |= {
            one.get("code", 0) for one in client.ask("subscribe", f"/market/candles:{listed}")
        }
    assert codes == ({0, 509} if len(names) * len(lengths) > 300 else {0})


def test_hundred_messages_in_ten_seconds_are_fine_and_no_more() -> None:
    client = welcomed()
    for _ in range(MOST_MESSAGES):
        assert client.ask("ping") == []
    assert complaint(client.ask("ping")) == (509, "exceed max permits per 10 seconds")
    client.steady += 10.0
    assert client.ask("ping") == []


def test_acknowledgement_comes_only_to_who_asks_for_it() -> None:
    client = welcomed()
    assert client.ask("subscribe", BTC, response=False) == []
    assert client.ask("unsubscribe", BTC, number="x") == [{"id": "x", "type": "ack"}]
    assert client.wait(20.0) == []


def test_trades_are_those_of_the_world_under_numbers_that_leave_some_out() -> None:
    client = welcomed()
    client.ask("subscribe", BTC)
    told = [frame["data"] for frame in client.wait(900.0)]
    made = world().trades("BTC-USDT", NOW_US, client.now_us)
    assert [row["time"] for row in told] == [f"{one.time_us}000" for one in made]
    numbers = [int(row["sequence"]) for row in told]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] > len(numbers)


def test_match_has_the_shape_of_a_recorded_one() -> None:
    client = welcomed()
    client.ask("subscribe", BTC)
    frame = client.wait(60.0)[0]
    assert frame.keys() == {"topic", "type", "subject", "data"}
    assert {name: type(value) for name, value in frame["data"].items()} == dict.fromkeys(
        (
            *("makerOrderId", "price", "sequence", "side", "size", "symbol"),
            *("takerOrderId", "time", "tradeId", "type"),
        ),
        str,
    )


def test_what_is_told_is_what_the_client_reads() -> None:
    client = Client()
    protocol = EXCHANGE.new_protocol(natives={"BTC-USDT": "BTC-USDT", "NO-USDT": "NO-USDT"})
    protocol.subscribe(["BTC-USDT", "NO-USDT"])
    for frame in client.look():
        protocol.receive_text(json.dumps(frame))
    for _ in range(3):  # the whole message is refused, then each half of it is answered
        for text in protocol.text_to_send():
            for frame in client.say(text):
                protocol.receive_text(json.dumps(frame))
    told = protocol.events_received()
    assert [type(event) for event in told] == [Subscriptions, VenueError]
    assert told[0] == Subscriptions(frozenset({"BTC-USDT"}))

    for frame in client.wait(900.0):
        protocol.receive_text(json.dumps(frame))
    events = protocol.events_received()
    trades = [event for event in events if isinstance(event, Trade)]
    made = world().trades("BTC-USDT", NOW_US, client.now_us)
    assert [one.time_us for one in trades] == [one.time_us for one in made]
    assert all(later.is_next_after(earlier.trade_id) for earlier, later in pairwise(trades))
    assert len(trades) > 2
    assert any(isinstance(event, ServerTime) for event in events)


def test_muted_market_loses_its_trades_and_a_late_one_does_not() -> None:
    client = welcomed()
    client.ask("subscribe", f"{BTC},ETH-USDT")
    client.now_us += MINUTE_US
    assert client.look(frozenset({"BTC-USDT"}), frozenset({"ETH-USDT"})) == []
    assert {frame["data"]["symbol"] for frame in client.look()} == {"ETH-USDT"}


def test_last_word_on_a_minute_is_its_candle_and_comes_late() -> None:
    client = welcomed()
    client.ask("subscribe", "/market/candles:BTC-USDT_1min")
    last: dict[int, list[str]] = {}
    for frame in client.wait(200.0):
        opened_at = int(frame["data"]["candles"][0])
        assert frame["subject"] == f"trade.candles.{'update' if opened_at in last else 'add'}"
        last[opened_at] = frame["data"]["candles"]
    until_us = client.now_us - DELAY_US
    step = world().products["BTC-USDT"].size_step
    trades = world().trades("BTC-USDT", min(last) * SECOND - 1, until_us)
    for bar in fold_trades(trades, 60):
        assert float(last[bar.opened_at][5]) == float(step.write(bar.volume))


class Slow(World):
    """A world in which BTC trades in one minute, and again in the second after it."""

    def trades(self, product_id: str, after_us: int, until_us: int) -> list[Print]:
        made = [
            Print(1, NOON_US + 59_900_000, 100, 1, True),
            Print(2, NOON_US + 2 * MINUTE_US + 59_900_000, 110, 2, True),
        ]
        return [one for one in made if after_us < one.time_us <= until_us]

    def candles(
        self, product_id: str, seconds: int, start: int, end: int, now_us: int
    ) -> list[Bar]:
        return fold_trades(
            self.trades(product_id, start * SECOND - 1, min(now_us, (end + seconds) * SECOND - 1)),
            seconds,
        )


NOON_US = NOW_US - NOW_US % MINUTE_US


def test_trade_after_a_quiet_minute_adds_both_and_after_the_end_of_its_own() -> None:
    product: Product = world().products["BTC-USDT"]
    client = Client({})
    client.now_us = NOON_US
    topic = CandleTopic(Slow(1, {product.product_id: product}), product, 60, client.at)

    def told_at(seconds: float) -> list[tuple[str, int, int]]:
        client.now_us = NOON_US + round(seconds * SECOND)
        start = NOON_US // SECOND
        return [(verb, bar.opened_at - start, bar.volume) for verb, bar, _ in topic.due(client.at)]

    assert told_at(60.5) == []
    assert told_at(61.5) == [("add", 0, 1)], "its only message comes after its end"
    assert told_at(150.0) == []
    assert told_at(182.0) == [("add", 60, 0), ("add", 120, 2)]


def test_replayed_session_tells_the_candles_of_the_exchange() -> None:
    """Frames, through what ``replay --exchange kucoin`` runs, are its own REST candles."""
    client, audience = welcomed(), Audience([Timeframe.M1])
    client.ask("subscribe", f"{BTC},LTC-USDT")
    client.ask("subscribe", "/market/candles:BTC-USDT_1min")
    notes: list[str] = []
    player = FramesPlayer(EXCHANGE, None, audience, notes.append)
    for _ in range(200):
        client.ask("ping")
        for frame in client.wait(2.0):
            player.play(json.dumps(frame))
    told = [fact for fact in audience.facts() if isinstance(fact, Candle)]
    assert notes == []
    for native in ("BTC-USDT", "LTC-USDT"):
        ours = [one for one in told if one.market.symbol == native]
        assert len(ours) >= 5
        request = EXCHANGE.candles_request(
            native, Timeframe.M1, ours[0].opened_at, ours[-1].opened_at
        )
        theirs = EXCHANGE.candles(answered(client.venue, request, client.at), native, Timeframe.M1)
        assert [one for one in ours if not one.synthetic] == list(theirs)


def test_replayed_session_without_one_of_its_trades_says_so() -> None:
    client, audience, notes = welcomed(), Audience([Timeframe.M1]), list[str]()
    client.ask("subscribe", BTC)
    client.ask("subscribe", "/market/candles:BTC-USDT_1min")
    player = FramesPlayer(EXCHANGE, None, audience, notes.append)
    told = client.wait(400.0)
    matches = [frame for frame in told if frame["subject"] == "trade.l3match"]
    for frame in told:
        if frame is not matches[len(matches) // 2]:
            player.play(json.dumps(frame))
    assert notes == ["BTC-USDT: trades are lost: its candle holds more than was told"]
