"""The verdict of ``make soak``: what it lets pass, and what it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from tests.soak.oracle import AHEAD_SECONDS, Fired, Oracle, lives
from tests.soak.timeline import Place, Span, Timeline
from tests.soak.verdict import Findings, Verdict
from tests.trading.simulator.worlds import NOW, SEED
from trading.alerts.compose import alert_of
from trading.core.market import Market
from trading.models import Alert
from trading.ports import FiredSignal, Owner
from trading.simulator.catalog import products
from trading.simulator.world import World

BTC = Market("coinbase", "BTC-USD")
BEGIN = NOW - NOW % 86_400
UNTIL = BEGIN + 4 * 3_600
OWNER = Owner(user_id=1, sub="ann", fence=1)

Rows = list[Alert]


@cache
def oracle() -> Oracle:
    return Oracle({"coinbase": World(SEED, products(4))}, UNTIL)


@cache
def fired() -> Fired:
    """Four hours, with a second worker that began after two."""
    return oracle().fired(BTC, [BEGIN, BEGIN + 7_200], BEGIN, ())


def rows() -> Rows:
    """As a worker would have written them."""
    return [
        alert_of(FiredSignal(owner=OWNER, signal=signal, missed=False))
        for signal in fired().signals
    ]


def judged(told: Rows, timeline: Timeline | None = None) -> Findings:
    verdict = Verdict(oracle(), timeline or Timeline())
    verdict.judge_alerts(BTC, told, fired())
    return verdict.findings


def test_what_the_true_candles_fire_passes() -> None:
    assert len(rows()) > 20
    findings = judged(rows())
    assert findings.violations == []
    assert findings.counts["in time"] == len(rows())


def without_one(told: Rows) -> None:
    del told[7]


def with_one_twice(told: Rows) -> None:
    told.append(told[7])


def with_another_value(told: Rows) -> None:
    told[7].value = (told[7].value or 0.0) + 0.02


def with_another_direction(told: Rows) -> None:
    told[7].direction = "up" if told[7].direction == "down" else "down"


def with_one_of_another_bar(told: Rows) -> None:
    assert told[7].candle_closed_at is not None
    told[7].candle_closed_at += timedelta(minutes=1)


def with_one_missed(told: Rows) -> None:
    told[7].state = Alert.State.MISSED


SPOILED = [
    without_one,
    with_one_twice,
    with_another_value,
    with_another_direction,
    with_one_of_another_bar,
    with_one_missed,
]


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_they_do_not_fire_is_named(spoil: Callable[[Rows], None]) -> None:
    told = rows()
    spoil(told)
    findings = judged(told)
    assert findings.violations
    assert all(sentence.startswith("coinbase BTC-USD ") for sentence in findings.violations)


@pytest.mark.parametrize(("more", "is_true"), [(0.0, True), (0.05, True), (0.03, False)])
def test_the_bar_at_which_one_worker_follows_another_is_told_by_either(
    more: float, is_true: bool
) -> None:
    told, twice = rows(), fired().signals[7]
    told[7].value = twice.value + more
    second = replace(twice, value=twice.value + 0.05)
    both = Fired(signals=fired().signals, raw=[*fired().raw, second])
    verdict = Verdict(oracle(), Timeline())
    verdict.judge_alerts(BTC, told, both)
    assert (verdict.findings.violations == []) is is_true


def test_what_a_killed_worker_may_have_told_is_known_by_its_bars_and_by_those_of_the_next() -> None:
    known = Counter((one.timeframe, one.kind, one.closed_at) for one in fired().raw)
    twice = [closed_at for (*_, closed_at), count in known.items() if count > 1]
    next_cut = BEGIN + 7_200
    assert twice
    assert all(next_cut < at <= next_cut + 60 + AHEAD_SECONDS for at in twice)


def test_what_closed_in_an_outage_must_be_missed() -> None:
    told = rows()
    closed_at = told[7].candle_closed_at
    assert closed_at is not None
    at = closed_at.timestamp()
    outage = Timeline(outages=[Span(at - 30, at + 30, "dead")], troubles=[Span(at, at, "dead")])
    assert "not marked missed" in judged(told, outage).violations[0]
    elsewhere = Timeline(outages=[outage.outages[0]._replace(place=Place("kucoin"))])
    assert judged(told, elsewhere).violations == []
    for row in told:
        if row.candle_closed_at == closed_at:
            row.state = Alert.State.MISSED
    assert judged(told, outage).violations == []


def test_a_row_of_a_bar_that_was_mended_later_is_counted_and_passes() -> None:
    told = rows()
    with_another_value(told)
    at = fired().signals[7].closed_at
    findings = judged(told, Timeline(amendments=[Span(at, at, "amended", Place(*BTC))]))
    assert findings.violations == []
    assert findings.counts["provisional: told before a bar was mended"] == 1
    for other in (Place("coinbase", "ETH-USD"), Place("binance")):
        assert judged(told, Timeline(amendments=[Span(at, at, "amended", other)])).violations


def test_the_log_of_a_worker_says_where_its_markets_began() -> None:
    line = "2026-11-20 [info] supply.warm cut={} exchange={} symbol={}\n"
    first = line.format(1795910400, *BTC) + line.format(1795910460, "kucoin", "BTC-USDT")
    second = line.format(1795920000, *BTC)
    assert lives([first, second]) == {
        BTC: [1795910400, 1795920000],
        Market("kucoin", "BTC-USDT"): [1795910460],
    }
