"""What is done to the world on order, and what its candles, trades and listing say then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.simulator.worlds import DAY, NOW, NOW_US, SEED, fold_trades, moment
from trading.simulator.catalog import products
from trading.simulator.interventions import Amend, AnyIntervention, Delist, Quiet, Spike
from trading.simulator.tape import Bar, Print
from trading.simulator.venues.coinbase.session import CoinbaseSession
from trading.simulator.venues.coinbase.venue import Coinbase
from trading.simulator.venues.ports import Ask
from trading.simulator.world import World

BTC = "BTC-USD"
MINUTE = NOW - NOW % 60
NEXT = MINUTE + 60
LATER_US = (MINUTE + 3_600) * 1_000_000


def fresh() -> World:
    """A world of the test's own: it is going to be changed."""
    return World(SEED, products(40))


def minutes(world: World, start: int, end: int, now_us: int = LATER_US) -> dict[int, Bar]:
    """The minutes opened in ``[start, end)``."""
    found = world.candles(BTC, 60, start, end - 60, now_us)
    return {bar.opened_at: bar for bar in found}


def told(world: World, after: int, until: int) -> list[Print]:
    """The trades told between two unix seconds."""
    return world.trades(BTC, after * 1_000_000 - 1, until * 1_000_000 - 1)


def assert_numbered(trades: list[Print]) -> None:
    """Ids rise by one, whatever happened."""
    ids = [one.trade_id for one in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_a_spike_lifts_its_minutes_and_no_others() -> None:
    drawn, world = minutes(fresh(), MINUTE, MINUTE + 600), fresh()
    done = world.intervene(Spike(product_id=BTC, percent=10.0, minutes=2), NOW_US)
    assert done == Spike(product_id=BTC, percent=10.0, minutes=2, at=NEXT)
    for at, bar in minutes(world, MINUTE, MINUTE + 600).items():
        factor = 1.1 if NEXT <= at < NEXT + 120 else 1.0
        assert bar.close == round(drawn[at].close * factor)
        assert bar.high == round(drawn[at].high * factor)
        assert (bar.volume, bar.trades) == (drawn[at].volume, drawn[at].trades)
    trades = told(world, MINUTE, MINUTE + 600)
    assert_numbered(trades)
    assert fold_trades(trades, 60) == list(minutes(world, MINUTE, MINUTE + 600).values())


def test_in_quiet_minutes_nobody_trades_and_no_id_is_skipped() -> None:
    drawn, world = minutes(fresh(), MINUTE, MINUTE + 600), fresh()
    world.intervene(Quiet(product_id=BTC, minutes=3), NOW_US)
    silent = {NEXT, NEXT + 60, NEXT + 120}
    found = minutes(world, MINUTE, MINUTE + 600)
    assert found == {at: bar for at, bar in drawn.items() if at not in silent}
    assert_numbered(told(world, MINUTE, MINUTE + 600))


def test_ids_go_on_over_the_midnight_behind_a_silence() -> None:
    world, midnight = fresh(), NOW - NOW % DAY + DAY
    world.intervene(Quiet(product_id=BTC, at=midnight - 120, minutes=4), NOW_US)
    assert_numbered(told(world, midnight - 600, midnight + 600))


def test_nobody_trades_what_was_delisted_and_everybody_is_told() -> None:
    world = fresh()
    world.intervene(Delist(product_id=BTC), NOW_US)
    assert max(minutes(world, MINUTE - 600, MINUTE + 3_000)) == MINUTE
    before, after = NOW_US, NEXT * 1_000_000
    for at_us, state in ((before, "online"), (after, "delisted")):
        for name in (BTC, "BTC-USDC"):
            product = world.product_at(name, at_us)
            assert product is not None
            assert product.state == state
    venue, path = Coinbase(world), "/api/v3/brokerage/market/products"
    for ask in (Ask(method="GET", path=f"{path}/{BTC}"), Ask(method="GET", path=path)):
        answer = json.loads(venue.answer(ask, moment(after)).body)
        row = next(row for row in answer.get("products", [answer]) if row["product_id"] == BTC)
        assert (row["status"], row["is_disabled"], row["trading_disabled"]) == (
            "delisted", True, True,
        )  # fmt: skip


def test_a_feed_of_what_was_delisted_stops_and_is_not_acknowledged_again() -> None:
    world = fresh()
    session = CoinbaseSession(world, moment(), uptime=7)

    def ask(channel: str, *names: str, now_us: int) -> list[dict[str, Any]]:
        text = json.dumps({"type": "subscribe", "channel": channel, "product_ids": names})
        return [json.loads(frame.text) for frame in session.receive(text, moment(now_us, 1_001.0))]

    held = ask("market_trades", BTC, "ETH-USD", now_us=NOW_US)[-1]["events"][0]["subscriptions"]
    assert held == {"market_trades": [BTC, "ETH-USD"]}
    world.intervene(Delist(product_id=BTC), NOW_US)
    session.advance(moment(NEXT * 1_000_000, 1_100.0), frozenset())
    frames = session.advance(moment(LATER_US, 1_200.0), frozenset())
    traded = {
        row["product_id"] for f in frames for row in json.loads(f.text)["events"][0]["trades"]
    }
    assert traded == {"ETH-USD"}
    status = ask("status", BTC, now_us=LATER_US)
    assert status[-1]["events"][0]["subscriptions"] == {"market_trades": ["ETH-USD"]}


def test_an_amended_candle_is_told_by_rest_and_by_a_late_trade() -> None:
    world = fresh()
    before = minutes(world, MINUTE - 300, MINUTE, NOW_US)
    drawn = told(world, MINUTE, MINUTE + 600)
    done = world.intervene(Amend(product_id=BTC, percent=1.0), NOW_US)
    assert isinstance(done, Amend)
    assert (done.at, done.told_us) == (MINUTE - 60, NOW_US + 1)
    after = minutes(world, MINUTE - 300, MINUTE, NOW_US)
    changed = {at for at in before if before[at] != after[at]}
    assert changed == {MINUTE - 60}
    old, new = before[MINUTE - 60], after[MINUTE - 60]
    assert new.close == new.high == round(old.close * 1.01)
    assert new.volume > old.volume
    trades = told(world, MINUTE, MINUTE + 600)
    assert_numbered(trades)
    (late,) = [one for one in trades if one.time_us < MINUTE * 1_000_000]
    assert (late.price, late.size) == (new.close, new.volume - old.volume)
    ahead = sum(one.time_us <= NOW_US for one in drawn)
    assert trades.index(late) == ahead
    assert [one[1:] for one in trades if one is not late] == [one[1:] for one in drawn]
    newest = trades[: ahead + 1]
    assert world.last_trades(BTC, len(newest), NOW_US + 1) == newest


def test_a_coarser_candle_is_amended_with_its_minute() -> None:
    world = fresh()
    world.intervene(Amend(product_id=BTC, at=MINUTE - 3_600, percent=30.0), NOW_US)
    world.intervene(Amend(product_id=BTC, at=MINUTE - 3_600, percent=-20.0), NOW_US + 7)
    for seconds in (300, 3_600, 86_400):
        begin = (MINUTE - 3_600) // seconds * seconds
        (bar,) = world.candles(BTC, seconds, begin, begin, LATER_US)
        inside = minutes(world, begin, begin + seconds).values()
        assert bar.high == max(one.high for one in inside)
        assert bar.low == min(one.low for one in inside)
        assert bar.volume == sum(one.volume for one in inside)
        assert bar.trades == sum(one.trades for one in inside)


ORDERS = st.one_of(
    st.builds(
        Spike,
        product_id=st.just(BTC),
        percent=st.floats(-90, 900),
        minutes=st.integers(1, 9),
        at=st.integers(0, 20).map(lambda n: NEXT + 60 * n),
    ),
    st.builds(
        Quiet,
        product_id=st.just(BTC),
        minutes=st.integers(1, 9),
        at=st.integers(0, 20).map(lambda n: NEXT + 60 * n),
    ),
    st.builds(
        Amend,
        product_id=st.just(BTC),
        percent=st.floats(-50, 50),
        at=st.integers(1, 9).map(lambda n: MINUTE - 60 * n),
        told_us=st.integers(NOW_US, NOW_US + 600_000_000),
    ),
)


@given(st.lists(ORDERS, max_size=6))
def test_whatever_was_done_the_trades_are_numbered_and_fold_to_the_candles(
    orders: list[AnyIntervention],
) -> None:
    world = fresh()
    for order in orders:
        world.intervene(order, NOW_US)
    trades = told(world, MINUTE, MINUTE + 1_800)
    assert_numbered(trades)
    punctual = [one for one in trades if one.time_us >= MINUTE * 1_000_000]
    assert fold_trades(punctual, 60) == list(minutes(world, MINUTE, MINUTE + 1_800).values())


def test_the_same_interventions_are_the_same_world_again() -> None:
    orders: list[AnyIntervention] = [
        Spike(product_id=BTC, percent=-5.0),
        Quiet(product_id=BTC, at=NEXT + 300),
        Amend(product_id="BTC-USDC"),
    ]
    first, second = fresh(), fresh()
    for order in orders:
        second.intervene(first.intervene(order, NOW_US), LATER_US)
    assert first.interventions == second.interventions
    assert told(first, MINUTE, MINUTE + 900) == told(second, MINUTE, MINUTE + 900)
    assert minutes(first, MINUTE - 900, MINUTE + 900) == minutes(second, MINUTE - 900, MINUTE + 900)


@pytest.mark.parametrize(
    "order",
    [
        Amend(product_id=BTC, at=MINUTE),
        Amend(product_id="NOPE-USD"),
        Delist(product_id="NOPE-USD"),
        Amend(product_id=BTC, at=0),
    ],
)
def test_what_cannot_be_done_is_refused(order: AnyIntervention) -> None:
    with pytest.raises(ValueError, match=r"listed|no closed candle"):
        fresh().intervene(order, NOW_US)
