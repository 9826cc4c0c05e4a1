"""One market as its users share it, while their gates open and close."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.trading.core.made import MARKET, NOON, candle, trade, us
from tests.trading.running import EAGER, Recorder, owner, plan
from trading.core.bank import MacdVBank, close_together
from trading.core.market import Timeframe
from trading.desk import Desk, Seat
from trading.market.track import Track
from trading.ports import Gate


def watched(sinks: Recorder, gate: Gate) -> Track:
    """A warm market, and a user of it who wants every signal."""
    wanted = replace(plan(MARKET), rules=EAGER)
    track = Track(MARKET, sinks)
    track.watch((Desk(Seat(owner=owner(), plan=wanted, gate=gate), sinks),))
    assert track.is_attended()
    track.series.advance(us(-90))
    track.series.advance(us(-30))
    bars = [candle(index, 100 + math.sin(index / 5) * 3) for index in range(-300, 0)]
    track.series.warm_up({Timeframe.M1: bars}, NOON)
    track.seat_arrivals()
    return track


def test_bar_that_a_pause_has_overtaken_is_told_late_after_the_resume() -> None:
    sinks, gate = Recorder(), Gate(is_open=True)
    track = watched(sinks, gate)
    track.series.add(trade(1, 1, 100.0))
    track.series.add(trade(2, 30, 140.0))
    track.series.advance(us(62.5))
    [_] = close_together([track.series], MacdVBank())  # as the venue does, before each is told
    gate.close()
    track.tell()
    assert sinks.signals == []

    gate.open()
    assert track.is_attended()
    track.series.advance(us(7_200))
    track.tell()

    assert sinks.signals
    assert all(fired.missed for fired in sinks.signals)
