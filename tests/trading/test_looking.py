"""The minutes that form, as a data plane tells them to whoever asks."""

from __future__ import annotations

from tests.trading import running
from tests.trading.running import BTC, ETH, Recorder
from trading.core.market import MICROSECONDS, Candle, Timeframe
from trading.plane import DataPlane


async def looked(plane: DataPlane) -> list[Candle]:
    """What one look sees."""
    seen: list[list[Candle]] = []
    plane.look_at_forming(seen.append)
    await running.until(lambda: bool(seen), "a look at what forms")
    return seen[0]


async def test_what_forms_is_told_of_markets_that_somebody_may_look_at() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        assert await looked(plane) == []
        gate = running.install(plane, "ann", BTC, ETH)
        await running.warm(plane, "ann")
        await running.minutes_told(recorder, BTC, 2)
        minutes = {candle.market: candle for candle in await looked(plane)}
        now = simulator.clock.now_us() // MICROSECONDS
        assert BTC in minutes
        assert minutes[BTC].timeframe is Timeframe.M1
        assert now - minutes[BTC].opened_at < 180
        assert minutes[BTC].opened_at > recorder.minutes(BTC)[0].opened_at
        gate.close()
        assert await looked(plane) == []


def test_a_plane_that_does_not_turn_tells_nothing() -> None:
    plane = DataPlane(sinks=Recorder(), endpoints={})
    plane.look_at_forming(lambda _: (_ for _ in ()).throw(AssertionError))
