"""Ordered backfills against a simulated exchange: what is read, and who stops it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.trading import running
from tests.trading.running import BTC, ETH, SOL, Recorder, Rest
from trading.backfills import OrderedBackfills
from trading.core.market import Market, Timeframe
from trading.market.backfill import Backfill
from trading.market.history import History
from trading.market.listing import Listing
from trading.market.ordered import Orders
from trading.net.http import ExchangeHttp
from trading.plane import DataPlane
from trading.ports import BackfillFacts, BackfillOrder, BackfillState
from trading.simulator.faults import Accept, Refuse
from trading.simulator.server import Simulator

WHOLE = len(Timeframe) * 300


@asynccontextmanager
async def idle(
    *subs: str, recorder: Recorder | None = None
) -> AsyncIterator[tuple[Simulator, DataPlane, Rest]]:
    """A plane of users who watch nothing: whatever is asked, was ordered."""
    async with (
        running.serving() as simulator,
        running.turning(simulator, recorder or Recorder()) as plane,
    ):
        rest = Rest(simulator)
        for sub in subs:
            running.install(plane, sub)
            await running.facts_until(plane, sub, lambda _: True, "facts")
        yield simulator, plane, rest


def order(plane: DataPlane, sub: str, market: Market, *timeframes: Timeframe, id: str = "") -> str:  # noqa: A002 - as the wire has it
    """Order a backfill; its id."""
    made = BackfillOrder(
        id=id or f"{sub} {market.symbol}", market=market, timeframes=timeframes or tuple(Timeframe)
    )
    assert plane.backfill(sub, made) is None
    return made.id


def seen(plane: DataPlane, sub: str, id: str) -> BackfillFacts | None:  # noqa: A002
    """One backfill as a user sees it."""
    facts = plane.facts(sub)
    return next((one for one in facts.backfills if one.id == id), None) if facts else None


async def ended(plane: DataPlane, sub: str, id: str) -> BackfillFacts:  # noqa: A002
    """Wait until a backfill has ended."""

    def has_ended() -> bool:
        facts = seen(plane, sub, id)
        return facts is not None and facts.state.has_ended

    await running.until(has_ended, f"the end of {id}")
    facts = seen(plane, sub, id)
    assert facts is not None
    return facts


async def asked_for(rest: Rest, market: Market) -> None:
    """Wait until the exchange was asked for candles of a market."""
    await running.until(lambda: rest.candles_of(market), f"a request for {market.symbol}")


async def test_a_market_that_nobody_watches_is_read_and_swapped_in_whole() -> None:
    recorder = Recorder()
    async with idle("ann", recorder=recorder) as (simulator, plane, _):
        facts = await ended(plane, "ann", order(plane, "ann", BTC, Timeframe.M1, Timeframe.H1))
        (replacement,) = recorder.replacements
        bars = replacement.bars[Timeframe.M1]
        truth = await running.truth(simulator, BTC, bars[0].opened_at, replacement.cut)
    assert (facts.state, facts.done, facts.total) == (BackfillState.DONE, 600, 600)
    assert facts.message.endswith("candles of BTC-USD read.")
    assert set(replacement.bars) == {Timeframe.M1, Timeframe.H1}
    for timeframe, candles in replacement.bars.items():
        end = timeframe.bucket(replacement.cut)
        opened = [candle.opened_at for candle in candles]
        assert opened == list(range(opened[0], end, timeframe.seconds))
        assert 250 <= len(candles) <= 300
    assert {c.opened_at: c for c in bars if not c.synthetic} == truth
    assert recorder.history == [], "one swap, not candle by candle"
    assert recorder.candles == []


async def test_indicators_of_a_live_market_are_computed_anew_from_a_whole_history() -> None:
    recorder = Recorder()
    async with idle(recorder=recorder) as (simulator, plane, rest):
        rest.empty = frozenset({"ONE_DAY"})
        running.install(plane, "ann", BTC, rules=running.EAGER)
        facts = await running.warm(plane, "ann")
        assert Timeframe.D1 not in facts.markets[0].points
        await running.minutes_told(recorder, BTC, 3)
        rest.empty = frozenset()
        await ended(plane, "ann", order(plane, "ann", BTC, Timeframe.D1, id="a part"))
        (part,) = recorder.replacements
        assert set(part.bars) == {Timeframe.D1}
        await ended(plane, "ann", order(plane, "ann", BTC, id="all of it"))
        facts = await running.facts_until(
            plane, "ann", lambda f: Timeframe.D1 in f.markets[0].points, "indicators of days"
        )
        assert facts.markets[0].points[Timeframe.D1].bars >= 250
        told = len(recorder.minutes(BTC))
        await running.minutes_told(recorder, BTC, told + 4)
        await running.ends_equal_to_truth(simulator, recorder, BTC)
    whole = recorder.replacements[1]
    assert whole.bars[Timeframe.M1][-1].closes_at == whole.cut
    fired = [
        (one.signal.timeframe, one.signal.kind, one.signal.closed_at) for one in recorder.signals
    ]
    assert len(fired) == len(set(fired)), "no signal is told twice"


async def test_a_part_of_the_timeframes_leaves_live_indicators_alone() -> None:
    recorder = Recorder()
    async with idle(recorder=recorder) as (_, plane, rest):
        rest.empty = frozenset({"ONE_DAY"})
        running.install(plane, "ann", BTC)
        await running.warm(plane, "ann")
        rest.empty = frozenset()
        await ended(plane, "ann", order(plane, "ann", BTC, Timeframe.D1))
        facts = plane.facts("ann")
    assert facts is not None
    assert Timeframe.D1 not in facts.markets[0].points
    assert len(recorder.replacements) == 1


async def test_a_pause_cancels_and_nothing_more_is_asked() -> None:
    recorder = Recorder()
    async with idle("ann", "bob", recorder=recorder) as (_, plane, rest):
        rest.hold()
        ids = order(plane, "ann", BTC), order(plane, "ann", ETH)
        await asked_for(rest, BTC)
        plane.pause("ann")
        for id_ in ids:
            facts = seen(plane, "ann", id_)
            assert facts is not None
            assert (facts.state, facts.message) == (BackfillState.CANCELLED, "cancelled by a pause")
        rest.release()
        await ended(plane, "bob", order(plane, "bob", SOL))
        assert (rest.candles_of(BTC), rest.candles_of(ETH)) == (1, 0)
    assert [one.market for one in recorder.replacements] == [SOL]


async def test_nothing_comes_of_what_was_cancelled_while_the_last_answer_came() -> None:
    delivered: list[History] = []
    book = OrderedBackfills()
    book.place("ann", BackfillOrder(id="a", market=BTC, timeframes=(Timeframe.M1,)))
    async with (
        running.serving() as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
        asyncio.TaskGroup() as tasks,
    ):
        rest = Rest(simulator)
        rest.hold()
        backfill = Backfill(running.COINBASE, http)
        listing = Listing(running.COINBASE, http, changed=lambda: None)
        orders = Orders(
            *(running.COINBASE, http, backfill, listing),
            backfills=book,
            life=book.begin_life(),
            deliver=delivered.append,
        )
        working = [tasks.create_task(one.run()) for one in (backfill, listing, orders)]
        await asked_for(rest, BTC)
        book.cancel("ann", reason="by another thread")  # and the loop has not heard of it yet
        book.place("ann", BackfillOrder(id="b", market=ETH, timeframes=(Timeframe.M1,)))
        rest.release()
        await running.until(lambda: delivered, "the second history")
        for task in working:
            task.cancel()
    assert [history.market for history in delivered] == [ETH]


async def test_whoever_is_paused_or_unknown_orders_nothing() -> None:
    async with idle("ann") as (_, plane, rest):
        plane.pause("ann")
        made = BackfillOrder(id="a", market=BTC)
        for sub in ("ann", "nobody"):
            refused = plane.backfill(sub, made)
            assert refused == "nothing is read while the runtime is paused; resume it first"
        assert rest.candles_of(BTC) == 0


async def test_removing_a_user_cancels_theirs_and_nobody_elses() -> None:
    recorder = Recorder()
    async with idle("ann", "bob", recorder=recorder) as (_, plane, rest):
        rest.hold()
        order(plane, "ann", BTC)
        await asked_for(rest, BTC)
        bobs = order(plane, "bob", ETH)
        plane.remove("ann")
        rest.release()
        assert (await ended(plane, "bob", bobs)).state is BackfillState.DONE
        assert rest.candles_of(BTC) == 1
    assert {one.market for one in recorder.replacements} == {ETH}


async def test_a_second_order_for_the_same_market_takes_the_place_of_the_first() -> None:
    recorder = Recorder()
    async with idle("ann", recorder=recorder) as (_, plane, rest):
        rest.hold()
        first = order(plane, "ann", BTC, id="first")
        await asked_for(rest, BTC)
        second = order(plane, "ann", BTC, Timeframe.H4, id="second")
        rest.release()
        assert (await ended(plane, "ann", first)).state is BackfillState.CANCELLED
        assert (await ended(plane, "ann", second)).state is BackfillState.DONE
    assert [set(one.bars) for one in recorder.replacements] == [{Timeframe.H4}]


async def test_two_users_order_the_same_market_and_each_sees_their_own() -> None:
    async with idle("ann", "bob") as (_, plane, _):
        anns = order(plane, "ann", BTC)
        bobs = order(plane, "bob", BTC)
        plane.cancel_backfills("ann", BTC)
        assert (await ended(plane, "ann", anns)).state is BackfillState.CANCELLED
        done = await ended(plane, "bob", bobs)
        assert (done.state, done.done) == (BackfillState.DONE, WHOLE)
        assert seen(plane, "ann", bobs) is None
        assert seen(plane, "bob", anns) is None


async def test_what_cannot_be_read_fails_with_a_sentence() -> None:
    async with idle("ann") as (_, plane, rest):
        nowhere = await ended(plane, "ann", order(plane, "ann", Market("coinbase", "NOPE-USD")))
        elsewhere = await ended(plane, "ann", order(plane, "ann", Market("kraken", "BTC-USD")))
        assert rest.candles_of(Market("coinbase", "NOPE-USD")) == 0
    assert nowhere.state is elsewhere.state is BackfillState.FAILED
    assert nowhere.message == "Coinbase does not list NOPE-USD."
    assert elsewhere.message == "Livermore has no feed for kraken."


async def test_an_exchange_that_is_away_fails_it_and_the_next_one_works() -> None:
    async with idle("ann") as (simulator, plane, _):
        await ended(plane, "ann", order(plane, "ann", ETH, Timeframe.M1))
        simulator.inject(Refuse(seconds=600.0, scope="rest"))
        facts = await ended(plane, "ann", order(plane, "ann", BTC, id="refused"))
        simulator.inject(Accept())
        again = await ended(plane, "ann", order(plane, "ann", BTC, id="accepted"))
    assert facts.state is BackfillState.FAILED
    assert facts.message.startswith("No history of BTC-USD: coinbase: no answer")
    assert again.state is BackfillState.DONE


async def test_too_many_requests_are_waited_for() -> None:
    async with idle("ann") as (_, plane, rest):
        await ended(plane, "ann", order(plane, "ann", ETH, Timeframe.M1))
        rest.throttled_next = 2
        facts = await ended(plane, "ann", order(plane, "ann", BTC))
        assert rest.throttled_next == 0
    assert (facts.state, facts.done) == (BackfillState.DONE, WHOLE)


async def test_however_much_is_ordered_one_request_is_under_way() -> None:
    async with idle("ann", "bob") as (_, plane, rest):
        ids = [
            (sub, order(plane, sub, market)) for sub in ("ann", "bob") for market in (BTC, ETH, SOL)
        ]
        for sub, id_ in ids:
            assert (await ended(plane, sub, id_)).state is BackfillState.DONE
        assert rest.most_at_once == 1


async def test_a_hanging_loop_delays_neither_an_order_nor_its_cancellation() -> None:
    release = threading.Event()
    async with idle("ann") as (_, plane, rest):
        plane.call_soon(lambda: release.wait(10.0))
        await running.until(lambda: plane.beat_age_ms > 500, "a hanging loop")
        id_ = order(plane, "ann", BTC)
        waiting = seen(plane, "ann", id_)
        assert waiting is not None
        assert waiting.state is BackfillState.WAITING
        assert plane.cancel_backfills("ann") == (id_,)
        cancelled = seen(plane, "ann", id_)
        assert cancelled is not None
        assert cancelled.state is BackfillState.CANCELLED
        release.set()
        await ended(plane, "ann", order(plane, "ann", ETH))
        assert rest.candles_of(BTC) == 0


async def test_a_new_life_of_the_plane_carries_out_what_the_one_before_had_begun() -> None:
    recorder = Recorder()
    async with idle("ann", recorder=recorder) as (_, plane, rest):
        await ended(plane, "ann", order(plane, "ann", ETH, Timeframe.M1))
        rest.hold()
        id_ = order(plane, "ann", BTC)
        await running.until(
            lambda: (facts := seen(plane, "ann", id_)) and facts.state is BackfillState.RUNNING,
            "a running backfill",
        )
        plane.call_soon(_fail)
        await running.until(lambda: plane.failure, "a failure")
        rest.release()
        await asyncio.to_thread(plane.restart)
        assert (await ended(plane, "ann", id_)).state is BackfillState.DONE
    assert [one.market for one in recorder.replacements] == [ETH, BTC]


async def test_what_an_exchange_lists_is_known_once_it_was_asked() -> None:
    async with idle() as (simulator, plane, _):
        assert plane.listed("coinbase") is None
        assert plane.listed("kraken") is None
        running.install(plane, "ann", BTC)
        await running.until(lambda: plane.listed("coinbase"), "the list of Coinbase")
        listed = plane.listed("coinbase")
        assert listed is not None
        assert {"BTC-USD", "ETH-USD"} <= listed.keys()
        assert listed["BTC-USD"].streamable
        assert not listed["BTC-PERP-INTX"].streamable
        assert "NOPE-USD" not in listed
        assert len(listed) <= len(simulator.world.products)


def _fail() -> None:
    raise LookupError("the drill")
