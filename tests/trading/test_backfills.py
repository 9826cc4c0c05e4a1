"""The book of the ordered backfills, without a loop: who may, who is next, and what is told."""

from __future__ import annotations

from typing import NoReturn

import pytest

from tests.trading.running import BTC, ETH, SOL
from trading.backfills import (
    KEPT_MS,
    MOST_KEPT,
    MOST_LIVING,
    REPLACED,
    Errand,
    OrderedBackfills,
)
from trading.core.market import Market, Timeframe
from trading.ports import BackfillOrder, BackfillState


class Clock:
    """A host's clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> OrderedBackfills:
    return OrderedBackfills(now_ms=clock)


def order(number: int, market: Market | None = None) -> BackfillOrder:
    """An order of a market of its own, unless one is named."""
    return BackfillOrder(id=f"order-{number}", market=market or other(number))


def other(number: int) -> Market:
    return Market("coinbase", f"A{number}-USD")


def states(book: OrderedBackfills, sub: str = "ann") -> list[BackfillState]:
    return [facts.state for facts in book.facts(sub)]


def taken(book: OrderedBackfills, life: int) -> Errand:
    errand = book.take("coinbase", life)
    assert errand is not None
    return errand


def test_an_order_is_carried_out_and_told_of_from_its_beginning_to_its_end(
    book: OrderedBackfills, clock: Clock
) -> None:
    life = book.begin_life()
    timeframes = (Timeframe.M1, Timeframe.H1)
    assert book.place("ann", BackfillOrder(id="a", market=BTC, timeframes=timeframes)) is None
    (waiting,) = book.facts("ann")
    assert (waiting.state, waiting.done, waiting.total) == (BackfillState.WAITING, 0, 600)
    assert (waiting.began_at_ms, waiting.ended_at_ms, waiting.eta_ms) == (None, None, None)
    clock.ms += 500
    errand = taken(book, life)
    clock.ms += 1_000
    book.moved(errand, 200)
    (running,) = book.facts("ann")
    assert (running.state, running.done, running.eta_ms) == (BackfillState.RUNNING, 200, 2_000)
    assert running.began_at_ms == waiting.ordered_at_ms + 500
    clock.ms += 1
    assert book.ended(errand, BackfillState.DONE, "read")
    (done,) = book.facts("ann")
    assert (done.state, done.message, done.eta_ms) == (BackfillState.DONE, "read", None)
    assert done.ended_at_ms == clock.ms


def test_another_order_for_the_same_market_cancels_the_one_before(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(1, BTC))
    book.place("bob", order(1, BTC))
    first = taken(book, life)
    book.place("ann", order(2, BTC))
    before, after = book.facts("ann")
    assert (before.state, before.message) == (BackfillState.CANCELLED, REPLACED)
    assert after.state is BackfillState.WAITING
    assert states(book, "bob") == [BackfillState.WAITING], "another user's stays"
    assert not book.is_living(first)
    assert not book.ended(first, BackfillState.DONE, "too late")
    assert before == book.facts("ann")[0]


def test_the_same_id_is_carried_out_once(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(1))
    book.ended(taken(book, life), BackfillState.DONE, "")
    assert book.place("ann", order(1)) is None
    assert states(book) == [BackfillState.DONE]
    assert book.take("coinbase", life) is None


def test_cancelling_means_one_market_or_all_of_one_user(book: OrderedBackfills) -> None:
    book.place("ann", order(1, BTC))
    book.place("ann", order(2, ETH))
    book.place("bob", order(3, BTC))
    assert book.cancel("ann", BTC, reason="because") == ("order-1",)
    assert book.facts("ann")[0].message == "because"
    assert book.cancel("ann", reason="a pause") == ("order-2",)
    assert book.cancel("ann", reason="again") == ()
    assert states(book) == [BackfillState.CANCELLED, BackfillState.CANCELLED]
    assert states(book, "bob") == [BackfillState.WAITING]


class Untouchable(dict[str, object]):
    """Another user's orders, which nobody may walk through."""

    def values(self) -> NoReturn:
        raise AssertionError("another user's orders were looked at")


def test_cancelling_looks_at_nobody_elses_orders(book: OrderedBackfills) -> None:
    book.place("ann", order(1, BTC))
    book._entries["bob"] = Untouchable()  # type: ignore[assignment]  # none of its use here
    assert book.cancel("ann", reason="a pause") == ("order-1",)


def test_what_is_being_handed_over_can_neither_be_cancelled_nor_done_before(
    book: OrderedBackfills,
) -> None:
    life = book.begin_life()
    book.place("ann", order(1, BTC))
    errand = taken(book, life)
    assert book.claim(errand)
    assert states(book) == [BackfillState.RUNNING]
    assert book.cancel("ann", reason="too late") == ()
    book.place("ann", order(2, BTC))
    assert book.ended(errand, BackfillState.DONE, "")
    assert states(book) == [BackfillState.DONE, BackfillState.WAITING]
    assert book.cancel("ann", reason="a pause") == ("order-2",)


def test_what_was_cancelled_is_not_handed_over(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(1, BTC))
    errand = taken(book, life)
    book.cancel("ann", reason="a pause")
    assert not book.claim(errand)


def test_users_take_turns_however_much_one_of_them_orders(book: OrderedBackfills) -> None:
    life = book.begin_life()
    for number in range(5):
        book.place("ann", order(number))
    book.place("bob", order(7))
    book.place("bob", order(8))
    turns = [taken(book, life) for _ in range(7)]
    assert [turn.sub for turn in turns] == ["ann", "bob", "ann", "bob", "ann", "ann", "ann"]
    mine = [turn.order.id for turn in turns if turn.sub == "ann"]
    assert mine == [f"order-{number}" for number in range(5)]
    assert book.take("coinbase", life) is None


def test_an_exchange_gets_only_what_is_its_own(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(1, Market("binance", "BTC-USDT")))
    assert book.exchanges() == {"binance"}
    assert book.take("coinbase", life) is None
    assert book.take("binance", life) is not None


def test_an_ended_one_is_told_of_for_a_minute(book: OrderedBackfills, clock: Clock) -> None:
    life = book.begin_life()
    book.place("ann", order(1))
    book.ended(taken(book, life), BackfillState.FAILED, "no")
    clock.ms += KEPT_MS - 1
    assert states(book) == [BackfillState.FAILED]
    clock.ms += 1
    assert states(book) == []


def test_of_many_the_first_to_end_is_forgotten_and_none_that_lives(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(0))
    errand = taken(book, life)
    for number in range(1, MOST_KEPT + 1):
        book.place("ann", order(number))
    assert len(book.facts("ann")) == MOST_KEPT + 1
    book.ended(errand, BackfillState.DONE, "")
    assert len(book.facts("ann")) == MOST_KEPT
    assert set(states(book)) == {BackfillState.WAITING}


def test_no_user_can_order_without_end(book: OrderedBackfills) -> None:
    for number in range(MOST_LIVING):
        assert book.place("ann", order(number)) is None
    refused = book.place("ann", order(MOST_LIVING))
    assert refused == f"{MOST_LIVING} backfills are under way already; try again when some ended"
    assert book.place("ann", order(MOST_LIVING + 1, other(3))) is None, "it replaces one"
    assert book.place("bob", order(1)) is None, "another user's are another's"


def test_a_new_life_begins_anew_and_the_life_before_is_not_heard(book: OrderedBackfills) -> None:
    before = book.begin_life()
    book.place("ann", order(1))
    given_up = taken(book, before)
    book.moved(given_up, 300)
    life = book.begin_life()
    assert [(f.state, f.done) for f in book.facts("ann")] == [(BackfillState.WAITING, 0)]
    book.moved(given_up, 300)
    assert book.take("coinbase", before) is None
    assert not book.ended(given_up, BackfillState.FAILED, "the loop was given up")
    errand = taken(book, life)
    assert [(f.state, f.done) for f in book.facts("ann")] == [(BackfillState.RUNNING, 0)]
    assert book.ended(errand, BackfillState.DONE, "")


def test_a_forgotten_user_wants_nothing(book: OrderedBackfills) -> None:
    life = book.begin_life()
    book.place("ann", order(1))
    errand = taken(book, life)
    book.place("ann", order(2, SOL))
    book.forget("ann")
    assert book.facts("ann") == ()
    assert not book.is_living(errand)
    assert book.take("coinbase", life) is None
