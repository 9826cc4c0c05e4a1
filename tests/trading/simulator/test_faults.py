"""Faults as data, and what they do to a connection's frames."""

from __future__ import annotations

import msgspec
import pytest

from trading.simulator import faults
from trading.simulator.faults import Close, Drop, Fail, Faults, Freeze, Refuse, Slow, Thaw, Wire
from trading.simulator.venues.ports import Frame

FRAMES = [Frame("heartbeats", "1"), Frame("market_trades", "2"), Frame("market_trades", "3")]


def test_a_dropped_frame_is_the_next_one() -> None:
    wire = Wire()
    wire.drop(2, None)
    assert wire.through(FRAMES) == FRAMES[2:]
    assert wire.through(FRAMES) == FRAMES
    assert wire.dropped == 2


def test_a_channel_can_be_chosen_for_the_drop() -> None:
    wire = Wire()
    wire.drop(1, "market_trades")
    assert [frame.text for frame in wire.through(FRAMES)] == ["1", "3"]


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
        b'{"kind":"slow","delay":0,"seconds":1}',
        b'{"kind":"drop","farmes":1}',
    ],
)
def test_what_is_no_fault_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        faults.read(text)
