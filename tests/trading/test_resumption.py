"""A process that takes up where another one ended: with what that one kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from msgspec import structs

from tests.trading import running
from tests.trading.running import BTC, EAGER, ETH, Recorder, Rest
from trading.core.market import Candle, Market, Timeframe
from trading.ports import Gate, Owner, Shelf
from trading.simulator.server import Simulator

pytestmark = pytest.mark.timeout(120)

OUTAGE_SECONDS = 600.0
LONG_AGO = 0


async def first_life(simulator: Simulator) -> tuple[Recorder, int]:
    """One process from beginning to end; what it told, and the end of its last minute."""
    recorder = Recorder()
    async with running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC, rules=EAGER)
        await running.minutes_told(recorder, BTC, 4)
    return recorder, recorder.minutes(BTC)[-1].closes_at


async def test_an_outage_between_two_processes_is_a_hole_whose_signals_were_missed() -> None:
    async with running.serving() as simulator:
        before, ended_at = await first_life(simulator)
        await running.passed(simulator, OUTAGE_SECONDS)
        rest, after = Rest(simulator), Recorder()
        async with running.turning(simulator, after, shelf=before) as plane:
            running.install(plane, "ann", BTC, rules=EAGER, since=LONG_AGO)
            await running.warm(plane, "ann")
            minutes = await running.minutes_told(after, BTC, 13)
            await running.ends_equal_to_truth(simulator, after, BTC)
    assert minutes[0].opened_at == ended_at - 60, "the last one may have been amended since"
    running.assert_missed(after, ended_at, ended_at + int(OUTAGE_SECONDS))
    told = running.fired_between(after, ended_at, ended_at + int(OUTAGE_SECONDS) - 120)
    assert all(fired.missed for fired in told)
    days = [ask for ask in rest.asked if ask.first("granularity") == "ONE_DAY"]
    assert not days, "only the hole was asked for"


async def test_both_processes_together_have_told_each_bar_as_one_would_have() -> None:
    async with running.serving() as simulator:
        before, ended_at = await first_life(simulator)
        await running.passed(simulator, OUTAGE_SECONDS)
        after, fresh = Recorder(), Recorder()
        async with running.turning(simulator, after, shelf=before) as plane:
            running.install(plane, "ann", BTC, rules=EAGER, since=LONG_AGO)
            await running.minutes_told(after, BTC, 13)
        async with running.turning(simulator, fresh) as plane:
            running.install(plane, "ann", BTC)
            await running.warm(plane, "ann")
    kept = await after.kept(BTC)
    read = await fresh.kept(BTC)
    for timeframe in (Timeframe.M1, Timeframe.M5):
        known = {candle.opened_at: candle for candle in read[timeframe]}
        since = [c for c in kept[timeframe] if ended_at <= c.opened_at < ended_at + OUTAGE_SECONDS]
        assert since
        assert [known[c.opened_at] for c in since] == since


async def test_what_a_desk_has_wanted_since_the_outage_only_it_has_not_missed() -> None:
    async with running.serving() as simulator:
        before, ended_at = await first_life(simulator)
        await running.passed(simulator, OUTAGE_SECONDS)
        after = Recorder()
        async with running.turning(simulator, after, shelf=before) as plane:
            running.install(plane, "ann", BTC, rules=EAGER, since=ended_at + 300)
            await running.minutes_told(after, BTC, 13)
    assert not running.fired_between(after, 0, ended_at + int(OUTAGE_SECONDS) - 120)


async def test_a_position_that_opened_since_then_takes_no_miss_from_what_was_watched() -> None:
    recorder = Recorder()
    async with running.serving() as simulator:
        async with running.turning(simulator, recorder) as plane:
            running.install(plane, "ann", BTC, ETH, rules=EAGER)
            for market in (BTC, ETH):
                await running.minutes_told(recorder, market, 4)
        ended_at = min(recorder.minutes(market)[-1].closes_at for market in (BTC, ETH))
        outage_ends = max(recorder.minutes(market)[-1].closes_at for market in (BTC, ETH))
        await running.passed(simulator, OUTAGE_SECONDS)
        after = Recorder()
        async with running.turning(simulator, after, shelf=recorder) as plane:
            both = replace(running.plan(BTC, ETH, rules=EAGER), since=LONG_AGO)
            wanted = replace(both, markets_since={ETH: ended_at + 300})
            plane.install(running.owner("ann"), wanted, Gate(is_open=True))
            for market in (BTC, ETH):
                await running.minutes_told(after, market, 13)
    outage_ends += int(OUTAGE_SECONDS) - 120
    told = running.fired_between(after, ended_at, outage_ends)
    assert {fired.signal.market for fired in told} == {BTC}
    assert all(fired.missed for fired in told)


class EightHoursOlder:
    """What was kept, as if it were of eight hours before."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def kept(
        self, market: Market, owners: Collection[Owner] = ()
    ) -> dict[Timeframe, list[Candle]]:
        return {
            timeframe: [structs.replace(c, opened_at=c.opened_at - 8 * 3_600) for c in candles]
            for timeframe, candles in (await self._shelf.kept(market)).items()
        }


async def test_what_was_kept_too_long_ago_is_history() -> None:
    async with running.serving() as simulator:
        before, ended_at = await first_life(simulator)
        after = Recorder()
        async with running.turning(simulator, after, shelf=EightHoursOlder(before)) as plane:
            running.install(plane, "ann", BTC, rules=EAGER, since=LONG_AGO)
            await running.minutes_told(after, BTC, 2)
    assert after.minutes(BTC)[0].opened_at >= ended_at
    assert not [fired for fired in after.signals if fired.missed]
