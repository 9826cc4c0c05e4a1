"""Faults as data, and what they do to a connection's frames."""

from __future__ import annotations

import msgspec
import pytest

from trading.simulator import faults
from trading.simulator.faults import (
    GOING_AWAY,
    Close,
    Drop,
    Fail,
    Farewell,
    Faults,
    Freeze,
    Garble,
    Garbling,
    Refuse,
    Skew,
    Slow,
    Thaw,
    Wire,
)
from trading.simulator.venues.ports import Frame

FRAMES = [Frame("heartbeats", "1"), Frame("market_trades", "2"), Frame("market_trades", "3")]


def test_a_dropped_frame_is_the_next_one() -> None:
    wire = Wire()
    wire.order(Drop(frames=2))
    assert wire.through(FRAMES) == FRAMES[2:]
    assert wire.through(FRAMES) == FRAMES
    assert wire.dropped == 2


def test_a_channel_can_be_chosen_for_the_drop() -> None:
    wire = Wire()
    wire.order(Drop(channel="market_trades"))
    assert [frame.text for frame in wire.through(FRAMES)] == ["1", "3"]


def garbled(*orders: Drop | Garble, rounds: int = 1) -> list[str]:
    wire = Wire()
    for order in orders:
        wire.order(order)
    return [frame.text for _ in range(rounds) for frame in wire.through(FRAMES)]


@pytest.mark.parametrize(
    ("order", "texts"),
    [
        (Garble(how="duplicate"), ["1", "1", "2", "3"]),
        (Garble(how="duplicate", frames=2, channel="market_trades"), ["1", "2", "2", "3", "3"]),
        (Garble(how="swap"), ["2", "1", "3"]),
        (Garble(how="swap", frames=2), ["3", "1", "2"]),
        (Garble(how="swap", channel="market_trades"), ["1", "3", "2"]),
    ],
)
def test_frames_come_twice_or_in_another_order(order: Garble, texts: list[str]) -> None:
    assert garbled(order) == texts


def test_the_last_frame_of_a_round_is_swapped_with_the_first_of_the_next() -> None:
    orders = (Drop(frames=2), Garble(how="swap"))
    assert garbled(*orders, rounds=2) == ["1", "3", "2", "3"]
    assert garbled(Garble(how="swap", frames=3), rounds=2) == ["1", "1", "2", "3", "2", "3"]


@pytest.mark.parametrize("how", ["malformed", "unknown_channel", "huge"])
def test_a_garbled_frame_is_what_it_was_but_for_that(how: Garbling) -> None:
    text = '{"channel":"heartbeats","sequence_num":7,"events":[]}'
    wire = Wire()
    wire.order(Garble(how=how))
    (frame,) = wire.through([Frame("heartbeats", text)])
    if how == "malformed":
        assert text.startswith(frame.text)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(frame.text)
        return
    told, was = msgspec.json.decode(frame.text), msgspec.json.decode(text)
    if how == "huge":
        assert len(told.pop("unheard_of")) == faults.HUGE_BYTES
    else:
        assert told.pop("channel") != was.pop("channel")
    assert told == was
    assert wire.through(FRAMES) == FRAMES


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"channel":"ticker","events":[]}', "channel"),
        ('{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1}}', "e"),
        (
            '{"topic":"/market/match:BTC-USDT","type":"message","subject":"trade.l3match"}',
            "subject",
        ),
    ],
)
def test_what_kind_a_frame_is_goes_unheard_of_by_every_exchange(text: str, kind: str) -> None:
    wire = Wire()
    wire.order(Garble(how="unknown_channel"))
    (frame,) = wire.through([Frame("some", text)])
    assert frame.text.count(f'"{kind}":"unheard_of"') == 1
    assert frame.text.count("unheard_of") == 1


def test_a_product_may_be_silent_for_good_or_for_a_while() -> None:
    board = Faults()
    board.inject(Freeze(product_id="BTC-USD", late=True), 1.0)
    board.inject(Freeze(product_id="ETH-USD"), 1.0)
    assert (board.late, board.muted) == (frozenset({"BTC-USD"}), frozenset({"ETH-USD"}))
    board.inject(Thaw(product_id="BTC-USD"), 1.0)
    assert board.late == frozenset()
    board.inject(Freeze(product_id="BTC-USD", late=True), 1.0)
    board.inject(Thaw(), 1.0)
    assert (board.late, board.muted) == (frozenset(), frozenset())


def test_the_clock_is_skewed_and_set_right() -> None:
    board = Faults()
    for seconds in (90.0, -90.0, 0.0):
        board.inject(Skew(seconds=seconds), 1.0)
        assert board.skew_ns == seconds * 1_000_000_000


def test_every_open_connection_is_meant() -> None:
    board, wires = Faults(), [Wire(), Wire()]
    board.wires |= set(wires)
    board.inject(Close(code=1012), 1.0)
    board.inject(Drop(), 1.0)
    assert [wire.close_code for wire in wires] == [1012, 1012]
    assert [len(wire.through(FRAMES)) for wire in wires] == [2, 2]


def test_a_thaw_ends_one_freeze_or_all() -> None:
    board = Faults()
    for name in ("BTC-USD", "ETH-USD", None):
        board.inject(Freeze(product_id=name), 1.0)
    assert board.frozen
    board.inject(Thaw(product_id="BTC-USD"), 1.0)
    assert (board.frozen, board.muted) == (True, frozenset({"ETH-USD"}))
    board.inject(Thaw(), 1.0)
    assert (board.frozen, board.muted) == (False, frozenset())


def test_a_refusal_ends_by_itself_or_by_order() -> None:
    board = Faults()
    board.inject(Refuse(seconds=10, scope="rest"), 100.0)
    assert board.refuses("rest", 109.9)
    assert not board.refuses("websocket", 109.9)
    assert not board.refuses("rest", 110.0)
    board.inject(Refuse(seconds=10), 200.0)
    assert board.refuses("websocket", 201.0)
    board.inject(faults.Accept(), 201.0)
    assert not board.refuses("websocket", 201.0)


def test_trouble_meets_so_many_requests_for_a_path() -> None:
    board = Faults()
    board.inject(Fail(how="bad_gateway", requests=2, path="/candles"), 1.0)
    board.inject(Fail(how="unauthorized"), 1.0)
    assert board.trouble("/market/products/BTC-USD/candles") == "bad_gateway"
    assert board.trouble("/time") == "unauthorized"
    assert board.trouble("/time") is None
    assert board.trouble("/market/products/BTC-USD/candles") == "bad_gateway"
    assert board.trouble("/market/products/BTC-USD/candles") is None


def test_slowness_ends_by_itself_or_by_order() -> None:
    board = Faults()
    board.inject(Slow(delay=2.5, seconds=10, scope="websocket"), 100.0)
    assert board.delay("websocket", 109.9) == 2.5
    assert board.delay("rest", 109.9) == 0.0
    assert board.delay("websocket", 110.0) == 0.0
    board.inject(Slow(delay=2.5, seconds=10), 200.0)
    board.inject(Fail(how="internal"), 200.0)
    board.inject(faults.Accept(), 201.0)
    assert board.delay("rest", 201.0) == 0.0
    assert board.trouble("/time") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"kind":"drop"}', Drop()),
        (b'{"kind":"drop","frames":3,"channel":"market_trades"}', Drop(3, "market_trades")),
        (b'{"kind":"close","code":1006}', Close(1006)),
        (b'{"kind":"freeze","product_id":"BTC-USD"}', Freeze("BTC-USD")),
        (b'{"kind":"refuse","seconds":1.5}', Refuse(1.5)),
        (b'{"kind":"garble","how":"swap","channel":"ticker"}', Garble("swap", 1, "ticker")),
        (b'{"kind":"skew","seconds":-90}', Skew(-90)),
        (b'{"kind":"fail","how":"business"}', Fail("business")),
        (b'{"kind":"slow","delay":0.5,"seconds":9,"scope":"rest"}', Slow(0.5, 9, "rest")),
    ],
)
def test_faults_are_read_from_json(text: bytes, fault: faults.AnyFault) -> None:
    assert faults.read(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"kind":"explode"}',
        b'{"kind":"drop","frames":0}',
        b'{"kind":"close","code":99}',
        b'{"kind":"refuse"}',
        b'{"kind":"fail","how":"slowly"}',
        b'{"kind":"garble"}',
        b'{"kind":"skew","seconds":1e9}',
        b'{"kind":"slow","delay":0,"seconds":1}',
        b'{"kind":"drop","farmes":1}',
    ],
)
def test_what_is_no_fault_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        faults.read(text)


@pytest.mark.parametrize(
    "text",
    ['{"channel":"market_trades","events":[]}', '{"stream":"a@trade","data":{"e":"trade"}}'],
)
def test_frame_of_any_venue_can_come_under_a_name_that_nobody_knows(text: str) -> None:
    wire = Wire()
    wire.order(Garble(how="unknown_channel"))
    [garbled] = wire.through([Frame("any", text)])
    assert "unheard_of" in garbled.text
    assert wire.through([Frame("any", text)]) == [Frame("any", text)]


def test_farewell_closes_when_its_time_has_come_and_is_announced_before() -> None:
    faults, wire = Faults(), Wire()
    faults.wires.add(wire)
    faults.inject(Farewell(seconds=5.0), 100.0)
    assert not wire.is_announced
    assert wire.ending(104.9) is None
    assert wire.ending(105.0) == GOING_AWAY
