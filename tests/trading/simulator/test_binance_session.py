"""One connection to the simulated Binance, as strict as the real one."""

from __future__ import annotations

import json

import pytest

from tests.trading.simulator.binance import SECOND, Client, world
from tests.trading.simulator.worlds import NOW_US, fold_trades, moment
from trading.core.market import Candle, Timeframe, Trade
from trading.exchanges.binance import Binance
from trading.exchanges.ports import Farewell, Response, ServerTime, Subscriptions, TradeGap
from trading.replay.audience import Audience
from trading.replay.players import FramesPlayer
from trading.simulator.venues.binance.session import (
    GOING_AWAY,
    LIFE_SECONDS,
    MOST_STREAMS,
    POLICY_VIOLATION,
)
from trading.simulator.venues.ports import Ask

MINUTE_US = 60 * SECOND


def test_subscription_is_acknowledged_and_listed() -> None:
    client = Client()
    assert client.ask("SUBSCRIBE", "btcusdt@aggTrade") == {"result": None, "id": 1}
    assert client.ask("LIST_SUBSCRIPTIONS", number="x3") == {
        "result": ["btcusdt@aggTrade"],
        "id": "x3",
    }
    assert client.ask("UNSUBSCRIBE", "btcusdt@aggTrade", number=None)["result"] is None
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []


def test_streams_of_the_address_need_no_subscription() -> None:
    client = Client(streams="btcusdt@aggTrade/btcusdt@kline_1s")
    told = client.wait(60.0)
    assert {row["stream"] for row in told} == {"btcusdt@aggTrade", "btcusdt@kline_1s"}
    listed = ["btcusdt@aggTrade", "btcusdt@kline_1s"]
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == listed
    many = "/".join(f"a{n}usdt@aggTrade" for n in range(MOST_STREAMS + 1))
    crowded = Client(streams=many)
    assert crowded.session.close_code(crowded.at) == POLICY_VIOLATION


def test_names_of_streams_are_left_out_for_whom_wants_none() -> None:
    client = Client(streams="btcusdt@kline_1s")
    assert client.say('{"method":"GET_PROPERTY","params":["combined"],"id":2}')["result"] is True
    off = '{"method":"SET_PROPERTY","params":["combined",false],"id":5}'
    assert client.say(off) == {"result": None, "id": 5}
    assert client.say('{"method":"GET_PROPERTY","params":["combined"],"id":2}')["result"] is False
    assert {row["e"] for row in client.wait(5.0)} == {"kline"}
    [farewell] = client.session.farewell(client.at)
    assert json.loads(farewell.text)["e"] == "serverShutdown"
    client.say(off.replace("false", "true"))
    assert {row["stream"] for row in client.wait(5.0)} == {"btcusdt@kline_1s"}


def test_both_forms_are_what_the_client_reads() -> None:
    for form in ("true", "false"):
        client, protocol = Client(), Binance().new_protocol(natives={"BTC-USDT": "BTCUSDT"})
        client.say(f'{{"method":"SET_PROPERTY","params":["combined",{form}],"id":5}}')
        protocol.subscribe(["BTC-USDT"])
        for text in protocol.text_to_send():
            client.session.receive(text, client.at)
        for row in client.wait(30.0):
            protocol.receive_text(json.dumps(row))
        assert any(isinstance(event, Trade) for event in protocol.events_received())


def test_unknown_symbol_is_acknowledged_and_silent() -> None:
    client = Client()
    assert client.ask("SUBSCRIBE", "nosuchusdt@aggTrade")["result"] is None
    assert client.wait(5.0) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ('{"method":"SHOUT","id":1}', 2),
        ("[]", 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2),
        ('{"method":"SUBSCRIBE","params":"a","id":1}', 2),
        ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["x",true],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1),
    ],
)
def test_message_that_is_none_earns_its_code(text: str, code: int) -> None:
    assert Client().say(text)["code"] == code


def test_sixth_message_within_a_second_ends_the_connection() -> None:
    client = Client()
    for _ in range(5):
        client.ask("LIST_SUBSCRIPTIONS")
    assert client.session.close_code(client.at) is None
    client.session.pinged(client.at)  # pings count too
    assert client.session.close_code(client.at) == POLICY_VIOLATION


def test_five_messages_a_second_are_fine_for_ever() -> None:
    client = Client()
    for _ in range(50):
        client.steady += 0.2
        client.session.pinged(client.at)
    assert client.session.close_code(client.at) is None


def test_connection_carries_1024_streams_and_no_more() -> None:
    client = Client()
    client.ask("SUBSCRIBE", *(f"a{n}usdt@aggTrade" for n in range(MOST_STREAMS)))
    assert client.session.close_code(client.at) is None
    client.ask("SUBSCRIBE", "onemoreusdt@aggTrade")
    assert client.session.close_code(client.at) == POLICY_VIOLATION


def test_ping_comes_each_twenty_seconds_and_must_be_answered_in_sixty() -> None:
    client = Client()
    assert client.session.ping_due(client.at) is None
    client.steady += 20.0
    assert client.session.ping_due(client.at)
    client.session.ponged(client.at)
    client.steady += 20.0
    assert client.session.ping_due(client.at)
    client.steady += 60.0
    assert client.session.close_code(client.at) is None
    client.steady += 0.5
    assert client.session.close_code(client.at) == POLICY_VIOLATION


def test_connection_lives_for_a_day() -> None:
    client = Client()
    client.steady += LIFE_SECONDS
    assert client.session.close_code(client.at) is None
    client.steady += 1.0
    assert client.session.close_code(client.at) == GOING_AWAY


def test_trades_are_those_of_the_world() -> None:
    client = Client()
    client.ask("SUBSCRIBE", "btcusdt@aggTrade")
    told = client.wait(60.0)
    made = world().trades("BTC-USDT", NOW_US, client.now_us)
    assert [row["data"]["a"] for row in told] == [one.trade_id for one in made]
    assert all(row["stream"] == "btcusdt@aggTrade" for row in told)
    assert all(row["data"]["E"] >= row["data"]["T"] for row in told)


def test_second_is_told_each_second_also_without_a_trade() -> None:
    client = Client()
    client.ask("SUBSCRIBE", "btcusdt@kline_1s")
    told = [row["data"] for row in client.wait(30.0)]
    assert 30 <= len(told) <= 31
    assert all(row["k"]["x"] for row in told)
    quiet = [row["k"] for row in told if row["k"]["n"] == 0]
    assert all(k["o"] == k["h"] == k["l"] == k["c"] for k in quiet)
    assert all(k["f"] == k["L"] == -1 and float(k["v"]) == 0.0 for k in quiet)


def test_last_word_on_a_minute_is_its_candle() -> None:
    client = Client()
    client.ask("SUBSCRIBE", "ethusdt@kline_1m")
    final = [row["data"]["k"] for row in client.wait(200.0) if row["data"]["k"]["x"]]
    trades = world().trades("ETH-USDT", NOW_US - NOW_US % MINUTE_US - 1, client.now_us)
    made = {bar.opened_at: bar for bar in fold_trades(trades, 60)}
    assert len(final) == 4  # it began in the last seconds of one
    for k in final:
        bar = made.get(k["t"] // 1_000)
        assert k["n"] == (bar.trades if bar else 0)
        if bar:
            step = world().products["ETH-USDT"].size_step
            assert float(k["v"]) == float(step.write(bar.volume))


def test_what_is_told_is_what_the_client_reads() -> None:
    client, protocol = Client(), Binance().new_protocol(natives={"BTC-USDT": "BTCUSDT"})
    protocol.subscribe(["BTC-USDT"])
    for text in protocol.text_to_send():
        for frame in client.session.receive(text, client.at):
            protocol.receive_text(frame.text)
    assert protocol.events_received() == [Subscriptions(frozenset({"BTC-USDT"}))]
    for row in client.wait(30.0):
        protocol.receive_text(json.dumps(row))
    events = protocol.events_received()
    made = world().trades("BTC-USDT", NOW_US, client.now_us)
    assert [e.trade_id for e in events if isinstance(e, Trade)] == [one.trade_id for one in made]
    assert not any(isinstance(event, TradeGap) for event in events)
    clocks = [event.time_us for event in events if isinstance(event, ServerTime)]
    assert clocks == sorted(clocks)
    assert len(clocks) >= 30


def test_farewell_is_what_the_client_reads() -> None:
    client, protocol = Client(), Binance().new_protocol()
    for frame in client.session.farewell(client.at):
        protocol.receive_text(frame.text)
    assert Farewell() in protocol.events_received()


def test_muted_market_loses_its_trades_and_a_late_one_does_not() -> None:
    client = Client()
    client.ask("SUBSCRIBE", "btcusdt@aggTrade", "ethusdt@aggTrade")
    muted, late = frozenset({"BTC-USDT"}), frozenset({"ETH-USDT"})
    client.now_us += MINUTE_US
    assert client.session.advance(client.at, muted, late) == []
    told = client.look()
    assert {row["data"]["s"] for row in told} == {"ETHUSDT"}


@pytest.mark.parametrize("method", ["SUBSCRIBE", "LIST_SUBSCRIPTIONS"])
def test_message_of_the_client_brings_no_trade_of_a_silenced_market(method: str) -> None:
    client = Client()
    client.ask("SUBSCRIBE", "btcusdt@aggTrade", "ethusdt@trade", "ltcusdt@aggTrade")
    client.session.advance(client.at, frozenset({"BTC-USDT"}), frozenset({"ETH-USDT"}))
    client.now_us += 10 * MINUTE_US
    asked = json.dumps({"method": method, "params": [], "id": 2})
    *told, answer = [json.loads(f.text) for f in client.session.receive(asked, client.at)]
    assert answer["id"] == 2
    assert {row["data"]["s"] for row in told} == {"LTCUSDT"}
    assert {row["data"]["s"] for row in client.look()} == {"ETHUSDT"}


def test_replayed_session_tells_the_candles_of_the_exchange() -> None:
    """Frames, through what ``replay --exchange binance`` runs, are its own REST candles."""
    client, exchange, audience = Client(), Binance(), Audience([Timeframe.M1])
    client.ask("SUBSCRIBE", "btcusdt@kline_1s", "btcusdt@aggTrade", "ltcusdt@aggTrade")
    notes: list[str] = []
    player = FramesPlayer(exchange, None, audience, notes.append)
    for row in client.wait(400.0):
        player.play(json.dumps(row))
    told = [fact for fact in audience.facts() if isinstance(fact, Candle)]
    assert notes == []
    for native in ("BTCUSDT", "LTCUSDT"):
        ours = [one for one in told if one.market.symbol == native]
        assert len(ours) >= 5
        theirs = client.venue.answer(
            _klines(native, ours[0].opened_at, ours[-1].opened_at), moment(client.now_us, 1.0)
        )
        made = exchange.candles(_response(theirs.body), native, Timeframe.M1)
        assert [one for one in ours if not one.synthetic] == list(made)


def _klines(native: str, start: int, end: int) -> Ask:
    request = Binance().candles_request(native, Timeframe.M1, start, end)
    return Ask(method="GET", path=request.path, query=list(request.query.items()))


def _response(content: bytes) -> Response:
    return Response(status=200, headers={}, body=content)
