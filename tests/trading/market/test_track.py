"""One market as its users share it, while their gates open and close."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.trading.core.made import MARKET, NOON, candle, trade, us
from tests.trading.running import EAGER, Recorder, owner, plan
from trading.core.bank import MacdVBank, close_together
from trading.core.market import Timeframe
from trading.desk import Desk, Seat
from trading.market.track import Track
from trading.ports import Gate


def desk_of(sub: str, sinks: Recorder, gate: Gate, *, since: int | None = None) -> Desk:
    """A user who wants every signal, and has wanted it since then."""
    wanted = replace(plan(MARKET), rules=EAGER, since=since)
    return Desk(Seat(owner=owner(sub), plan=wanted, gate=gate), sinks)


def watched(sinks: Recorder, gate: Gate) -> Track:
    """A warm market, and a user of it who wants every signal."""
    track = Track(MARKET, sinks)
    track.watch((desk_of("ann", sinks, gate),))
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


@pytest.mark.parametrize(
    ("since", "told"), [(NOON - 86_400, True), (NOON + 61, False), (None, False)]
)
def test_desk_that_was_elsewhere_a_moment_ago_hears_of_the_gap(
    since: int | None, *, told: bool
) -> None:
    sinks, gate = Recorder(), Gate(is_open=True)
    track = watched(sinks, gate)
    track.series.add(trade(1, 1, 100.0))
    track.series.add(trade(2, 30, 140.0))
    track.series.advance(us(62.5))
    track.tell()  # the worker that drove bela was killed just before this
    of_ann = [fired.signal for fired in sinks.signals]
    assert of_ann

    track.watch((*track.watchers, desk_of("bela", sinks, gate, since=since)))
    for second in (71, 80):
        track.series.advance(us(second))
        track.seat_arrivals()
        track.tell()

    of_bela = [fired for fired in sinks.signals if fired.owner.sub == "bela"]
    assert [fired.signal for fired in of_bela] == (of_ann if told else [])
    assert not any(fired.missed for fired in of_bela)
    assert len(of_ann) == len([fired for fired in sinks.signals if fired.owner.sub == "ann"])


def test_host_whose_clock_is_ahead_hides_no_signal_from_who_comes_to_a_shared_market() -> None:
    sinks, gate = Recorder(), Gate(is_open=True)
    track = watched(sinks, gate)
    track.series.add(trade(1, 1, 100.0))
    track.series.advance(us(62.5))
    track.tell()

    arrived = NOON + 63 + 90  # by this host
    track.watch((*track.watchers, desk_of("bela", sinks, gate, since=arrived)))
    track.seat_arrivals()
    track.series.add(trade(2, 70, 140.0))
    track.series.advance(us(122.5))
    track.tell()

    signals = [(fired.owner.sub, fired.signal) for fired in sinks.signals]
    of_ann = [one for sub, one in signals if sub == "ann" and one.closed_at > NOON + 60]
    assert of_ann
    assert [one for sub, one in signals if sub == "bela"] == of_ann
