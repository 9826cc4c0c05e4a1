"""The data plane as the control plane sees it, against a simulated exchange."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

from tests.trading import running
from tests.trading.core.made import NOON
from tests.trading.running import BTC, COINBASE, ETH, SOL, XRP, Recorder, Rest
from trading.core.market import MICROSECONDS, Market, Timeframe
from trading.core.modes import SignalKind
from trading.core.signals import Direction
from trading.plane import DataPlane
from trading.ports import DeskFacts, Gate, ToldSignal, WarmUp
from trading.simulator.faults import Accept, Close, Drop, Fail, Freeze, Refuse, Thaw

NOWHERE = Market("coinbase", "NOPE-USD")
OUTAGE_SECONDS = 500
"""Longer than the hundred trades that a new subscription begins with reach back."""


async def test_candles_built_live_equal_those_of_the_exchange() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC, ETH, rules=running.EAGER)
        facts = await running.warm(plane, "ann")
        await running.minutes_told(recorder, BTC, 5)
        await running.minutes_told(recorder, ETH, 5)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
        await running.ends_equal_to_truth(simulator, recorder, ETH)
    assert [feed.state for feed in facts.feeds] == ["connected"]
    assert facts.feeds[0].subscriptions == 2
    assert {market.market for market in facts.markets} == {BTC, ETH}
    assert all(len(market.points) == 6 for market in facts.markets)
    began_at = running.BEGAN_AT_NS // 10**9
    assert recorder.signals
    assert all(f.signal.closed_at > began_at for f in recorder.signals), "history is no news"


async def test_a_cut_connection_leaves_no_hole() -> None:
    recorder = Recorder()
    async with (
        running.serving(2 * running.SPEED) as simulator,
        running.turning(simulator, recorder) as plane,
    ):
        running.install(plane, "ann", BTC, ETH, SOL, XRP, rules=running.EAGER)
        await running.warm(plane, "ann")
        before = len(await running.minutes_told(recorder, BTC, 2))
        lost_at = simulator.clock.now_us() // MICROSECONDS
        simulator.inject(Refuse(seconds=60.0, scope="websocket"))
        simulator.inject(Close(code=1006))
        facts = await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].state == "unreachable", "an unreachable link"
        )
        assert "Coinbase cannot be reached" in facts.feeds[0].detail
        assert {market.live for market in facts.markets} == {"stale"}
        await running.passed(simulator, OUTAGE_SECONDS)
        simulator.inject(Accept())
        await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].reconnects == 1, "a second connection"
        )
        found_at = simulator.clock.now_us() // MICROSECONDS
        await running.minutes_told(recorder, BTC, before + 9)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
    running.assert_missed(recorder, lost_at - 60, found_at)


async def test_connection_that_nobody_needed_for_a_while_is_no_reconnect_when_it_is_back() -> None:
    async with running.serving() as simulator, running.turning(simulator, Recorder()) as plane:
        running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        running.install(plane, "ann")
        await running.until(lambda: simulator.connections == 0, "a connection that is given up")
        running.install(plane, "ann", BTC)
        await running.until(lambda: simulator.connections == 1, "a new one")
        await running.passed(simulator, 120)
        facts = await running.warm(plane, "ann")
        assert (facts.feeds[0].state, facts.feeds[0].reconnects) == ("connected", 0)


async def test_a_dropped_frame_is_repaired() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC, ETH)
        await running.warm(plane, "ann")
        for _ in range(3):
            simulator.inject(Drop(frames=2, channel="market_trades"))
            await running.passed(simulator, 45)
        count = len(recorder.minutes(BTC))
        await running.minutes_told(recorder, BTC, count + 2)
        await running.minutes_told(recorder, ETH, count + 2)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
        await running.ends_equal_to_truth(simulator, recorder, ETH)


async def test_a_market_says_that_it_is_mending_until_its_history_has_come() -> None:
    recorder = Recorder()

    def mending(facts: DeskFacts) -> bool:
        return all(market.is_mending for market in facts.markets)

    def certain(facts: DeskFacts) -> bool:
        return not any(market.is_mending for market in facts.markets)

    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        await running.facts_until(plane, "ann", certain, "its first minutes certain")
        rest = Rest(simulator)
        rest.hold()
        simulator.inject(Close(code=1001))
        facts = await running.facts_until(plane, "ann", mending, "that it asks its history")
        assert [market.live for market in facts.markets] == ["receiving"]
        rest.release()
        await running.facts_until(plane, "ann", certain, "that it is mended")
        await running.ends_equal_to_truth(simulator, recorder, BTC)


async def test_a_frozen_market_is_stale_and_its_candles_are_the_exchanges_all_the_same() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC, ETH)
        await running.warm(plane, "ann")
        simulator.inject(Freeze(product_id=BTC.symbol))
        facts = await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].stale_symbols, "a stale market"
        )
        assert facts.feeds[0].stale_symbols == (BTC.symbol,)
        assert facts.feeds[0].detail.startswith("Coinbase sends no trades of BTC-USD")
        assert [market.live for market in facts.markets] == ["stale", "receiving"]
        await running.minutes_told(recorder, BTC, len(recorder.minutes(BTC)) + 3)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
        still = plane.facts("ann")  # whatever the snapshots of new subscriptions told
        assert still is not None
        assert [market.live for market in still.markets] == ["stale", "receiving"]

        simulator.inject(Thaw(product_id=BTC.symbol))
        facts = await running.facts_until(
            plane, "ann", lambda f: len({one.message for one in f.failures}) == 2, "a second word"
        )
        assert facts.failures[0].message.startswith("Coinbase sends no trades of BTC-USD")
        assert facts.failures[-1].message == "Coinbase sends trades of BTC-USD again."
        await running.warm(plane, "ann")
        await running.minutes_told(recorder, BTC, len(recorder.minutes(BTC)) + 3)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
        await running.ends_equal_to_truth(simulator, recorder, ETH)


async def test_a_market_that_was_frozen_before_it_was_watched_is_found_out_too() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        simulator.inject(Freeze(product_id=BTC.symbol))
        running.install(plane, "ann", BTC, ETH)
        facts = await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].stale_symbols, "a stale market"
        )
        assert facts.feeds[0].stale_symbols == (BTC.symbol,)
        await running.minutes_told(recorder, BTC, 3)
        await running.ends_equal_to_truth(simulator, recorder, BTC)

        simulator.inject(Thaw(product_id=BTC.symbol))
        await running.warm(plane, "ann")


class SlowCoinbase(running.SwiftCoinbase):
    """One that answers so seldom that it matters who asks first."""

    requests_per_second = 2.0


async def test_what_is_held_is_seeded_before_the_rest_of_the_watchlist() -> None:
    recorder, held = Recorder(), (SOL, XRP)
    async with running.serving() as simulator:
        rest = Rest(simulator)
        async with running.turning(simulator, recorder, exchange=SlowCoinbase()) as plane:
            wanted = replace(running.plan(BTC, ETH, *held), held=frozenset(held))
            plane.install(running.owner(), wanted, Gate(is_open=True))
            await running.until(
                lambda: rest.candles_of(BTC) + rest.candles_of(ETH), "a market that is not held"
            )
            asked = [ask for ask in rest.asked if ask.path.endswith("/candles")]
    first = next(n for n, ask in enumerate(asked) if not any(m.symbol in ask.path for m in held))
    for market in held:
        of_market = [ask for ask in asked[:first] if market.symbol in ask.path]
        assert "ONE_DAY" in {ask.first("granularity") for ask in of_market}, "the last of a warm-up"


async def test_what_begins_to_be_held_while_it_waits_is_seeded_before_the_rest() -> None:
    recorder, last = Recorder(), XRP
    async with running.serving() as simulator:
        rest = Rest(simulator)
        async with running.turning(simulator, recorder, exchange=SlowCoinbase()) as plane:
            gate, plan = Gate(is_open=True), running.plan(BTC, ETH, SOL, last)
            plane.install(running.owner(), plan, gate)
            await running.until(lambda: rest.candles_of(BTC), "the first of the watchlist")
            assert not rest.candles_of(last)
            plane.install(running.owner(), replace(plan, held=frozenset({last})), gate)
            await running.until(lambda: rest.candles_of(last), "what is held now")
            assert not rest.candles_of(SOL)


async def test_what_nobody_lists_any_more_holds_up_nothing_that_is_wanted() -> None:
    async with running.serving() as simulator:
        rest = Rest(simulator)
        async with running.turning(simulator, Recorder(), exchange=SlowCoinbase()) as plane:
            running.install(plane, "ann", BTC, ETH, SOL)
            await running.until(lambda: rest.candles_of(BTC), "the first of the watchlist")
            running.install(plane, "ann", XRP)
            await running.until(lambda: rest.candles_of(XRP), "what is wanted now")
            assert sum(map(rest.candles_of, (BTC, ETH, SOL))) <= 4


async def test_a_warm_up_says_how_far_it_is_until_it_is_done() -> None:
    seen: list[WarmUp] = []

    def look(facts: DeskFacts) -> bool:
        [market] = facts.markets
        if market.warm_up is not None:
            assert market.live == "warming"
            seen.append(market.warm_up)
        return market.live == "receiving"

    recorder = Recorder()
    async with (
        running.serving() as simulator,
        running.turning(simulator, recorder, exchange=SlowCoinbase()) as plane,
    ):
        running.install(plane, "ann", BTC)
        done = await running.facts_until(plane, "ann", look, "a warm market")
    bars = [warm_up.bars for warm_up in seen]
    assert bars == sorted(bars)
    assert any(0 < one < 1_800 for one in bars)
    for warm_up in seen:
        assert warm_up.bars == 300 * len(warm_up.ready), "a timeframe is asked for at once"
        assert warm_up.ready == tuple(Timeframe)[: len(warm_up.ready)]
    assert done.markets[0].warm_up is None


async def test_pause_is_silent_and_resume_repairs_the_hole() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        gate = running.install(plane, "ann", BTC, rules=running.EAGER)
        await running.warm(plane, "ann")
        await running.minutes_told(recorder, BTC, 2)
        gate.close()
        paused_at = simulator.clock.now_us() // MICROSECONDS
        installed = plane.pause("ann")
        assert installed.removed == (BTC,)
        facts = await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].subscriptions == 0, "nothing subscribed"
        )
        silent = (len(recorder.candles), len(recorder.signals), len(recorder.updates))
        await running.passed(simulator, 150)
        after = plane.facts("ann")
        assert after is not None
        assert silent == (len(recorder.candles), len(recorder.signals), len(recorder.updates))
        assert (after.trades, after.candles_closed) == (facts.trades, facts.candles_closed)
        assert after.feeds[0].state == "connected", "the idle connection stays open"
        gate.open()
        resumed_at = simulator.clock.now_us() // MICROSECONDS
        assert plane.install(running.owner(), running.plan(BTC), gate).added == (BTC,)
        await running.minutes_told(recorder, BTC, len(recorder.minutes(BTC)) + 4)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
    during = running.fired_between(recorder, paused_at, resumed_at)
    assert not during, "a deliberate pause is one span, neither signals nor misses"


async def test_two_users_share_a_market_and_neither_stops_the_other() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        gate = running.install(plane, "ann", BTC, ETH)
        running.install(plane, "bob", BTC)
        await running.warm(plane, "ann")
        facts = await running.warm(plane, "bob")
        assert facts.feeds[0].subscriptions == 1
        assert simulator.connections == 1
        gate.close()
        plane.pause("ann")
        await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].subscriptions == 0, "nothing subscribed for ann"
        )
        told_to_ann = sum(update.owner.sub == "ann" for update in recorder.updates)
        minutes = len(recorder.minutes(BTC))
        eth = len(recorder.minutes(ETH))
        await running.minutes_told(recorder, BTC, minutes + 1)
        assert sum(update.owner.sub == "ann" for update in recorder.updates) == told_to_ann
        assert len(recorder.minutes(ETH)) == eth
        plane.remove("bob")
        await running.until(lambda: plane.facts("bob") is None, "bob forgotten")
        minutes = len(recorder.minutes(BTC))
        await running.passed(simulator, 90)
        assert len(recorder.minutes(BTC)) == minutes


async def test_behind_a_closed_gate_nothing_moves_though_frames_arrive() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        gate = running.install(plane, "ann", BTC)
        facts = await running.warm(plane, "ann")
        gate.close()
        silent = len(recorder.candles)
        heard = facts.feeds[0].last_message_at_ms or 0
        await running.passed(simulator, 90)
        facts = await running.facts_until(
            plane, "ann", lambda f: (f.feeds[0].last_message_at_ms or 0) > heard, "a later frame"
        )
        assert facts.feeds[0].subscriptions == 1
        assert len(recorder.candles) == silent


async def test_hanging_loop_delays_neither_pause_nor_facts() -> None:
    recorder = Recorder()
    release = threading.Event()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        gate = running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        plane.call_soon(lambda: release.wait(10.0))
        await running.until(lambda: plane.beat_age_ms > 1_000, "a hanging loop")
        silent = len(recorder.candles)
        began = time.monotonic()
        gate.close()
        assert plane.pause("ann").removed == (BTC,)
        assert plane.facts("ann") is not None
        assert time.monotonic() - began < 0.1
        plane.install(running.owner(), running.plan(ETH), Gate())
        facts = plane.facts("ann")
        assert facts is not None
        assert [market.market for market in facts.markets] == [ETH], "by the plan in effect"
        plane.pause("ann")
        release.set()
        await running.until(lambda: plane.beat_age_ms < 500, "a turning loop")
        await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].subscriptions == 0, "nothing subscribed"
        )
        assert len(recorder.candles) == silent
        assert plane.failure is None


async def test_failure_is_a_state_and_a_restart_goes_on_where_it_stopped() -> None:
    recorder = Recorder()
    async with (
        running.serving(2 * running.SPEED) as simulator,
        running.turning(simulator, recorder) as plane,
    ):
        running.install(plane, "ann", BTC, ETH, SOL, XRP, rules=running.EAGER)
        await running.warm(plane, "ann")
        before = len(await running.minutes_told(recorder, BTC, 2))
        failed_at = simulator.clock.now_us() // MICROSECONDS
        plane.call_soon(_fail)
        await running.until(lambda: plane.failure, "a failure")
        failure = plane.failure
        assert failure is not None
        assert failure.error == "LookupError: the drill"
        await running.passed(simulator, OUTAGE_SECONDS)
        restarted_at = simulator.clock.now_us() // MICROSECONDS
        plane.restart()
        assert plane.failure is None
        await running.minutes_told(recorder, BTC, before + 9)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
    running.assert_missed(recorder, failed_at - 60, restarted_at + 60)


async def test_restart_leaves_a_hung_thread_behind_mute() -> None:
    recorder = Recorder()
    release = threading.Event()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        hung = [t for t in threading.enumerate() if t.name == "data-plane"]
        plane.call_soon(lambda: release.wait(30.0))
        await running.until(lambda: plane.beat_age_ms > 500, "a hanging loop")
        plane.restart()
        await running.minutes_told(recorder, BTC, 2)
        assert plane.beat_age_ms < 500
        release.set()
        await asyncio.to_thread(hung[0].join, 3.0)
        assert not hung[0].is_alive()


async def test_symbol_that_the_exchange_does_not_trade_is_said_and_not_retried() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC, NOWHERE)
        facts = await running.facts_until(
            plane,
            "ann",
            lambda f: [m.live for m in f.markets] == ["receiving", "stale"],
            "one market receiving, the other stale",
        )
        assert facts.feeds[0].stale_symbols == ("NOPE-USD",)
        assert facts.feeds[0].detail == "Coinbase does not trade NOPE-USD."
        assert facts.feeds[0].subscriptions == 1
        assert facts.failures == ()


async def test_alias_is_heard_also_where_the_list_came_after_the_connection() -> None:
    alias = Market("coinbase", "BTC-USDC")
    async with running.serving() as simulator:
        simulator.inject(Fail(how="internal", path="/market/products"))
        async with running.turning(simulator, Recorder()) as plane:
            running.install(plane, "ann", alias)
            await running.facts_until(
                plane, "ann", lambda facts: facts.markets[0].trades, "trades of the book it shares"
            )


async def test_frozen_exchange_is_stale_and_does_not_delay_the_end() -> None:
    recorder = Recorder()
    async with running.serving() as simulator, running.turning(simulator, recorder) as plane:
        running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        simulator.inject(Freeze())
        facts = await running.facts_until(
            plane, "ann", lambda f: f.feeds[0].state == "stale", "a stale link"
        )
        assert "has said nothing for" in facts.feeds[0].detail
        assert [market.live for market in facts.markets] == ["stale"]
        began = time.monotonic()
        assert await asyncio.to_thread(plane.stop)
        assert time.monotonic() - began < 3.0


async def test_unknown_exchange_is_off_and_says_so() -> None:
    plane = DataPlane(endpoints={}, sinks=Recorder(), exchanges={COINBASE.name: COINBASE})
    plane.start()
    try:
        running.install(plane, "ann", BTC)
        facts = await running.facts_until(plane, "ann", lambda f: f.feeds, "the facts of a feed")
        assert facts.feeds[0].state == "off"
        assert facts.feeds[0].detail == "Livermore has no feed for coinbase."
        assert [market.live for market in facts.markets] == ["stale"]
    finally:
        assert await asyncio.to_thread(plane.stop)


def test_decisions_before_the_start_and_after_the_end_are_kept_and_harm_nothing() -> None:
    plane = DataPlane(endpoints={}, sinks=Recorder())
    assert plane.pause("ann").removed == ()
    plane.install(running.owner(), running.plan(BTC, ETH), Gate(is_open=True))
    changed = plane.install(running.owner(), running.plan(ETH), Gate(is_open=True))
    assert (changed.added, changed.removed, changed.kept) == ((), (BTC,), (ETH,))
    assert plane.pause("ann").removed == (ETH,)
    assert plane.pause("ann").removed == ()
    assert plane.facts("ann") is None
    plane.start()
    assert plane.stop()
    assert plane.stop()
    plane.remove("ann")
    plane.call_soon(_fail)
    assert plane.failure is None


def test_what_was_told_before_is_not_forgotten_by_a_plan_that_follows_at_once() -> None:
    plane = DataPlane(endpoints={}, sinks=Recorder())
    told = ToldSignal(
        market=BTC,
        timeframe=Timeframe.M1,
        kind=SignalKind.CROSSOVER,
        direction=Direction.UP,
        closed_at=NOON,
    )
    opening = replace(running.plan(BTC), told=(told,))
    plane.install(running.owner(), opening, Gate(), paused=True)
    plane.install(running.owner(), running.plan(BTC), Gate(is_open=True))
    assert plane._decided()["ann"].plan.told == (told,)
    plane.install(running.owner(fence=2), running.plan(BTC), Gate(is_open=True))
    assert plane._decided()["ann"].plan.told == ()


def _fail() -> None:
    raise LookupError("the drill")
